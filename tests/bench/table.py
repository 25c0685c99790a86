"""The table of results: each row a figure, what it is held against, and whether its targets are met."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

HEAD = ("what", "value", "unit", "yardstick", "ratio", "target", "met")


@dataclass(frozen=True, slots=True)
class Target:
    """A bound: `most`, or `least`."""

    most: float | None = None
    least: float | None = None

    def __str__(self) -> str:
        return f"at most {self.most:,g}" if self.most is not None else f"at least {self.least:,g}"

    def is_met(self, value: float) -> bool:
        """Hold a figure against the bound."""
        above = self.least is None or value >= self.least
        return above and (self.most is None or value <= self.most)


@dataclass(frozen=True, slots=True)
class Row:
    """One figure; `ratio` is figure by yardstick, where there is one."""

    group: str
    what: str
    value: float
    unit: str
    yardstick: str = ""
    ratio: float | None = None
    target: str = ""
    is_met: bool | None = None

    def held_to(self, target: Target) -> Row:
        """Hold the figure itself to a target."""
        return self._with(str(target), target.is_met(self.value))

    def against(self, yardstick: str, by: float, target: Target | None = None) -> Row:
        """Hold the figure against a yardstick, and the ratio to a target."""
        row = replace(self, yardstick=f"{yardstick}: {spelled(by)}", ratio=self.value / by)
        return row if target is None else row._with(f"ratio {target}", target.is_met(self.value / by))

    def _with(self, target: str, is_met: bool) -> Row:
        said = f"{self.target}, {target}" if self.target else target
        return replace(self, target=said, is_met=is_met and self.is_met is not False)


def spelled(value: float) -> str:
    """Write a figure with three digits that count, or all before the point."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def as_text(machine: Mapping[str, object], rows: Iterable[Row]) -> str:
    """Write the table for a terminal."""
    lines, group = [HEAD], ""
    for row in rows:
        if row.group != group:
            group = row.group
            lines.append((f"[{group}]", *[""] * 6))
        met = {None: "", True: "yes", False: "NO"}[row.is_met]
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        lines.append((row.what, spelled(row.value), row.unit, row.yardstick, ratio, row.target, met))
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEAD))]
    body = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)
    said = ", ".join(f"{name} {value}" for name, value in machine.items())
    return "\n".join([said, "", *(line.rstrip() for line in body)])
