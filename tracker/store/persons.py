"""Identifiers, the facts that mention them, and whose they are."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from tracker.core.accounts import domain_of
from tracker.core.groups import Identifier
from tracker.core.ids import identifier_id
from tracker.store.accounts import part_number
from tracker.store.db import key_list
from tracker.store.marks import Pass

_OF_PERSONS = (None, "shared_device", "contested_line")
"""What is set apart for other reasons is nobody's; as the view `persons` has it."""


class Seen(NamedTuple):
    """When an identifier was seen, in ms, and the number of its visitor where it is one."""

    at_ms: int | None
    visitor_no: int | None = None


class Identifiers:
    """Identifiers to numbers, for one connection.

    New ones are persons of their own until they are resolved; their `changed_no` is 0 until then.
    """

    def __init__(self, db: sqlite3.Connection, key: bytes) -> None:
        self._db = db
        self._key = key

    def number(self, identifier: Identifier, seen: Seen) -> int:
        """Give an identifier's number, a new one at first sight."""
        return self.numbers({identifier: seen})[identifier]

    def numbers(self, named: Mapping[Identifier, Seen]) -> dict[Identifier, int]:
        """Give the numbers of identifiers, new ones at first sight."""
        query = "SELECT identifier_no FROM identifier WHERE kind = ? AND value = ?"
        rows = {one: self._db.execute(query, one).fetchone() for one in named}
        known = {one: int(row[0]) for one, row in rows.items() if row is not None}
        if len(known) == len(named):
            return known
        last = self._db.execute("SELECT coalesce(max(identifier_no), 0) FROM identifier").fetchone()[0]
        unknown = (one for one in named if one not in known)
        fresh = {one: number for number, one in enumerate(unknown, last + 1)}
        self._db.executemany(
            """INSERT INTO identifier (identifier_no, person_no,
              kind, value, identifier_id, visitor_no, first_ms, domain_no, changed_no)
            VALUES (?1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, 0)""",
            [(number, *one, *self._columns(one, named[one])) for one, number in fresh.items()],
        )
        return known | fresh

    def _columns(self, one: Identifier, seen: Seen) -> tuple[str, int | None, int, int | None]:
        domain = domain_of(one.value) if one.kind == "email" else None
        domain_no = None if domain is None else part_number(self._db, domain, key=self._key)
        named = identifier_id(self._key, one.kind, one.value)
        return named, seen.visitor_no, seen.at_ms or 0, domain_no


def note_sightings(db: sqlite3.Connection, numbers: Iterable[int], run: Pass) -> None:
    """Note that facts say something else of these identifiers than before."""
    rows = [(run.number, number) for number in numbers]
    db.executemany("UPDATE identifier SET changed_no = ? WHERE identifier_no = ? AND changed_no > 0", rows)


def load_persons(db: sqlite3.Connection, roots: Iterable[int]) -> dict[str, list[str]]:
    """Load the ids of the identifiers of these persons, by the person's id.

    A visitor is a person before anything else is known of it; other identifiers once they are resolved.
    Who links nobody, such as a bot, is no person while alone.
    """
    found = db.execute(
        """SELECT person.identifier_id, own.identifier_id, own.apart FROM json_each(?) AS wanted
        JOIN identifier AS person ON person.identifier_no = wanted.value
        JOIN identifier AS own ON own.person_no = person.identifier_no
        WHERE own.changed_no > 0 OR own.kind = 'visitor' ORDER BY own.identifier_id""",
        [key_list(roots)],
    )
    persons: dict[str, list[str]] = {}
    nobodies = set()
    for person_id, own_id, apart in found:
        persons.setdefault(person_id, []).append(own_id)
        if apart not in _OF_PERSONS:
            nobodies.add(own_id)
    return {each: own for each, own in persons.items() if len(own) > 1 or own[0] not in nobodies}


def members_of(db: sqlite3.Connection, identifier_no: int) -> list[int]:
    """Find the numbers of all identifiers of the person who has this one."""
    found = db.execute(
        """SELECT own.identifier_no FROM identifier JOIN identifier AS own USING (person_no)
        WHERE identifier.identifier_no = ?""",
        [identifier_no],
    )
    return [row[0] for row in found]


class OfPerson(NamedTuple):
    """An identifier's id, its person's, and how many facts name it."""

    identifier_id: str
    person_id: str
    facts: int


def load_people(db: sqlite3.Connection, numbers: Iterable[int]) -> dict[int, OfPerson]:
    """Load whose these identifiers are."""
    found = db.execute(
        """SELECT own.identifier_no, own.identifier_id, person.identifier_id,
          (SELECT count(*) FROM mention WHERE mention.identifier_no = own.identifier_no)
        FROM json_each(?) AS wanted JOIN identifier AS own ON own.identifier_no = wanted.value
        JOIN identifier AS person ON person.identifier_no = own.person_no""",
        [key_list(sorted(numbers))],
    )
    return {number: OfPerson(*rest) for number, *rest in found}


def visitor_first_ms(db: sqlite3.Connection, visitor_id: str) -> int | None:
    """Find when a visitor's first session began, in ms; none without a session."""
    query = "SELECT min(started_ms) FROM session JOIN visitor USING (visitor_no) WHERE visitor_id = ?"
    found = db.execute(query, [visitor_id]).fetchone()[0]
    return None if found is None else int(found)


