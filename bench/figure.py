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


def print_figures(title: str, figures: Iterable[Figure]) -> None:
    """Print a table: figure, value, goal, ceiling, ratio, and a published peer if any."""
    table = Table(title=title)
    rows = list(figures)
    headings = ["figure", "value", "goal", "ceiling of this run", "ratio"]
    if any(figure.peer for figure in rows):
        headings.append("published peer, not of this run")
    for heading in headings:
        table.add_column(heading, justify="left" if heading == "figure" else "right")
    for figure in rows:
        verdict = {True: " met", False: " MISSED", None: ""}[figure.met]
        table.add_row(
            figure.name,
            f"{figure.value:,.4g} {figure.unit}",
            "" if figure.goal is None else f"{figure.goal:,.4g}{verdict}",
            "" if figure.ceiling is None else f"{figure.ceiling:,.4g} {figure.ceiling_name}",
            "" if figure.ratio is None else f"{figure.ratio:.2f}",
            *([figure.peer] if len(headings) > 5 else []),
        )
    Console(width=160).print(table)
