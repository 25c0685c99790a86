"""Ties: what erased evidence leaves, so that what comes late is judged as if it were still there.

Who was tied to whom, by which rule and when; every name, full name, mailing and fact as a keyed hash.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tracker.core.erasure import Name
from tracker.store.db import key_list

LEAD = "lead"
"""Rule of what is no evidence: whose an erased lead was, by which its erasure is carried out again."""


class Tie(NamedTuple):
    """A piece of evidence without its names; see the table `erased_tie`.

    A contact's kind is `crm:<system>`.
    """

    fact: str
    rule: str
    a: str
    a_kind: str
    b: str
    b_kind: str
    at_ms: int
    since_ms: int | None = None
    on_hash: str | None = None
    once: str | None = None
    flaw: str | None = None
    is_undo: int = 0


class Sighting(NamedTuple):
    """A fact named an identifier, and gave this full name with it; hashes but for the kind."""

    identifier_id: str
    kind: str
    name: str


class Said(NamedTuple):
    """A row of evidence of one fact as it stands: rule, ends and browser by name, and what else it says."""

    rule: str
    a: Name
    b: Name
    at_ms: int
    on: Name | None
    once: str | None
    flaw: str | None
    is_undo: int


_TIE = ", ".join(Tie._fields)
_MARKS = ", ".join("?" * len(Tie._fields))


def put_ties(db: sqlite3.Connection, ties: Iterable[Tie]) -> None:
    """Remember ties; of one that is known the earliest start of its session counts."""
    db.executemany(
        f"""INSERT INTO erased_tie ({_TIE}) VALUES ({_MARKS}) ON CONFLICT (fact, a, b) DO UPDATE SET
        since_ms = min(coalesce(since_ms, excluded.since_ms), coalesce(excluded.since_ms, since_ms))""",
        ties,
    )


def put_sightings(db: sqlite3.Connection, sightings: Iterable[Sighting]) -> None:
    """Remember which names were seen, and with which full names."""
    db.executemany("INSERT OR IGNORE INTO erased_sighting VALUES (?, ?, ?)", sightings)


def ties_at(db: sqlite3.Connection, hashes: Iterable[str], *, until_ms: int) -> list[Tie]:
    """Load the ties at these names that are not later."""
    rows = db.execute(
        f"""SELECT {_TIE} FROM json_each(?1) AS wanted JOIN erased_tie ON a = wanted.value WHERE at_ms <= ?2
        UNION SELECT {_TIE} FROM json_each(?1) AS wanted JOIN erased_tie ON b = wanted.value
        WHERE at_ms <= ?2""",
        [key_list(sorted(hashes)), until_ms],
    )
    return [Tie(*row) for row in rows]


def ties_of(db: sqlite3.Connection, fact: str) -> list[Tie]:
    """Load the ties that an erased fact left, by its hash."""
    return [Tie(*row) for row in db.execute(f"SELECT {_TIE} FROM erased_tie WHERE fact = ?", [fact])]


def sightings_of(db: sqlite3.Connection, hashes: Iterable[str]) -> set[Sighting]:
    """Load what is remembered of these names' sightings."""
    rows = db.execute(
        """SELECT identifier_id, kind, name FROM json_each(?) AS wanted
        JOIN erased_sighting ON identifier_id = wanted.value""",
        [key_list(sorted(hashes))],
    )
    return {Sighting(*row) for row in rows}


def said_by(db: sqlite3.Connection, facts: Sequence[str]) -> list[tuple[str, Said]]:
    """List the evidence of facts as it stands, with the fact of each."""
    rows = db.execute(
        """SELECT evidence.fact, rule, one.kind, one.value, two.kind, two.value, at_ms,
          giver.kind, giver.value, once, flaw, is_undo
        FROM json_each(?) AS wanted JOIN evidence ON evidence.fact = wanted.value
        JOIN identifier AS one ON one.identifier_no = a_no
        JOIN identifier AS two ON two.identifier_no = b_no
        LEFT JOIN identifier AS giver ON giver.identifier_no = on_no""",
        [json.dumps(facts)],
    )
    return [
        (row[0], Said(row[1], row[2:4], row[4:6], row[6], None if row[7] is None else row[7:9], *row[9:]))
        for row in rows
    ]


def seen_by(db: sqlite3.Connection, facts: Sequence[str]) -> list[tuple[Name, str | None]]:
    """List whom facts mention as a sighting, each with the full name given."""
    rows = db.execute(
        """SELECT identifier.kind, identifier.value, mention.name FROM json_each(?) AS wanted
        JOIN mention ON mention.fact = wanted.value JOIN identifier USING (identifier_no)
        WHERE at_ms IS NOT NULL""",
        [json.dumps(facts)],
    )
    return [((row[0], row[1]), row[2]) for row in rows]


def numbers_by_hash(db: sqlite3.Connection, hashes: Iterable[str]) -> list[int]:
    """Number the identifiers with these hashes, of those that facts still name."""
    rows = db.execute(
        """SELECT identifier_no FROM json_each(?) AS wanted
        JOIN identifier ON identifier.identifier_id = wanted.value""",
        [key_list(sorted(hashes))],
    )
    return [row[0] for row in rows]


def visitors_by_hash(db: sqlite3.Connection, hashes: Iterable[str]) -> dict[str, Name]:
    """Find visitors of whom nothing may be known but hits; all are looked through."""
    rows = db.execute(
        """SELECT identifier_id, visitor_id FROM visitor
        WHERE identifier_id IN (SELECT value FROM json_each(?))""",
        [key_list(sorted(hashes))],
    )
    return {row[0]: ("visitor", row[1]) for row in rows}
