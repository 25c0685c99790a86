"""Stitch, second part: what leads and identifies say of who is who, and the persons that follow."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tracker.core.contacts import blocked_email, normalise_email, normalise_phone
from tracker.core.identity import Identifier, resolve
from tracker.core.ids import journey_id, lead_id
from tracker.core.times import parse_instant
from tracker.core.versions import merge
from tracker.keys import derive
from tracker.model import Site
from tracker.store import bursts, marks
from tracker.store.changes import Change, log_change
from tracker.store.facts import load_versions
from tracker.store.leads import drop_lead, leads_of, load_lead, put_lead
from tracker.store.marks import Mark, Pass
from tracker.store.persons import (
    Identifiers,
    drop_unmentioned,
    load_components,
    load_persons,
    note_sightings,
    put_persons,
    replace_mentions,
    roots_of,
)
from tracker.store.sites import numbered_sites
from tracker.store.strings import Visitors

_TEXTS = (
    "name", "email", "phone", "company", "tracking_number", "page_url", "duration_s", "status", "value",
    "currency",
)  # fmt: skip


class PersonStitcher:
    """Reads leads and identifies, and resolves persons, over one connection with the writer's lock."""

    def __init__(self, db: sqlite3.Connection, *, key: bytes, click_names: frozenset[str]) -> None:
        self._db = db
        secret = derive(key, "identifiers")
        self._identifiers = Identifiers(db, secret)
        self._visitors = Visitors(db, secret)
        self._click_names = click_names
        self._sites = numbered_sites(db)

    def read_facts(self, dirty: Sequence[Mark], run: Pass) -> None:
        """Read these facts' versions again: leads, and the identifiers that leads and identifies name."""
        for mark in dirty:
            kind, site_no, key = json.loads(str(mark.key))
            if kind not in ("lead", "identify"):
                continue
            merged = merge(load_versions(self._db, kind, site_no=site_no, key=key), kind=kind)
            named = self._name(merged, self._sites[site_no], f"{kind}:{merged['site']}:{key}")
            moved = named.pop("moved")
            stale: dict[tuple[str, marks.Key], str] = {("identifier", each): mark.because for each in moved}
            note_sightings(self._db, moved, run)
            stale |= {("visitor", each): mark.because for each in bursts.visitors_to_settle(self._db, moved)}
            if kind == "lead":
                stale |= self._put_lead(merged, named, mark, run)
            marks.put(self._db, stale)

    def resolve(self, dirty: Sequence[Mark], run: Pass) -> None:
        """Resolve the components of these identifiers, and mark the leads of their persons."""
        reasons = {int(mark.key): mark.because for mark in dirty}
        because = next(iter(reasons.values()), "")
        components = load_components(self._db, reasons)
        touched = {*reasons, *(number for numbers, _ in components for number in numbers)}
        roots = roots_of(self._db, touched)
        was = load_persons(self._db, roots)
        for numbers, component in components:
            persons = resolve(component).persons
            put_persons(self._db, numbers, persons, run)
            why = next((reasons[number] for number in sorted(numbers) if number in reasons), because)
            marks.put(self._db, {("match", each): why for each in leads_of(self._db, list(numbers))})
        alone = drop_unmentioned(self._db, reasons)
        now = load_persons(self._db, roots | roots_of(self._db, touched)) | {each: [each] for each in alone}
        for change in _moves(was, now, because):
            log_change(self._db, change, run)

    def _name(self, merged: Mapping[str, Any], site: Site, fact: str) -> dict[str, Any]:
        """Number the identifiers that a fact names, and keep the evidence between them."""
        if merged.get("is_test"):
            return {"moved": replace_mentions(self._db, fact, {}, [])}
        at_ms = parse_instant(merged["at"])
        visitor, email, phone = merged.get("visitor_id"), merged.get("email"), merged.get("phone")
        visitor_no = self._visitors.number(visitor) if visitor else None
        address = normalise_email(email) if email else None
        if address and blocked_email(address):
            address = None
        line = None  # beside a visitor or an address, a phone is no evidence yet
        if phone and not (visitor or address):
            line = normalise_phone(phone, site.region)
        number = self._identifiers.number
        visitor_id_no = (
            number(Identifier("visitor", visitor), at_ms=at_ms, visitor_no=visitor_no) if visitor else None
        )
        email_no = number(Identifier("email", address), at_ms=at_ms) if address else None
        phone_no = number(Identifier("phone", line), at_ms=at_ms) if line else None
        mentioned = {each: at_ms for each in (visitor_id_no, email_no, phone_no) if each is not None}
        evidence = [("R2", visitor_id_no, email_no, at_ms)] if visitor_id_no and email_no else []
        return {
            "moved": replace_mentions(self._db, fact, mentioned, evidence),
            "proved_visitor_no": visitor_no, "email_no": email_no, "phone_no": phone_no,
            "identifier_no": visitor_id_no or email_no or phone_no,
        }  # fmt: skip

    def _put_lead(
        self, merged: Mapping[str, Any], named: Mapping[str, Any], mark: Mark, run: Pass
    ) -> dict[tuple[str, marks.Key], str]:
        """Write a lead's row, and mark it and what stood for its person before to be matched again."""
        site_no = json.loads(str(mark.key))[1]
        site = self._sites[site_no]
        own = lead_id(site.key, merged["provider"], merged["provider_id"])
        old = load_lead(self._db, own)
        stale: dict[tuple[str, marks.Key], str] = {("match", own): mark.because}
        if old and old["identifier_no"]:
            stale["identifier", old["identifier_no"]] = mark.because
        if merged.get("is_test"):
            journey = journey_id("lead", own)
            drop_lead(self._db, own, journey, run, because=mark.because)
            del stale["match", own]
            return stale
        number = merged.get("tracking_number")
        facts = {
            "site_no": site_no, "kind": merged["kind"], "provider": merged["provider"],
            "provider_id": merged["provider_id"], "at_ms": parse_instant(merged["at"]), **named,
            **{name: merged.get(name) for name in _TEXTS},
            "answered": None if merged.get("answered") is None else int(merged["answered"]),
            "tags": self._tags(merged), "called": normalise_phone(number, site.region) if number else None,
        }  # fmt: skip
        put_lead(self._db, own, facts, run)
        if named["identifier_no"]:
            stale["identifier", named["identifier_no"]] = mark.because
        return stale

    def _tags(self, merged: Mapping[str, Any]) -> str | None:
        """Gather what the provider itself says of the source."""
        said = {**merged.get("extra", {}), **merged}
        tags = [[name, value] for name, value in sorted(said.items()) if self._is_tag(name, value)]
        return json.dumps(tags) if tags else None

    def _is_tag(self, name: str, value: object) -> bool:
        return isinstance(value, str) and (name.startswith("utm_") or name.lower() in self._click_names)


def _moves(was: Mapping[str, list[str]], now: Mapping[str, list[str]], because: str) -> Iterator[Change]:
    """Tell which persons are new, gone, or made of other identifiers."""
    for person_id in sorted({*was, *now}):
        before, after = (
            None if own is None else {"identifiers": own} for own in (was.get(person_id), now.get(person_id))
        )
        if before != after:
            yield Change("person", person_id, before, after, because)
