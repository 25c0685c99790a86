"""Watch: what the views say that people should be told of, put into the outbox.

It looks and decides again every time; what was told already has its row in the outbox. So it may run as
often as it likes, and a crash in it loses nothing and doubles nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from tracker.core.alerts import FRESH_MS, WEEK_HOURS, WEEKS, Fresh, Silence, State, is_news, silence, turn
from tracker.core.alertwords import Came, LeadNews, Trouble, lead_payload, trouble_payload
from tracker.core.times import DAY_MS, HOUR_MS, format_instant, parse_instant
from tracker.model import Site
from tracker.store import watching
from tracker.store.db import atomic, writer_lock
from tracker.store.destinations import Destination, load_destinations
from tracker.store.exports import mask
from tracker.store.outbox import Post, drop_old, put_delivery
from tracker.store.sites import numbered_sites

KEEP_MS = 90 * DAY_MS
"""How long settled deliveries are kept, with their answers."""

_HOW = ("channel", "source", "medium", "campaign")
_NEWS = {"lead": "lead.new", "qualified": "lead.qualified"}


Told = tuple[Destination, Post]


def watch(db: sqlite3.Connection, data: Path, now_ms: int) -> int:
    """Put everything that is to be told into the outbox; returns how many deliveries are new.

    Raises:
        Retryable: another process has been writing for too long.
    """
    destinations = _open(db)
    if not destinations:
        return 0
    with writer_lock(data), atomic(db):
        watching.count_hours(db)
        drop_old(db, now_ms - KEEP_MS)
        told = [*news(db, now_ms), *_troubles(db, destinations, now_ms)]
        return sum(put_delivery(db, destination, post, now_ms) for destination, post in told)


def news(db: sqlite3.Connection, now_ms: int) -> Iterator[Told]:
    """Find leads to tell of: those that came after the destination did, and not long ago."""
    sites = numbered_sites(db)
    for destination in _open(db):
        want = next((each for each in _NEWS if each in destination.wants), None)
        since_ms = max(destination.made_ms, now_ms - FRESH_MS)
        for lead_id in watching.fresh_leads(db, destination, since_ms) if want else ():
            row = watching.load_lead(db, lead_id)
            if row is not None and is_news(_fresh(row), str(want), now_ms):
                told = _lead_news(db, row, sites[destination.site_no], is_pii=destination.is_pii)
                name = f"lead:{lead_id}"
                yield destination, Post(name, name, lead_payload(told, _NEWS[str(want)]))


def _open(db: sqlite3.Connection) -> list[Destination]:
    return [each for each in load_destinations(db) if each.mode != "off"]


def _fresh(row: dict[str, Any]) -> Fresh:
    return Fresh(
        row["kind"], parse_instant(row["at"]), is_matched=None not in (row["journey"], row["status"]),
        is_junk=bool(row["is_junk"]), is_repeat=row["duplicate_of"] is not None, status=row["status"],
        duration_s=row["duration_s"],
    )  # fmt: skip


def _lead_news(db: sqlite3.Connection, row: dict[str, Any], site: Site, *, is_pii: bool) -> LeadNews:
    at_ms, journey = parse_instant(row["at"]), row["journey"]
    shown = {name: row[name] if is_pii else mask(row[name]) for name in ("name", "email", "phone", "company")}
    return LeadNews(
        row["lead_id"], site.key, row["kind"], at_ms, _local(at_ms, site), **shown,
        page_url=row["page_url"], duration_s=row["duration_s"], status=row["status"],
        match_rule=row["match_rule"], match_confidence=row["match_confidence"],
        came=_came(row), first=_came(journey, "first_", journey["first_at"]), last=_came(journey, "last_"),
        touch_count=journey["touch_count"], days=journey["days"],
        pages=watching.pages_before(db, row["session_id"], at_ms),
    )  # fmt: skip


def _came(row: dict[str, Any], which: str = "", at: str | None = None) -> Came:
    channel, source, medium, campaign = (row[f"{which}{name}"] for name in _HOW)
    return Came(channel, source, medium, campaign, at)


def _troubles(db: sqlite3.Connection, destinations: Sequence[Destination], now_ms: int) -> Iterator[Told]:
    """Judge the states of each watched site, keep what is known of them, and find what to tell."""
    sites = numbered_sites(db)
    for site_no in sorted({each.site_no for each in destinations}):
        for kind, object_, state, trouble in _states(db, site_no, sites[site_no], now_ms):
            before = watching.load_alarm(db, site_no, kind, object_)
            alarm, is_told = turn(before, state, now_ms)
            if alarm != before:
                watching.put_alarm(db, site_no, kind, object_, alarm)
            if is_told:
                key = f"{kind}:{object_}:{alarm.since_ms}"
                post = Post(key, f"{kind}:{object_}", trouble_payload(trouble))
                yield from ((each, post) for each in destinations if _wants(each, site_no, kind))


def _wants(destination: Destination, site_no: int, kind: str) -> bool:
    return destination.site_no == site_no and kind in destination.wants


def _states(
    db: sqlite3.Connection, site_no: int, site: Site, now_ms: int
) -> Iterator[tuple[str, str, State, Trouble]]:
    """Judge each state of a site that may be wrong: its kind, the part of the site, how it is, in words."""
    since_ms = now_ms - (WEEKS + 2) * WEEK_HOURS * HOUR_MS
    found = silence(watching.hits_by_hour(db, site_no, since_ms), now_ms)
    yield "silent", site.key, found.state, _silent(found, site, now_ms)


def _silent(found: Silence, site: Site, now_ms: int) -> Trouble:
    last_ms = (found.last_hour + 1) * HOUR_MS
    usual = min(found.usual, default=0)
    hours = found.hours
    figures = {
        "last_hit_before": format_instant(last_ms),
        "silent_hours": hours,
        "usual_hits": [*found.usual],
    }
    lines = [
        f"No hit since {_local(last_ms, site)}: {hours} full hours.",
        f"In the same hours of the weeks before, at least {usual} hits came each time.",
        "Is the script still on the pages, and does the collector answer? touchline snippet "
        f"{site.key} prints the tag.",
    ]
    return Trouble("tracking.silent", site.key, now_ms, f"Tracking is silent on {site.key}", lines, figures)


def _local(at_ms: int, site: Site) -> str:
    """Write an instant as the clock on the site's wall shows it."""
    moment = datetime.fromtimestamp(at_ms / 1_000, UTC).astimezone(ZoneInfo(site.timezone))
    return f"{moment:%Y-%m-%d %H:%M} ({site.timezone})"
