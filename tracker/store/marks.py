"""Dirty marks and the numbers of passes: what must be recomputed, and what was.

A mark names a view (`visitor`: that visitor's sessions, `fact`, `identifier`, `match`, `journey`), the
key of one of it, and the fact that made it stale. Marks are written in the transaction of the facts.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Key = int | str


@dataclass(frozen=True, slots=True)
class Mark:
    """One view of which something must be recomputed."""

    key: Key
    because: str


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass of stitch: its number, which the rows that it changes carry, and its time in ms."""

    number: int
    now_ms: int


def put(db: sqlite3.Connection, marks: Mapping[tuple[str, Key], str]) -> None:
    """Mark views as stale; a mark that stands already keeps its reason."""
    rows = [(noun, key, because) for (noun, key), because in marks.items()]
    db.executemany("INSERT OR IGNORE INTO dirty VALUES (?, ?, ?)", rows)


def take(db: sqlite3.Connection, noun: str, most: int) -> list[Mark]:
    """Take up to `most` marks of a noun away, to be worked off in the same transaction."""
    rows = db.execute("SELECT key, because FROM dirty WHERE noun = ? ORDER BY key LIMIT ?", [noun, most])
    marks = [Mark(*row) for row in rows.fetchall()]
    db.executemany("DELETE FROM dirty WHERE noun = ? AND key = ?", [(noun, mark.key) for mark in marks])
    return marks


def take_these(db: sqlite3.Connection, noun: str, keys: Iterable[Key]) -> list[Mark]:
    """Take those marks away whose views are being recomputed along with others."""
    rows = db.execute(
        """DELETE FROM dirty WHERE noun = ? AND key IN (SELECT value FROM json_each(?))
        RETURNING key, because""",
        [noun, json.dumps(sorted(keys, key=str))],
    )
    return [Mark(*row) for row in rows.fetchall()]


def lowest(db: sqlite3.Connection, nouns: Iterable[str]) -> str | None:
    """Tell the first of these nouns of which something is stale."""
    found = db.execute(
        """SELECT value FROM json_each(?) AS wanted
        WHERE EXISTS (SELECT 1 FROM dirty WHERE noun = wanted.value) ORDER BY wanted.key LIMIT 1""",
        [json.dumps(list(nouns))],
    ).fetchone()
    return None if found is None else str(found[0])


def next_pass(db: sqlite3.Connection, now_ms: int) -> Pass:
    """Begin a pass of stitch."""
    row = db.execute(
        """INSERT INTO counter VALUES ('change_no', 1)
        ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value"""
    )
    return Pass(int(row.fetchone()[0]), now_ms)


def last_change(db: sqlite3.Connection) -> int:
    """Give the number of the last pass."""
    row = db.execute("SELECT value FROM counter WHERE name = 'change_no'").fetchone()
    return int(row[0]) if row else 0
