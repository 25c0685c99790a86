"""Stitch, last part: each lead's visitor and person, its own session and source, and its journey."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

from tracker.config import Settings
from tracker.core.candidates import (
    BY_TRACE,
    OF_VISITOR,
    Asked,
    Candidate,
    Given,
    Leased,
    Line,
    Match,
    Ruling,
)
from tracker.core.ids import journey_id
from tracker.core.journeys import Touch, journey
from tracker.core.matching import match_lead
from tracker.core.matchwords import aside_words
from tracker.core.sources import decide_source
from tracker.core.times import DAY_MS, format_instant
from tracker.model import Source
from tracker.store.clicks import lead_click_names
from tracker.store.components import CUT
from tracker.store.evidence import put_echo
from tracker.store.hits import is_bots, last_hit_ms
from tracker.store.leads import (
    Row,
    leads_beside,
    leads_of,
    load_lead,
    put_journey,
    put_match,
    touches_of,
)
from tracker.store.lists import load_overlay
from tracker.store.marks import Key, Mark, Pass
from tracker.store.memberships import shown_part
from tracker.store.persons import (
    is_gainsaid,
    line_holders,
    line_seen_ms,
    load_known,
    owner_at,
    person_visitors,
    stretch_at,
)
from tracker.store.rules import load_rule_sets
from tracker.store.sessions import own_session
from tracker.store.sites import load_static_numbers, numbered_sites
from tracker.store.sources import SourceNumbers
from tracker.store.strings import Numbers, visitor_ids
from worker.traces import TraceStitcher

_GIVEN: tuple[Literal["email", "user", "crm"], ...] = ("email", "user", "crm")
_LINES: tuple[Literal["phone", "chat"], ...] = ("phone", "chat")


class LeadStitcher:
    """Matches leads and puts their journeys together, over one connection with the writer's lock."""

    def __init__(self, db: sqlite3.Connection, settings: Settings, traces: TraceStitcher) -> None:
        self._db = db
        self._traces = traces
        self._fresh_ms = settings.phone_fresh_days * DAY_MS
        self._lookback_ms = settings.lookback_days * DAY_MS
        self._static = load_static_numbers(db)
        self._sites = numbered_sites(db)
        self._rules = load_rule_sets(db, load_overlay(settings.data))
        self._sources = SourceNumbers(db)
        self._texts = Numbers(db)

    def match(self, dirty: Sequence[Mark], run: Pass) -> None:
        """Decide again to whom these leads belong."""
        touched: dict[int, str] = {}
        for mark in dirty:
            lead = load_lead(self._db, str(mark.key))
            if lead is None:
                continue
            match = self._match(lead)
            if match.rule in BY_TRACE and match.chosen and self._traces.has_refused(match.chosen, lead):
                lead["is_withheld"] = 1
                match = self._match(lead)
            named_by = self._named_by(lead, match)
            row = {"identifier_no": named_by, **self._credit(lead, match), **self._told(match)}
            moved = put_match(self._db, lead, row, run, because=mark.because)
            touched |= dict.fromkeys(moved, mark.because)
            stale: dict[tuple[str, Key], str] = {("journey", mark.key): mark.because}
            if lead["identifier_no"] not in (None, named_by):
                stale["enquiry", lead["identifier_no"]] = mark.because
            run.mark(stale)
            lines = put_echo(self._db, lead, self._echo_of(match, lead))
            again = leads_of(self._db, list(lines)) if lines else ()
            run.mark({("match", each): mark.because for each in again})
        beside = leads_beside(self._db, touched) if touched else {}
        run.mark({("journey", each): touched[number] for each, number in beside.items()})

    def journeys(self, dirty: Sequence[Mark], run: Pass) -> None:
        """Put the journeys to these leads together again."""
        for mark in dirty:
            lead = load_lead(self._db, str(mark.key))
            if lead is not None:
                named, row = journey_id("lead", lead["lead_id"]), self._journey(lead)
                put_journey(self._db, named, row, run, because=mark.because)
                run.mark({("quality", mark.key): mark.because})

    def _match(self, lead: Row) -> Match:
        at_ms, proved = lead["at_ms"], lead["proved_visitor_no"]
        if lead["is_withheld"]:
            return match_lead(Asked(at_ms, is_withheld=True))
        unnamed = {kind: None if lead[f"{kind}_no"] else lead[kind] for kind in ("email", "phone")}
        aside = [*aside_words(**unnamed)]
        if proved is not None:
            if not is_bots(self._db, proved):
                return match_lead(Asked(at_ms, proved=self._candidate(proved, at_ms)))
            aside.append("all that the browser ever did whose signed id came with it was done by a bot")
        leased, missed = self._traces.shown(lead)
        static = self._static.get((lead["site_no"], lead["called"]))
        lines = (self._line(kind, lead[f"{kind}_no"], at_ms) for kind in _LINES)
        return match_lead(Asked(
            at_ms,
            leased=tuple(self._at_the_time(each, lead) for each in leased),
            missed=tuple(missed),
            given=self._given(lead),
            lines=tuple(line for line in lines if line is not None),
            click_names=lead_click_names(self._db, lead["lead_id"]),
            clicked=tuple(self._candidate(each.visitor_no, at_ms) for each in self._traces.clicked(lead)),
            static_number=static.number if static else None,
            on_page=tuple(self._candidate(each.visitor_no, at_ms) for each in self._traces.on_page(lead)),
            fresh_ms=self._fresh_ms,
            aside=tuple(aside),
        ))  # fmt: skip

    def _given(self, lead: Row) -> Given | None:
        """Pick what names the lead's person: its address, else a user's id, else a contact's."""
        for kind in _GIVEN:
            number = self._linking(lead[f"{kind}_no"])
            if number is not None:
                return Given(kind, self._visitors(number, lead["at_ms"]))
        return None

    def _echo_of(self, match: Match, lead: Row) -> int | None:
        """Give the visitor with whom a call saw its line again that was told apart by that very line."""
        if match.rule != "M4" or match.visitor_no is None or lead["phone_no"] is None:
            return None
        return owner_at(self._db, match.visitor_no, lead["at_ms"])

    def _linking(self, identifier_no: int | None) -> int | None:
        """Give an identifier that stands for someone; none for one that too many use."""
        if identifier_no is None or load_known(self._db, identifier_no).apart in CUT:
            return None
        return identifier_no

    def _at_the_time(self, leased: Leased, lead: Row) -> Leased:
        """Say whose the device was when the call began, and whether the caller's number is theirs."""
        visitor_no, at_ms = leased.candidate.visitor_no, lead["at_ms"]
        from_ms, until_ms = stretch_at(self._db, visitor_no, at_ms)
        own = replace(leased.candidate, from_ms=from_ms, until_ms=until_ms)
        line = load_known(self._db, lead["phone_no"]) if lead["phone_no"] is not None else None
        owner = owner_at(self._db, visitor_no, at_ms)
        if line is None or line.apart is not None or owner is None:
            return replace(leased, candidate=own)
        has_line = load_known(self._db, owner).person_no == line.person_no
        return replace(leased, candidate=own, has_line=has_line)

    def _line(self, kind: Literal["phone", "chat"], number: int | None, at_ms: int) -> Line | None:
        if number is None:
            return None
        apart = load_known(self._db, number).apart
        if apart in CUT:
            return Line(kind, apart)
        held_by = line_holders(self._db, number) if apart == "contested_line" else [number]
        found = {each for one in held_by for each in self._visitors(one, at_ms)}
        return Line(kind, apart, line_seen_ms(self._db, number), tuple(found))

    def _visitors(self, identifier_no: int, at_ms: int) -> tuple[Candidate, ...]:
        return tuple(
            Candidate(
                own.visitor_no, own.visitor_id,
                last_hit_ms(
                    self._db, own.visitor_no, at_ms, from_ms=own.from_ms or 0, until_ms=own.until_ms
                ),
                own.from_ms, own.until_ms,
            )
            for own in person_visitors(self._db, identifier_no)
        )  # fmt: skip

    def _candidate(self, number: int, at_ms: int) -> Candidate:
        visitor_id = visitor_ids(self._db, [number])[number]
        stretch = stretch_at(self._db, number, at_ms)
        return Candidate(number, visitor_id, last_hit_ms(self._db, number, at_ms), *stretch)

    def _named_by(self, lead: Row, match: Match) -> int | None:
        """Pick the identifier that names a lead's person: what was given, then its visitor, then its line."""
        if lead["is_withheld"]:
            return None
        for kind in _GIVEN:
            given = self._linking(lead[f"{kind}_no"])
            if given is not None and not is_gainsaid(self._db, lead["fact"], given):
                return given
        if match.visitor_no is not None and match.rule in OF_VISITOR:
            by_visitor = owner_at(self._db, match.visitor_no, lead["at_ms"])
            if by_visitor is not None:
                return by_visitor
        return self._linking(lead["phone_no"]) or self._linking(lead["chat_no"])

    def _credit(self, lead: Row, match: Match) -> Row:
        """Say which session and source a lead is credited to."""
        own = None
        if match.chosen is not None:
            own = own_session(
                self._db, match.chosen, site_no=lead["site_no"], at_ms=lead["at_ms"],
                since_ms=lead["at_ms"] - self._lookback_ms,
            )  # fmt: skip
        session_id: str | None = None
        source_no: int | None
        click_name, click_no = None, None
        if own is not None:
            session_id, source_no, click_name, click_no = own
        else:
            said = None if lead["is_withheld"] else self._said(lead)
            source_no = (
                None if said is None else self._sources.number(said, self._rules[lead["site_no"]].version)
            )
            if said is not None and said.click is not None:
                click_name, click_no = said.click.name, self._texts.number(said.click.value)
        return {
            "visitor_no": match.visitor_no, "session_id": session_id, "source_no": source_no,
            "click_name": click_name, "click_no": click_no,
        }  # fmt: skip

    def _said(self, lead: Row) -> Source | None:
        """Read the source off the called number, else off what the provider said."""
        static = self._static.get((lead["site_no"], lead["called"]))
        if static is not None:
            tags = [("utm_source", static.source), ("utm_medium", static.medium)]
            tags += [("utm_campaign", static.campaign)] if static.campaign else []
            by = "static_number"
            referrer = None
        else:
            tags = [(name, value) for name, value in json.loads(lead["tags"] or "[]")]
            by, referrer = "provider", lead["referrer"]
        own = self._sites[lead["site_no"]].domains
        source = decide_source(tuple(tags), referrer, own, self._rules[lead["site_no"]])
        return None if source.evidence == "none" else replace(source, rule=f"{by}:{source.rule}")

    def _told(self, match: Match) -> Row:
        evidence = {
            "why": match.why,
            "candidates": [_ruling(each) for each in match.rulings],
            "ruled_out": [_ruling(each) for each in match.beside],
            "notes": list(match.notes),
        }
        return {
            "match_rule": match.rule, "match_confidence": match.confidence,
            "match_evidence": json.dumps(evidence, sort_keys=True),
        }  # fmt: skip

    def _journey(self, lead: Row) -> dict[str, Any]:
        own = self._touches(lead)
        made = journey(own, at_ms=lead["at_ms"])
        first, last = (made.touches[0], made.touches[-1]) if made.touches else (None, None)
        channel = None
        if lead["source_no"] is not None:
            found = self._db.execute("SELECT channel FROM source WHERE source_no = ?", [lead["source_no"]])
            channel = found.fetchone()[0]
        return {
            "conversion_kind": "lead", "conversion_id": lead["lead_id"], "site_no": lead["site_no"],
            "at_ms": lead["at_ms"], "identifier_no": lead["identifier_no"],
            "first_ms": first.at_ms if first else None, "first_source_no": first.source_no if first else None,
            "last_source_no": last.source_no if last else None, "lead_channel": channel, "days": made.days,
            "touch_count": len(made.touches), "path": json.dumps([touch.channel for touch in made.touches]),
            "touch_ids": json.dumps([touch.touch_id for touch in made.touches]),
            "part_id": shown_part(self._db, lead["identifier_no"]),
        }  # fmt: skip

    def _touches(self, lead: Row) -> list[Touch]:
        if lead["identifier_no"] is not None:
            own = lead["session_id"] if lead["match_rule"] in OF_VISITOR else None
            return touches_of(self._db, lead["identifier_no"], lead["at_ms"], session_id=own)
        if lead["source_no"] is None:
            return []
        found = self._db.execute("SELECT channel FROM source WHERE source_no = ?", [lead["source_no"]])
        return [Touch(lead["at_ms"], lead["lead_id"], "lead", lead["source_no"], found.fetchone()[0])]


def _ruling(ruling: Ruling) -> Row:
    """Write down what was decided of one candidate."""
    own = ruling.candidate
    return {
        "visitor_id": own.visitor_id, "verdict": ruling.verdict, "why": ruling.why,
        "last_hit_at": None if own.last_ms is None else format_instant(own.last_ms),
    }  # fmt: skip
