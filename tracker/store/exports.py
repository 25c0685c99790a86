"""What leaves the store for people: the readable views row by row, whole or what changed since a cursor.

A cursor is a number that an earlier export gave; `gone` names rows that an earlier export may have
held and that are no more.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tracker.core.groups import Identifier
from tracker.errors import BadRequest
from tracker.store import marks
from tracker.store.hits import last_hit_no


@dataclass(frozen=True, slots=True)
class Export:
    """How one view leaves: its key, its order, what `--since` selects (empty: all), columns left out.

    `nouns` are those of the log of changes that name its rows; a log has no rows that go.
    """

    view: str
    key: str
    order: str
    since: str
    nouns: tuple[str, ...] = ()
    hidden: frozenset[str] = frozenset()
    is_log: bool = False


_MOVED = "SELECT own.identifier_no FROM identifier AS own WHERE own.changed_no > :since"
_MOVED_ACCOUNTS = """SELECT account.part_id FROM account_part AS part
  JOIN account_part AS account ON account.part_no = part.account_no WHERE part.moved_no > :since"""
_MOVED_PERSONS = f"""SELECT person.identifier_id FROM identifier AS own
  JOIN identifier AS person ON person.identifier_no = own.person_no WHERE own.identifier_no IN ({_MOVED})
  UNION SELECT change.id FROM change WHERE change.noun = 'person' AND change.change_no > :since"""
_MOVED_SESSIONS = "SELECT session.session_id FROM session WHERE session.changed_no > :since"
_GONE_SESSIONS = """change JOIN visitor ON visitor.visitor_id = json_extract(change.before, '$.visitor_id')
  WHERE change.noun = 'session' AND change.change_no > :since"""
_TOUCHED = f"""SELECT touch.person_id FROM touch WHERE touch.changed_no > :since
  UNION SELECT who.person_id FROM person_of_visitor AS who
  WHERE who.visitor_no IN (SELECT visitor.visitor_no FROM {_GONE_SESSIONS})"""
_TOUCHED_ACCOUNTS = f"""SELECT account.part_id FROM account_part AS part
  JOIN account_part AS account ON account.part_no = part.account_no WHERE part.changed_no > :since
  UNION SELECT account.part_id FROM identifier AS person
  JOIN membership ON membership.person_no = person.identifier_no
  JOIN account_part AS part ON part.part_no = membership.part_no
  JOIN account_part AS account ON account.part_no = part.account_no
  WHERE person.identifier_id IN ({_TOUCHED} UNION {_MOVED_PERSONS})"""

EXPORTS = {
    "sessions": Export(
        "sessions", "session_id", "session_id",
        f"session_id IN ({_MOVED_SESSIONS}) OR person_id IN ({_MOVED_PERSONS})", ("session",),
    ),
    "touchpoints": Export(
        "touchpoints", "touch_id", "at, touch_id",
        f"""person_id IN ({_TOUCHED} UNION {_MOVED_PERSONS}) OR account_id IN ({_MOVED_ACCOUNTS})
        OR person_id IS NULL AND touch_id IN (SELECT lead_id FROM lead WHERE changed_no > :since)""",
        ("session", "lead"),
    ),
    "leads": Export(
        "leads", "lead_id", "at, lead_id",
        f"""lead_id IN (SELECT lead_id FROM lead WHERE changed_no > :since)
        OR session_id IN ({_MOVED_SESSIONS}) OR person_id IN ({_MOVED_PERSONS})""",
        ("lead",),
    ),
    "statuses": Export("statuses", "status_id", "site, lead_id, step", "", hidden=frozenset({"status_id"})),
    "activities": Export("activities", "activity_id", "at, activity_id", ""),
    "journeys": Export(
        "journeys", "journey_id", "at, journey_id",
        f"""journey_id IN (SELECT journey_id FROM journey WHERE changed_no > :since)
        OR person_id IN ({_MOVED_PERSONS}) OR account_id IN ({_MOVED_ACCOUNTS})""",
        ("journey",),
    ),
    "persons": Export(
        "persons", "person_id", "person_id",
        f"person_id IN ({_TOUCHED} UNION {_MOVED_PERSONS}) OR account_id IN ({_MOVED_ACCOUNTS})", ("person",),
    ),
    "accounts": Export(
        "accounts", "account_id", "account_id", f"account_id IN ({_TOUCHED_ACCOUNTS})", ("account",)
    ),
    "memberships": Export(
        "memberships", "membership_id", "account_id, person_id, reason, through",
        """membership_id IN (
          SELECT person.identifier_id || ' ' || part.part_id || ' ' || membership.reason
          FROM membership JOIN identifier AS person ON person.identifier_no = membership.person_no
          JOIN account_part AS part ON part.part_no = membership.part_no
          WHERE membership.changed_no > :since OR part.moved_no > :since
        )""",
        ("membership",),
    ),
    "account_journeys": Export(
        "account_journeys", "journey_id", "at, journey_id",
        f"""account_id IN ({_TOUCHED_ACCOUNTS})
        OR journey_id IN (SELECT journey_id FROM journey WHERE changed_no > :since)""",
        ("account_journey",),
    ),
    "decisions": Export(
        "decisions", "evidence_id", "at, rule, evidence_id", "", hidden=frozenset({"evidence_id"})
    ),
    "ownership": Export(
        "ownerships", "ownership_id", "visitor_id, from_at", "", hidden=frozenset({"ownership_id"})
    ),
    "hits": Export(
        "hits", "event_id", "at, site, event_id", "hit_no > :since",
        hidden=frozenset({"hit_no", "received_at"}),
    ),
    "changes": Export("changes", "change_no", "change_no, noun, id", "change_no > :since", is_log=True),
}  # fmt: skip


def _gone_of(noun: str, living: str, was: str = "before") -> str:
    """Select the rows of a noun that were there at the cursor and are no more.

    Args:
        was: what is null of a line of the log where the row was not there before it.
    """
    also = f"UNION SELECT visitor.identifier_id, '' FROM {_GONE_SESSIONS}" if noun == "person" else ""
    return f"""SELECT id FROM (
      SELECT id, before FROM (
        SELECT id, {was} AS before, min(change_no) FROM change
        WHERE noun = '{noun}' AND change_no > :since GROUP BY id
      ) {also}
    ) WHERE before IS NOT NULL AND id NOT IN ({living}) GROUP BY id ORDER BY id"""


_GONE = {
    "session": _gone_of("session", "SELECT session_id FROM session"),
    "lead": _gone_of("lead", "SELECT lead_id FROM lead"),
    "journey": _gone_of("journey", "SELECT journey_id FROM journey"),
    "person": _gone_of("person", "SELECT person_id FROM persons"),
    "account": _gone_of("account", "SELECT account_id FROM accounts"),
    "membership": _gone_of("membership", "SELECT membership_id FROM memberships"),
    "account_journey": _gone_of(
        "journey",
        "SELECT journey_id FROM journey WHERE part_id IS NOT NULL",
        """coalesce(
          json_extract(before, '$.part_id'), json_extract(before, '$.account_id'),
          iif(before = '{}', 'erased', NULL)
        )""",
    ),
}

BOOLEANS = frozenset(
    {"is_verified", "is_repeat_click", "is_junk", "answered", "is_dropped", "is_shown", "removed"}
)
LISTS = frozenset({"aliases", "visitors", "emails", "phones", "crm_ids", "domains"})
DOCUMENTS = LISTS | {"path", "touch_ids", "match_evidence", "tags", "extra", "before", "after"}
OPEN_KINDS = ("visitor", "crm")
"""Identifiers of these kinds say nothing of a human to who has no access to where they come from."""
CONTACTS = frozenset({"name", "email", "phone", "company", "emails", "phones", "a", "b", "title"})


def columns(db: sqlite3.Connection, what: str) -> list[str]:
    """Name the columns of an export in order."""
    export = EXPORTS[what]
    cursor = db.execute(f"SELECT * FROM {export.view} LIMIT 0")
    return [column[0] for column in cursor.description if column[0] not in export.hidden]


def cursor_now(db: sqlite3.Connection, what: str) -> int:
    """Give the cursor that stands for all there is now."""
    if what == "hits":
        return last_hit_no(db)
    return marks.last_change(db)


def rows(
    db: sqlite3.Connection,
    what: str,
    *,
    only: Mapping[str, str] | None = None,
    since: int | None = None,
    pii: bool = False,
) -> Iterator[dict[str, Any]]:
    """Read an export row by row, lists and objects as such; contacts are masked unless `pii`.

    Args:
        only: values that columns must have, such as `site`.
        since: only what changed after this cursor.

    Raises:
        BadRequest: there is no such column, as persons belong to no one site; what leaves whole has no
            cursor.
    """
    export = EXPORTS[what]
    names = columns(db, what)
    if since is not None and not export.since:
        raise BadRequest("bad_fact", f"{what} leave whole; leave --since out")
    for column in only or {}:
        if column not in names:
            raise BadRequest("bad_fact", f"{what} have no {column}; leave --{column} out")
    where = [f"({export.since})"] if since is not None else []
    where += [f"{column} = :{column}" for column in only or {}]
    query = f"SELECT {', '.join(names)} FROM {export.view}"
    query += f" WHERE {' AND '.join(where)}" if where else ""
    masked = frozenset() if pii or what == "hits" else CONTACTS & set(names)
    found = db.execute(f"{query} ORDER BY {export.order}", {**(only or {}), "since": since})
    return (spelled(dict(zip(names, row, strict=True)), masked) for row in found)


def gone(db: sqlite3.Connection, what: str, since: int) -> Iterator[str]:
    """Name the rows that are no more and were there at the cursor."""
    for noun in EXPORTS[what].nouns:
        yield from (row[0] for row in db.execute(_GONE[noun], {"since": since}))


def spelled(row: dict[str, Any], masked: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Spell a view's row as it leaves: truths, lists and objects as such, masked where it must be."""
    for name in BOOLEANS & row.keys():
        row[name] = None if row[name] is None else bool(row[name])
    for name in DOCUMENTS & row.keys():
        if row[name] is not None:
            row[name] = json.loads(row[name])
    for name in LISTS & row.keys():
        row[name] = sorted(row[name])
    for name in masked & row.keys():
        value = row[name]
        row[name] = [mask(each) for each in value] if isinstance(value, list) else mask(value)
    return row


def mask(text: str | None) -> str | None:
    """Hide a contact detail so that its owner would still know it."""
    if not text:
        return text
    local, at, domain = text.rpartition("@")
    if at:
        return f"{local[:1]}***@{domain}"
    if re.fullmatch(r"[+\d][\d\s().-]{5,}", text):
        return f"***{text[-3:]}"
    return f"{text[:1]}***"


def mask_identifier(identifier: Identifier) -> str:
    """Write an identifier as `kind:value`; one that is a contact detail as its owner would still know it."""
    kind, value = identifier
    return f"{kind}:{value if kind in OPEN_KINDS else mask(value)}"
