"""Tombstones: keyed hashes of whom was erased and until when, the totals that stay, and the proofs.

Nothing here can be read back into a name; who has a name and the workspace's key can ask for it.
"""

from __future__ import annotations

import hmac
import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from tracker.core.erasure import Name
from tracker.core.ids import identifier_id
from tracker.core.times import format_instant

CACHE_SIZE = 20_000
MOST_IN_MEMORY = 100_000
HASH_BYTES = 10
UNSWEPT_FILE, UNSWEPT_LOG = "unswept_file", "unswept_log"
"""Counters that stand while the store's file, or the log's, may hold what was forgotten."""

Day = tuple[int, str, str]
"""A site's number, a day, and what is counted."""


class Span(NamedTuple):
    """A time within which all that bears a name was erased, and by which erasure: of whom, until when."""

    asked_kind: str
    asked: str
    asked_ms: int
    from_ms: int
    until_ms: int

    def holds(self, at_ms: int) -> bool:
        """Say whether an instant lies within."""
        return self.from_ms <= at_ms <= self.until_ms


class Tombstones:
    """Looks up who was erased, over one connection; make a new one when somebody else has written."""

    def __init__(self, db: sqlite3.Connection, key: bytes, *, is_draft: bool = False) -> None:
        """Open.

        Args:
            is_draft: what is put stays in memory, for a look at what would be erased.
        """
        self._db = db
        self._key = key
        self._is_draft = is_draft
        self._hashes: dict[Name, str] = {}
        self._spans: dict[str, tuple[Span, ...]] = {}
        self._all = self._load_all()

    def _load_all(self) -> set[str] | None:
        """Load all hashes where they are not too many, so that most names need no look into the store."""
        query = "SELECT DISTINCT identifier_id FROM tombstone LIMIT ?"
        rows = self._db.execute(query, [MOST_IN_MEMORY + 1]).fetchall()
        return {row[0] for row in rows} if len(rows) <= MOST_IN_MEMORY else None

    @property
    def are_none(self) -> bool:
        """Whether nobody was ever erased."""
        return self._all is not None and not self._all

    def hash(self, name: Name) -> str:
        """Hash a name; the id of a person is the hash of a name already."""
        if name[0] == "person":
            return name[1]
        found = self._hashes.get(name)
        if found is None:
            if len(self._hashes) >= CACHE_SIZE:
                self._hashes.clear()
            found = self._hashes[name] = identifier_id(self._key, *name)
        return found

    def spans(self, hashed: str) -> tuple[Span, ...]:
        """Give the times within which somebody whose name has this hash was erased."""
        if self._all is not None and hashed not in self._all:
            return ()
        found = self._spans.get(hashed)
        if found is None:
            rows = self._db.execute(
                """SELECT asked_kind, asked, asked_ms, from_ms, until_ms FROM tombstone
                WHERE identifier_id = ? ORDER BY asked_ms, asked, from_ms""",
                [hashed],
            )
            found = tuple(Span(*row) for row in rows)
            if len(self._spans) >= CACHE_SIZE and not self._is_draft:
                self._spans.clear()
            self._spans[hashed] = found
        return found

    def holds(self, name: Name, at_ms: int) -> bool:
        """Say whether what bears this name and is of this time was erased."""
        return any(span.holds(at_ms) for span in self.spans(self.hash(name)))

    def put(self, kind: str, hashed: str, span: Span) -> bool:
        """Remember that a name was erased; returns whether it was not before."""
        had = self.spans(hashed)
        if self._all is not None:
            self._all.add(hashed)
        if self._is_draft:
            self._spans[hashed] = (*had, span)
        elif span not in had:
            self._db.execute(
                """INSERT INTO tombstone VALUES (?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (identifier_id, asked, asked_ms, from_ms)
                DO UPDATE SET until_ms = max(until_ms, excluded.until_ms), kind = excluded.kind""",
                [hashed, kind, *span],
            )
            self._spans.pop(hashed, None)
            self.__dict__.pop("latest_ms", None)
        return span not in had

    def of_erasure(self, asked: str, asked_ms: int) -> list[tuple[str, str, Span]]:
        """List what an erasure has put so far: kind, hash and time of each name."""
        rows = self._db.execute(
            """SELECT kind, identifier_id, asked_kind, asked, asked_ms, from_ms, until_ms FROM tombstone
            WHERE asked = ? AND asked_ms = ?""",
            [asked, asked_ms],
        )
        return [(row[0], row[1], Span(*row[2:])) for row in rows]

    @cached_property
    def latest_ms(self) -> int:
        """Until when anybody was erased."""
        found = self._db.execute("SELECT max(asked_ms) FROM tombstone").fetchone()[0]
        return -1 if found is None else int(found)

    def count(self, what: str, rows: Iterable[tuple[int, str, int]]) -> None:
        """Add rows to the totals, each once for ever.

        Args:
            what: hits or leads.
            rows: site number, id within the site and time in ms of each.
        """
        totals: Counter[Day] = Counter()
        for site_no, own_id, at_ms in rows:
            message = f"{what}:{site_no}:{own_id}".encode("utf-8", "surrogatepass")
            hashed = hmac.digest(self._key, message, "sha256")[:HASH_BYTES]
            cursor = self._db.execute("INSERT OR IGNORE INTO erased_row VALUES (?)", [hashed])
            totals[site_no, day_of(at_ms), what] += cursor.rowcount
        add_totals(self._db, totals)


