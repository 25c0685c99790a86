"""Watch: what the views say that people should be told of, put into the outbox.

It looks and decides again every time; what was told already has its row in the outbox. So it may run as
often as it likes, and a crash in it loses nothing and doubles nothing. While views are being made anew no
lead is told of: it may not be judged yet.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tracker.core.alerts import FRESH_MS, is_news, is_overdue
from tracker.core.alertwords import Came, LeadNews, lead_payload
from tracker.core.times import parse_instant
from tracker.model import Site
from tracker.store import watching
from tracker.store.db import atomic, writer_lock
from tracker.store.destinations import Destination, load_destinations
from tracker.store.exports import mask
from tracker.store.outbox import Post, put_delivery
from tracker.store.sites import numbered_sites
from worker.alarms import local, troubles

Told = tuple[Destination, Post]

_NEWS = {"lead": "lead.new", "qualified": "lead.qualified"}
_HOW = ("channel", "source", "medium", "campaign")
_CONTACTS = ("name", "email", "phone", "company")


def watch(db: sqlite3.Connection, data: Path, now_ms: int) -> int:
    """Put everything that is to be told into the outbox; returns how many deliveries are new.

    Raises:
        Retryable: another process has been writing for too long.
    """
    destinations = _open(db)
    if not destinations:
        return 0
    with writer_lock(data), atomic(db):
        is_counted = watching.count_hours(db)
        told = [*news(db, now_ms), *(troubles(db, destinations, now_ms) if is_counted else ())]
        return sum(put_delivery(db, destination, post, now_ms) for destination, post in told)


def news(db: sqlite3.Connection, now_ms: int) -> Iterator[Told]:
    """Find leads to tell of: those that came after the destination did, and not long ago."""
    sites = numbered_sites(db)
    for destination in () if watching.is_behind(db) else _open(db):
        site = sites[destination.site_no]
        for lead_id, key, type_ in _wanted(db, destination, now_ms):
            row = watching.load_news(db, lead_id)
            if row is not None:
                payload = lead_payload(_lead_news(db, row, site, is_pii=destination.is_pii), type_)
                yield destination, Post(f"{key}:{lead_id}", f"lead:{lead_id}", payload)


def _wanted(db: sqlite3.Connection, destination: Destination, now_ms: int) -> Iterator[tuple[str, str, str]]:
    """Name the leads to tell a destination of: each with what the key begins with, and what is told."""
    since_ms = max(destination.made_ms, now_ms - FRESH_MS)
    for want, type_ in _NEWS.items():
        if want in destination.wants:
            fresh = watching.fresh_leads(db, destination, since_ms)
            yield from ((each.lead_id, "lead", type_) for each in fresh if is_news(each, want, now_ms))
            break
    if "response" in destination.wants:
        within_ms = destination.within_s * 1_000
        since_ms = max(destination.made_ms, now_ms - FRESH_MS - within_ms)
        fresh = watching.fresh_leads(db, destination, since_ms, told="response")
        late = (each for each in fresh if is_overdue(each, within_ms, now_ms))
        yield from ((each.lead_id, "response", "lead.no_response") for each in late)


def _open(db: sqlite3.Connection) -> list[Destination]:
    return [each for each in load_destinations(db) if each.mode != "off"]


def _lead_news(db: sqlite3.Connection, row: Mapping[str, Any], site: Site, *, is_pii: bool) -> LeadNews:
    at_ms, journey = parse_instant(row["at"]), row["journey"]
    shown = {name: row[name] if is_pii else mask(row[name]) for name in _CONTACTS}
    return LeadNews(
        row["lead_id"], site.key, row["kind"], at_ms, local(at_ms, site), **shown,
        page_url=row["page_url"], duration_s=row["duration_s"], status=row["status"],
        match_rule=row["match_rule"], match_confidence=row["match_confidence"],
        came=_came(row), first=_came(journey, "first_", journey["first_at"]), last=_came(journey, "last_"),
        touch_count=journey["touch_count"], days=journey["days"],
        pages=watching.pages_before(db, row["session_id"], at_ms),
    )  # fmt: skip


def _came(row: Mapping[str, Any], which: str = "", at: str | None = None) -> Came:
    channel, source, medium, campaign = (row[f"{which}{name}"] for name in _HOW)
    return Came(channel, source, medium, campaign, at)
