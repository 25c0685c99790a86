"""Stitch, second part: what facts other than hits say, read again from all of their versions.

Leads get their row, leases theirs; what a fact says of who is who becomes mentions and evidence. What a
visitor does after a refusal of consent says nothing (G4).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tracker.core.accounts import Step
from tracker.core.contacts import normalise_phone
from tracker.core.facts import SEPARATOR, fact_name
from tracker.core.groups import Identifier
from tracker.core.ids import activity_id, journey_id, lead_id
from tracker.core.said import said_tags, telling_clicks
from tracker.core.testimony import contacts_of_activity
from tracker.core.times import parse_instant
from tracker.core.versions import merge
from tracker.model import LeadId
from tracker.store.accounts import Moved
from tracker.store.activities import ActivityRow, drop_activity, put_activity
from tracker.store.clicks import leads_with_clicks_of, put_lead_clicks
from tracker.store.consents import facts_of_visitor, is_withdrawn, links_from
from tracker.store.evidence import Testified, let_link_again, put_echo, put_testimony
from tracker.store.facts import NO_SITE, SAYING, keys_within, load_versions
from tracker.store.leads import drop_lead, load_lead, put_lead
from tracker.store.leases import LeaseRow, calls_of, put_lease
from tracker.store.marks import Key, Mark, Pass
from tracker.store.persons import phones
from tracker.store.presence import chats_beside_visitor
from tracker.store.sites import numbered_sites
from tracker.store.strings import Visitors
from worker.accounts import AccountStitcher
from worker.witness import MergedFact, Witness

_TEXTS = (
    "name", "email", "phone", "company", "tracking_number", "page_url", "duration_s", "value", "currency",
)  # fmt: skip

Stale = dict[tuple[str, Key], str]


class FactReader:
    """Reads leads, leases, consents and all that says who is who, with the writer's lock."""

    def __init__(self, db: sqlite3.Connection, *, key: bytes) -> None:
        self._db = db
        self._key = key
        self._visitors = Visitors(db, key)
        self._witness = Witness(db, self._visitors, key=key)
        self._accounts = AccountStitcher(db, key=key)
        self._sites = numbered_sites(db)
        self._numbers = {site.key: number for number, site in self._sites.items()}

    def read(self, dirty: Sequence[Mark], run: Pass) -> None:
        """Read these facts again, and mark what rests on them."""
        deals: set[str] = set()
        for mark in dirty:
            kind, site_no, key = json.loads(str(mark.key))
            if kind not in (*SAYING, "consent"):
                continue
            told = self._told(kind, site_no, key, mark.because)
            if told is None:
                run.mark(self._forget(kind, site_no, key, mark.because, run))
                continue
            stale: Stale = {}
            numbers = self._witness.hear(told, run)
            if kind == "lead":
                stale |= self._put_lead(told, numbers, run)
            elif kind == "lease":
                stale |= self._put_lease(told)
            elif kind == "consent":
                stale |= self._after_consent(told.fields["visitor_id"], told.site_no, mark.because)
            elif kind == "status":
                stale["quality", told.fields["lead_id"]] = mark.because
            elif kind == "activity":
                stale |= self._put_activity(told)
            elif kind == "contact":
                stale |= _stale(self._accounts.hear(kind, told.fields, key=told.name), mark.because)
            elif kind == "deal" and (deal := key.rpartition(SEPARATOR)[0]) not in deals:
                deals.add(deal)
                stale |= _stale(self._accounts.hear_deal(self._steps(deal)), mark.because)
            run.mark(stale)

    def _told(self, kind: str, site_no: int, key: str, because: str) -> MergedFact | None:
        versions = load_versions(self._db, kind, site_no=site_no, key=key)
        fields = merge(versions, kind=kind)
        if not fields:
            return None
        own_no = self._numbers[fields["site"]]
        name = fact_name(kind, str(fields["site"]) if site_no else "", key)
        return MergedFact(
            kind, name, own_no, self._sites[own_no], fields, because=because,
            is_withheld=self._is_withheld(kind, own_no, fields),
            is_from_page=all(each.is_hearsay for each in versions),
        )  # fmt: skip

    def _is_withheld(self, kind: str, own_no: int, fields: Mapping[str, Any]) -> bool:
        """Tell whether consent was withdrawn by whom a fact is of; of a link by either of its browsers."""
        at_ms = parse_instant(fields["from" if kind == "lease" else "at"])
        asked = [] if kind == "consent" else [(fields.get("visitor_id"), own_no)]
        if kind == "link":  # it may lead from another site
            asked += [(fields["from"], number) for number in self._sites]
        return any(
            isinstance(visitor_id, str)
            and is_withdrawn(self._db, visitor_id, site_no=number, at_ms=at_ms, key=self._key)
            for visitor_id, number in asked
        )

    def _forget(self, kind: str, site_no: int, key: str, because: str, run: Pass) -> Stale:
        """Take away what rests on a fact of which no version is left."""
        site = self._sites[site_no].key if site_no else ""
        name = fact_name(kind, site, key)
        put_testimony(self._db, Testified(name), run, because=because)
        stale: Stale = {}
        if kind == "lead":
            stale |= self._drop_lead(lead_id(site, *key.split(SEPARATOR)), because, run)
        elif kind == "lease":
            number = normalise_phone(key.partition(SEPARATOR)[0], self._sites[site_no].region)
            stale |= self._replace_lease(name, None, number, because)
        elif kind in ("contact", "deal"):
            stale |= _stale(self._accounts.forget(name), because)
            if kind == "deal":
                steps = self._steps(key.rpartition(SEPARATOR)[0])
                stale |= _stale(self._accounts.hear_deal(steps), because)
        elif kind == "status":
            stale["quality", key.partition(SEPARATOR)[0]] = because
        elif kind == "activity":
            stale |= {("enquiry", each): because for each in drop_activity(self._db, name)}
        elif kind == "consent":
            stale |= self._after_consent(key.partition(SEPARATOR)[0], site_no, because)
        return stale

    def _after_consent(self, visitor_id: str, site_no: int, because: str) -> Stale:
        """Mark what a visitor said, and the calls that may be theirs, after a word on consent."""
        named = facts_of_visitor(self._db, visitor_id, site_no=site_no) + links_from(self._db, visitor_id)
        stale: Stale = {("fact", each): because for each in named}
        traced = {
            *calls_of(self._db, visitor_id), *leads_with_clicks_of(self._db, visitor_id),
            *chats_beside_visitor(self._db, visitor_id),
        }  # fmt: skip
        return stale | {("trace", each): because for each in sorted(traced)}

    def _steps(self, deal: str) -> Iterator[Step]:
        """Read all steps of a deal, each merged from its versions."""
        for key in keys_within(self._db, "deal", site_no=NO_SITE, start=deal + SEPARATOR):
            told = self._told("deal", NO_SITE, key, "")
            if told is not None:
                yield Step(told.name, told.fields, told.site.region)

    def _put_lead(self, told: MergedFact, numbers: Mapping[Identifier, int], run: Pass) -> Stale:
        """Write a lead's row, and mark it and what stood for its person before to be matched again."""
        fields = told.fields
        own = lead_id(told.site.key, fields["provider"], fields["provider_id"])
        old = load_lead(self._db, own)
        stale: Stale = {}
        if old and old["identifier_no"]:
            stale["identifier", old["identifier_no"]] = told.because
        if fields.get("is_test"):
            return stale | self._drop_lead(own, told.because, run)
        number = fields.get("tracking_number")
        by_kind = {one.kind: each for one, each in numbers.items()}
        tags = said_tags(fields)
        proved = fields.get("visitor_id")
        row = {
            "fact": told.name, "site_no": told.site_no, "kind": fields["kind"],
            "provider": fields["provider"], "provider_id": fields["provider_id"],
            "at_ms": parse_instant(fields["at"]), **{name: fields.get(name) for name in _TEXTS},
            "answered": None if fields.get("answered") is None else int(fields["answered"]),
            "tags": json.dumps(tags) if tags else None, "referrer": fields.get("referrer"),
            "called": normalise_phone(number, told.site.region) if number else None,
            "proved_visitor_no": self._visitors.number(proved) if proved and not told.is_withheld else None,
            **{f"{kind}_no": by_kind.get(kind) for kind in ("email", "user", "crm", "phone", "chat")},
            "is_withheld": int(told.is_withheld),
        }  # fmt: skip
        put_lead(self._db, own, row, run, old=old)
        if old is not None or tags:
            put_lead_clicks(self._db, own, telling_clicks(tags))
        return stale | {("trace", own): told.because}

    def _drop_lead(self, own: LeadId, because: str, run: Pass) -> Stale:
        """Take a lead away that is none any more, and what it said of who is who."""
        old = load_lead(self._db, own)
        if old is None:
            return {}
        for gone in (f"call:{old['fact']}", f"trace:{old['fact']}"):
            put_testimony(self._db, Testified(gone), run, because=because)
        stale: Stale = {}
        put_echo(self._db, old, None)
        if old["identifier_no"]:
            stale["identifier", old["identifier_no"]] = because
            stale["enquiry", old["identifier_no"]] = because
        drop_lead(self._db, own, journey_id("lead", own), run, because=because)
        return stale

    def _put_activity(self, told: MergedFact) -> Stale:
        """Write what sales did, and mark the enquiries of those whom it was with."""
        fields = told.fields
        row = ActivityRow(
            told.name, activity_id(fields["provider"], fields["provider_id"]), told.site_no,
            fields["provider"], fields["provider_id"], parse_instant(fields["at"]), fields["kind"],
            fields.get("owner"), fields.get("title"),
        )  # fmt: skip
        names = contacts_of_activity(fields, told.site.region)
        return {("enquiry", each): told.because for each in put_activity(self._db, row, names)}

    def _put_lease(self, told: MergedFact) -> Stale:
        """Write when a number was shown to whom, and mark the calls of that time to be matched again."""
        fields = told.fields
        number = normalise_phone(fields["number"], told.site.region)
        row = None
        if number is not None and not told.is_withheld:
            row = LeaseRow(
                told.name, told.site_no, number, self._visitors.number(fields["visitor_id"]),
                parse_instant(fields["from"]), parse_instant(fields["to"]), fields["pool"],
            )  # fmt: skip
        return self._replace_lease(told.name, row, number, told.because)

    def _replace_lease(self, name: str, row: LeaseRow | None, number: str | None, because: str) -> Stale:
        stale: Stale = {("trace", each): because for each in put_lease(self._db, name, row)}
        for each in phones(self._db, {number} if number else set()):
            let_link_again(self._db, [each])
            stale["identifier", each] = because
        return stale


def _stale(moved: Moved, because: str) -> Stale:
    """Mark the accounts that a fact's word has moved, and the people to be placed again."""
    stale: Stale = {("account", part): because for part in moved.parts}
    return stale | {("identifier", person): because for person in moved.people}
