"""Alarms: the states of a site that may go wrong, judged by its own past and put into words."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from tracker.core import usual
from tracker.core.alerts import turn
from tracker.core.alertwords import Trouble, trouble_payload
from tracker.core.times import DAY_MS, HOUR_MS, format_instant
from tracker.core.usual import State
from tracker.model import Site
from tracker.store import watching
from tracker.store.destinations import Destination
from tracker.store.hooks import load_hooks
from tracker.store.outbox import Post
from tracker.store.pools import exhaustions_since, load_pools
from tracker.store.sites import numbered_sites

MATCH_MS = 90 * DAY_MS


@dataclass(frozen=True, slots=True)
class _Place:
    """A site, and the connection and time by which it is looked at."""

    db: sqlite3.Connection
    site_no: int
    site: Site
    now_ms: int


Found = tuple[str, str, State, Trouble]
"""Kind, part of the site, how it is, and what is told where it is wrong."""


def troubles(
    db: sqlite3.Connection, destinations: Sequence[Destination], now_ms: int
) -> Iterator[tuple[Destination, Post]]:
    """Judge the states of each watched site, keep what is known of them, and find what to tell."""
    sites = numbered_sites(db)
    for site_no in sorted({each.site_no for each in destinations}):
        place = _Place(db, site_no, sites[site_no], now_ms)
        for kind, object_, state, trouble in _states(place):
            before = watching.load_alarm(db, site_no, kind, object_)
            alarm, is_told = turn(before, state, now_ms)
            if alarm != before:
                watching.put_alarm(db, site_no, kind, object_, alarm)
            if is_told:
                post = Post(
                    f"{kind}:{object_}:{alarm.since_ms}", f"{kind}:{object_}", trouble_payload(trouble)
                )
                yield from ((each, post) for each in destinations if _wants(each, site_no, kind))


def _wants(destination: Destination, site_no: int, kind: str) -> bool:
    return destination.site_no == site_no and kind in destination.wants


def _states(place: _Place) -> Iterator[Found]:
    yield _tracking(place)
    yield from _hooks(place)
    yield from _pools(place)
    yield _matching(place)


def _tracking(place: _Place) -> Found:
    since_ms = place.now_ms - (usual.WEEKS + 2) * usual.WEEK_HOURS * HOUR_MS
    hits = watching.by_hour(place.db, "hit", place.site_no, since_ms)
    found = usual.silence(hits, place.now_ms)
    key, last_ms = place.site.key, (found.last_hour + 1) * HOUR_MS
    figures = {
        "last_hit_before": format_instant(last_ms), "silent_hours": found.hours, "usual_hits": [*found.usual],
    }  # fmt: skip
    lines = [
        f"No hit since {local(last_ms, place.site)}: {found.hours} full hours.",
        f"In the same hours of the weeks before, at least {min(found.usual, default=0)} hits came each time.",
        "Is the script still on the pages, and does the collector answer?",
        f"The tag to paste: touchline snippet {key}",
    ]
    title = f"Tracking is silent on {key}"
    return "silent", key, found.state, _trouble(place, "tracking.silent", title, (lines, figures))


def _hooks(place: _Place) -> Iterator[Found]:
    since_ms = place.now_ms - usual.HOOK_DAYS * DAY_MS
    for source in load_hooks(place.db).values():
        if source.site != place.site.key:
            continue
        heard = watching.by_hour(place.db, "hook", source.source_no, since_ms)
        found = usual.gap(heard, place.now_ms)
        last_ms = (found.last_hour + 1) * HOUR_MS
        figures = {
            "source": source.source_no, "provider": source.provider, "longest_hours": found.longest,
            "last_delivery_before": format_instant(last_ms), "silent_hours": found.hours,
        }  # fmt: skip
        lines = [
            f"Nothing came from {source.provider} since {local(last_ms, place.site)}: {found.hours} hours.",
            f"It never paused for longer than {found.longest} hours in the 60 days before.",
            "Many providers switch a webhook off after failures: see whether it is still on in theirs.",
            f"Its address, and what it delivered: touchline source show {source.source_no}",
        ]
        title = f"{source.provider} delivers nothing to {place.site.key}"
        told = _trouble(place, "hook.silent", title, (lines, figures))
        yield "hook", f"source {source.source_no}", found.state, told


def _pools(place: _Place) -> Iterator[Found]:
    """Judge each pool: wrong when it ran out within the last hour, right after a day without."""
    lately = {each.pool: each for each in exhaustions_since(place.db, place.now_ms - DAY_MS)
              if each.site == place.site.key}  # fmt: skip
    for name, pool in load_pools(place.db).get(place.site.key, {}).items():
        out = lately.get(name)
        state: State = "right" if out is None else "unsure"
        if out is not None and out.last_ms > place.now_ms - HOUR_MS:
            state = "wrong"
        count = out.count if out else 0
        figures = {"pool": name, "numbers": len(pool.numbers), "exhausted": count}
        lines = [
            f"{count} visitors of the last 24 hours found none of the {len(pool.numbers)} numbers free.",
            "They saw the fallback number, so their calls cannot be told apart.",
            f"How many numbers it needs: touchline pool report {place.site.key} {name}",
        ]
        title = f"The number pool {name} of {place.site.key} ran out"
        yield "pool", f"pool {name}", state, _trouble(place, "pool.exhausted", title, (lines, figures))


def _matching(place: _Place) -> Found:
    most, since_ms = usual.RECENT + usual.BEFORE, place.now_ms - MATCH_MS
    found = usual.fall(watching.latest_unmatched(place.db, place.site_no, since_ms, most))
    figures = {
        "recent_leads": found.recent, "recent_unmatched": found.recent_unmatched,
        "leads_before": found.before, "unmatched_before": found.before_unmatched,
    }  # fmt: skip
    lines = [
        f"Of the latest {found.recent} leads {found.recent_unmatched} have no visit; of the {found.before} "
        f"before them {found.before_unmatched} had none.",
        "Has a form, a consent banner or a provider's field been changed?",
        "Each lead says why: touchline explain lead ID",
    ]
    title = f"More leads than before have no visit on {place.site.key}"
    return "match", place.site.key, found.state, _trouble(place, "matching.fell", title, (lines, figures))


def _trouble(place: _Place, type_: str, title: str, told: tuple[Sequence[str], Mapping[str, Any]]) -> Trouble:
    return Trouble(type_, place.site.key, place.now_ms, title, *told)


def local(at_ms: int, site: Site) -> str:
    """Write an instant as the clock on the site's wall shows it."""
    moment = datetime.fromtimestamp(at_ms / 1_000, UTC).astimezone(ZoneInfo(site.timezone))
    return f"{moment:%Y-%m-%d %H:%M} ({site.timezone})"
