"""Components of the evidence: the identifiers that it connects, as far as it may still join.

It is not followed through identifiers that link nobody, however many they were given with.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from tracker.core.evidence import Component, Evidence, Rule
from tracker.core.groups import Identifier
from tracker.core.whys import Why
from tracker.store.db import key_list

CUT = ("shared", "own_number")
"""Identifiers set apart for these reasons are not followed."""
UNSEEN_MS = 2**62
WORDS = ("same", "split", "merge")
"""Evidence of these rules is followed from anywhere.

They sort behind all other rules, so that an index finds them among the rows of a number of thousands.
"""


@dataclass(frozen=True, slots=True)
class Numbered:
    """A component with the numbers of its identifiers, of their visitors, and of the ends of its evidence."""

    numbers: Mapping[int, Identifier]
    visitors: Mapping[int, int]
    ends: Mapping[Evidence, tuple[int, int]]
    component: Component


class Held(NamedTuple):
    """An identifier's id, and the number of the oldest identifier of its person."""

    identifier_id: str
    person_no: int


class Reached(NamedTuple):
    """Components, and whose each identifier that was reached is so far, by its number."""

    components: list[Numbered]
    held: Mapping[int, Held]


_FOLLOWED = f"CASE WHEN own.apart IN {CUT} THEN '{min(WORDS)}' ELSE '' END"
"""From which rule on, in the order of the alphabet, an identifier's evidence is followed."""
_AT_ENDS = " UNION ALL ".join(
    f"""SELECT evidence.{end}, evidence.a_no, evidence.b_no, evidence.rule, evidence.at_ms, evidence.fact,
      CASE WHEN evidence.rule = 'R2' THEN (
        SELECT max(started_ms) FROM identifier AS two JOIN session ON session.visitor_no = two.visitor_no
        WHERE two.identifier_no = evidence.b_no
          AND session.started_ms <= evidence.at_ms AND session.ended_ms + :gap_ms >= evidence.at_ms
      ) END, giver.value, evidence.once, evidence.flaw, evidence.is_undo
    FROM json_each(:wanted) AS wanted
    JOIN identifier AS own ON own.identifier_no = wanted.value
    JOIN evidence ON evidence.{end} = own.identifier_no AND evidence.rule >= {_FOLLOWED}
    LEFT JOIN identifier AS giver ON giver.identifier_no = evidence.on_no"""
    for end in ("a_no", "b_no")
)


class _Member(NamedTuple):
    """An identifier that was reached, when it was first seen, and why it links nobody; see `identifier`."""

    identifier: Identifier
    held: Held
    visitor_no: int | None
    is_mentioned: bool
    first_ms: int
    apart: Why | None
    names: frozenset[str]


class _Row(NamedTuple):
    """A row of evidence as it is stored; `since_ms`: when the session began in which it was given."""

    a_no: int
    b_no: int
    rule: Rule
    at_ms: int
    fact: str
    since_ms: int | None
    giver: str | None
    once: str | None
    flaw: Why | Literal["echo"] | None
    is_undo: int


def load_components(
    db: sqlite3.Connection, seeds: Iterable[int], *, gap_ms: int, until_ms: int = UNSEEN_MS
) -> Reached:
    """Load the components that hold these identifiers.

    Args:
        gap_ms: a session covers what comes this long after its last hit.
        until_ms: later evidence is left out.
    """
    rows = _reach(db, seeds, gap_ms)
    reached = _load_members(db, rows)
    heard = {number: [row for row in at if _is_heard(row, until_ms)] for number, at in rows.items()}
    evidence = {row: _evidence(row, reached) for row in {row for at in heard.values() for row in at}}
    members = {number: member for number, member in reached.items() if member.is_mentioned}
    components = []
    for group in _groups(members, heard):
        ends = {evidence[row]: (row.a_no, row.b_no) for number in group for row in heard[number]}
        components.append(_numbered({number: members[number] for number in group}, ends))
    return Reached(components, {number: member.held for number, member in reached.items()})


def _numbered(own: Mapping[int, _Member], ends: Mapping[Evidence, tuple[int, int]]) -> Numbered:
    numbers = {number: member.identifier for number, member in own.items()}
    known = set(numbers.values())
    cut = {end for each in ends for end in (each.a, each.b) if end not in known}
    visitors = {number: one.visitor_no for number, one in own.items() if one.visitor_no is not None}
    return Numbered(numbers, visitors, ends, Component(
        {member.identifier: member.first_ms for member in own.values()},
        tuple(ends),
        {member.identifier: member.names for member in own.values() if member.names},
        {member.identifier: member.apart for member in own.values() if member.apart is not None}
        | dict.fromkeys(cut, "shared"),
    ))  # fmt: skip


