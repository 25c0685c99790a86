"""Memberships in the store: which accounts a person belongs to, since when, and for which reason.

They hang on parts of accounts, so that accounts may be joined or parted without a row moving here.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

from tracker.core.accounts import Tie, strongest
from tracker.store.changes import Change, log_change
from tracker.store.db import key_list
from tracker.store.marks import Pass

_SAID = """
SELECT own.person_no, own.domain_no AS part_no, 'email_domain' AS reason, min(own.first_ms), min(own.first_ms)
FROM json_each(:roots) AS wanted JOIN identifier AS own ON own.person_no = wanted.value
WHERE own.domain_no IS NOT NULL AND own.apart IS NULL
  AND EXISTS (SELECT 1 FROM mention WHERE mention.identifier_no = own.identifier_no)
GROUP BY own.person_no, own.domain_no
UNION ALL
SELECT own.person_no, word.part_no, word.reason, min(word.at_ms), max(word.at_ms)
FROM json_each(:roots) AS wanted JOIN identifier AS own ON own.person_no = wanted.value
JOIN account_people AS people ON people.identifier_no = own.identifier_no
JOIN account_word AS word ON word.fact = people.fact
WHERE own.apart IS NULL GROUP BY own.person_no, word.part_no, word.reason"""


class Membership(NamedTuple):
    """One reason for which a person belongs to an account; times in ms."""

    person_no: int
    part_no: int
    reason: str
    from_ms: int
    last_ms: int
    is_shown: int


def place_persons(db: sqlite3.Connection, roots: Iterable[int], run: Pass, *, because: str) -> set[int]:
    """Write which accounts these persons belong to.

    Args:
        roots: numbers of the oldest identifiers of persons, also of those who are none any more.

    Returns:
        The parts whose people moved.
    """
    wanted = key_list(sorted(roots))
    now = _said(db, wanted)
    columns = ", ".join(f"membership.{name}" for name in Membership._fields)
    was = {
        Membership(*row)
        for row in db.execute(
            f"SELECT {columns} FROM json_each(?) AS wanted JOIN membership ON person_no = wanted.value",
            [wanted],
        )
    }
    if was == now:
        return set()
    keys = {each[:3] for each in now}
    gone = [each for each in was - now if each[:3] not in keys]
    for each in sorted(gone):
        _log_gone(db, each, run, because=because)
    db.executemany(
        "DELETE FROM membership WHERE person_no = ? AND part_no = ? AND reason = ?",
        [each[:3] for each in was - now],
    )
    db.executemany(
        "INSERT INTO membership VALUES (?, ?, ?, ?, ?, ?, ?)", [(*each, run.number) for each in now - was]
    )
    moved = {each.part_no for each in was ^ now}
    db.executemany(
        "UPDATE account_part SET changed_no = ? WHERE part_no = ?", [(run.number, number) for number in moved]
    )
    shown = {each.person_no for each in was ^ now if each.is_shown}
    db.executemany(
        "UPDATE identifier SET changed_no = ?1 WHERE identifier_no = ?2 AND changed_no <> ?1",
        [(run.number, number) for number in shown],
    )
    return moved


def _said(db: sqlite3.Connection, wanted: str) -> set[Membership]:
    """Gather what addresses and facts say, and pick of each person's accounts the one that is shown."""
    rows = db.execute(_SAID, {"roots": wanted}).fetchall()
    if not rows:
        return set()
    parts = key_list(sorted({row[1] for row in rows}))
    query = "SELECT part_no, part_id FROM json_each(?) AS wanted JOIN account_part ON part_no = wanted.value"
    ids: dict[int, str] = dict(db.execute(query, [parts]).fetchall())
    of_person: dict[int, dict[Tie, int]] = {}
    for person_no, part_no, reason, from_ms, last_ms in rows:
        of_person.setdefault(person_no, {})[Tie(reason, from_ms, last_ms, ids[part_no])] = part_no
    return {
        Membership(person_no, part_no, tie.reason, tie.from_ms, tie.last_ms, int(tie == strongest(ties)))
        for person_no, ties in of_person.items()
        for tie, part_no in ties.items()
    }


def _log_gone(db: sqlite3.Connection, gone: Membership, run: Pass, *, because: str) -> None:
    query = """SELECT person.identifier_id, part.part_id FROM identifier AS person, account_part AS part
      WHERE person.identifier_no = ? AND part.part_no = ?"""
    found = db.execute(query, [gone.person_no, gone.part_no]).fetchone()
    if found is not None:
        named = f"{found[0]} {found[1]} {gone.reason}"
        log_change(db, Change("membership", named, {"reason": gone.reason}, None, because), run)


def shown_part(db: sqlite3.Connection, identifier_no: int | None) -> str | None:
    """Find the id of the part by which the person of an identifier is shown with an account."""
    found = db.execute(
        """SELECT part_id FROM identifier JOIN membership USING (person_no) JOIN account_part USING (part_no)
        WHERE identifier_no = ? AND is_shown""",
        [identifier_no],
    ).fetchone()
    return None if found is None else str(found[0])
