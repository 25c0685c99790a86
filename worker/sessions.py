"""Stitch, first part: a visitor's hits into sessions.

Whether a click id is another visitor's rests on who brought it first; when that changes hands, the
two visitors it concerns are marked to be cut again. So are visitors when the crowd that they are in
becomes a burst, whose visitors have no sessions, or is none any more.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import lru_cache

from tracker.config import Settings
from tracker.core import sessions as core
from tracker.core.ids import event_id_of, session_id
from tracker.core.rules import RuleSet
from tracker.core.sessions import ClickKey, Limits, Session, SessionHit
from tracker.core.sources import decide_source
from tracker.model import HitType, Site, Source
from tracker.store import clicks
from tracker.store.changes import Change, log_change
from tracker.store.db import key_list
from tracker.store.hits import VisitorHit, load_human_hits
from tracker.store.leases import calls_during
from tracker.store.lists import load_overlay
from tracker.store.marks import Key, Mark, Pass
from tracker.store.presence import chats_beside, replace_presence
from tracker.store.rules import load_rule_sets
from tracker.store.sessions import SessionRow, replace_sessions
from tracker.store.sites import numbered_sites, sites_matching_pages
from tracker.store.sources import SourceNumbers
from tracker.store.strings import Numbers, visitor_ids
from worker.bursts import BurstWatch
from worker.places import Places

TYPES: tuple[HitType, ...] = ("page", "event", "engagement")
CACHE_SIZE = 5_000

# Numbers of an arrival's tags, referrer and site to its source, with and without the tags.
_Decide = Callable[[int | None, int | None, int], tuple[Source, Source]]


@dataclass(slots=True)
class _Visits:
    """One visitor's hits on one site, as the walk takes them and, by number, as they are stored."""

    visitor_no: int
    site_no: int
    hits: list[SessionHit] = field(default_factory=list)
    rows: dict[int, VisitorHit] = field(default_factory=dict)


