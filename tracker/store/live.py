"""What the first page shows: one visitor's own sessions, hits and leads, and how much there is in all.

Read only. Everything about a visitor is found through that visitor's own rows, so a look costs the same
whatever the size of the store. Other browsers of the same person are counted, never shown.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import Any

from tracker.core.ids import journey_id
from tracker.model import VisitorId
from tracker.store.exports import CONTACTS, mask

SESSIONS = 20
HITS = 200
LEADS = 20

Found = dict[str, Any]

_SESSIONS = """
SELECT session_id, site, started_at, ended_at, hits, pages, engaged_s, landing_page, opened_by,
  channel, source, medium, campaign, term, content, click_id_name, click_id, referrer_host, rule,
  browser, os, device, is_repeat_click
FROM sessions WHERE visitor_id = :visitor_id
ORDER BY started_at DESC, session_id DESC LIMIT :limit"""

_HITS = """
SELECT event_id, session_id, at, type, name, url, title, engaged_s, scroll_pct, dropped_because, extra
FROM hits WHERE hit_no IN (
  SELECT hit_no FROM hit JOIN visitor USING (visitor_no)
  WHERE visitor_id = :visitor_id ORDER BY at_ms DESC LIMIT :limit)
ORDER BY at, coalesce(seq, -1), event_id"""

_LEADS = """
SELECT lead_id, site, kind, provider, at, name, email, phone, company, session_id, match_rule,
  match_confidence, match_evidence, channel, source, medium, campaign, status, is_junk,
  CASE status_by WHEN 'rule' THEN status_reason END AS status_reason, duplicate_of IS NOT NULL AS is_repeat
FROM leads WHERE visitor_id = :visitor_id AND lead_id IN (
  SELECT lead.lead_id FROM visitor
  JOIN identifier USING (visitor_no)
  JOIN identifier AS own ON own.person_no = identifier.person_no
  JOIN lead ON lead.identifier_no = own.identifier_no
  WHERE visitor.visitor_id = :visitor_id)
ORDER BY at DESC, lead_id DESC LIMIT :limit"""

_JOURNEY = "SELECT days, touch_count, path, touch_ids FROM journeys WHERE journey_id = ?"

_PERSON = """
SELECT who.person_id, (
  SELECT count(*) FROM identifier
  JOIN identifier AS own ON own.person_no = identifier.person_no AND own.kind = 'visitor'
  WHERE identifier.visitor_no = visitor.visitor_no) AS browsers
FROM visitor JOIN person_of_visitor AS who USING (visitor_no) WHERE visitor_id = ?"""

_LAST_CLICK = """
SELECT click.value FROM visitor
JOIN session USING (visitor_no)
JOIN string AS click ON click.string_no = session.click_no
WHERE visitor_id = ? AND session.click_name = ? ORDER BY session.started_ms DESC LIMIT 1"""


@dataclass(frozen=True, slots=True)
class Totals:
    """How much the workspace holds."""

    sessions: int
    leads: int


def load_totals(db: sqlite3.Connection) -> Totals:
    """Count sessions and leads."""
    sessions, leads = (
        db.execute(f"SELECT count(*) FROM {noun}").fetchone()[0] for noun in ("session", "lead")
    )
    return Totals(sessions, leads)


def load_visitor(db: sqlite3.Connection, visitor_id: VisitorId) -> Found | None:
    """Load one visitor's journey so far: the latest sessions, hits and leads, each in order of time.

    Returns:
        `visitor_id`, `person_id`, `browsers` (how many of the person's are known), `sessions`, `hits`
        and `leads`, each lead with its `journey`; none when nothing of the visitor is stored.
    """
    person = db.execute(_PERSON, [visitor_id]).fetchone()
    if person is None:
        return None
    sessions = _latest(db, _SESSIONS, visitor_id, SESSIONS)
    leads = _latest(db, _LEADS, visitor_id, LEADS)
    own = {session["session_id"] for session in sessions} | {lead["lead_id"] for lead in leads}
    for lead in leads:
        lead["why"] = json.loads(lead.pop("match_evidence") or "{}").get("why")
        if lead["match_rule"] != "M1":  # somebody else may have typed them
            lead |= {name: mask(lead[name]) for name in CONTACTS & lead.keys()}
        lead |= {name: bool(lead[name]) for name in ("is_junk", "is_repeat")}
        lead["journey"] = _journey(db, lead["lead_id"], own)
    for session in sessions:
        session["is_repeat_click"] = bool(session["is_repeat_click"])
    return {
        "visitor_id": visitor_id,
        "person_id": person[0],
        "browsers": max(1, person[1]),
        "sessions": sessions,
        "hits": [_hit(row) for row in _all(db, _HITS, visitor_id, HITS)],
        "leads": leads,
    }


def last_click(db: sqlite3.Connection, visitor_id: VisitorId, name: str) -> str | None:
    """Find the click id of this name that a visitor's latest session came with."""
    found = db.execute(_LAST_CLICK, [visitor_id, name]).fetchone()
    return None if found is None else str(found[0])


def _journey(db: sqlite3.Connection, lead_id: str, own: set[str]) -> Found | None:
    """Load the path to a lead; touches of the person's other browsers are marked as such."""
    row = db.execute(_JOURNEY, [journey_id("lead", lead_id)]).fetchone()
    if row is None:
        return None
    days, count, path, touch_ids = row
    touches = zip(json.loads(path), json.loads(touch_ids), strict=True)
    return {
        "days": days,
        "touch_count": count,
        "touches": [
            {"channel": channel, "touch_id": each, "is_own": each in own} for channel, each in touches
        ],
    }


def _hit(row: Found) -> Found:
    """Keep of a hit's props what the page has words for."""
    props = json.loads(row.pop("extra") or "{}").get("props") or {}
    return row | {"props": {name: str(value) for name, value in props.items() if not isinstance(value, dict)}}


def _latest(db: sqlite3.Connection, query: str, visitor_id: VisitorId, limit: int) -> list[Found]:
    return _all(db, query, visitor_id, limit)[::-1]


def _all(db: sqlite3.Connection, query: str, visitor_id: VisitorId, limit: int) -> list[Found]:
    cursor = db.execute(query, {"visitor_id": visitor_id, "limit": limit})
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]
