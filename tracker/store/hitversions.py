"""Versions of a hit: the fields that each told, and the row that they make together.

A hit that was told differently keeps all its versions, spelled out free of numbers that depend on the
order of arrival. A field is what the sender knows as one: a URL with its tags, the props with what was
measured in them; each fact about the browser stands for itself.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any

import msgspec

from tracker.core.ids import EventKey, content_digest
from tracker.core.times import parse_instant
from tracker.core.versions import Version, merge
from tracker.errors import BadFact
from tracker.store.strings import Registry

Told = dict[str, Any]

_PLAIN = ("at_ms", "seq", "kind", "consent")
_TEXTS = ("name_no", "title_no", "referrer_no", "prev_no", "ip_no")
_CLIENT = "client."


def load_told(db: sqlite3.Connection, *, site_no: int, event_key: EventKey) -> list[Told]:
    """Load the versions of a hit that was told differently; none for others."""
    found = db.execute(
        "SELECT content FROM hit_version WHERE site_no = ? AND event_key = ?", [site_no, event_key]
    )
    return [json.loads(content) for (content,) in found]


def keep_told(db: sqlite3.Connection, versions: list[Told], *, site_no: int, event_key: EventKey) -> None:
    """Keep versions of a hit, each once."""
    rows = [(site_no, event_key, content_digest(each), json.dumps(each, sort_keys=True)) for each in versions]
    db.executemany("INSERT OR IGNORE INTO hit_version VALUES (?, ?, ?, ?)", rows)


def spell_out(db: sqlite3.Connection, row: Mapping[str, Any], names: Registry) -> Told:
    """Spell out what a row of the table `hit` tells, field by field."""
    text = names.texts.text
    visitor = db.execute("SELECT visitor_id FROM visitor WHERE visitor_no = ?", [row["visitor_no"]])
    extra = json.loads(row["extra"] or "{}")
    measured = {
        "engaged_ms": row["engaged_ms"],
        "scroll_pct": row["scroll_pct"],
        "props": extra.pop("props", None),
    }
    client = json.loads(text(row["client_no"]) or "{}")
    return {
        "visitor_id": visitor.fetchone()[0],
        "url": {"page": text(row["page_no"]), "tags": text(row["tags_no"])},
        "measured": {name: value for name, value in measured.items() if value is not None},
        "flags": row["flags"] or (0 if extra.get("is_bot") is False else None),
        "extra": extra,
        **{name: row[name] for name in _PLAIN},
        **{name: text(row[name]) for name in _TEXTS},
        **{f"{_CLIENT}{name}": value for name, value in client.items()},
    }


def merge_told(versions: list[Told], names: Registry) -> dict[str, Any]:
    """Merge versions into the columns of one row of the table `hit`."""
    merged = merge(Version(_version_ms(each), content_digest(each), each) for each in versions)
    number, url, measured = names.texts.number, merged["url"], merged.get("measured", {})
    client = {name.removeprefix(_CLIENT): merged[name] for name in merged if name.startswith(_CLIENT)}
    extra = merged.get("extra", {}) | ({"props": measured["props"]} if "props" in measured else {})
    return {
        "visitor_no": names.visitors.number(merged["visitor_id"]),
        "page_no": number(url["page"]),
        "tags_no": number(url["tags"]),
        "client_no": number(msgspec.json.encode(client, order="sorted").decode()),
        "flags": merged.get("flags", 0),
        "engaged_ms": measured.get("engaged_ms"),
        "scroll_pct": measured.get("scroll_pct"),
        "extra": json.dumps(extra, ensure_ascii=False, sort_keys=True) if extra else None,
        **{name: merged.get(name) for name in _PLAIN},
        **{name: number(merged.get(name)) for name in _TEXTS},
    }


def _version_ms(told: Told) -> int:
    """Newest is by the version's own time; where a page sent something else by that name, by the hit's."""
    try:
        return parse_instant(told["extra"].get("version_at"))
    except BadFact:
        return int(told["at_ms"])
