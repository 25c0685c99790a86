"""Leases in the store: which number of a pool was shown to whom and when, and the calls of that time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

from tracker.core.matching import EARLY_MS, GRACE_MS


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
        [lease.number, lease.site_no, lease.from_ms - EARLY_MS, lease.to_ms + GRACE_MS],
    )
    return [row[0] for row in rows]


def calls_during(db: sqlite3.Connection, visitors: str) -> list[str]:
    """Name the calls to numbers that were shown to these visitors at the time.

    Args:
        visitors: their numbers, as a JSON list.
    """
    rows = db.execute(
        """SELECT DISTINCT lead.lead_id FROM json_each(:visitors) AS wanted
        JOIN lease ON lease.visitor_no = wanted.value
        JOIN lead ON lead.called = lease.number AND lead.site_no = lease.site_no
          AND lead.at_ms BETWEEN lease.from_ms - :early_ms AND lease.to_ms + :grace_ms""",
        {"visitors": visitors, "early_ms": EARLY_MS, "grace_ms": GRACE_MS},
    )
    return [row[0] for row in rows]


def calls_of(db: sqlite3.Connection, visitor_id: str) -> list[str]:
    """Name the calls to numbers that were shown to this visitor at the time, if anybody knows the visitor."""
    known = db.execute("SELECT json_group_array(visitor_no) FROM visitor WHERE visitor_id = ?", [visitor_id])
    return calls_during(db, known.fetchone()[0])


def leases_at(db: sqlite3.Connection, *, site_no: int, number: str, at_ms: int) -> list[tuple[int, str, int]]:
    """Load the leases that may cover a call: visitor number, visitor id, last seen in ms."""
    rows = db.execute(
        """SELECT visitor_no, visitor_id, max(to_ms) FROM lease JOIN visitor USING (visitor_no)
        WHERE number = ? AND site_no = ? AND from_ms <= ? AND to_ms >= ?
        GROUP BY visitor_no ORDER BY visitor_id""",
        [number, site_no, at_ms + EARLY_MS, at_ms - GRACE_MS],
    )
    return [(row[0], row[1], row[2]) for row in rows]
