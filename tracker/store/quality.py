"""What leads are worth, in the store: status with its history, repeats, and when sales answered."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tracker.core.enquiries import Asked, Response
from tracker.core.qualification import Step
from tracker.errors import BadRequest
from tracker.store.db import key_list
from tracker.store.exports import CONTACTS, spelled
from tracker.store.leads import Row, put_decided
from tracker.store.marks import Pass


def put_steps(db: sqlite3.Connection, lead: Row, steps: Sequence[Step], run: Pass, *, because: str) -> None:
    """Write the history of a lead's status, the last step of which counts."""
    if lead["status"] is not None:
        db.execute("DELETE FROM lead_status WHERE lead_id = ?", [lead["lead_id"]])
    db.executemany(
        "INSERT INTO lead_status VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (lead["lead_id"], step.at_ms, number, step.status, step.is_junk, step.by, step.rule, step.reason)
            for number, step in enumerate(steps)
        ],
    )
    last = steps[-1]
    now = {
        "status": last.status, "is_junk": int(last.is_junk), "status_ms": last.at_ms, "status_by": last.by,
        "status_rule": last.rule, "status_reason": last.reason,
    }  # fmt: skip
    put_decided(db, lead, now, run, because=because)


def load_seen(db: sqlite3.Connection, lead: Row, journey_id: str) -> dict[str, Any]:
    """Load what a lead's sessions tell of it: `channel`, `source`, `country`, `pages` of its journey."""
    found = db.execute(
        """SELECT source.channel, source.source, session.country, (
          SELECT coalesce(sum(seen.pages), 0) FROM journey JOIN json_each(journey.touch_ids) AS touch
          JOIN session AS seen ON seen.session_id = touch.value WHERE journey.journey_id = ?
        )
        FROM (SELECT ? AS source_no, ? AS session_id) AS own
        LEFT JOIN source USING (source_no) LEFT JOIN session USING (session_id)""",
        [journey_id, lead["source_no"], lead["session_id"]],
    ).fetchone()
    return dict(zip(("channel", "source", "country", "pages"), found, strict=True))


def persons_of(db: sqlite3.Connection, identifier_nos: Iterable[int]) -> dict[int, int]:
    """Find whose these identifiers are: person by identifier, those that there are."""
    rows = db.execute(
        """SELECT identifier_no, person_no FROM json_each(?) AS wanted
        JOIN identifier ON identifier_no = wanted.value""",
        [key_list(identifier_nos)],
    )
    return dict(rows.fetchall())


def leads_of_person(db: sqlite3.Connection, person_no: int) -> list[Row]:
    """Load all leads of a person."""
    query = """SELECT lead.* FROM identifier AS own JOIN lead ON lead.identifier_no = own.identifier_no
    WHERE own.person_no = ?"""
    return _read(db, query, [person_no])


def asked_of(lead: Row) -> Asked:
    """Read what an enquiry needs to know of a lead."""
    return Asked(
        lead["at_ms"], lead["lead_id"], lead["kind"], lead["site_no"], is_junk=bool(lead["is_junk"]),
        was_answered=lead["kind"] == "call" and lead["answered"] == 1,
    )  # fmt: skip


def put_enquiry(
    db: sqlite3.Connection, lead: Row, found: tuple[str | None, Response | None], run: Pass, *, because: str
) -> None:
    """Write which lead this one repeats, if any, and when it was answered."""
    duplicate_of, response = found
    now = {
        "duplicate_of": duplicate_of, "response_ms": response.at_ms if response else None,
        "response_owner": response.owner if response else None,
    }  # fmt: skip
    put_decided(db, lead, now, run, because=because)


def find_lead(db: sqlite3.Connection, text: str, *, pii: bool = False) -> Row:
    """Find a lead by its id, or by its provider's where that names one alone.

    Raises:
        BadRequest: there is none of that id, or several of that provider's id.
    """
    found = _read(db, "SELECT * FROM leads WHERE lead_id = ?1 OR provider_id = ?1 LIMIT 2", [text])
    if not found:
        raise BadRequest("bad_fact", f"there is no lead {text!r}; `touchline export leads` lists them")
    own = [row for row in found if row["lead_id"] == text] or found
    if len(own) > 1:
        raise BadRequest("bad_fact", f"several leads have the id {text!r}; write the lead_id of one of them")
    return spelled(own[0], frozenset() if pii else CONTACTS & own[0].keys())


def list_leads(
    db: sqlite3.Connection, only: Mapping[str, Any], *, limit: int, pii: bool = False
) -> list[Row]:
    """Load the latest leads, newest first.

    Args:
        only: values that columns of the readable view must have.
    """
    where = " AND ".join(f"{name} IS :{name}" for name in only) or "true"
    query = f"SELECT * FROM leads WHERE {where} ORDER BY at DESC, lead_id LIMIT :limit"
    rows = _read(db, query, {**only, "limit": limit})
    return [spelled(row, frozenset() if pii else CONTACTS & row.keys()) for row in rows]


def _read(db: sqlite3.Connection, query: str, values: Any) -> list[Row]:
    cursor = db.execute(query, values)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]
