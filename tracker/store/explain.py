"""Everything the store knows of why one lead, session or hit is what it is."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from tracker.core.ids import event_key
from tracker.errors import BadRequest
from tracker.store.bursts import crowd_size
from tracker.store.exports import spelled

Found = dict[str, Any]


def explain(db: sqlite3.Connection, noun: str, id_: str) -> Found:
    """Gather what is known of one lead, session or hit.

    Raises:
        BadRequest: there is none of that id.
    """
    found = {"lead": _lead, "session": _session, "hit": _hit}[noun](db, id_)
    if found is None:
        raise BadRequest("bad_fact", f"there is no {noun} {id_!r}; `touchline export {noun}s` lists them")
    return found


def _lead(db: sqlite3.Connection, id_: str) -> Found | None:
    lead = _one(db, "SELECT * FROM leads WHERE lead_id = ?1 OR provider_id = ?1 ORDER BY lead_id", id_)
    if lead is None:
        return None
    own = "SELECT * FROM journeys WHERE conversion_kind = 'lead' AND conversion_id = ?"
    lead["journey"] = _one(db, own, lead["lead_id"])
    lead["session"] = _one(db, "SELECT * FROM sessions WHERE session_id = ?", lead["session_id"])
    touches = lead["journey"]["touch_ids"] if lead["journey"] else []
    lead["touches"] = _all(
        db,
        """SELECT touch_id, at, kind, channel, source, medium, campaign, term, landing_page, rule
        FROM touchpoints WHERE touch_id IN (SELECT value FROM json_each(?)) ORDER BY at, touch_id""",
        json.dumps(touches),
    )
    lead["versions"] = _all(
        db,
        """SELECT origin, strftime('%Y-%m-%dT%H:%M:%fZ', received_ms / 1000.0, 'unixepoch') AS received_at
        FROM fact JOIN site USING (site_no)
        WHERE fact.kind = 'lead' AND site.key = ? AND fact.key = ? || char(31) || ? ORDER BY fact_no""",
        lead["site"], lead["provider"], lead["provider_id"],
    )  # fmt: skip
    lead["changes"] = _all(
        db,
        """SELECT before, after, because,
          strftime('%Y-%m-%dT%H:%M:%fZ', recorded_ms / 1000.0, 'unixepoch') AS recorded_at
        FROM change WHERE noun = 'lead' AND id = ? ORDER BY change_no""",
        lead["lead_id"],
    )
    return lead


def _session(db: sqlite3.Connection, id_: str) -> Found | None:
    session = _one(db, "SELECT * FROM sessions WHERE session_id = ?", id_)
    if session is None:
        return None
    session["hit_list"] = _all(
        db,
        """SELECT hits.at, hits.event_id, hits.type, hits.name, hits.url, hits.referrer, hits.tags
        FROM hits JOIN visitor USING (visitor_id)
        WHERE hits.hit_no IN (SELECT hit_no FROM hit WHERE hit.visitor_no =
          (SELECT visitor_no FROM visitor WHERE visitor_id = ?)) AND hits.session_id = ?
        ORDER BY hits.at, hits.seq, hits.event_id""",
        session["visitor_id"], id_,
    )  # fmt: skip
    session["leads"] = _all(db, "SELECT lead_id, kind, at FROM leads WHERE session_id = ? ORDER BY at", id_)
    return session


def _hit(db: sqlite3.Connection, id_: str) -> Found | None:
    found = db.execute(
        "SELECT hit_no FROM hit WHERE event_key = ? ORDER BY site_no", [event_key(id_)]
    ).fetchone()
    if found is None:
        return _rejected(db, id_)
    hit = _one(db, "SELECT * FROM hits WHERE hit_no = ?", found[0])
    assert hit is not None
    if hit["dropped_because"] == "bot:burst":
        hit["burst_visitors"] = crowd_size(db, found[0])
    hit["session"] = _one(db, "SELECT * FROM sessions WHERE session_id = ?", hit["session_id"])
    return hit


def _rejected(db: sqlite3.Connection, event_id: str) -> Found | None:
    """Look for a hit among the rejects, of which there are few."""
    wanted = json.dumps(event_id)
    found = _one(
        db,
        "SELECT code, message, origin, body FROM reject WHERE instr(body, ?) ORDER BY reject_no DESC",
        wanted,
    )
    return None if found is None else {"event_id": event_id, "rejected": found}


def _one(db: sqlite3.Connection, query: str, *values: Any) -> Found | None:
    return next(iter(_all(db, query, *values)), None)


def _all(db: sqlite3.Connection, query: str, *values: Any) -> list[Found]:
    cursor = db.execute(query, values)
    names = [column[0] for column in cursor.description]
    return [spelled(dict(zip(names, row, strict=True))) for row in cursor]
