"""Stitch, third part: to whom a called number was shown, and the evidence that a call gives.

Only what leases and clicks decide becomes evidence (M2, M3). A call that is known by its caller (M4) ties
nothing together that was not before, and would otherwise vouch for itself.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from tracker.core.contacts import normalise_phone
from tracker.core.groups import Identifier
from tracker.core.matching import CLICK_MS, Candidate, Leased, match_leases
from tracker.store import marks
from tracker.store.bursts import visitors_to_settle
from tracker.store.consents import is_withdrawn
from tracker.store.evidence import Link, Mention, let_link_again, replace_testimony
from tracker.store.hits import last_hit_ms, tel_clicks
from tracker.store.leads import Row, load_lead
from tracker.store.leases import leases_at
from tracker.store.marks import Mark, Pass
from tracker.store.persons import Identifiers, note_sightings
from tracker.store.sites import numbered_sites


class CallStitcher:
    """Ties calls to the visitors who saw the number, over one connection with the writer's lock."""

    def __init__(self, db: sqlite3.Connection, *, key: bytes) -> None:
        self._db = db
        self._identifiers = Identifiers(db, key)
        self._sites = numbered_sites(db)

    def stitch(self, dirty: Sequence[Mark], run: Pass) -> None:
        """Find again who saw the numbers that these calls went to."""
        for mark in dirty:
            lead = load_lead(self._db, str(mark.key))
            if lead is None:
                continue
            mentions, links = self._evidence(lead)
            moved = replace_testimony(self._db, f"call:{lead['fact']}", mentions, links)
            note_sightings(self._db, moved.all, run)
            let_link_again(self._db, moved.bereft)
            stale: dict[tuple[str, marks.Key], str] = {("match", mark.key): mark.because}
            stale |= {("visitor", each): mark.because for each in visitors_to_settle(self._db, moved.all)}
            marks.put(self._db, stale | {("identifier", each): mark.because for each in moved.all})

    def _evidence(self, lead: Row) -> tuple[list[Mention], list[Link]]:
        if lead["proved_visitor_no"] is not None or lead["is_withheld"]:
            return [], []
        match = match_leases(self.leased(lead), at_ms=lead["at_ms"])
        if match.chosen is None or self.has_refused(match.chosen, lead):
            return [], []
        at_ms = lead["at_ms"]
        visitor_no = self._identifiers.number(
            Identifier("visitor", match.chosen.visitor_id), at_ms=at_ms, visitor_no=match.chosen.visitor_no
        )
        mentions, links = [Mention(visitor_no, at_ms, None)], []
        if lead["phone_no"] is not None:
            mentions.append(Mention(lead["phone_no"], at_ms, None))
            links.append(Link("R6", visitor_no, lead["phone_no"], at_ms, None, None, None, 0, 1))
        return mentions, links

    def has_refused(self, caller: Candidate, lead: Row) -> bool:
        """Tell whether the visitor who made a call had withdrawn consent by then (G4)."""
        return is_withdrawn(self._db, caller.visitor_id, site_no=lead["site_no"], at_ms=lead["at_ms"])

    def leased(self, lead: Row) -> list[Leased]:
        """Gather the visitors to whom the called number was shown at the time of a call."""
        if lead["kind"] != "call" or lead["called"] is None:
            return []
        at_ms, number = lead["at_ms"], lead["called"]
        found = leases_at(self._db, site_no=lead["site_no"], number=number, at_ms=at_ms)
        leased = []
        for visitor_no, visitor_id, seen_ms in found:
            seen = Candidate(visitor_no, visitor_id, last_hit_ms(self._db, visitor_no, at_ms))
            has_clicked = len(found) > 1 and self._has_clicked(visitor_no, lead)
            leased.append(Leased(seen, seen_ms, has_clicked))
        return leased

    def _has_clicked(self, visitor_no: int, lead: Row) -> bool:
        """Tell whether a visitor clicked on a link to the called number right before the call."""
        region = self._sites[lead["site_no"]].region
        clicked = tel_clicks(self._db, visitor_no, since_ms=lead["at_ms"] - CLICK_MS, until_ms=lead["at_ms"])
        return any(normalise_phone(number, region) == lead["called"] for number in clicked)
