"""Stitch, third part: the traces that tie a lead to a visitor before the person is known.

A call's are the leases of the number that it went to. Only what leases and clicks on the number decide
becomes evidence (M2, M3): a call that is known by its caller (M4) ties nothing together that was not
before, and would otherwise vouch for itself. A lead's click id makes its visitor known by name, and is no
evidence of who else they are.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from tracker.core.candidates import CLICK_MS, RETRY_MS, Candidate, Leased, Missed
from tracker.core.contacts import normalise_phone
from tracker.core.groups import Identifier
from tracker.core.matching import match_leases
from tracker.store.clicks import visitors_with
from tracker.store.consents import is_withdrawn
from tracker.store.evidence import Link, Mention, Testified, put_testimony
from tracker.store.hits import is_bots, last_hit_ms, tel_clicks
from tracker.store.leads import Row, load_lead
from tracker.store.leases import leases_near
from tracker.store.marks import Mark, Pass
from tracker.store.persons import Identifiers, Seen
from tracker.store.presence import visitors_on
from tracker.store.sites import numbered_sites, sites_matching_pages


class TraceStitcher:
    """Ties leads to the visitors who left their traces, over one connection with the writer's lock."""

    def __init__(self, db: sqlite3.Connection, *, key: bytes) -> None:
        self._db = db
        self._key = key
        self._identifiers = Identifiers(db, key)
        self._sites = numbered_sites(db)
        self._paged = sites_matching_pages(db)

    def stitch(self, dirty: Sequence[Mark], run: Pass) -> None:
        """Find again who saw the numbers that these leads called, and who brought their click ids."""
        for mark in dirty:
            lead = load_lead(self._db, str(mark.key))
            if lead is None:
                continue
            told = Testified(f"call:{lead['fact']}", *self._evidence(lead))
            put_testimony(self._db, told, run, because=mark.because)
            known = Testified(f"trace:{lead['fact']}", self._known_by_trace(lead))
            put_testimony(self._db, known, run, because=mark.because)
            run.mark({("match", mark.key): mark.because})

    def _evidence(self, lead: Row) -> tuple[list[Mention], list[Link]]:
        leased, _ = self.shown(lead)
        if not leased or self._is_told(lead):
            return [], []
        match = match_leases(leased, at_ms=lead["at_ms"])
        if match.chosen is None or self.has_refused(match.chosen, lead):
            return [], []
        at_ms = lead["at_ms"]
        visitor_no = self._identifiers.number(
            Identifier("visitor", match.chosen.visitor_id), Seen(at_ms, match.chosen.visitor_no)
        )
        mentions, links = [Mention(visitor_no, at_ms, None)], []
        if lead["phone_no"] is not None:
            mentions.append(Mention(lead["phone_no"], at_ms, None))
            links.append(Link("R6", visitor_no, lead["phone_no"], at_ms, None, None, None, 0, 1))
        return mentions, links

    def _known_by_trace(self, lead: Row) -> list[Mention]:
        """Name the visitor who alone left the lead's click id or was on its page; it is no sighting."""
        if self._is_told(lead):
            return []
        found = self.clicked(lead) or self.on_page(lead)
        if len(found) != 1 or self.has_refused(found[0], lead):
            return []
        (only,) = found
        named = Identifier("visitor", only.visitor_id)
        return [Mention(self._identifiers.number(named, Seen(None, only.visitor_no)), None, None)]

    def _is_told(self, lead: Row) -> bool:
        """Tell whether the lead's visitor needs no trace, or may leave none."""
        proved = lead["proved_visitor_no"]
        return bool(lead["is_withheld"]) or proved is not None and not is_bots(self._db, proved)

    def has_refused(self, caller: Candidate, lead: Row) -> bool:
        """Tell whether the visitor who made a lead had withdrawn consent by then (G4)."""
        return is_withdrawn(
            self._db, caller.visitor_id, site_no=lead["site_no"], at_ms=lead["at_ms"], key=self._key
        )

    def shown(self, lead: Row) -> tuple[list[Leased], list[Missed]]:
        """Gather the visitors to whom the called number was shown at the time of a call, and near it."""
        if lead["kind"] != "call" or lead["called"] is None:
            return [], []
        at_ms, number = lead["at_ms"], lead["called"]
        near = leases_near(self._db, site_no=lead["site_no"], number=number, at_ms=at_ms)
        human = [each for each in near if not is_bots(self._db, each.visitor_no)]
        covering = [each for each in human if each.covers(at_ms)]
        leased = [
            Leased(
                self._candidate(each.visitor_no, each.visitor_id, at_ms), each.to_ms,
                len(covering) > 1 and self._has_clicked(each.visitor_no, lead),
            )
            for each in covering
        ]  # fmt: skip
        missed = [
            Missed(self._candidate(each.visitor_no, each.visitor_id, at_ms), each.from_ms, each.to_ms)
            for each in human
            if each not in covering
        ]
        return leased, missed

    def clicked(self, lead: Row) -> list[Candidate]:
        """Gather the visitors who arrived with a click id that came with a lead."""
        found = visitors_with(self._db, lead["lead_id"], until_ms=lead["at_ms"] + RETRY_MS)
        return [self._candidate(*each, lead["at_ms"]) for each in found]

    def on_page(self, lead: Row) -> list[Candidate]:
        """Gather who was on the page of a chat without a name at the time, and had not refused."""
        is_named = any(lead[f"{kind}_no"] is not None for kind in ("email", "user", "crm", "phone"))
        if lead["kind"] != "chat" or not lead["page_url"] or is_named or lead["site_no"] not in self._paged:
            return []
        at_ms = lead["at_ms"]
        found = visitors_on(self._db, lead["page_url"], site_no=lead["site_no"], at_ms=at_ms)
        seen = (self._candidate(*each, at_ms) for each in found)
        return [each for each in seen if not self.has_refused(each, lead)]

    def _candidate(self, visitor_no: int, visitor_id: str, at_ms: int) -> Candidate:
        return Candidate(visitor_no, visitor_id, last_hit_ms(self._db, visitor_no, at_ms))

    def _has_clicked(self, visitor_no: int, lead: Row) -> bool:
        """Tell whether a visitor clicked on a link to the called number right before the call."""
        region = self._sites[lead["site_no"]].region
        clicked = tel_clicks(self._db, visitor_no, since_ms=lead["at_ms"] - CLICK_MS, until_ms=lead["at_ms"])
        return any(normalise_phone(number, region) == lead["called"] for number in clicked)
