"""Leads and their journeys in the store: one row each, and a line in the log of changes when it moves."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tracker.core.journeys import Touch
from tracker.store.changes import Change, log_change
from tracker.store.db import key_list
from tracker.store.marks import Pass

LEAD_FACTS = (
    "fact", "site_no", "kind", "provider", "provider_id", "at_ms", "name", "email", "phone", "company",
    "tracking_number", "page_url", "duration_s", "answered", "value", "currency", "tags", "referrer",
    "proved_visitor_no", "email_no", "user_no", "crm_no", "phone_no", "chat_no", "called", "is_withheld",
)  # fmt: skip
LEAD_MATCH = (
    "identifier_no", "visitor_no", "session_id", "match_rule", "match_confidence", "match_evidence",
    "source_no", "click_name", "click_no",
)  # fmt: skip
JOURNEY = (
    "conversion_kind", "conversion_id", "site_no", "at_ms", "identifier_no", "first_ms", "first_source_no",
    "last_source_no", "lead_channel", "days", "touch_count", "path", "touch_ids", "part_id",
)  # fmt: skip
LEAD_LOGGED = ("visitor_id", "session_id", "match_rule", "status", "is_junk", "duplicate_of")
_FIRST = {"status": "new", "is_junk": 0, "duplicate_of": None}
"""What is decided of a lead before anything is known of it; being decided so is no news."""
_LOGGED = {"lead": LEAD_LOGGED, "journey": ("path", "touch_ids", "part_id")}

Row = dict[str, Any]


def load_lead(db: sqlite3.Connection, lead_id: str) -> Row | None:
    """Load a lead's row; none when there is no such lead."""
    return _one(db, "SELECT * FROM lead WHERE lead_id = ?", lead_id)


def put_lead(
    db: sqlite3.Connection, lead_id: str, facts: Mapping[str, Any], run: Pass, *, old: Row | None
) -> None:
    """Write what the facts say of a lead; its match stays until it is decided again.

    Args:
        old: its row as it stands; none where there is none yet.
    """
    if old is None:
        names = ", ".join(LEAD_FACTS)
        marks = ", ".join(f":{name}" for name in LEAD_FACTS)
        db.execute(
            f"INSERT INTO lead (lead_id, {names}, changed_no) VALUES (:lead_id, {marks}, :changed_no)",
            {**facts, "lead_id": lead_id, "changed_no": run.number},
        )
    elif any(old[name] != facts[name] for name in LEAD_FACTS):
        _update(db, "lead", "lead_id", lead_id, {**facts, "changed_no": run.number})


def put_match(
    db: sqlite3.Connection, old: Row, match: Mapping[str, Any], run: Pass, *, because: str
) -> set[int]:
    """Write to whom a lead belongs; logs it where it moved.

    Returns:
        The identifiers of those whose journeys had it, or have it now, as a touch of its own.
    """
    if all(old[name] == match[name] for name in LEAD_MATCH):
        return set()
    _update(db, "lead", "lead_id", old["lead_id"], {**match, "changed_no": run.number})
    was = None if old["match_rule"] is None else _told(db, old)
    log_change(db, Change("lead", old["lead_id"], was, _told(db, {**old, **match}), because), run)
    touches = (each["identifier_no"] for each in (old, match) if each["session_id"] is None)
    return {number for number in touches if number is not None}


def put_decided(db: sqlite3.Connection, old: Row, now: Mapping[str, Any], run: Pass, *, because: str) -> None:
    """Write what was decided of a lead; logs it where its status moved, or what it repeats."""
    if all(old[name] == value for name, value in now.items()):
        return
    _update(db, "lead", "lead_id", old["lead_id"], {**now, "changed_no": run.number})
    after = {**old, **now}
    if any((old[name] or _FIRST[name]) != after[name] for name in _FIRST):
        log_change(db, Change("lead", old["lead_id"], _told(db, old), _told(db, after), because), run)


def drop_lead(db: sqlite3.Connection, lead_id: str, journey_id: str, run: Pass, *, because: str) -> None:
    """Take a lead away that turned out to be none, and its journey."""
    old = load_lead(db, lead_id)
    if old is not None:
        db.execute("DELETE FROM lead WHERE lead_id = ?", [lead_id])
        db.execute("DELETE FROM lead_status WHERE lead_id = ?", [lead_id])
        db.execute("DELETE FROM lead_click WHERE lead_id = ?", [lead_id])
        log_change(db, Change("lead", lead_id, _told(db, old), None, because), run)
    made = _one(db, "SELECT * FROM journey WHERE journey_id = ?", journey_id)
    if made is not None:
        db.execute("DELETE FROM journey WHERE journey_id = ?", [journey_id])
        log_change(db, Change("journey", journey_id, _pick(made, "journey"), None, because), run)


