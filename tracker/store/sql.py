"""Statements: from the named `.sql` files of this package, and for many rows at once."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from importlib import resources
from operator import itemgetter
from typing import Any

MANY = 50


def statements(name: str) -> list[str]:
    """Read the statements of `queries/<name>.sql` in order, comments kept inside them."""
    text = resources.files("tracker.store").joinpath(f"queries/{name}.sql").read_text("utf-8")
    found, pending = [], ""
    for line in text.splitlines(keepends=True):
        if not pending and (not line.strip() or line.startswith("--")):
            continue
        pending += line
        if sqlite3.complete_statement(pending):
            found.append(pending.strip().removesuffix(";"))
            pending = ""
    if pending.strip():
        raise ValueError(f"queries/{name}.sql ends inside a statement: {pending[:60]!r}")
    return found


def insert_many(
    db: sqlite3.Connection,
    table: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    otherwise: str = "",
) -> None:
    """Insert rows, leaving out the columns that are empty in all of them.

    Binding an empty value costs Python as much as three numbers do.

    Args:
        columns: two at least that are never empty.
        otherwise: what to do where a row is there already, such as `ON CONFLICT DO NOTHING`.
    """
    filled = [i for i, _ in enumerate(columns) if len(rows) < MANY or any(row[i] is not None for row in rows)]
    names, marks = ", ".join(columns[i] for i in filled), ", ".join("?" * len(filled))
    query = f"INSERT INTO {table} ({names}) VALUES ({marks}) {otherwise}"
    db.executemany(query, map(itemgetter(*filled), rows))


def run(db: sqlite3.Connection, name: str) -> None:
    """Run the statements of `queries/<name>.sql` inside the caller's transaction."""
    for statement in statements(name):
        db.execute(statement)
