"""Statistics are the log's own counts, or everybody sees that they are not (R-37)."""

import msgspec
from law_world import World

from doublelock.protocol.statistics import Counts


def test_a_period_counts_its_own_lines_and_a_wrong_statement_shows() -> None:
    world = World()
    begin = world.time_ms
    warrant = world.warrant()
    world.request(warrant, world.labels(world.label("alice")))
    middle = world.time_ms + 1
    world.time_ms = middle
    world.warrant(reference="another case")
    end = world.time_ms + 1
    counts = Counts(world.charter, world.lines)
    first, second = counts.count(1, begin, middle), counts.count(1, middle, end)
    assert (first.filed, first.approved, first.requests, first.labels) == (1, 1, 1, 1)
    assert (second.filed, second.approved, second.requests) == (1, 1, 0)
    both = counts.count(1, begin, end)
    assert both.filed == world.state.tallies[1].filed == 2
    assert counts.count(2, begin, end).filed == 0

    world.log("operator", first, end)
    world.log("operator", msgspec.structs.replace(second, filed=0), end)
    later = msgspec.structs.replace(counts.count(1, end, end), until_ms=end + 10**9)
    world.log("operator", later, end)
    world.log("1-agency", first, end, void=True)
    stated = Counts(world.charter, world.lines).check()
    assert [one.holds for one in stated] == [True, False, False]
    assert stated[0].index == len(world.lines) - 4
