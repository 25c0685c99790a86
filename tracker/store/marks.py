"""Dirty marks and the numbers of passes: what must be recomputed, and what was.

A mark names a view (`visitor`: that visitor's sessions, `fact`, `identifier`, `match`, `journey`), the
key of one of it, and the fact that made it stale. Marks are written in the transaction of the facts; those
that stitch puts and works off within one transaction never reach the store.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

from tracker.store.db import key_list

Key = int | str
Stale = Mapping[tuple[str, Key], str]
"""Views that must be recomputed, by noun and key, and why."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One view of which something must be recomputed."""

    key: Key
    because: str


class Marks:
    """What is stale, seen from within one transaction that works it off; `within` opens it.

    What the store holds is taken away from there, what is put stays here until the transaction ends.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._put: dict[str, dict[Key, str]] = {}
        self._stored = _nouns(db)
        self._drawn: int | None = None

    def put(self, stale: Stale) -> None:
        """Mark views as stale; a mark that stands already keeps its reason."""
        for (noun, key), because in stale.items():
            self._put.setdefault(noun, {}).setdefault(key, because)

    def take(self, nouns: Iterable[str], most: int) -> tuple[str, list[Mark]]:
        """Take marks of the first of these nouns that has any away, in order of their keys.

        Args:
            most: how many at most.

        Returns:
            The noun and its marks; no marks where nothing is stale.
        """
        for noun in nouns:
            found = self._put.pop(noun, {}) | self._take_stored(noun, most)
            if found:
                in_order = sorted(found.items(), key=lambda each: (isinstance(each[0], str), each[0]))
                if rest := dict(in_order[most:]):
                    self._put[noun] = rest
                return noun, [Mark(*each) for each in in_order[:most]]
        return "", []

    def take_these(self, noun: str, keys: Iterable[Key]) -> list[Mark]:
        """Take those marks away whose views are being recomputed along with others."""
        wanted, put = list(keys), self._put.get(noun, {})
        found = {key: put.pop(key) for key in wanted if key in put}
        if noun in self._stored:
            rows = self._db.execute(
                """DELETE FROM dirty WHERE noun = ? AND key IN (SELECT value FROM json_each(?))
                RETURNING key, because""",
                [noun, key_list(wanted)],
            )
            found |= dict(rows.fetchall())
        return [Mark(*each) for each in found.items()]

    def draw(self) -> int:
        """Draw the number of a pass, the next one of the store."""
        if self._drawn is None:
            self._drawn = last_change(self._db)
        self._drawn += 1
        return self._drawn

    def keep(self) -> None:
        """Write down the marks that are left, and the last number."""
        for noun, left in self._put.items():
            put(self._db, {(noun, key): because for key, because in left.items()})
        if self._drawn is not None:
            self._db.execute(
                """INSERT INTO counter VALUES ('change_no', ?)
                ON CONFLICT (name) DO UPDATE SET value = excluded.value""",
                [self._drawn],
            )

    def _take_stored(self, noun: str, most: int) -> dict[Key, str]:
        if noun not in self._stored:
            return {}
        rows = self._db.execute(
            "SELECT key, because FROM dirty WHERE noun = ? ORDER BY key LIMIT ?", [noun, most]
        ).fetchall()
        if len(rows) < most:
            self._stored.discard(noun)
        if rows:
            self._db.execute("DELETE FROM dirty WHERE noun = ? AND key <= ?", [noun, rows[-1][0]])
        return dict(rows)


class Pass:
    """One pass of stitch: its number, which the rows that it changes carry, and its time in ms.

    The number is drawn when the first row changes: most passes of a single lead change few.
    """

    def __init__(self, marks: Marks, now_ms: int) -> None:
        self._marks = marks
        self.now_ms = now_ms

    @cached_property
    def number(self) -> int:
        """Draw the pass's number."""
        return self._marks.draw()

    def mark(self, stale: Stale) -> None:
        """Mark what rests on what the pass changes; a mark that stands already keeps its reason."""
        self._marks.put(stale)

    def take_these(self, noun: str, keys: Iterable[Key]) -> list[Mark]:
        """Take those marks away whose views the pass recomputes along with others."""
        return self._marks.take_these(noun, keys)


@contextmanager
def within(db: sqlite3.Connection) -> Iterator[Marks]:
    """Open the marks inside the caller's transaction; what is left of them is written where it succeeds."""
    marks = Marks(db)
    yield marks
    marks.keep()


def put(db: sqlite3.Connection, stale: Stale) -> None:
    """Mark views as stale, in the transaction of the facts; a mark that stands already keeps its reason."""
    rows = [(noun, key, because) for (noun, key), because in stale.items()]
    db.executemany("INSERT OR IGNORE INTO dirty VALUES (?, ?, ?)", rows)


def last_change(db: sqlite3.Connection) -> int:
    """Give the number of the last pass."""
    row = db.execute("SELECT value FROM counter WHERE name = 'change_no'").fetchone()
    return int(row[0]) if row else 0


def _nouns(db: sqlite3.Connection) -> set[str]:
    """Name the views of which some are marked, by a look at one row of each."""
    rows = db.execute(
        """WITH RECURSIVE found(noun) AS (
          VALUES ('') UNION ALL
          SELECT (SELECT noun FROM dirty WHERE noun > found.noun ORDER BY noun LIMIT 1)
          FROM found WHERE noun IS NOT NULL
        ) SELECT noun FROM found WHERE noun > ''"""
    )
    return {row[0] for row in rows}
