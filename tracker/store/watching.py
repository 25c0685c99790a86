"""What alerts are decided from: fresh leads with their journeys, counts by hour, and the alarms so far."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

from tracker.core.alerts import Alarm, Fresh
from tracker.core.ids import journey_id
from tracker.core.times import HOUR_MS
from tracker.store.destinations import Destination

Row = dict[str, Any]

CHUNK = 200_000
_COUNTED = {
    "hit": (
        "hit_no",
        """SELECT 'hit', site_no, at_ms / :hour_ms, count(*) FROM hit LEFT JOIN client USING (client_no)
        WHERE hit_no > :since AND hit_no <= :until AND bot_reason IS NULL AND flags = 0 GROUP BY 2, 3""",
        "hit",
    ),
    "hook": (
        "raw_no",
        """SELECT 'hook', source_no, received_ms / :hour_ms, count(*) FROM raw_message
        WHERE raw_no > :since AND raw_no <= :until GROUP BY 2, 3""",
        "raw_message",
    ),
}
"""What is counted by hour: the number that grows with it, the counts of some of it, its table."""


def is_behind(db: sqlite3.Connection) -> bool:
    """Say whether views are still to be made anew, so that a lead may not be judged yet."""
    return bool(db.execute("SELECT EXISTS (SELECT 1 FROM dirty)").fetchone()[0])


def fresh_leads(
    db: sqlite3.Connection, destination: Destination, since_ms: int, *, told: str = "lead"
) -> list[Fresh]:
    """Load a site's leads of a time that a destination has not been told of, the oldest first.

    Of one enquiry one lead is told: a first one that comes in after its repeat was told is left out.

    Args:
        told: what it was told, as the keys of deliveries begin.
    """
    rows = db.execute(
        """WITH again AS MATERIALIZED (
          SELECT duplicate_of FROM lead
          JOIN delivery ON destination_no = ?3 AND key = ?4 || ':' || lead.lead_id
          WHERE lead.site_no = ?1 AND lead.at_ms >= ?2 AND duplicate_of IS NOT NULL
        )
        SELECT lead_id, kind, at_ms, is_junk, duplicate_of IS NOT NULL, status, duration_s,
          response_ms IS NOT NULL
        FROM lead WHERE site_no = ?1 AND at_ms >= ?2 AND NOT EXISTS (
          SELECT 1 FROM delivery WHERE destination_no = ?3 AND key = ?4 || ':' || lead.lead_id
        ) AND lead_id NOT IN (SELECT duplicate_of FROM again) ORDER BY at_ms, lead_id""",
        [destination.site_no, since_ms, destination.number, told],
    )
    return [_fresh([*row]) for row in rows]


def _fresh(values: list[Any]) -> Fresh:
    for place in (3, 4, 7):
        values[place] = bool(values[place])
    return Fresh(*values)


def load_news(db: sqlite3.Connection, lead_id: str) -> Row | None:
    """Load a lead as the exports show it, with its journey; none when it is no more, or has none yet."""
    lead = _one(db, "SELECT * FROM leads WHERE lead_id = ?", lead_id)
    made = _one(db, "SELECT * FROM journeys WHERE journey_id = ?", journey_id("lead", lead_id))
    return None if lead is None or made is None else {**lead, "journey": made}


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


def latest_unmatched(db: sqlite3.Connection, site_no: int, since_ms: int, most: int) -> list[bool]:
    """Say of a site's latest leads whether each has no visit, the latest first; junk is left out."""
    rows = db.execute(
        """SELECT match_rule IN ('unmatched', 'ambiguous') FROM lead
        WHERE site_no = ? AND at_ms >= ? AND NOT is_junk AND NOT is_withheld AND match_rule IS NOT NULL
        ORDER BY at_ms DESC, lead_id DESC LIMIT ?""",
        [site_no, since_ms, most],
    )
    return [bool(row[0]) for row in rows]


def count_hours(db: sqlite3.Connection) -> bool:
    """Add what came since the last time to the hours that it belongs to, inside the caller's transaction.

    Returns:
        Whether all is counted: a bounded number is each time, and the rest is for the next.
    """
    is_whole = True
    for kind, (number, counts, table) in _COUNTED.items():
        row = db.execute("SELECT value FROM counter WHERE name = ?", [f"counted_{kind}"]).fetchone()
        since = int(row[0]) if row else 0
        last = int(db.execute(f"SELECT coalesce(max({number}), 0) FROM {table}").fetchone()[0])
        until = min(last, since + CHUNK)
        is_whole &= until == last
        if until > since:
            db.execute(
                f"""INSERT INTO hour_count {counts}
                ON CONFLICT (kind, of_no, hour) DO UPDATE SET count = count + excluded.count""",
                {"hour_ms": HOUR_MS, "since": since, "until": until},
            )
            db.execute(
                "INSERT INTO counter VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2",
                [f"counted_{kind}", until],
            )
    return is_whole


def by_hour(db: sqlite3.Connection, kind: str, of_no: int, since_ms: int) -> Mapping[int, int]:
    """Load what was counted, by hour since 1970."""
    query = "SELECT hour, count FROM hour_count WHERE kind = ? AND of_no = ? AND hour >= ?"
    return dict(db.execute(query, [kind, of_no, since_ms // HOUR_MS]).fetchall())


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
