"""Hits in the store: inserted once for ever, merged where one was told differently, read by visitor."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from tracker.core.ids import EventKey
from tracker.store.db import key_list
from tracker.store.hitversions import keep_told, load_told, merge_told, spell_out
from tracker.store.sql import insert_many
from tracker.store.strings import Registry


class HitRow(NamedTuple):
    """A hit as it is stored, but for its number; see the table `hit`."""

    site_no: int
    event_key: EventKey
    visitor_no: int
    at_ms: int
    seq: int | None
    kind: int
    name_no: int | None
    page_no: int
    title_no: int | None
    tags_no: int | None
    referrer_no: int | None
    prev_no: int | None
    client_no: int | None
    ip_no: int | None
    flags: int
    consent: int | None
    engaged_ms: int | None
    scroll_pct: int | None
    extra: str | None
    received_ms: int


@dataclass(frozen=True, slots=True)
class Inserted:
    """What became of a batch: how many said something new, and whose sessions which event touches.

    `clients` are browsers that came about by merging versions.
    """

    added: int
    repeated: int
    touched: Mapping[int, EventKey]
    clients: frozenset[int] = frozenset()


_COLUMNS = ", ".join(HitRow._fields)
_NUMBERED = ("hit_no", *HitRow._fields)
_KIND = _NUMBERED.index("kind")
_KEYED = frozenset({"site_no", "event_key", "received_ms"})
_CONTENT = tuple(name for name in HitRow._fields if name not in _KEYED)
_UPDATE = f"UPDATE hit SET hit_no = :number, {', '.join(f'{name} = :{name}' for name in _CONTENT)}"


def insert_hits(db: sqlite3.Connection, rows: Sequence[HitRow], names: Registry) -> Inserted:
    """Insert hits; one that is there already with the same content has no effect."""
    if not rows:
        return Inserted(0, 0, {})
    first = last_hit_no(db) + 1
    before = db.total_changes
    numbered = [(number, *row) for number, row in enumerate(rows, first)]
    for kind in {row.kind for row in rows}:
        alike = [row for row in numbered if row[_KIND] == kind]
        insert_many(db, "hit", _NUMBERED, alike, otherwise="ON CONFLICT DO NOTHING")
    added = db.total_changes - before
    if added == len(rows):
        return Inserted(added, 0, {row.visitor_no: row.event_key for row in rows})
    touched: dict[int, EventKey] = {}
    clients: set[int] = set()
    repeated = 0
    for number, row in enumerate(rows, first):
        stored_no, stored = _load(db, row)
        changed = {row.visitor_no} if stored_no == number else set()
        if stored_no != number and (merged := _another_version(db, stored, row, names)):
            db.execute(
                f"{_UPDATE} WHERE hit_no = :stored_no", merged | {"number": number, "stored_no": stored_no}
            )
            changed = {stored.visitor_no, merged["visitor_no"]}
            clients.add(merged["client_no"])
        repeated += not changed
        touched |= dict.fromkeys(changed, row.event_key)
    return Inserted(len(rows) - repeated, repeated, touched, frozenset(clients))


def last_hit_no(db: sqlite3.Connection) -> int:
    """Give the number of the hit that came last, though it may have been erased; 0 before the first."""
    found = db.execute(
        """SELECT max(coalesce((SELECT max(hit_no) FROM hit), 0),
          coalesce((SELECT value FROM counter WHERE name = 'hit_no'), 0))"""
    )
    return int(found.fetchone()[0])


def _load(db: sqlite3.Connection, row: HitRow) -> tuple[int, HitRow]:
    found = db.execute(
        f"SELECT hit_no, {_COLUMNS} FROM hit WHERE event_key = ? AND site_no = ?",
        [row.event_key, row.site_no],
    )
    hit_no, *values = found.fetchone()
    return hit_no, HitRow(*values)


def _another_version(
    db: sqlite3.Connection, stored: HitRow, row: HitRow, names: Registry
) -> dict[str, Any] | None:
    """Merge what a row tells with what was told before of the same hit; none if it says nothing new."""
    key: dict[str, Any] = {"site_no": row.site_no, "event_key": row.event_key}
    known = load_told(db, **key)
    if not known and stored._replace(received_ms=row.received_ms) == row:
        return None
    known = known or [spell_out(db, stored._asdict(), names)]
    ours = spell_out(db, row._asdict(), names)
    if ours in known:
        return None
    known.append(ours)
    keep_told(db, known, **key)
    return merge_told(known, names)


class VisitorHit(NamedTuple):
    """What sessions are made of."""

    visitor_no: int
    site_no: int
    hit_no: int
    at_ms: int
    seq: int | None
    event_key: EventKey
    kind: int
    page_no: int
    tags_no: int | None
    referrer_no: int | None
    client_no: int | None
    ip_no: int | None
    engaged_ms: int | None


def load_human_hits(db: sqlite3.Connection, visitor_nos: Iterable[int]) -> Iterator[VisitorHit]:
    """Load the hits of these visitors that no rule sets aside, in any order."""
    wanted = key_list(visitor_nos)
    rows = db.execute(
        f"""SELECT {", ".join(f"hit.{name}" for name in VisitorHit._fields)}
        FROM json_each(?) AS wanted
        JOIN hit ON hit.visitor_no = wanted.value
        LEFT JOIN client ON client.client_no = hit.client_no
        WHERE hit.flags = 0 AND client.bot_reason IS NULL""",
        [wanted],
    )
    return map(VisitorHit._make, rows)


def last_hit_ms(
    db: sqlite3.Connection, visitor_no: int, at_ms: int, *, from_ms: int = 0, until_ms: int | None = None
) -> int | None:
    """Find a visitor's last human hit at or before an instant, on any site, in ms.

    Args:
        from_ms: not before this.
        until_ms: before this.
    """
    latest_ms = at_ms if until_ms is None else min(at_ms, until_ms - 1)
    found = db.execute(
        """SELECT hit.at_ms FROM hit LEFT JOIN client USING (client_no)
        WHERE hit.visitor_no = ? AND hit.at_ms BETWEEN ? AND ? AND hit.flags = 0
          AND client.bot_reason IS NULL
        ORDER BY hit.at_ms DESC LIMIT 1""",
        [visitor_no, from_ms, latest_ms],
    ).fetchone()
    return None if found is None else int(found[0])


def is_bots(db: sqlite3.Connection, visitor_no: int) -> bool:
    """Tell whether all that a visitor ever did was done by a bot."""
    found = db.execute(
        """SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM session WHERE session.visitor_no = ?1) AND EXISTS (
          SELECT 1 FROM hit LEFT JOIN client USING (client_no)
          WHERE hit.visitor_no = ?1 AND (hit.flags & 3 OR client.bot_reason IS NOT NULL)
        )""",
        [visitor_no],
    )
    return found.fetchone() is not None


def tel_clicks(db: sqlite3.Connection, visitor_no: int, *, since_ms: int, until_ms: int) -> list[str]:
    """Load the numbers that a visitor clicked on within a span of time, as the page spelled them."""
    rows = db.execute(
        """SELECT json_extract(hit.extra, '$.props.number') FROM hit
        JOIN string AS name ON name.string_no = hit.name_no LEFT JOIN client USING (client_no)
        WHERE hit.visitor_no = ? AND hit.at_ms BETWEEN ? AND ? AND hit.kind = 1 AND name.value = 'tel_click'
          AND hit.flags = 0 AND client.bot_reason IS NULL""",
        [visitor_no, since_ms, until_ms],
    )
    return [str(row[0]) for row in rows if row[0] is not None]
