"""Sources in the store: each combination once, named by a number."""

from __future__ import annotations

import hashlib
import json
import sqlite3

from tracker.model import Source

CACHE_SIZE = 5_000


class SourceNumbers:
    """Sources to numbers, for one connection; make a new one after a rollback."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._numbers: dict[tuple[str | None, ...], int] = {}

    def number(self, source: Source, rules_version: str) -> int:
        """Give the number of a source that a version of the rules decided, a new one if it has none."""
        row = (
            source.channel, source.source, source.medium, source.campaign, source.term, source.content,
            source.referrer_host, source.rule, rules_version,
        )  # fmt: skip
        number = self._numbers.get(row)
        if number is None:
            if len(self._numbers) >= CACHE_SIZE:
                self._numbers.clear()
            number = self._numbers[row] = self._intern(row)
        return number

    def _intern(self, row: tuple[str | None, ...]) -> int:
        key = hashlib.blake2b(json.dumps(row).encode(), digest_size=12).digest()
        found = self._db.execute("SELECT source_no FROM source WHERE digest = ?", [key]).fetchone()
        if found is None:
            insert = """INSERT INTO source (digest, channel, source, medium, campaign, term, content,
            referrer_host, rule, rules_version) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING source_no"""
            found = self._db.execute(insert, [key, *row]).fetchone()
        return int(found[0])
