"""Long texts that recur, each stored once and named by a number."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from typing import Any

from tracker.core.ids import identifier_id
from tracker.store.db import key_list

CACHE_SIZE = 20_000
AT_ONCE = 100
FEW = 4  # keys of a batch of one hit


class Numbers:
    """Texts to numbers and back, for one connection.

    Keeps what it has seen lately. Make a new one after a rollback: numbers given inside it are void.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._numbers: dict[str | None, int | None] = {None: None}
        self._texts: dict[int, str] = {}

    def number(self, text: str | None) -> int | None:
        """Give a text's number, a new one if it has none; none for no text."""
        if text is None:
            return None
        number = self._numbers.get(text)
        return self._intern(text) if number is None else number

    def learn(self, texts: Iterable[str | None]) -> Mapping[str | None, int | None]:
        """Number many texts at once, for a third of what it costs one by one.

        Returns:
            The numbers of these texts and of others; good until the next call.
        """
        _bound(self._numbers)
        self._numbers[None] = None
        fresh = {_digest(text): text for text in set(texts).difference(self._numbers) if text is not None}
        if not fresh:
            return self._numbers
        found = _find(self._db, "SELECT digest, string_no FROM string WHERE digest IN", list(fresh))
        first = self._db.execute("SELECT coalesce(max(string_no), 0) + 1 FROM string").fetchone()[0]
        unknown = (key for key in fresh if key not in found)
        added = {key: number for number, key in enumerate(unknown, first)}
        rows = [(number, key, fresh[key]) for key, number in added.items()]
        self._db.executemany("INSERT INTO string VALUES (?, ?, ?)", rows)
        self._numbers.update((fresh[key], number) for key, number in (found | added).items())
        return self._numbers

    def read(self, numbers: Iterable[int | None]) -> None:
        """Read many numbers' texts at once, so that `text` need not read them one by one."""
        fresh = {number for number in numbers if number is not None and number not in self._texts}
        query = "SELECT string_no, value FROM string WHERE string_no IN"
        for number, text in _find(self._db, query, list(fresh)).items():
            _bound(self._texts)
            self._texts[number] = text

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
        key = _digest(text)
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

    def learn(self, visitor_ids: Iterable[str]) -> Mapping[str, int]:
        """Number many visitors at once, for a third of what it costs one by one.

        Returns:
            The numbers of these visitors and of others; good until the next call.
        """
        _bound(self._numbers)
        fresh = dict.fromkeys(each for each in visitor_ids if each not in self._numbers)
        found = _find(self._db, "SELECT visitor_id, visitor_no FROM visitor WHERE visitor_id IN", list(fresh))
        first = self._db.execute("SELECT coalesce(max(visitor_no), 0) + 1 FROM visitor").fetchone()[0]
        unknown = (each for each in fresh if each not in found)
        added = {each: number for number, each in enumerate(unknown, first)}
        rows = [(number, each, identifier_id(self._key, "visitor", each)) for each, number in added.items()]
        self._db.executemany("INSERT INTO visitor VALUES (?, ?, ?)", rows)
        self._numbers.update(found | added)
        return self._numbers

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


def find_number(db: sqlite3.Connection, text: str) -> int | None:
    """Find a text's number, if it has one."""
    found = db.execute("SELECT string_no FROM string WHERE digest = ?", [_digest(text)]).fetchone()
    return None if found is None else int(found[0])


def visitor_ids(db: sqlite3.Connection, numbers: Iterable[int]) -> dict[int, str]:
    """Load the ids of these visitors by number."""
    rows = db.execute(
        "SELECT visitor_no, visitor_id FROM json_each(?) AS wanted JOIN visitor ON visitor_no = wanted.value",
        [key_list(numbers)],
    )
    return dict(rows.fetchall())


class Registry:
    """Both kinds of numbers over one connection; make a new one after a rollback."""

    def __init__(self, db: sqlite3.Connection, key: bytes) -> None:
        self.texts = Numbers(db)
        self.visitors = Visitors(db, key)


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=12).digest()


def _find(db: sqlite3.Connection, query: str, keys: Sequence[Any]) -> dict[Any, Any]:
    """Look many keys up; `query` selects key and value and ends in IN."""
    width = AT_ONCE if len(keys) > FEW else FEW
    marks = f"({', '.join('?' * width)})"
    found: dict[Any, Any] = {}
    for first in range(0, len(keys), width):
        part = keys[first : first + width]
        found.update(db.execute(f"{query} {marks}", [*part, *[None] * (width - len(part))]).fetchall())
    return found


def _bound(cache: MutableMapping[Any, Any]) -> None:
    """Forget the older half of a full cache."""
    if len(cache) >= CACHE_SIZE:
        for key in list(cache)[: CACHE_SIZE // 2]:
            del cache[key]
