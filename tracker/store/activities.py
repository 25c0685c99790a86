"""Activities of sales in the store, and whose they are: of the first of their names that is known.

An activity joins nobody. With whom it was is read off the identifiers that other facts have made known, so
that one with an address that nobody has yet waits until somebody has it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tracker.core.enquiries import Done
from tracker.core.groups import Identifier
from tracker.store.db import key_list


class ActivityRow(NamedTuple):
    """One row: what sales did, when, and who of them."""

    fact: str
    activity_id: str
    site_no: int
    provider: str
    provider_id: str
    at_ms: int
    kind: str
    owner: str | None
    title: str | None


def put_activity(db: sqlite3.Connection, row: ActivityRow, names: Sequence[Identifier]) -> set[int]:
    """Write an activity and with whom it was.

    Returns:
        The identifiers of those whom it was with before or is with now, as far as they are known.
    """
    moved = drop_activity(db, row.fact)
    db.execute(f"INSERT INTO activity VALUES ({', '.join('?' * len(row))})", row)
    db.executemany(
        "INSERT INTO activity_name VALUES (?, ?, ?, ?)",
        [(row.fact, place, *name) for place, name in enumerate(names)],
    )
    return moved | _known(db, row.fact)


def drop_activity(db: sqlite3.Connection, fact: str) -> set[int]:
    """Take an activity away; returns the identifiers of those whom it was with."""
    moved = _known(db, fact)
    db.execute("DELETE FROM activity_name WHERE fact = ?", [fact])
    db.execute("DELETE FROM activity WHERE fact = ?", [fact])
    return moved


def beside_in_activities(db: sqlite3.Connection, identifier_nos: Iterable[int]) -> dict[int, int]:
    """Find all identifiers that activities name which name one of these, each with one of these."""
    rows = db.execute(
        """SELECT other.identifier_no, min(own.identifier_no) FROM json_each(?) AS wanted
        JOIN identifier AS own ON own.identifier_no = wanted.value
        JOIN activity_name AS name ON name.value = own.value AND name.kind = own.kind
        JOIN activity_name AS beside ON beside.fact = name.fact
        JOIN identifier AS other ON other.kind = beside.kind AND other.value = beside.value
        GROUP BY other.identifier_no""",
        [key_list(identifier_nos)],
    )
    return dict(rows.fetchall())


def activities_of(db: sqlite3.Connection, person_no: int) -> list[Done]:
    """Load what sales did with a person."""
    rows = db.execute(
        """SELECT activity.at_ms, activity.activity_id, activity.kind, activity.owner
        FROM activity_identifier AS own JOIN activity USING (fact) WHERE own.person_no = ?""",
        [person_no],
    )
    return [Done(*row) for row in rows]


def _known(db: sqlite3.Connection, fact: str) -> set[int]:
    rows = db.execute(
        """SELECT identifier_no FROM activity_name
        JOIN identifier USING (kind, value) WHERE activity_name.fact = ?""",
        [fact],
    )
    return {row[0] for row in rows}
