"""What alerts are decided from: fresh leads with their journeys, hits by hour, and the alarms so far."""

from __future__ import annotations

import sqlite3
from typing import Any

from tracker.core.alerts import Alarm
from tracker.core.ids import journey_id
from tracker.core.times import HOUR_MS
from tracker.store.destinations import Destination

Row = dict[str, Any]

COUNTED = "counted_hit_no"
CHUNK = 50_000


def fresh_leads(db: sqlite3.Connection, destination: Destination, since_ms: int) -> list[str]:
    """Name a site's leads of a time that a destination has not been told of, the oldest first."""
    rows = db.execute(
        """SELECT lead_id FROM lead WHERE site_no = ?1 AND at_ms >= ?2 AND NOT EXISTS (
          SELECT 1 FROM delivery WHERE destination_no = ?3 AND key = 'lead:' || lead.lead_id
        ) ORDER BY at_ms, lead_id""",
        [destination.site_no, since_ms, destination.number],
    )
    return [row[0] for row in rows]


def load_lead(db: sqlite3.Connection, lead_id: str) -> Row | None:
    """Load a lead as the exports show it, with its journey; none when it is no more."""
    lead = _one(db, "SELECT * FROM leads WHERE lead_id = ?", lead_id)
    if lead is None:
        return None
    lead["journey"] = _one(db, "SELECT * FROM journeys WHERE journey_id = ?", journey_id("lead", lead_id))
    return lead


def pages_before(db: sqlite3.Connection, session_id: str | None, at_ms: int) -> list[str]:
    """List the pages of a session up to an instant, each once, where it was seen last."""
    rows = db.execute(
        """SELECT page.value FROM session
        JOIN hit ON hit.visitor_no = session.visitor_no AND hit.site_no = session.site_no
          AND hit.at_ms BETWEEN session.started_ms AND min(session.ended_ms, ?2) AND hit.kind = 0
        JOIN string AS page ON page.string_no = hit.page_no
        WHERE session.session_id = ?1 ORDER BY hit.at_ms DESC, hit.hit_no DESC""",
        [session_id, at_ms],
    )
    return list(dict.fromkeys(row[0] for row in rows))[::-1]


def count_hours(db: sqlite3.Connection) -> int:
    """Add the hits that came since the last time to the hours that they belong to.

    Works off a bounded number inside the caller's transaction; returns how many hits are left.
    """
    row = db.execute("SELECT value FROM counter WHERE name = ?", [COUNTED]).fetchone()
    since = int(row[0]) if row else 0
    last = int(db.execute("SELECT coalesce(max(hit_no), 0) FROM hit").fetchone()[0])
    until = min(last, since + CHUNK)
    if until <= since:
        return 0
    db.execute(
        """INSERT INTO hour_count
        SELECT site_no, at_ms / ?1, count(*) FROM hit LEFT JOIN client USING (client_no)
        WHERE hit_no > ?2 AND hit_no <= ?3 AND bot_reason IS NULL AND flags = 0
        GROUP BY 1, 2 ON CONFLICT (site_no, hour) DO UPDATE SET hits = hits + excluded.hits""",
        [HOUR_MS, since, until],
    )
    db.execute(
        "INSERT INTO counter VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2", [COUNTED, until]
    )
    return last - until


def hits_by_hour(db: sqlite3.Connection, site_no: int, since_ms: int) -> dict[int, int]:
    """Load a site's hits of people, by hour since 1970."""
    query = "SELECT hour, hits FROM hour_count WHERE site_no = ? AND hour >= ?"
    return dict(db.execute(query, [site_no, since_ms // HOUR_MS]).fetchall())


def load_alarm(db: sqlite3.Connection, site_no: int, kind: str, object_: str) -> Alarm:
    """Load what was last known of a state."""
    row = db.execute(
        "SELECT is_on, since_ms, told_ms FROM alarm WHERE site_no = ? AND kind = ? AND object = ?",
        [site_no, kind, object_],
    ).fetchone()
    return Alarm() if row is None else Alarm(bool(row[0]), row[1], row[2])


def put_alarm(db: sqlite3.Connection, site_no: int, kind: str, object_: str, alarm: Alarm) -> None:
    """Keep what is known of a state, inside the caller's transaction."""
    db.execute(
        "INSERT OR REPLACE INTO alarm VALUES (?, ?, ?, ?, ?, ?)",
        [site_no, kind, object_, alarm.is_on, alarm.since_ms, alarm.told_ms],
    )


def _one(db: sqlite3.Connection, query: str, *values: Any) -> Row | None:
    cursor = db.execute(query, values)
    row = cursor.fetchone()
    return None if row is None else dict(zip((each[0] for each in cursor.description), row, strict=True))
