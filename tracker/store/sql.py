"""Named `.sql` files of this package, cut into statements."""

from __future__ import annotations

import sqlite3
from importlib import resources


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


def run(db: sqlite3.Connection, name: str) -> None:
    """Run the statements of `queries/<name>.sql` inside the caller's transaction."""
    for statement in statements(name):
        db.execute(statement)