class SessionStitcher:
    """Cuts visitors' hits into sessions, over one connection that holds the writer's lock."""

    def __init__(self, db: sqlite3.Connection, settings: Settings) -> None:
        self._db = db
        self._limits = Limits(settings.session_gap_s * 1_000, settings.session_max_s * 1_000)
        self._places = Places(settings.geo_file)
        self._sites = numbered_sites(db)
        self._paged = sites_matching_pages(db)
        self._texts = Numbers(db)
        self._bursts = BurstWatch(db, settings, self._texts)
        self._rules = load_rule_sets(db, load_overlay(settings.data))
        self._sources = SourceNumbers(db)
        self._decide = _decider(self._texts, self._sites, self._rules)

    def stitch(self, dirty: Sequence[Mark], run: Pass) -> None:
        """Cut these visitors' hits again, and mark what rests on them."""
        reasons = {int(mark.key): mark.because for mark in dirty}
        rows = list(load_human_hits(self._db, reasons))
        bursts = self._bursts.note(reasons, rows)
        visits = self._visits([row for row in rows if row.visitor_no not in bursts.visitor_nos])
        uses = _first_uses(reasons, visits)
        owners = clicks.replace_uses(self._db, uses)
        cut = [
            (each, session)
            for each in visits
            for session in self._cut(each, owners.foreign(each.visitor_no, uses[each.visitor_no]))
        ]
        chats = self._chats(reasons)
        names = visitor_ids(self._db, reasons)
        changed = replace_sessions(self._db, reasons, self._rows(cut, names), run)
        for number, gone in changed.items():
            for each in gone:
                before = {"visitor_id": names[number]}
                log_change(self._db, Change("session", each, before, None, reasons[number]), run)
        moved = dict.fromkeys(bursts.moved, "a burst of one-hit visitors")
        moved |= dict.fromkeys(owners.moved, "a click id that another visitor brought first")
        self._mark(moved, reasons, owners.changed, run)
        because = next(iter(reasons.values()), "")
        run.mark({("trace", each): because for each in sorted(chats)})

    def _chats(self, reasons: Mapping[int, str]) -> set[str]:
        """Note who was on which page where chats are matched by it; names the chats it may concern."""
        if not self._paged:
            return set()
        wanted = key_list(reasons)
        before = chats_beside(self._db, wanted)
        replace_presence(self._db, reasons, self._paged)
        return {*before, *chats_beside(self._db, wanted)}

    def _visits(self, rows: Sequence[VisitorHit]) -> list[_Visits]:
        """Sort hits into parts of one visitor on one site."""
        self._texts.read({row.tags_no for row in rows} | {row.referrer_no for row in rows})
        visits: dict[tuple[int, int], _Visits] = {}
        for row in rows:
            key = (row.visitor_no, row.site_no)
            own = visits.get(key)
            if own is None:
                own = visits[key] = _Visits(*key)
            source, fallback = self._decide(row.tags_no, row.referrer_no, row.site_no)
            own.rows[row.hit_no] = row
            own.hits.append(SessionHit(
                row.hit_no, row.at_ms, row.seq, row.event_key, TYPES[row.kind], source, fallback,
                row.engaged_ms or 0,
            ))  # fmt: skip
        return list(visits.values())

    def _cut(self, visits: _Visits, foreign: Set[ClickKey]) -> list[Session]:
        return core.sessionize(visits.hits, limits=self._limits, foreign=foreign)

    def _rows(self, cut: Sequence[tuple[_Visits, Session]], names: Mapping[int, str]) -> list[SessionRow]:
        self._texts.learn(session.source.click.value for _, session in cut if session.source.click)
        if self._places.are_known:
            self._texts.read({visits.rows[session.hits[0].hit_no].ip_no for visits, session in cut})
        return [self._row(session, visits, names[visits.visitor_no]) for visits, session in cut]

    def _row(self, session: Session, visits: _Visits, visitor_id: str) -> SessionRow:
        opened, left = visits.rows[session.hits[0].hit_no], visits.rows[session.exit.hit_no]
        source, site_no = session.source, visits.site_no
        named = session_id(
            session.started_ms, site=self._sites[site_no].key, visitor_id=visitor_id,
            event_id=event_id_of(opened.event_key),
        )  # fmt: skip
        click = source.click
        return SessionRow(
            named, site_no, opened.visitor_no, session.started_ms, session.ended_ms, len(session.hits),
            session.pages, session.engaged_ms, opened.hit_no, opened.page_no, left.page_no,
            session.opened_by, self._sources.number(source, self._rules[site_no].version),
            click.name if click else None, self._texts.number(click.value) if click else None,
            opened.client_no, self._country(opened.ip_no), int(session.is_repeat_click),
        )  # fmt: skip

    def _country(self, ip_no: int | None) -> str | None:
        return self._places.country(self._texts.text(ip_no)) if self._places.are_known else None

    def _mark(
        self, moved: Mapping[int, str], reasons: Mapping[int, str], changed: Set[ClickKey], run: Pass
    ) -> None:
        """Mark whom these visitors stand for, leads that may be theirs, and visitors to be cut again.

        A hit may move within a session and leave it as it was; which browser was seen last may change.
        """
        wanted = key_list(reasons)
        known = self._db.execute(
            """SELECT identifier_no, visitor_no FROM json_each(?) AS wanted
            JOIN identifier ON identifier.visitor_no = wanted.value""",
            [wanted],
        ).fetchall()
        stale: dict[tuple[str, Key], str] = {("identifier", row[0]): reasons[row[1]] for row in known}
        stale |= {("visitor", number): why for number, why in moved.items() if number not in reasons}
        because = next(iter(reasons.values()), "")
        traced = {*calls_during(self._db, wanted), *clicks.leads_with(self._db, wanted, changed)}
        stale |= {("trace", each): because for each in sorted(traced)}
        run.mark(stale)


def _first_uses(
    numbers: Iterable[int], parts: Iterable[_Visits]
) -> dict[int, dict[ClickKey, tuple[int, str]]]:
    """Tell who of these visitors used which click id first when, on any site."""
    uses: dict[int, dict[ClickKey, tuple[int, str]]] = {number: {} for number in numbers}
    for visits in parts:
        own = uses[visits.visitor_no]
        for click, use in core.first_uses(visits.hits).items():
            own[click] = min(own.get(click, use), use)
    return uses


def _decider(texts: Numbers, sites: Mapping[int, Site], rules: Mapping[int, RuleSet]) -> _Decide:
    """Make what says where a hit came from, and remembers what it said."""

    @lru_cache(maxsize=CACHE_SIZE)
    def decide(tags_no: int | None, referrer_no: int | None, site_no: int) -> tuple[Source, Source]:
        tags = tuple((name, value) for name, value in json.loads(texts.text(tags_no) or "[]"))
        referrer, own = texts.text(referrer_no), sites[site_no].domains
        source = decide_source(tags, referrer, own, rules[site_no])
        return source, decide_source((), referrer, own, rules[site_no]) if tags else source

    return decide