def put_journey(
    db: sqlite3.Connection, journey_id: str, row: Mapping[str, Any], run: Pass, *, because: str
) -> None:
    """Write a journey; logs it where it moved."""
    old = _one(db, "SELECT * FROM journey WHERE journey_id = ?", journey_id)
    if old is not None and all(old[name] == row[name] for name in JOURNEY):
        return
    names = ", ".join(JOURNEY)
    marks = ", ".join(f":{name}" for name in JOURNEY)
    db.execute(
        f"""INSERT OR REPLACE INTO journey (journey_id, {names}, changed_no)
        VALUES (:journey_id, {marks}, :changed_no)""",
        {**row, "journey_id": journey_id, "changed_no": run.number},
    )
    was = None if old is None else _pick(old, "journey")
    now = _pick(row, "journey")
    if was != now:
        log_change(db, Change("journey", journey_id, was, now, because), run)


def leads_of(db: sqlite3.Connection, identifier_nos: Sequence[int]) -> list[str]:
    """Name the leads that name one of these identifiers, or are tied to its visitor or person by it."""
    rows = db.execute(
        """WITH wanted AS (SELECT value AS identifier_no FROM json_each(?))
        SELECT lead_id FROM wanted JOIN mention USING (identifier_no) JOIN lead ON lead.fact = mention.fact
        UNION SELECT lead_id FROM wanted JOIN lead USING (identifier_no)
        UNION SELECT lead_id FROM wanted JOIN identifier USING (identifier_no)
        JOIN lead ON lead.visitor_no = identifier.visitor_no""",
        [key_list(identifier_nos)],
    )
    return [row[0] for row in rows]


def leads_beside(db: sqlite3.Connection, identifier_nos: Iterable[int]) -> dict[str, int]:
    """Name all leads of the persons who have these identifiers, each with one of them."""
    rows = db.execute(
        """SELECT lead.lead_id, min(wanted.value) FROM json_each(?) AS wanted
        JOIN identifier AS one ON one.identifier_no = wanted.value
        JOIN identifier AS own ON own.person_no = one.person_no
        JOIN lead ON lead.identifier_no = own.identifier_no GROUP BY lead.lead_id""",
        [key_list(identifier_nos)],
    )
    return dict(rows.fetchall())


_TOUCHES = """
WITH own AS (
  SELECT own.identifier_no, own.visitor_no, own.apart, own.person_no FROM identifier
  JOIN identifier AS own ON own.person_no = identifier.person_no
  WHERE identifier.identifier_no = :identifier_no
), held AS (
  SELECT ownership.visitor_no, ownership.from_ms, (
    SELECT min(later.from_ms) FROM ownership AS later
    WHERE later.visitor_no = ownership.visitor_no AND later.from_ms > ownership.from_ms
  ) AS until_ms
  FROM own JOIN ownership ON ownership.identifier_no = own.identifier_no
)
SELECT session.started_ms, session.session_id, 'session', session.source_no, source.channel
FROM own JOIN session ON session.visitor_no = own.visitor_no JOIN source USING (source_no)
WHERE own.apart IS NOT 'shared_device' AND session.started_ms <= :at_ms
UNION ALL
SELECT session.started_ms, session.session_id, 'session', session.source_no, source.channel
FROM held JOIN session ON session.visitor_no = held.visitor_no AND session.started_ms >= held.from_ms
  AND (held.until_ms IS NULL OR session.started_ms < held.until_ms)
JOIN source USING (source_no)
WHERE session.started_ms <= :at_ms
UNION
SELECT session.started_ms, session.session_id, 'session', session.source_no, source.channel
FROM session JOIN source USING (source_no)
WHERE session.session_id = :session_id AND session.started_ms <= :at_ms
UNION ALL
SELECT lead.at_ms, lead.lead_id, 'lead', lead.source_no, source.channel
FROM own JOIN lead ON lead.identifier_no = own.identifier_no JOIN source USING (source_no)
WHERE lead.session_id IS NULL AND lead.at_ms <= :at_ms"""


def touches_of(
    db: sqlite3.Connection, identifier_no: int, at_ms: int, *, session_id: str | None
) -> list[Touch]:
    """Load what the person of an identifier touched up to an instant: sessions, and leads without one.

    Args:
        session_id: a lead's own session, which is a touch whoever owns the device.
    """
    asked = {"identifier_no": identifier_no, "at_ms": at_ms, "session_id": session_id}
    return [Touch(*row) for row in db.execute(_TOUCHES, asked)]


def _told(db: sqlite3.Connection, row: Mapping[str, Any]) -> Row:
    """Tell a lead's match in words that do not depend on the order of arrival."""
    found = db.execute("SELECT visitor_id FROM visitor WHERE visitor_no = ?", [row["visitor_no"]]).fetchone()
    return _pick({**row, "visitor_id": found[0] if found else None}, "lead")


def _pick(row: Mapping[str, Any], noun: str) -> Row:
    return {name: row[name] for name in _LOGGED[noun]}


def _update(db: sqlite3.Connection, table: str, key: str, value: str, columns: Mapping[str, Any]) -> None:
    assignments = ", ".join(f"{name} = :{name}" for name in columns)
    db.execute(f"UPDATE {table} SET {assignments} WHERE {key} = :_key", {**columns, "_key": value})


def _one(db: sqlite3.Connection, query: str, *values: Any) -> Row | None:
    cursor = db.execute(query, values)
    row = cursor.fetchone()
    return None if row is None else dict(zip((column[0] for column in cursor.description), row, strict=True))
