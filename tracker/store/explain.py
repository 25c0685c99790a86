"""Everything the store knows of why one lead, session, hit or account is what it is."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from tracker.core.accounts import resolve_accounts
from tracker.core.ids import event_key
from tracker.core.times import format_instant
from tracker.errors import BadRequest
from tracker.store.accounts import find_account, load_parts
from tracker.store.bursts import crowd_size
from tracker.store.exports import spelled

SHOWN_PEOPLE = 50
SHOWN_JOURNEYS = 10

Found = dict[str, Any]


def explain(db: sqlite3.Connection, noun: str, id_: str) -> Found:
    """Gather what is known of one lead, session, hit or account.

    Raises:
        BadRequest: there is none of that id.
    """
    found = {"lead": _lead, "session": _session, "hit": _hit, "account": _account}[noun](db, id_)
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
    lead["timezone"] = db.execute("SELECT timezone FROM site WHERE key = ?", [lead["site"]]).fetchone()[0]
    lead["pages"] = _pages_before(db, lead)
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
    lead |= _quality(db, lead)
    lead["changes"] = _all(
        db,
        """SELECT before, after, because,
          strftime('%Y-%m-%dT%H:%M:%fZ', recorded_ms / 1000.0, 'unixepoch') AS recorded_at
        FROM change WHERE noun = 'lead' AND id = ? ORDER BY change_no""",
        lead["lead_id"],
    )
    return lead


def _quality(db: sqlite3.Connection, lead: Found) -> Found:
    """Gather what a lead is worth: the history of its status, what it repeats and what repeats it."""
    other = "SELECT lead_id, kind, at FROM leads WHERE lead_id = ?"
    return {
        "statuses": _all(
            db,
            """SELECT at, status, is_junk, said_by, rule, reason FROM statuses
            WHERE lead_id = ? ORDER BY step""",
            lead["lead_id"],
        ),
        "repeats": _one(db, other, lead["duplicate_of"]),
        "repeated_by": _all(
            db, "SELECT lead_id, kind, at FROM leads WHERE duplicate_of = ? ORDER BY at, lead_id",
            lead["lead_id"],
        ),
    }  # fmt: skip


def _pages_before(db: sqlite3.Connection, lead: Found) -> list[str]:
    """List the pages of a lead's own session up to the lead."""
    rows = db.execute(
        """SELECT page.value FROM lead JOIN session USING (session_id)
        JOIN hit ON hit.visitor_no = session.visitor_no AND hit.site_no = session.site_no
          AND hit.at_ms BETWEEN session.started_ms AND lead.at_ms
        JOIN string AS page ON page.string_no = hit.page_no
        LEFT JOIN client ON client.client_no = hit.client_no
        WHERE lead.lead_id = ? AND hit.kind = 0 AND hit.flags = 0 AND client.bot_reason IS NULL
        ORDER BY hit.at_ms, hit.seq, hit.event_key""",
        [lead["lead_id"]],
    )
    return [row[0] for row in rows]


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


def _account(db: sqlite3.Connection, id_: str) -> Found | None:
    """Gather an account by its id, a former one, a domain of it or a CRM's id of it."""
    number = find_account(db, id_)
    if number is None:
        return None
    account = _one(
        db,
        """SELECT accounts.* FROM account_part JOIN accounts ON accounts.account_id = account_part.part_id
        WHERE account_part.part_no = ?""",
        number,
    )
    if account is None:
        return None
    parts = load_parts(db, number)
    rulings = resolve_accounts(parts.first_ms, parts.joints)[1]
    account["joints"] = [
        {
            "crm_id": each.joint.account.value, "domain": each.joint.domain.value, "fact": each.joint.key,
            "at": format_instant(each.joint.at_ms), "verdict": "refused" if each.why else "joined",
            "why": each.why,
        }
        for each in rulings
        if {each.joint.account.value, each.joint.domain.value} & {*account["domains"], *account["crm_ids"]}
    ]  # fmt: skip
    account["memberships"] = _all(
        db,
        """SELECT person_id, reason, through, from_at, last_at, is_shown FROM memberships
        WHERE account_id = ? ORDER BY from_at, membership_id LIMIT ?""",
        account["account_id"], SHOWN_PEOPLE,
    )  # fmt: skip
    account["journeys"] = _all(
        db,
        """SELECT journey.conversion_kind, journey.conversion_id,
          strftime('%Y-%m-%dT%H:%M:%fZ', journey.at_ms / 1000.0, 'unixepoch') AS at,
          step.touch_count, step.path
        FROM account_step AS step JOIN journey ON journey.journey_id = step.journey_id
        WHERE step.account_no = ? ORDER BY step.at_ms DESC, journey.journey_id LIMIT ?""",
        number, SHOWN_JOURNEYS,
    )[::-1]  # fmt: skip
    return account


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
