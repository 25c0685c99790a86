"""Rows as aligned text tables: what a store should hold, readable at a glance.

A table's first line names the columns, two spaces part the cells, a dash is null.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

_GAP = re.compile(r"\s{2,}")


def table(rows: Iterable[Mapping[str, Any]], columns: str) -> str:
    """Write these columns of rows as an aligned table."""
    names = columns.split()
    lines = [names, *([_cell(row[name]) for name in names] for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(names))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def tidy(expected: str) -> str:
    """Align a table as `table` would, whatever the test's own indentation and spacing."""
    lines = [_GAP.split(line.strip()) for line in expected.strip().splitlines()]
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def holds(rows: Iterable[Mapping[str, Any]], expected: str) -> None:
    """Compare rows with a table of the columns that it names.

    Raises:
        AssertionError: they differ; shows both tables.
    """
    wanted = tidy(expected)
    found = table(rows, wanted.splitlines()[0])
    if found != wanted:
        raise AssertionError(f"found\n\n{found}\n\ninstead of\n\n{wanted}")


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ",".join(str(each) for each in value) or "[]"
    return str(value)
