"""Identifiers, the facts that mention them, the evidence between them, and whose they are."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence

from tracker.core.identity import Component, Evidence, Identifier, Person
from tracker.core.ids import identifier_id
from tracker.store.marks import Pass


class Identifiers:
    """Identifiers to numbers, for one connection.

    New ones are persons of their own until they are resolved; their `changed_no` is 0 until then.
    """

    def __init__(self, db: sqlite3.Connection, key: bytes) -> None:
        self._db = db
        self._key = key

    def number(self, identifier: Identifier, *, at_ms: int, visitor_no: int | None = None) -> int:
        """Give an identifier's number, a new one at first sight."""
        found = self._db.execute(
            "SELECT identifier_no FROM identifier WHERE kind = ? AND value = ?", identifier
        ).fetchone()
        if found:
            return int(found[0])
        named = identifier_id(self._key, identifier.kind, identifier.value)
        cursor = self._db.execute(
            """INSERT INTO identifier
              (kind, value, identifier_id, visitor_no, person_no, first_ms, changed_no)
            VALUES (?, ?, ?, ?, 0, ?, 0)""",
            [*identifier, named, visitor_no, at_ms],
        )
        number = int(cursor.lastrowid or 0)
        self._db.execute("UPDATE identifier SET person_no = ? WHERE identifier_no = ?", [number, number])
        return number


def replace_mentions(
    db: sqlite3.Connection,
    fact: str,
    numbers: Mapping[int, int],
    evidence: Sequence[tuple[str, int, int, int]],
) -> set[int]:
    """Make these the identifiers that a fact mentions and the evidence that it gives.

    Args:
        fact: names the fact.
        numbers: identifier number to the time of the mention, in ms.
        evidence: rule, the two identifiers' numbers, time in ms.

    Returns:
        The identifiers whose component may have changed.
    """
    old = dict(db.execute("SELECT identifier_no, at_ms FROM mention WHERE fact = ?", [fact]).fetchall())
    links = db.execute("SELECT rule, a_no, b_no, at_ms FROM evidence WHERE fact = ?", [fact]).fetchall()
    if old == dict(numbers) and sorted(links) == sorted(evidence):
        return set()
    db.execute("DELETE FROM mention WHERE fact = ?", [fact])
    db.execute("DELETE FROM evidence WHERE fact = ?", [fact])
    db.executemany("INSERT INTO mention VALUES (?, ?, ?)", [(no, fact, at) for no, at in numbers.items()])
    db.executemany("INSERT INTO evidence VALUES (?, ?, ?, ?, ?)", [(fact, *link) for link in evidence])
    return {*old, *numbers}


def load_components(
    db: sqlite3.Connection, seeds: Iterable[int]
) -> list[tuple[dict[int, Identifier], Component]]:
    """Load the components that hold these identifiers, with the numbers of their identifiers."""
    components, seen = [], set[int]()
    for seed in seeds:
        if seed in seen:
            continue
        members = _reach(db, seed)
        seen |= members
        components.append(_load(db, members))
    return components


def _reach(db: sqlite3.Connection, seed: int) -> set[int]:
    found = db.execute(
        """WITH RECURSIVE reached(no) AS (
          SELECT ? UNION
          SELECT CASE WHEN evidence.a_no = reached.no THEN evidence.b_no ELSE evidence.a_no END
          FROM reached JOIN evidence ON evidence.a_no = reached.no OR evidence.b_no = reached.no
        ) SELECT no FROM reached""",
        [seed],
    )
    return {row[0] for row in found}


def _load(db: sqlite3.Connection, members: set[int]) -> tuple[dict[int, Identifier], Component]:
    wanted = json.dumps(sorted(members))
    rows = db.execute(
        """SELECT identifier.identifier_no, identifier.kind, identifier.value,
          (SELECT min(at_ms) FROM mention WHERE mention.identifier_no = identifier.identifier_no),
          (SELECT min(started_ms) FROM session WHERE session.visitor_no = identifier.visitor_no)
        FROM json_each(?) AS wanted JOIN identifier ON identifier.identifier_no = wanted.value""",
        [wanted],
    ).fetchall()
    numbers = {row[0]: Identifier(row[1], row[2]) for row in rows if row[3] is not None}
    first = {
        Identifier(row[1], row[2]): min(t for t in row[3:] if t is not None)
        for row in rows
        if row[3] is not None
    }
    links = db.execute(
        """SELECT rule, a_no, b_no, at_ms, fact FROM json_each(?) AS wanted
        JOIN evidence ON evidence.a_no = wanted.value""",
        [wanted],
    )
    evidence = tuple(Evidence(rule, numbers[a], numbers[b], at, fact) for rule, a, b, at, fact in links)
    return numbers, Component(first, evidence)


