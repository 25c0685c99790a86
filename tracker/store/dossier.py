"""Everything that is held about somebody, read row by row for them to be given."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

from tracker.core.ids import journey_id
from tracker.store.db import key_list
from tracker.store.exports import spelled

Row = dict[str, Any]

_WITHIN = """SELECT hit_no FROM hit WHERE visitor_no = (SELECT visitor_no FROM visitor WHERE visitor_id = ?)
  AND at_ms BETWEEN ? AND ?"""


def visitor_rows(db: sqlite3.Connection, visitor_id: str) -> Iterator[Row]:
    """Read when a visitor was first and last seen, on which sites."""
    return _all(
        db,
        """SELECT visitor_id, site.key AS site, count(*) AS hits,
          strftime('%Y-%m-%dT%H:%M:%fZ', min(at_ms) / 1000.0, 'unixepoch') AS first_seen_at,
          strftime('%Y-%m-%dT%H:%M:%fZ', max(at_ms) / 1000.0, 'unixepoch') AS last_seen_at
        FROM hit JOIN visitor USING (visitor_no) JOIN site USING (site_no)
        WHERE visitor_no = (SELECT visitor_no FROM visitor WHERE visitor_id = ?) GROUP BY site.key""",
        visitor_id,
    )


def session_rows(db: sqlite3.Connection, visitor_id: str, from_ms: int, until_ms: int) -> Iterator[Row]:
    """Read a visitor's sessions that began within a time."""
    return _all(
        db,
        """SELECT sessions.* FROM session AS own JOIN sessions USING (session_id)
        WHERE own.visitor_no = (SELECT visitor_no FROM visitor WHERE visitor_id = ?)
          AND own.started_ms BETWEEN ? AND ? ORDER BY own.started_ms""",
        visitor_id, from_ms, until_ms,
    )  # fmt: skip


def hit_rows(db: sqlite3.Connection, visitor_id: str, from_ms: int, until_ms: int) -> Iterator[Row]:
    """Read a visitor's hits within a time, with the address and the browser that they came from."""
    return _all(
        db,
        f"""SELECT hits.*, ip.value AS ip, client.value AS client FROM hit
        JOIN hits ON hits.hit_no = hit.hit_no
        LEFT JOIN string AS ip ON ip.string_no = hit.ip_no
        LEFT JOIN string AS client ON client.string_no = hit.client_no
        WHERE hit.hit_no IN ({_WITHIN}) ORDER BY hit.at_ms, hit.hit_no""",
        visitor_id, from_ms, until_ms,
    )  # fmt: skip


def hit_version_rows(db: sqlite3.Connection, visitor_id: str, from_ms: int, until_ms: int) -> Iterator[Row]:
    """Read all that was told of hits that were told differently."""
    return _all(
        db,
        f"""SELECT site.key AS site, hit_id.event_id, hit_version.content FROM hit
        JOIN hit_version ON hit_version.site_no = hit.site_no AND hit_version.event_key = hit.event_key
        JOIN hit_id ON hit_id.hit_no = hit.hit_no JOIN site ON site.site_no = hit.site_no
        WHERE hit.hit_no IN ({_WITHIN}) ORDER BY hit.at_ms, hit.hit_no""",
        visitor_id, from_ms, until_ms,
    )  # fmt: skip


def lead_rows(db: sqlite3.Connection, lead_id: str) -> Iterator[Row]:
    """Read a lead and its journey."""
    for row in _all(db, "SELECT * FROM leads WHERE lead_id = ?", lead_id):
        made = _all(db, "SELECT * FROM journeys WHERE journey_id = ?", journey_id("lead", lead_id))
        yield {**row, "journey": next(made, None)}


def decision_rows(db: sqlite3.Connection, identifier_nos: Iterable[int]) -> Iterator[Row]:
    """Read the evidence that names somebody and what was decided; whom else it names is left out."""
    return _all(
        db,
        """WITH own AS (SELECT value AS no FROM json_each(?)), named AS (
          SELECT * FROM evidence WHERE a_no IN (SELECT no FROM own)
          UNION SELECT * FROM evidence WHERE b_no IN (SELECT no FROM own)
        )
        SELECT named.fact, named.rule,
          iif(a_no IN (SELECT no FROM own), one.kind || ':' || one.value, 'someone else') AS a,
          iif(b_no IN (SELECT no FROM own), two.kind || ':' || two.value, 'someone else') AS b,
          strftime('%Y-%m-%dT%H:%M:%fZ', named.at_ms / 1000.0, 'unixepoch') AS at,
          named.verdict, named.why, named.is_verified
        FROM named JOIN identifier AS one ON one.identifier_no = a_no
        JOIN identifier AS two ON two.identifier_no = b_no ORDER BY named.at_ms, named.fact""",
        key_list(identifier_nos),
    )


def reject_rows(db: sqlite3.Connection, numbers: Iterable[int]) -> Iterator[Row]:
    """Read refused messages."""
    return _all(
        db,
        """SELECT strftime('%Y-%m-%dT%H:%M:%fZ', received_ms / 1000.0, 'unixepoch') AS received_at,
          code, message, site, ip, origin, body
        FROM json_each(?) AS wanted JOIN reject ON reject_no = wanted.value ORDER BY reject_no""",
        key_list(numbers),
    )


def raw_rows(db: sqlite3.Connection, numbers: Iterable[int]) -> Iterator[Row]:
    """Read what providers delivered, as it came."""
    return _all(
        db,
        """SELECT strftime('%Y-%m-%dT%H:%M:%fZ', received_ms / 1000.0, 'unixepoch') AS received_at,
          provider, CAST(body AS TEXT) AS body
        FROM json_each(?) AS wanted JOIN raw_message ON raw_no = wanted.value
        JOIN hook_source USING (source_no) ORDER BY raw_no""",
        key_list(sorted(numbers)),
    )


def delivery_rows(db: sqlite3.Connection, numbers: Iterable[int]) -> Iterator[Row]:
    """Read what was told to the outside, to whom, and what came of it."""
    return _all(
        db,
        """SELECT strftime('%Y-%m-%dT%H:%M:%fZ', delivery.made_ms / 1000.0, 'unixepoch') AS at,
          shown AS destination, state, payload, (
            SELECT json_group_array(answer) FROM receipt WHERE receipt.delivery_no = delivery.delivery_no
          ) AS answers
        FROM json_each(?) AS wanted JOIN delivery ON delivery_no = wanted.value
        JOIN destination USING (destination_no) ORDER BY delivery_no""",
        key_list(sorted(numbers)),
    )


def _all(db: sqlite3.Connection, query: str, *values: Any) -> Iterator[Row]:
    cursor = db.execute(query, values)
    names = [column[0] for column in cursor.description]
    return (spelled(dict(zip(names, row, strict=True))) for row in cursor)
