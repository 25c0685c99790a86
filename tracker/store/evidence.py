"""Evidence in the store: what facts say of who is who, and what was decided of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from tracker.core.evidence import Resolution
from tracker.core.whys import Why
from tracker.store.bursts import visitors_to_settle
from tracker.store.components import CUT, WORDS, Numbered
from tracker.store.db import key_list
from tracker.store.marks import Pass
from tracker.store.persons import note_sightings


class Link(NamedTuple):
    """One row of evidence as it is stored, without its decision; see the table `evidence`."""

    rule: str
    a_no: int
    b_no: int
    at_ms: int
    on_no: int | None
    once: str | None
    flaw: str | None
    is_undo: int
    is_verified: int


class Mention(NamedTuple):
    """A fact names an identifier: its number, when it was seen in ms, the full name given, folded."""

    identifier_no: int
    at_ms: int | None
    name: str | None


class Testified(NamedTuple):
    """What one fact says of who is who: the identifiers that it mentions, and its evidence."""

    fact: str
    mentions: Sequence[Mention] = ()
    links: Sequence[Link] = ()


class _Moved(NamedTuple):
    """Identifiers whose component may have changed, and those of them whose crowd may be smaller."""

    all: set[int]
    bereft: set[int]


_LINK = ", ".join(Link._fields)


def put_testimony(db: sqlite3.Connection, said: Testified, run: Pass, *, because: str) -> None:
    """Make this what a fact says of who is who, and mark whom it concerns."""
    moved = _replace(db, *said)
    if not moved.all:
        return
    note_sightings(db, moved.all, run)
    let_link_again(db, moved.bereft)
    run.mark({("identifier", each): because for each in moved.all})
    run.mark({("visitor", each): because for each in visitors_to_settle(db, moved.all)})


def _replace(db: sqlite3.Connection, fact: str, mentions: Sequence[Mention], links: Sequence[Link]) -> _Moved:
    query = "SELECT identifier_no, at_ms, name FROM mention WHERE fact = ?"
    old = {Mention(*row) for row in db.execute(query, [fact])}
    had = {Link(*row) for row in db.execute(f"SELECT {_LINK} FROM evidence WHERE fact = ?", [fact])}
    if old == set(mentions) and had == set(links):
        return _Moved(set(), set())
    fewer = (had - set(links)) | {link for link in set(links) - had if _is_opened_earlier(db, link)}
    if old:
        db.execute("DELETE FROM mention WHERE fact = ?", [fact])
    if had:
        db.execute("DELETE FROM evidence WHERE fact = ?", [fact])
    rows = [(each.identifier_no, fact, each.at_ms, each.name) for each in mentions]
    db.executemany("INSERT INTO mention VALUES (?, ?, ?, ?)", rows)
    marks = ", ".join("?" * len(Link._fields))
    db.executemany(
        f"INSERT INTO evidence (fact, {_LINK}) VALUES (?, {marks})", [(fact, *link) for link in links]
    )
    _refuse_between_crowds(db, fact, links)
    bereft = {end for link in fewer for end in (link.a_no, link.b_no)}
    return _Moved({each.identifier_no for each in (*old, *mentions)}, bereft)


def _refuse_between_crowds(db: sqlite3.Connection, fact: str, links: Sequence[Link]) -> None:
    """Refuse what ties together two identifiers that link nobody: it is in no component of either."""
    found = db.execute(
        f"""SELECT identifier_no FROM json_each(?) AS wanted
        JOIN identifier ON identifier_no = wanted.value WHERE apart IN {CUT}""",
        [key_list({end for link in links for end in (link.a_no, link.b_no)})],
    )
    cut = {row[0] for row in found}
    query = "UPDATE evidence SET verdict = 'refused', why = 'shared' WHERE (fact, a_no, b_no) = (?, ?, ?)"
    for link in links:
        if link.rule not in WORDS and link.a_no in cut and link.b_no in cut:
            db.execute(query, [fact, link.a_no, link.b_no])


def _is_opened_earlier(db: sqlite3.Connection, link: Link) -> bool:
    """Tell whether a mailing turns out to have been opened before it was first: only the first counts."""
    query = "SELECT 1 FROM evidence WHERE a_no = ? AND rule = 'R3' AND once IS ? AND at_ms >= ? LIMIT 1"
    asked = [link.a_no, link.once, link.at_ms]
    return link.rule == "R3" and db.execute(query, asked).fetchone() is not None


def put_echo(db: sqlite3.Connection, lead: Mapping[str, Any], owner_no: int | None) -> set[int]:
    """Note that a call saw its line again with the person by whom it was told apart (M4), or that none did.

    Such a sighting keeps the line fresh. It is not heard when persons are resolved: it follows from them.

    Returns:
        The lines for which that is news: the one that was seen, the one that was not.
    """
    fact = f"line:{lead['fact']}"
    now = [] if owner_no is None else [(owner_no, lead["phone_no"], lead["at_ms"])]
    old = db.execute("SELECT a_no, b_no, at_ms FROM evidence WHERE fact = ?", [fact]).fetchall()
    if old == now:
        return set()
    db.execute("DELETE FROM evidence WHERE fact = ?", [fact])
    db.executemany(
        """INSERT INTO evidence (fact, rule, a_no, b_no, at_ms, flaw, is_undo, is_verified, verdict, why)
        VALUES (?, 'R6', ?, ?, ?, 'echo', 0, 1, 'redundant', 'known_by_line')""",
        [(fact, *row) for row in now],
    )
    return {line_no for _, line_no, _ in (*old, *now)}


def let_link_again(db: sqlite3.Connection, numbers: Iterable[int]) -> None:
    """Let identifiers link that were set apart, until their evidence has been counted again."""
    db.executemany(
        f"UPDATE identifier SET apart = NULL WHERE identifier_no = ? AND apart IN {CUT}",
        [(number,) for number in numbers],
    )


def load_unverified(db: sqlite3.Connection, numbers: Iterable[int]) -> frozenset[tuple[str, int, int]]:
    """Find the evidence at these identifiers that was only typed into a page: (fact, and its two ends)."""
    rows = db.execute(
        """SELECT fact, a_no, b_no FROM json_each(?) AS wanted
        JOIN evidence ON a_no = wanted.value WHERE NOT is_verified""",
        [key_list(sorted(numbers))],
    )
    return frozenset(rows.fetchall())


def load_verdict(db: sqlite3.Connection, fact: str) -> tuple[str | None, Why | None] | None:
    """Load what was decided of the first piece of evidence that a fact gave, and why; none where none is."""
    found = db.execute("SELECT verdict, why FROM evidence WHERE fact = ? LIMIT 1", [fact]).fetchone()
    return None if found is None else (found[0], found[1])


def put_resolution(db: sqlite3.Connection, numbered: Numbered, resolution: Resolution, run: Pass) -> set[int]:
    """Write whose identifiers these are, what is set apart, who owns shared devices, what was decided.

    Only rows that are new or differ change.

    Returns:
        The numbers of the oldest identifiers of the persons.
    """
    by_value = {identifier: number for number, identifier in numbered.numbers.items()}
    rows = []
    for person in resolution.persons:
        oldest = by_value[person.oldest]
        for identifier, first_ms in person.identifiers:
            now = (oldest, first_ms, resolution.apart.get(identifier))
            rows.append((*now, run.number, by_value[identifier], *now))
    db.executemany(
        """UPDATE identifier SET person_no = ?, first_ms = ?, apart = ?, changed_no = ?
        WHERE identifier_no = ? AND ((person_no, first_ms) <> (?, ?) OR apart IS NOT ? OR changed_no = 0)""",
        rows,
    )
    _put_owners(db, numbered, resolution, run)
    decided = [
        (each.verdict, each.why, each.evidence.key, *numbered.ends[each.evidence], each.verdict, each.why)
        for each in resolution.decisions
    ]
    db.executemany(
        """UPDATE evidence SET verdict = ?, why = ? WHERE fact = ? AND a_no = ? AND b_no = ?
        AND (verdict IS NOT ? OR why IS NOT ?)""",
        decided,
    )
    return {by_value[person.oldest] for person in resolution.persons}


def _put_owners(db: sqlite3.Connection, numbered: Numbered, resolution: Resolution, run: Pass) -> None:
    """Write who owns shared devices, and note whom it concerns where that moved."""
    by_value = {identifier: number for number, identifier in numbered.numbers.items()}
    visitors = numbered.visitors
    now = {
        (visitors[by_value[visitor]], stretch.from_ms or 0, by_value[stretch.by])
        for visitor, stretches in resolution.owners.items()
        for stretch in stretches
    }
    rows = db.execute(
        """SELECT visitor_no, from_ms, identifier_no FROM json_each(?) AS wanted
        JOIN ownership ON visitor_no = wanted.value""",
        [key_list(visitors.values())],
    )
    old = set(rows.fetchall())
    if old == now:
        return
    moved = {visitor_no for visitor_no, _, _ in old ^ now}
    db.executemany("DELETE FROM ownership WHERE visitor_no = ?", [(number,) for number in moved])
    db.executemany("INSERT INTO ownership VALUES (?, ?, ?)", [row for row in now if row[0] in moved])
    concerned = {row[2] for row in old | now if row[0] in moved}
    concerned |= {number for number, visitor_no in visitors.items() if visitor_no in moved}
    note_sightings(db, concerned, run)