def _groups(members: Mapping[int, _Member], heard: Mapping[int, list[_Row]]) -> list[list[int]]:
    """Sort members into components; what links nobody connects only by an operator's word."""
    parent = {number: number for number in members}

    def find(number: int) -> int:
        while parent[number] != number:
            parent[number] = number = parent[parent[number]]
        return number

    for row in (row for rows in heard.values() for row in rows):
        if row.a_no in parent and row.b_no in parent:
            is_cut = any(members[end].apart in CUT for end in (row.a_no, row.b_no))
            if not is_cut or row.rule in WORDS:
                parent[find(row.a_no)] = find(row.b_no)
    groups: dict[int, list[int]] = {}
    for number in sorted(members):
        groups.setdefault(find(number), []).append(number)
    return list(groups.values())


def _reach(db: sqlite3.Connection, seeds: Iterable[int], gap_ms: int) -> dict[int, list[_Row]]:
    """Follow the evidence from identifier to identifier, and load what there is at each."""
    reached: dict[int, list[_Row]] = {}
    wanted = set(seeds)
    while wanted:
        reached |= {number: [] for number in wanted}
        found = db.execute(_AT_ENDS, {"wanted": key_list(sorted(wanted)), "gap_ms": gap_ms})
        for own, *row in found.fetchall():
            reached[own].append(_Row(*row))
        ends = (end for number in wanted for row in reached[number] for end in (row.a_no, row.b_no))
        wanted = {end for end in ends if end not in reached}
    return reached


def _load_members(db: sqlite3.Connection, numbers: Iterable[int]) -> dict[int, _Member]:
    """Load identifiers, when each was first seen, and which link nobody."""
    rows = db.execute(
        """SELECT own.identifier_no, own.kind, own.value, own.identifier_id, own.person_no, own.visitor_no,
          EXISTS (SELECT 1 FROM mention WHERE mention.identifier_no = own.identifier_no),
          (SELECT min(at_ms) FROM mention WHERE mention.identifier_no = own.identifier_no),
          (SELECT min(started_ms) FROM session WHERE session.visitor_no = own.visitor_no),
          CASE WHEN own.kind = 'phone' AND (
              EXISTS (SELECT 1 FROM lease WHERE lease.number = own.value)
              OR EXISTS (SELECT 1 FROM static_number WHERE static_number.number = own.value)
            ) THEN 'own_number'
            WHEN own.apart = 'shared' THEN 'shared'
            WHEN own.visitor_no IS NOT NULL AND EXISTS (
              SELECT 1 FROM hit LEFT JOIN client USING (client_no)
              WHERE hit.visitor_no = own.visitor_no AND (hit.flags & 3 OR client.bot_reason IS NOT NULL)
            ) AND NOT EXISTS (
              SELECT 1 FROM session WHERE session.visitor_no = own.visitor_no
            ) THEN 'bot' END,
          CASE WHEN own.kind IN ('email', 'user', 'crm') THEN (
            SELECT json_group_array(DISTINCT name) FROM mention
            WHERE mention.identifier_no = own.identifier_no AND name IS NOT NULL
          ) END
        FROM json_each(?) AS wanted JOIN identifier AS own ON own.identifier_no = wanted.value""",
        [key_list(sorted(numbers))],
    )
    return {row[0]: _member(*row[1:]) for row in rows.fetchall()}


def _member(
    kind: Any, value: str, identifier_id: str, person_no: int, visitor_no: int | None, *seen: Any
) -> _Member:  # fmt: skip
    is_mentioned, mentioned_ms, started_ms, apart, names = seen
    times = [at_ms for at_ms in (mentioned_ms, started_ms) if at_ms is not None]
    return _Member(
        Identifier(kind, value), Held(identifier_id, person_no), visitor_no, bool(is_mentioned),
        min(times, default=UNSEEN_MS), apart if times else "unseen", frozenset(json.loads(names or "[]")),
    )  # fmt: skip


def _is_heard(row: _Row, until_ms: int) -> bool:
    """Tell whether a row counts as evidence; an echo follows from it, and is none."""
    return row.flaw != "echo" and row.at_ms <= until_ms


def _evidence(row: _Row, reached: Mapping[int, _Member]) -> Evidence:
    on = None if row.giver is None else Identifier("visitor", row.giver)
    flaw = None if row.flaw == "echo" else row.flaw
    return Evidence(
        row.rule, reached[row.a_no].identifier, reached[row.b_no].identifier, row.at_ms, row.fact,
        row.since_ms, on, row.once, flaw, bool(row.is_undo),
    )  # fmt: skip