def drop_unmentioned(db: sqlite3.Connection, numbers: Iterable[int]) -> list[str]:
    """Forget identifiers that no fact mentions any more.

    Returns:
        The ids of the visitors among them who have sessions: each is a person of its own again.
    """
    dropped = db.execute(
        """DELETE FROM identifier WHERE identifier_no IN (SELECT value FROM json_each(?))
        AND NOT EXISTS (SELECT 1 FROM mention WHERE mention.identifier_no = identifier.identifier_no)
        RETURNING visitor_no, identifier_id""",
        [key_list(numbers)],
    )
    gone = dropped.fetchall()
    db.executemany("DELETE FROM ownership WHERE visitor_no = ?", [(number,) for number, _ in gone if number])
    query = "SELECT 1 FROM session WHERE visitor_no = ? LIMIT 1"
    return [own_id for visitor_no, own_id in gone if db.execute(query, [visitor_no]).fetchone()]


def phones(db: sqlite3.Connection, numbers: Iterable[str]) -> list[int]:
    """Find which of these numbers, in E.164, are known as somebody's phone."""
    rows = db.execute(
        """SELECT identifier_no FROM json_each(?) AS wanted
        JOIN identifier ON identifier.kind = 'phone' AND identifier.value = wanted.value""",
        [key_list(numbers)],
    )
    return [row[0] for row in rows]


class Known(NamedTuple):
    """What is known of an identifier: why it is set apart, if it is, and the number of its person."""

    apart: str | None
    person_no: int


def load_known(db: sqlite3.Connection, identifier_no: int) -> Known:
    """Load what is known of an identifier."""
    query = "SELECT apart, person_no FROM identifier WHERE identifier_no = ?"
    return Known(*db.execute(query, [identifier_no]).fetchone())


class OwnVisitor(NamedTuple):
    """A visitor of a person, and which part of its time is theirs where others have the rest."""

    visitor_no: int
    visitor_id: str
    from_ms: int | None = None
    until_ms: int | None = None


def person_visitors(db: sqlite3.Connection, identifier_no: int) -> list[OwnVisitor]:
    """Load the visitors of the person who has an identifier."""
    rows = db.execute(
        """WITH own AS (
          SELECT own.identifier_no, own.visitor_no, own.value, own.apart FROM identifier
          JOIN identifier AS own ON own.person_no = identifier.person_no
          WHERE identifier.identifier_no = ?
        )
        SELECT own.visitor_no, own.value, NULL, NULL FROM own
        WHERE own.visitor_no IS NOT NULL AND own.apart IS NULL
        UNION ALL
        SELECT visitor.visitor_no, visitor_id, from_ms, (
          SELECT min(later.from_ms) FROM ownership AS later
          WHERE later.visitor_no = ownership.visitor_no AND later.from_ms > ownership.from_ms
        ) FROM own JOIN ownership USING (identifier_no) JOIN visitor ON
          visitor.visitor_no = ownership.visitor_no
        ORDER BY 2, 3""",
        [identifier_no],
    )
    return [OwnVisitor(*row) for row in rows]


def owner_at(db: sqlite3.Connection, visitor_no: int, at_ms: int) -> int | None:
    """Find the identifier that names whose a visitor was at an instant; none for a bot's."""
    found = db.execute(
        """SELECT coalesce((
          SELECT ownership.identifier_no FROM ownership
          WHERE ownership.visitor_no = identifier.visitor_no AND ownership.from_ms <= ?
          ORDER BY ownership.from_ms DESC LIMIT 1
        ), identifier.identifier_no) FROM identifier WHERE visitor_no = ? AND apart IS NOT 'bot'""",
        [at_ms, visitor_no],
    ).fetchone()
    return None if found is None else int(found[0])


def is_gainsaid(db: sqlite3.Connection, fact: str, identifier_no: int) -> bool:
    """Tell whether an operator holds that who gave an address on a device is not who has the address."""
    found = db.execute(
        """SELECT 1 FROM evidence
        WHERE fact = ? AND a_no = ? AND rule = 'R2' AND why IN ('split', 'given_by_operator')""",
        [fact, identifier_no],
    )
    return found.fetchone() is not None


def stretch_at(db: sqlite3.Connection, visitor_no: int, at_ms: int) -> tuple[int | None, int | None]:
    """Find the part of a shared device's time, around an instant, that is one person's; none: all of it."""
    found = db.execute(
        """SELECT max(from_ms) FILTER (WHERE from_ms <= :at_ms), min(from_ms) FILTER (WHERE from_ms > :at_ms)
        FROM ownership WHERE visitor_no = :visitor_no""",
        {"visitor_no": visitor_no, "at_ms": at_ms},
    ).fetchone()
    return found[0], found[1]


def line_holders(db: sqlite3.Connection, identifier_no: int) -> list[int]:
    """Find the identifiers with which a line was seen, but not those that an operator split from it."""
    rows = db.execute(
        """SELECT DISTINCT a_no FROM evidence
        WHERE b_no = ? AND rule IN ('R4', 'R6') AND flaw IS NULL AND why IS NOT 'split'""",
        [identifier_no],
    )
    return [row[0] for row in rows]


def line_seen_ms(db: sqlite3.Connection, identifier_no: int) -> int | None:
    """Find when a line was last seen with its person, in ms."""
    found = db.execute(
        """SELECT max(at_ms) FROM evidence
        WHERE b_no = ? AND rule IN ('R4', 'R6') AND verdict IN ('joined', 'redundant')""",
        [identifier_no],
    ).fetchone()
    return None if found[0] is None else int(found[0])
