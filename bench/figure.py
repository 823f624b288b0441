"""What a measurement is, and how a table of them is printed."""

from collections.abc import Iterable
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number beside its ceiling from the same run, and its goal if there is one."""

    name: str
    value: float
    unit: str
    ceiling: float | None = None
    ceiling_name: str = ""
    goal: float | None = None
    smaller_is_better: bool = False
    peer: str = ""
    """What another product was published to do on such a machine: not of this run."""

    @property
    def ratio(self) -> float | None:
        """Return value over ceiling (for times and sizes, how many times the ceiling's cost)."""
        return None if not self.ceiling else self.value / self.ceiling

    @property
    def met(self) -> bool | None:
        """Return whether the goal is met; None where there is no goal."""
        if self.goal is None:
            return None
        return self.value <= self.goal if self.smaller_is_better else self.value >= self.goal


def tabulate(figures: Iterable[Figure]) -> list[list[str]]:
    """Return a heading and a row each: figure, value, goal, ceiling, ratio, and a peer if any."""
    rows = list(figures)
    peers = any(figure.peer for figure in rows)
    heading = ["figure", "value", "goal", "ceiling of this run", "ratio"]
    table = [heading + ["published peer, not of this run"] * peers]
    for figure in rows:
        verdict = {True: " met", False: " MISSED", None: ""}[figure.met]
        table.append(
            [
                figure.name,
                f"{_number(figure.value)} {figure.unit}",
                "" if figure.goal is None else f"{figure.goal:,.4g}{verdict}",
                ""
                if figure.ceiling is None
                else f"{_number(figure.ceiling)} {figure.ceiling_name}",
                "" if figure.ratio is None else f"{figure.ratio:.2f}",
                *[figure.peer] * peers,
            ]
        )
    return table


def print_figures(title: str, figures: Iterable[Figure]) -> None:
    """Print a table."""
    heading, *rows = tabulate(figures)
    table = Table(title=title)
    for name in heading:
        table.add_column(name, justify="left" if name == "figure" else "right")
    for row in rows:
        table.add_row(*row)
    Console(width=160).print(table)


def write_figures(title: str, figures: Iterable[Figure]) -> str:
    """Return a table as Markdown."""
    heading, *rows = tabulate(figures)
    rule = ["---", *["---:"] * (len(heading) - 1)]
    lines = [f"| {' | '.join(row)} |" for row in (heading, rule, *rows)]
    return "\n".join([f"## {title}", "", *lines, ""])


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1_000 else f"{value:.4g}"
