"""Dirty marks and the numbers of passes: what must be recomputed, and what was.

A mark names a view (`visitor`: that visitor's sessions, `fact`, `identifier`, `match`, `journey`), the
key of one of it, and the fact that made it stale. Marks are written in the transaction of the facts.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from tracker.store.db import key_list

Key = int | str


@dataclass(frozen=True, slots=True)
class Mark:
    """One view of which something must be recomputed."""

    key: Key
    because: str


class Pass:
    """One pass of stitch: its number, which the rows that it changes carry, and its time in ms.

    The number is drawn when the first row changes: most passes of a single lead change few.
    """

    def __init__(self, db: sqlite3.Connection, now_ms: int) -> None:
        self._db = db
        self.now_ms = now_ms

    @cached_property
    def number(self) -> int:
        """Draw the pass's number, the next one of the store."""
        row = self._db.execute(
            """INSERT INTO counter VALUES ('change_no', 1)
            ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value"""
        )
        return int(row.fetchone()[0])


def put(db: sqlite3.Connection, marks: Mapping[tuple[str, Key], str]) -> None:
    """Mark views as stale; a mark that stands already keeps its reason."""
    rows = [(noun, key, because) for (noun, key), because in marks.items()]
    db.executemany("INSERT OR IGNORE INTO dirty VALUES (?, ?, ?)", rows)


def take(db: sqlite3.Connection, nouns: Iterable[str], most: int) -> tuple[str, list[Mark]]:
    """Take marks of the first of these nouns that has any away, to be worked off in the same transaction.

    Args:
        most: how many at most.

    Returns:
        The noun and its marks; no marks where nothing is stale.
    """
    rows = db.execute(
        """SELECT noun, key, because FROM dirty WHERE noun = (
          SELECT value FROM json_each(?) AS wanted
          WHERE EXISTS (SELECT 1 FROM dirty WHERE noun = wanted.value) ORDER BY wanted.key LIMIT 1
        ) ORDER BY key LIMIT ?""",
        [key_list(nouns), most],
    ).fetchall()
    if not rows:
        return "", []
    noun, last, _ = rows[-1]
    db.execute("DELETE FROM dirty WHERE noun = ? AND key <= ?", [noun, last])
    return noun, [Mark(key, because) for _, key, because in rows]


def take_these(db: sqlite3.Connection, noun: str, keys: Iterable[Key]) -> list[Mark]:
    """Take those marks away whose views are being recomputed along with others."""
    rows = db.execute(
        """DELETE FROM dirty WHERE noun = ? AND key IN (SELECT value FROM json_each(?))
        RETURNING key, because""",
        [noun, key_list(keys)],
    )
    return [Mark(*row) for row in rows.fetchall()]


def last_change(db: sqlite3.Connection) -> int:
    """Give the number of the last pass."""
    row = db.execute("SELECT value FROM counter WHERE name = 'change_no'").fetchone()
    return int(row[0]) if row else 0
