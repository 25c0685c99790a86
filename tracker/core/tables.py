"""Rule tables: the CSV files of `tracker/data`, the one place in the core that opens a file.

The first line of each says where its facts come from and when; the second names the columns. Cells
that hold several words separate them by spaces.
"""

from __future__ import annotations

import csv
import hashlib
from functools import cache
from importlib.resources import files

Row = dict[str, str]


@cache
def _text(name: str) -> str:
    return (files("tracker") / "data" / f"{name}.csv").read_text(encoding="utf-8")


@cache
def read_table(name: str) -> tuple[Row, ...]:
    """Read one table of the package.

    Args:
        name: the file's name without `.csv`.

    Returns:
        Its rows in order, every cell trimmed.
    """
    lines = _text(name).splitlines()
    if not lines or not lines[0].startswith("# "):
        raise ValueError(f"{name}.csv: the first line must say where the facts come from and when")
    reader = csv.DictReader(lines[1:], strict=True)
    return tuple({column: (cell or "").strip() for column, cell in row.items()} for row in reader)


def read_words(name: str, column: str, **where: str) -> frozenset[str]:
    """Collect the words of one column, of the rows in which the other columns have these values."""
    rows = (row for row in read_table(name) if all(row[key] == value for key, value in where.items()))
    return frozenset(word for row in rows for word in row[column].split())


def fingerprint(*names: str) -> str:
    """Name the content of these tables in eight characters; any change of a cell changes it."""
    digest = hashlib.sha256()
    for name in names:
        digest.update(_text(name).encode())
    return digest.hexdigest()[:8]
