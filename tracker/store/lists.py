"""The operator's own copy of public lists of senders: one CSV file in the data directory."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from tracker.core.lists import COLUMNS
from tracker.core.tables import Row
from tracker.errors import Permanent

FILE = "sources-overlay.csv"


def load_overlay(data: Path) -> tuple[Row, ...]:
    """Load the rows that lie over the package's table of senders; none where nothing was imported.

    Raises:
        Permanent: the file is not what `touchline sources import` writes.
    """
    path = data / FILE
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return ()
    rows = list(csv.DictReader(lines[1:]))
    if not lines or not lines[0].startswith("# ") or any(tuple(row) != COLUMNS for row in rows):
        raise Permanent(f"{path} cannot be read: remove it and run `touchline sources import` again")
    return tuple({name: cell or "" for name, cell in row.items()} for row in rows)


def save_overlay(data: Path, rows: Iterable[Row], *, origin: str) -> Path:
    """Write the rows, whole or not at all.

    Args:
        origin: where the facts come from and when; the file's first line says it.
    """
    text = io.StringIO()
    text.write(f"# {' '.join(origin.split())}\n")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path = data / FILE
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_suffix(".new")
    draft.write_text(text.getvalue(), encoding="utf-8")
    draft.replace(path)
    return path
