"""Long texts that recur, each stored once and named by a number."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable

from tracker.core.ids import identifier_id

CACHE_SIZE = 60_000


class Numbers:
    """Texts to numbers and back, for one connection.

    Keeps what it has seen lately. Make a new one after a rollback: numbers given inside it are void.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._numbers: dict[str, int] = {}
        self._texts: dict[int, str] = {}

    def number(self, text: str | None) -> int | None:
        """Give a text's number, a new one if it has none; none for no text."""
        if text is None:
            return None
        number = self._numbers.get(text)
        return self._intern(text) if number is None else number

    def text(self, number: int | None) -> str | None:
        """Give a number's text."""
        if number is None:
            return None
        text = self._texts.get(number)
        if text is None:
            row = self._db.execute("SELECT value FROM string WHERE string_no = ?", [number]).fetchone()
            text = row[0]
            _bound(self._texts)
            self._texts[number] = text
        return text

    def _intern(self, text: str) -> int:
        key = hashlib.blake2b(text.encode(), digest_size=12).digest()
        row = self._db.execute("SELECT string_no FROM string WHERE digest = ?", [key]).fetchone()
        if row is None:
            insert = "INSERT INTO string (digest, value) VALUES (?, ?) RETURNING string_no"
            row = self._db.execute(insert, [key, text]).fetchone()
        _bound(self._numbers)
        self._numbers[text] = row[0]
        return int(row[0])


class Visitors:
    """Visitor ids to numbers, for one connection; `identifier_id` names a visitor as an identifier."""

    def __init__(self, db: sqlite3.Connection, key: bytes) -> None:
        self._db = db
        self._key = key
        self._numbers: dict[str, int] = {}

    def number(self, visitor_id: str) -> int:
        """Give a visitor's number, a new one at first sight."""
        number = self._numbers.get(visitor_id)
        if number is None:
            found = self._db.execute("SELECT visitor_no FROM visitor WHERE visitor_id = ?", [visitor_id])
            row = found.fetchone()
            if row is None:
                insert = "INSERT INTO visitor (visitor_id, identifier_id) VALUES (?, ?) RETURNING visitor_no"
                named = identifier_id(self._key, "visitor", visitor_id)
                row = self._db.execute(insert, [visitor_id, named]).fetchone()
            number = int(row[0])
            _bound(self._numbers)
            self._numbers[visitor_id] = number
        return number


def visitor_ids(db: sqlite3.Connection, numbers: Iterable[int]) -> dict[int, str]:
    """Load the ids of these visitors by number."""
    rows = db.execute(
        "SELECT visitor_no, visitor_id FROM json_each(?) AS wanted JOIN visitor ON visitor_no = wanted.value",
        [json.dumps(list(numbers))],
    )
    return dict(rows.fetchall())


class Registry:
    """Both kinds of numbers over one connection; make a new one after a rollback."""

    def __init__(self, db: sqlite3.Connection, key: bytes) -> None:
        self.texts = Numbers(db)
        self.visitors = Visitors(db, key)


def _bound(cache: dict[str, int] | dict[int, str]) -> None:
    """Forget the older half of a full cache."""
    if len(cache) >= CACHE_SIZE:
        for key in list(cache)[: CACHE_SIZE // 2]:
            del cache[key]  # type: ignore[arg-type]
