"""Leases in the store: which number of a pool was shown to whom and when, and the calls of that time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

from tracker.core.candidates import EARLY_MS, GRACE_MS, NEAR_MS


class LeaseRow(NamedTuple):
    """A lease as it is stored; see the table `lease`."""

    fact: str
    site_no: int
    number: str
    visitor_no: int
    from_ms: int
    to_ms: int
    pool: str


def put_lease(db: sqlite3.Connection, fact: str, row: LeaseRow | None) -> set[str]:
    """Make this what a fact says of a lease.

    Returns:
        The leads whose calls may have been meant by it, before or now.
    """
    found = db.execute("SELECT * FROM lease WHERE fact = ?", [fact]).fetchone()
    old = None if found is None else LeaseRow(*found)
    if old == row:
        return set()
    db.execute("DELETE FROM lease WHERE fact = ?", [fact])
    if row is not None:
        db.execute("INSERT INTO lease VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    return {called for each in (old, row) if each is not None for called in _calls(db, each)}


def _calls(db: sqlite3.Connection, lease: LeaseRow) -> Iterable[str]:
    rows = db.execute(
        "SELECT lead_id FROM lead WHERE called = ? AND site_no = ? AND at_ms BETWEEN ? AND ?",
        [lease.number, lease.site_no, lease.from_ms - NEAR_MS, lease.to_ms + NEAR_MS],
    )
    return [row[0] for row in rows]


def calls_during(db: sqlite3.Connection, visitors: str) -> list[str]:
    """Name the calls to numbers that were shown to these visitors at the time or near it.

    Args:
        visitors: their numbers, as a JSON list.
    """
    rows = db.execute(
        """SELECT DISTINCT lead.lead_id FROM json_each(:visitors) AS wanted
        JOIN lease ON lease.visitor_no = wanted.value
        JOIN lead ON lead.called = lease.number AND lead.site_no = lease.site_no
          AND lead.at_ms BETWEEN lease.from_ms - :near_ms AND lease.to_ms + :near_ms""",
        {"visitors": visitors, "near_ms": NEAR_MS},
    )
    return [row[0] for row in rows]


def calls_of(db: sqlite3.Connection, visitor_id: str) -> list[str]:
    """Name the calls to numbers that were shown to this visitor around the time, if anybody knows them."""
    known = db.execute("SELECT json_group_array(visitor_no) FROM visitor WHERE visitor_id = ?", [visitor_id])
    return calls_during(db, known.fetchone()[0])


class LeaseTime(NamedTuple):
    """A visitor to whom a number was shown, from when, and when they were last seen with it; in ms."""

    visitor_no: int
    visitor_id: str
    from_ms: int
    to_ms: int

    def covers(self, at_ms: int) -> bool:
        """Tell whether a call at an instant may be this visitor's."""
        return self.from_ms - EARLY_MS <= at_ms <= self.to_ms + GRACE_MS


def leases_near(db: sqlite3.Connection, *, site_no: int, number: str, at_ms: int) -> list[LeaseTime]:
    """Load the leases around a call, of each visitor the one that came nearest to it.

    None began earlier than the longest lease of the number lasts, so years of leases need not be read.
    """
    rows = db.execute(
        """SELECT visitor_no, visitor_id, from_ms, to_ms FROM lease JOIN visitor USING (visitor_no)
        WHERE number = :number AND site_no = :site_no AND to_ms >= :since_ms AND from_ms <= :until_ms
          AND from_ms >= :since_ms - (SELECT max(to_ms - from_ms) FROM lease WHERE number = :number)
        ORDER BY visitor_id""",
        {"number": number, "site_no": site_no, "since_ms": at_ms - NEAR_MS, "until_ms": at_ms + NEAR_MS},
    )
    nearest: dict[int, LeaseTime] = {}
    for each in map(LeaseTime._make, rows):
        known = nearest.get(each.visitor_no)
        if known is None or _nearness(each, at_ms) < _nearness(known, at_ms):
            nearest[each.visitor_no] = each
    return list(nearest.values())


def _nearness(lease: LeaseTime, at_ms: int) -> tuple[bool, int, int]:
    """Order leases: those that may be of the call, the longest first, then by the time between."""
    if lease.covers(at_ms):
        return False, 0, -lease.to_ms
    return True, max(lease.from_ms - at_ms, at_ms - lease.to_ms), -lease.to_ms
