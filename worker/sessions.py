"""Stitch, first part: a visitor's hits into sessions.

Whether a click id is another visitor's rests on who brought it first; when that changes hands, the
two visitors it concerns are marked to be cut again.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from tracker.config import Settings
from tracker.core import sessions as core
from tracker.core.ids import event_id_of, session_id
from tracker.core.sessions import ClickKey, Limits, Session, SessionHit
from tracker.core.sources import decide_source
from tracker.model import HitType, Source
from tracker.store import clicks, marks
from tracker.store.hits import VisitorHit, load_human_hits
from tracker.store.leads import Change, log_change
from tracker.store.marks import Mark, Pass
from tracker.store.rules import load_rule_sets
from tracker.store.sessions import SessionRow, replace_sessions
from tracker.store.sites import numbered_sites
from tracker.store.sources import SourceNumbers
from tracker.store.strings import Numbers, visitor_ids
from worker.places import Places

TYPES: tuple[HitType, ...] = ("page", "event", "engagement")
CACHE_SIZE = 20_000

_Arrival = tuple[int | None, int | None, int]


class SessionStitcher:
    """Cuts visitors' hits into sessions, over one connection that holds the writer's lock."""

    def __init__(self, db: sqlite3.Connection, settings: Settings) -> None:
        self._db = db
        self._limits = Limits(settings.session_gap_s * 1_000, settings.session_max_s * 1_000)
        self._places = Places(settings.geo_file)
        self._forget()

    def _forget(self) -> None:
        self._sites = numbered_sites(self._db)
        self._texts = Numbers(self._db)
        self._rules = load_rule_sets(self._db)
        self._sources = SourceNumbers(self._db)
        self._decided: dict[_Arrival, tuple[Source, Source]] = {}

    def stitch(self, dirty: Sequence[Mark], run: Pass) -> None:
        """Cut these visitors' hits again, and mark what rests on the sessions that changed."""
        reasons = {int(mark.key): mark.because for mark in dirty}
        self._names = visitor_ids(self._db, reasons)
        by_visitor = {number: self._site_hits(rows) for number, rows in self._load(reasons)}
        owners_moved = self._note_clicks(reasons, by_visitor)
        rows = [row for number, by_site in by_visitor.items() for row in self._cut(number, by_site)]
        changed = replace_sessions(self._db, reasons, rows, run)
        for number, gone in changed.items():
            for each in gone:
                log_change(self._db, Change("session", each, {}, None, reasons[number]), run)
        self._mark(changed, owners_moved - reasons.keys(), reasons)

    def _load(self, numbers: Iterable[int]) -> Iterator[tuple[int, list[VisitorHit]]]:
        hits = load_human_hits(self._db, numbers)
        for number, group in groupby(hits, key=lambda hit: hit.visitor_no):
            yield number, list(group)

    def _site_hits(self, rows: list[VisitorHit]) -> dict[int, dict[int, tuple[SessionHit, VisitorHit]]]:
        by_site: dict[int, dict[int, tuple[SessionHit, VisitorHit]]] = {}
        for row in rows:
            source, fallback = self._decide(row)
            hit = SessionHit(
                row.hit_no, row.at_ms, row.seq, row.event_key, TYPES[row.kind], source, fallback,
                row.engaged_ms or 0,
            )  # fmt: skip
            by_site.setdefault(row.site_no, {})[row.hit_no] = (hit, row)
        return by_site

    def _decide(self, row: VisitorHit) -> tuple[Source, Source]:
        """Say where a hit came from, with and without its campaign parameters and click ids."""
        arrival = (row.tags_no, row.referrer_no, row.site_no)
        decided = self._decided.get(arrival)
        if decided is None:
            if len(self._decided) >= CACHE_SIZE:
                self._decided.clear()
            tags = tuple((name, value) for name, value in json.loads(self._texts.text(row.tags_no) or "[]"))
            referrer, own = self._texts.text(row.referrer_no), self._sites[row.site_no].domains
            rules = self._rules[row.site_no]
            decided = decide_source(tags, referrer, own, rules), decide_source((), referrer, own, rules)
            self._decided[arrival] = decided
        return decided

    def _note_clicks(
        self,
        numbers: Iterable[int],
        by_visitor: Mapping[int, dict[int, dict[int, tuple[SessionHit, VisitorHit]]]],
    ) -> set[int]:
        """Keep who used which click id first; return the visitors for whom that changed."""
        uses: dict[int, dict[ClickKey, tuple[int, str]]] = {number: {} for number in numbers}
        for number, by_site in by_visitor.items():
            for hits in by_site.values():
                for click, use in core.first_uses(hit for hit, _ in hits.values()).items():
                    uses[number][click] = min(uses[number].get(click, use), use)
        return clicks.replace_uses(self._db, uses)

    def _cut(
        self, number: int, by_site: Mapping[int, dict[int, tuple[SessionHit, VisitorHit]]]
    ) -> Iterator[SessionRow]:
        used = {
            click for hits in by_site.values() for click in core.first_uses(hit for hit, _ in hits.values())
        }
        foreign = clicks.foreign(self._db, number, used) if used else frozenset()
        for site_no, hits in by_site.items():
            cut = core.sessionize([hit for hit, _ in hits.values()], limits=self._limits, foreign=foreign)
            for session in cut:
                yield self._row(session, site_no, self._names[number], hits)

    def _row(
        self,
        session: Session,
        site_no: int,
        visitor_id: str,
        hits: Mapping[int, tuple[SessionHit, VisitorHit]],
    ) -> SessionRow:
        opened = hits[session.hits[0].hit_no][1]
        source, site = session.source, self._sites[site_no].key
        named = session_id(
            session.started_ms, site=site, visitor_id=visitor_id, event_id=event_id_of(opened.event_key)
        )
        click = source.click
        return SessionRow(
            named, site_no, opened.visitor_no, session.started_ms, session.ended_ms, len(session.hits),
            session.pages, session.engaged_ms, opened.hit_no, opened.page_no,
            hits[session.exit.hit_no][1].page_no, session.opened_by,
            self._sources.number(source, self._rules[site_no].version),
            click.name if click else None, self._texts.number(click.value) if click else None,
            opened.client_no, self._places.country(self._texts.text(opened.ip_no)),
            int(session.is_repeat_click),
        )  # fmt: skip

    def _mark(self, changed: Iterable[int], moved: Iterable[int], reasons: Mapping[int, str]) -> None:
        wanted = json.dumps(list(changed))
        known = self._db.execute(
            """SELECT identifier_no, visitor_no FROM json_each(?) AS wanted
            JOIN identifier ON identifier.visitor_no = wanted.value""",
            [wanted],
        ).fetchall()
        stale: dict[tuple[str, marks.Key], str] = {("identifier", row[0]): reasons[row[1]] for row in known}
        stale |= {("visitor", number): "a click id that another visitor brought first" for number in moved}
        marks.put(self._db, stale)