def put_persons(
    db: sqlite3.Connection, numbers: Mapping[int, Identifier], persons: Sequence[Person], run: Pass
) -> None:
    """Write whose identifiers these are; only rows that are new or differ change."""
    by_value = {identifier: number for number, identifier in numbers.items()}
    rows = []
    for person in persons:
        oldest = by_value[person.oldest]
        for identifier, first_ms in person.identifiers:
            rows.append((oldest, first_ms, run.number, by_value[identifier], oldest, first_ms))
    db.executemany(
        """UPDATE identifier SET person_no = ?, first_ms = ?, changed_no = ?
        WHERE identifier_no = ? AND (person_no <> ? OR first_ms <> ? OR changed_no = 0)""",
        rows,
    )


def note_sightings(db: sqlite3.Connection, numbers: Iterable[int], run: Pass) -> None:
    """Note that facts say something else of these identifiers than before."""
    rows = [(run.number, number) for number in numbers]
    db.executemany("UPDATE identifier SET changed_no = ? WHERE identifier_no = ? AND changed_no > 0", rows)


def roots_of(db: sqlite3.Connection, numbers: Iterable[int]) -> set[int]:
    """Find the numbers of the oldest identifiers of the persons who have these."""
    found = db.execute(
        """SELECT DISTINCT person_no FROM json_each(?) AS wanted
        JOIN identifier ON identifier_no = wanted.value""",
        [json.dumps(list(numbers))],
    )
    return {row[0] for row in found}


def load_persons(db: sqlite3.Connection, roots: Iterable[int]) -> dict[str, list[str]]:
    """Load the ids of the identifiers of these persons, by the person's id.

    A visitor is a person before anything else is known of it; other identifiers once they are resolved.
    """
    found = db.execute(
        """SELECT person.identifier_id, own.identifier_id FROM json_each(?) AS wanted
        JOIN identifier AS person ON person.identifier_no = wanted.value
        JOIN identifier AS own ON own.person_no = person.identifier_no
        WHERE own.changed_no > 0 OR own.kind = 'visitor' ORDER BY own.identifier_id""",
        [json.dumps(list(roots))],
    )
    persons: dict[str, list[str]] = {}
    for person_id, own_id in found:
        persons.setdefault(person_id, []).append(own_id)
    return persons


def drop_unmentioned(db: sqlite3.Connection, numbers: Iterable[int]) -> list[str]:
    """Forget identifiers that no fact mentions any more.

    Returns:
        The ids of the visitors among them who have sessions: each is a person of its own again.
    """
    dropped = db.execute(
        """DELETE FROM identifier WHERE identifier_no IN (SELECT value FROM json_each(?))
        AND NOT EXISTS (SELECT 1 FROM mention WHERE mention.identifier_no = identifier.identifier_no)
        RETURNING visitor_no, identifier_id""",
        [json.dumps(list(numbers))],
    )
    query = "SELECT 1 FROM session WHERE visitor_no = ? LIMIT 1"
    return [own_id for visitor_no, own_id in dropped.fetchall() if db.execute(query, [visitor_no]).fetchone()]


def person_visitors(db: sqlite3.Connection, identifier_no: int) -> list[tuple[int, str]]:
    """Load the visitors of the person who has an identifier: number and id."""
    rows = db.execute(
        """SELECT own.visitor_no, own.value FROM identifier
        JOIN identifier AS own ON own.person_no = identifier.person_no AND own.visitor_no IS NOT NULL
        WHERE identifier.identifier_no = ? ORDER BY own.value""",
        [identifier_no],
    )
    return [(row[0], row[1]) for row in rows]
