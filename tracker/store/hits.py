"""Hits in the store: inserted once for ever, merged where one was told differently, read by visitor."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from tracker.core.ids import EventKey, content_digest
from tracker.core.versions import Version, merge
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
    """What became of a batch: how many said something new, and whose sessions which event touches."""

    added: int
    repeated: int
    touched: Mapping[int, EventKey]


_COLUMNS = ", ".join(HitRow._fields)
_INSERT = f"INSERT INTO hit (hit_no, {_COLUMNS}) VALUES ({', '.join('?' * (len(HitRow._fields) + 1))})"
_KEYED = ("site_no", "event_key", "received_ms")
_CONTENT = tuple(name for name in HitRow._fields if name not in _KEYED)


def insert_hits(db: sqlite3.Connection, rows: Sequence[HitRow], names: Registry) -> Inserted:
    """Insert hits; one that is there already with the same content has no effect."""
    if not rows:
        return Inserted(0, 0, {})
    first = db.execute("SELECT coalesce(max(hit_no), 0) + 1 FROM hit").fetchone()[0]
    numbered = [(number, *row) for number, row in enumerate(rows, first)]
    before = db.total_changes
    db.executemany(f"{_INSERT} ON CONFLICT DO NOTHING", numbered)
    added = db.total_changes - before
    if added == len(rows):
        return Inserted(added, 0, {row.visitor_no: row.event_key for row in rows})
    touched: dict[int, EventKey] = {}
    repeated = 0
    for number, row in enumerate(rows, first):
        changed = _settle(db, number, row, names)
        repeated += not changed
        touched |= dict.fromkeys(changed, row.event_key)
    return Inserted(len(rows) - repeated, repeated, touched)


def _settle(db: sqlite3.Connection, number: int, row: HitRow, names: Registry) -> set[int]:
    """Say whose sessions a row of a batch with repeats touches; merge it where it is another version."""
    where = [row.event_key, row.site_no]
    found = db.execute(f"SELECT hit_no, {_COLUMNS} FROM hit WHERE event_key = ? AND site_no = ?", where)
    hit_no, *values = found.fetchone()
    if hit_no == number:
        return {row.visitor_no}
    stored = HitRow(*values)
    ours = _content(db, row, names)
    if ours == _content(db, stored, names):
        return set()
    return _merge_versions(db, hit_no, stored, ours, names)


def _merge_versions(
    db: sqlite3.Connection, hit_no: int, stored: HitRow, ours: dict[str, Any], names: Registry
) -> set[int]:
    """Merge a new version into a hit; the stored content counts as one where it was the only one."""
    key = (stored.site_no, stored.event_key)
    known = [
        json.loads(text)
        for (text,) in db.execute("SELECT content FROM hit_version WHERE site_no = ? AND event_key = ?", key)
    ]
    if ours in known:
        return set()
    known = [*(known or [_content(db, stored, names)]), ours]
    rows = [(*key, content_digest(each), json.dumps(each, sort_keys=True)) for each in known]
    db.executemany("INSERT OR IGNORE INTO hit_version VALUES (?, ?, ?, ?)", rows)
    merged = merge(Version(each["at_ms"], content_digest(each), each) for each in known)
    values = {name: _packed(name, merged.get(name), names) for name in _CONTENT}
    assignments = ", ".join(f"{name} = :{name}" for name in _CONTENT)
    db.execute(f"UPDATE hit SET {assignments} WHERE hit_no = :hit_no", values | {"hit_no": hit_no})
    return {stored.visitor_no, values["visitor_no"]}


def _content(db: sqlite3.Connection, row: HitRow, names: Registry) -> dict[str, Any]:
    """Spell a row out, free of numbers that depend on the order of arrival."""
    content: dict[str, Any] = {}
    for name in _CONTENT:
        value = getattr(row, name)
        if name == "visitor_no":
            found = db.execute("SELECT visitor_id FROM visitor WHERE visitor_no = ?", [value])
            value = found.fetchone()[0]
        elif name.endswith("_no"):
            value = names.texts.text(value)
        content[name] = value
    return content


def _packed(name: str, value: Any, names: Registry) -> Any:
    if name == "visitor_no":
        return names.visitors.number(value)
    return names.texts.number(value) if name.endswith("_no") else value


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
    """Load the hits of these visitors that no rule sets aside, visitor by visitor and site by site."""
    wanted = json.dumps(list(visitor_nos))
    rows = db.execute(
        f"""SELECT {", ".join(f"hit.{name}" for name in VisitorHit._fields)}
        FROM json_each(?) AS wanted
        JOIN hit ON hit.visitor_no = wanted.value
        LEFT JOIN client ON client.client_no = hit.client_no
        WHERE hit.flags = 0 AND client.bot_reason IS NULL
        ORDER BY hit.visitor_no, hit.site_no""",
        [wanted],
    )
    return map(VisitorHit._make, rows)