def day_of(at_ms: int) -> str:
    """Name the day of an instant, UTC."""
    return format_instant(at_ms)[:10]


def add_totals(db: sqlite3.Connection, totals: Mapping[Day, int]) -> None:
    """Add to the totals of what was erased."""
    rows = [(*day, count) for day, count in totals.items() if count]
    db.executemany(
        """INSERT INTO anonymous_total VALUES (?, ?, ?, ?) ON CONFLICT (site_no, counted_on, what)
        DO UPDATE SET count = count + excluded.count""",
        rows,
    )


class Proof(NamedTuple):
    """What an erasure took away: counts of rows, and the hashes that stay; it names nobody."""

    fact: str
    until_ms: int
    erased_ms: int
    counts: Mapping[str, int]
    tombstones: Sequence[str]


def put_proof(db: sqlite3.Connection, proof: Proof) -> None:
    """Keep a proof, and note that files are to be swept."""
    row = [*proof[:3], json.dumps(proof.counts, sort_keys=True), json.dumps(sorted(proof.tombstones))]
    db.execute(
        """INSERT INTO erasure (fact, until_ms, erased_ms, counts, tombstones) VALUES (?, ?, ?, ?, ?)""", row
    )
    db.executemany("INSERT OR IGNORE INTO counter VALUES (?, 1)", [(UNSWEPT_FILE,), (UNSWEPT_LOG,)])


def unswept(db: sqlite3.Connection) -> set[str]:
    """Tell which files may still hold what the store has forgotten."""
    query = "SELECT name FROM counter WHERE name IN (?, ?)"
    return {row[0] for row in db.execute(query, [UNSWEPT_FILE, UNSWEPT_LOG])}


def note_swept(db: sqlite3.Connection, *, is_clean: bool) -> None:
    """Note on the proofs that the store's file was looked through, and what was found."""
    db.execute("UPDATE erasure SET is_clean = ? WHERE is_clean IS NULL", [int(is_clean)])
    db.execute("DELETE FROM counter WHERE name = ?", [UNSWEPT_FILE])


def note_log_swept(db: sqlite3.Connection) -> None:
    """Note that the log's file is written anew."""
    db.execute("DELETE FROM counter WHERE name = ?", [UNSWEPT_LOG])


def load_proofs(db: sqlite3.Connection, fact: str) -> list[dict[str, object]]:
    """Load the proofs of one erase fact, as they are shown."""
    rows = db.execute(
        "SELECT until_ms, erased_ms, counts, tombstones, is_clean FROM erasure WHERE fact = ? ORDER BY 1, 2",
        [fact],
    )
    return [
        {
            "erased_at": format_instant(erased_ms), "until": format_instant(until_ms),
            "erased": json.loads(counts), "tombstones": json.loads(tombstones),
            "found_afterwards": None if is_clean is None else not is_clean,
        }
        for until_ms, erased_ms, counts, tombstones, is_clean in rows
    ]  # fmt: skip
