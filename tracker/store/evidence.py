"""Evidence in the store: what facts say of who is who, the components it makes, and what was decided.

A component is loaded as far as evidence that may still join reaches: not through identifiers that link
nobody, however many they were given with.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from tracker.core.evidence import Component, Evidence, Resolution
from tracker.core.groups import Identifier
from tracker.core.whys import Why
from tracker.store.db import key_list
from tracker.store.marks import Pass
from tracker.store.persons import note_sightings

CUT = ("shared", "own_number")
"""Identifiers set apart for these reasons are not followed."""
UNSEEN_MS = 2**62
WORDS = ("same", "split", "merge")
"""Evidence of these rules is followed from anywhere.

They sort behind all other rules, so that an index finds them among the rows of a number of thousands.
"""


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


@dataclass(frozen=True, slots=True)
class Numbered:
    """A component with the numbers of its identifiers, of their visitors, and of the ends of its evidence."""

    numbers: Mapping[int, Identifier]
    visitors: Mapping[int, int]
    ends: Mapping[Evidence, tuple[int, int]]
    component: Component


class _Member(NamedTuple):
    identifier: Identifier
    first_ms: int
    apart: Why | None
    visitor_no: int | None


class _Row(NamedTuple):
    a_no: int
    b_no: int
    evidence: Evidence


class Moved(NamedTuple):
    """Identifiers whose component may have changed, and those of them whose crowd may be smaller."""

    all: set[int]
    bereft: set[int]


_LINK = ", ".join(Link._fields)


def replace_testimony(
    db: sqlite3.Connection, fact: str, mentions: Sequence[Mention], links: Sequence[Link]
) -> Moved:
    """Make these the identifiers that a fact mentions and the evidence that it gives."""
    query = "SELECT identifier_no, at_ms, name FROM mention WHERE fact = ?"
    old = {Mention(*row) for row in db.execute(query, [fact])}
    had = {Link(*row) for row in db.execute(f"SELECT {_LINK} FROM evidence WHERE fact = ?", [fact])}
    if old == set(mentions) and had == set(links):
        return Moved(set(), set())
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
    _refuse_between_crowds(db, fact)
    bereft = {end for link in fewer for end in (link.a_no, link.b_no)}
    return Moved({each.identifier_no for each in (*old, *mentions)}, bereft)


def _refuse_between_crowds(db: sqlite3.Connection, fact: str) -> None:
    """Refuse what ties together two identifiers that link nobody: it is in no component of either."""
    db.execute(
        f"""UPDATE evidence SET verdict = 'refused', why = 'shared'
        WHERE fact = ? AND rule NOT IN {WORDS} AND 2 = (
          SELECT count(*) FROM identifier WHERE identifier_no IN (a_no, b_no) AND apart IN {CUT}
        )""",
        [fact],
    )


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


def load_components(
    db: sqlite3.Connection, seeds: Iterable[int], *, gap_ms: int, until_ms: int = UNSEEN_MS
) -> list[Numbered]:
    """Load the components that hold these identifiers.

    Args:
        gap_ms: a session covers what comes this long after its last hit.
        until_ms: later evidence is left out.
    """
    wanted = key_list(sorted(_reach(db, seeds)))
    members = _load_members(db, wanted)
    names = _load_names(db, wanted)
    links = _load_links(db, wanted, gap_ms, until_ms)
    ends = {number: member.identifier for number, member in members.items()}
    components = []
    for group in _groups(members, links):
        rows = {each.evidence: (each.a_no, each.b_no) for no in group for each in links.get(no, ())}
        own = {ends[number] for number in group}
        cut = {end for each in rows for end in (each.a, each.b) if end not in own}
        visitors = {no: own_no for no in group if (own_no := members[no].visitor_no) is not None}
        components.append(Numbered({number: ends[number] for number in group}, visitors, rows, Component(
            {ends[number]: members[number].first_ms for number in group},
            tuple(rows),
            {ends[number]: names[number] for number in group if number in names},
            {member.identifier: member.apart for no in group if (member := members[no]).apart is not None}
            | dict.fromkeys(cut, "shared"),
        )))  # fmt: skip
    return components


def _groups(members: Mapping[int, _Member], links: Mapping[int, list[_Row]]) -> list[list[int]]:
    """Sort members into components; what links nobody connects only by an operator's word."""
    parent = {number: number for number in members}

    def find(number: int) -> int:
        while parent[number] != number:
            parent[number] = number = parent[parent[number]]
        return number

    for row in (row for rows in links.values() for row in rows):
        if row.a_no in parent and row.b_no in parent:
            is_cut = any(members[end].apart in CUT for end in (row.a_no, row.b_no))
            if not is_cut or row.evidence.rule in WORDS:
                parent[find(row.a_no)] = find(row.b_no)
    groups: dict[int, list[int]] = {}
    for number in sorted(members):
        groups.setdefault(find(number), []).append(number)
    return list(groups.values())


def _weakest(table: str) -> str:
    """Write down from which rule on, in the order of the alphabet, an identifier's evidence is followed."""
    return f"CASE WHEN {table}.apart IN {CUT} THEN '{min(WORDS)}' ELSE '' END"


