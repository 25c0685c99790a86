"""Sessions in the store: a visitor's are replaced as a whole, and only rows that differ are written."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tracker.core.candidates import Candidate
from tracker.store.db import key_list
from tracker.store.marks import Pass
from tracker.store.sql import insert_many


class SessionRow(NamedTuple):
    """A session as it is stored; see the table `session`."""

    session_id: str
    site_no: int
    visitor_no: int
    started_ms: int
    ended_ms: int
    hits: int
    pages: int
    engaged_ms: int
    opened_hit_no: int
    landing_no: int
    exit_no: int
    opened_by: str
    source_no: int
    click_name: str | None
    click_no: int | None
    client_no: int | None
    country: str | None
    is_repeat_click: int


_COLUMNS = ", ".join(SessionRow._fields)
_UPDATE = (
    f"UPDATE session SET {', '.join(f'{name} = ?' for name in SessionRow._fields[1:])}, changed_no = ? "
    "WHERE session_id = ?"
)


def replace_sessions(
    db: sqlite3.Connection, visitor_nos: Iterable[int], rows: Sequence[SessionRow], run: Pass
) -> dict[int, list[str]]:
    """Make these the sessions of these visitors.

    Returns:
        For each visitor of whom a session differs, the ids of the sessions that are gone.
    """
    wanted = key_list(visitor_nos)
    found = db.execute(
        f"SELECT {_COLUMNS} FROM json_each(?) AS wanted JOIN session ON visitor_no = wanted.value", [wanted]
    )
    old = {row[0]: row for row in found}
    fresh = [row for row in rows if row.session_id not in old]
    moved = [row for row in rows if row.session_id in old and old[row.session_id] != row]
    kept = {row.session_id for row in rows}
    gone = [row for row in old.values() if row[0] not in kept]
    db.executemany("DELETE FROM session WHERE session_id = ?", [(row[0],) for row in gone])
    db.executemany(_UPDATE, [(*row[1:], run.number, row.session_id) for row in moved])
    insert_many(db, "session", (*SessionRow._fields, "changed_no"), [(*row, run.number) for row in fresh])
    changed: dict[int, list[str]] = {row.visitor_no: [] for row in (*fresh, *moved)}
    for row in gone:
        changed.setdefault(row[2], []).append(row[0])
    return changed


class OwnSession(NamedTuple):
    """A lead's own session: its id, its source's number, name and number of its click id."""

    session_id: str
    source_no: int
    click_name: str | None
    click_no: int | None


def own_session(
    db: sqlite3.Connection, chosen: Candidate, *, site_no: int, at_ms: int, since_ms: int
) -> OwnSession | None:
    """Find the session that covers an instant, else the latest before it that began at `since_ms` or later.

    Where a visitor was on several sites, a session on this site goes before others that do as well.
    """
    row = db.execute(
        """SELECT session_id, source_no, click_name, click_no FROM session
        WHERE visitor_no = :visitor_no AND started_ms <= :at_ms
          AND (started_ms >= :since_ms OR ended_ms >= :at_ms)
          AND started_ms >= :from_ms AND (:until_ms IS NULL OR started_ms < :until_ms)
        ORDER BY ended_ms >= :at_ms DESC, site_no = :site_no DESC, started_ms DESC, session_id DESC
        LIMIT 1""",
        {
            "visitor_no": chosen.visitor_no, "site_no": site_no, "at_ms": at_ms, "since_ms": since_ms,
            "from_ms": chosen.from_ms or 0, "until_ms": chosen.until_ms,
        },
    ).fetchone()  # fmt: skip
    return None if row is None else OwnSession(*row)