def _reach(db: sqlite3.Connection, seeds: Iterable[int]) -> set[int]:
    """Follow the evidence from identifier to identifier; an operator's word is followed from anywhere."""
    found = db.execute(
        f"""WITH RECURSIVE reached(no) AS (
          SELECT value FROM json_each(:seeds) UNION
          SELECT CASE WHEN evidence.a_no = reached.no THEN evidence.b_no ELSE evidence.a_no END
          FROM reached JOIN identifier ON identifier.identifier_no = reached.no
          JOIN evidence ON evidence.a_no = reached.no AND evidence.rule >= {_weakest("identifier")}
            OR evidence.b_no = reached.no AND evidence.rule >= {_weakest("identifier")}
        ) SELECT no FROM reached""",
        {"seeds": key_list(seeds)},
    )
    return {row[0] for row in found}


def _load_members(db: sqlite3.Connection, wanted: str) -> dict[int, _Member]:
    """Load identifiers that facts still mention, when each was first seen, and which link nobody."""
    rows = db.execute(
        """SELECT identifier.identifier_no, identifier.kind, identifier.value,
          (SELECT min(at_ms) FROM mention WHERE mention.identifier_no = identifier.identifier_no),
          (SELECT min(started_ms) FROM session WHERE session.visitor_no = identifier.visitor_no),
          EXISTS (SELECT 1 FROM mention WHERE mention.identifier_no = identifier.identifier_no),
          CASE WHEN identifier.kind = 'phone' AND (
              EXISTS (SELECT 1 FROM lease WHERE lease.number = identifier.value)
              OR EXISTS (SELECT 1 FROM static_number WHERE static_number.number = identifier.value)
            ) THEN 'own_number'
            WHEN identifier.apart = 'shared' THEN 'shared'
            WHEN identifier.visitor_no IS NOT NULL AND EXISTS (
              SELECT 1 FROM hit LEFT JOIN client USING (client_no)
              WHERE hit.visitor_no = identifier.visitor_no
                AND (hit.flags & 3 OR client.bot_reason IS NOT NULL)
            ) AND NOT EXISTS (
              SELECT 1 FROM session WHERE session.visitor_no = identifier.visitor_no
            ) THEN 'bot' END,
          identifier.visitor_no
        FROM json_each(?) AS wanted JOIN identifier ON identifier.identifier_no = wanted.value""",
        [wanted],
    ).fetchall()
    members = {}
    for number, kind, value, mentioned_ms, started_ms, is_mentioned, apart, visitor_no in rows:
        if is_mentioned:
            seen = [at_ms for at_ms in (mentioned_ms, started_ms) if at_ms is not None]
            first_ms = min(seen, default=UNSEEN_MS)
            own = Identifier(kind, value)
            members[number] = _Member(own, first_ms, apart if seen else "unseen", visitor_no)
    return members


def _load_links(db: sqlite3.Connection, wanted: str, gap_ms: int, until_ms: int) -> dict[int, list[_Row]]:
    """Load the evidence at each identifier; of those that link nobody, an operator's words alone."""
    links: dict[int, list[_Row]] = {}
    for end in ("a_no", "b_no"):
        rows = db.execute(
            f"""SELECT evidence.{end}, evidence.a_no, evidence.b_no, evidence.rule,
              one.kind, one.value, two.kind, two.value, evidence.at_ms, evidence.fact,
              CASE WHEN evidence.rule = 'R2' AND two.visitor_no IS NOT NULL THEN (
                SELECT max(started_ms) FROM session WHERE session.visitor_no = two.visitor_no
                  AND session.started_ms <= evidence.at_ms AND session.ended_ms + :gap_ms >= evidence.at_ms
              ) END, giver.value, evidence.once, evidence.flaw, evidence.is_undo
            FROM json_each(:wanted) AS wanted
            JOIN identifier AS own ON own.identifier_no = wanted.value
            JOIN evidence ON evidence.{end} = own.identifier_no AND evidence.rule >= {_weakest("own")}
            JOIN identifier AS one ON one.identifier_no = evidence.a_no
            JOIN identifier AS two ON two.identifier_no = evidence.b_no
            LEFT JOIN identifier AS giver ON giver.identifier_no = evidence.on_no
            WHERE evidence.flaw IS NOT 'echo' AND evidence.at_ms <= :until_ms""",
            {"wanted": wanted, "gap_ms": gap_ms, "until_ms": until_ms},
        )
        for own, a_no, b_no, *told in rows:
            links.setdefault(own, []).append(_Row(a_no, b_no, _evidence(told)))
    return links


def _evidence(told: Sequence[Any]) -> Evidence:
    rule, a_kind, a_value, b_kind, b_value, at_ms, key, since_ms, giver, once, flaw, is_undo = told
    return Evidence(
        rule, Identifier(a_kind, a_value), Identifier(b_kind, b_value), at_ms, key, since_ms,
        None if giver is None else Identifier("visitor", giver), once, flaw, bool(is_undo),
    )  # fmt: skip


def _load_names(db: sqlite3.Connection, wanted: str) -> dict[int, frozenset[str]]:
    names: dict[int, frozenset[str]] = {}
    rows = db.execute(
        """SELECT DISTINCT mention.identifier_no, mention.name FROM json_each(?) AS wanted
        JOIN identifier ON identifier.identifier_no = wanted.value AND kind IN ('email', 'user', 'crm')
        JOIN mention ON mention.identifier_no = wanted.value WHERE mention.name IS NOT NULL""",
        [wanted],
    )
    for number, name in rows:
        names[number] = names.get(number, frozenset()) | {name}
    return names


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
