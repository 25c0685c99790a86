"""Stitch, last but one: what each lead is worth, which repeat one another, and when sales answered.

A lead's status follows from its own facts, its journey and what was said of it; repeats and responses
follow from all leads and activities of its person, once nobody's status moves any more.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence

from tracker.config import Settings
from tracker.core.contacts import normalise_phone
from tracker.core.enquiries import Done, repeats, responses
from tracker.core.facts import SEPARATOR
from tracker.core.ids import journey_id
from tracker.core.qualification import Step, Word, decide, history, said_by_hand, told_words
from tracker.core.times import DAY_MS, parse_instant
from tracker.core.traits import read_traits
from tracker.core.versions import merge
from tracker.store.activities import activities_of
from tracker.store.facts import keys_within, load_versions
from tracker.store.leads import Row, load_lead
from tracker.store.marks import Mark, Pass
from tracker.store.quality import (
    asked_of,
    leads_of_person,
    load_seen,
    persons_of,
    put_enquiry,
    put_steps,
)
from tracker.store.rules import load_quality_rules


class QualityStitcher:
    """Judges leads, over one connection with the writer's lock."""

    def __init__(self, db: sqlite3.Connection, settings: Settings) -> None:
        self._db = db
        self._window_ms = settings.duplicate_days * DAY_MS
        self._rules = load_quality_rules(db)

    def judge(self, dirty: Sequence[Mark], run: Pass) -> None:
        """Decide the status of these leads again, and mark their persons' enquiries."""
        for mark in dirty:
            lead = load_lead(self._db, str(mark.key))
            if lead is None:
                continue
            put_steps(self._db, lead, self._steps(lead), run, because=mark.because)
            if lead["identifier_no"] is not None:
                run.mark({("enquiry", lead["identifier_no"]): mark.because})
            elif (own := load_lead(self._db, lead["lead_id"])) is not None:
                self._put([own], [], run, mark.because)

    def enquire(self, dirty: Sequence[Mark], run: Pass) -> None:
        """Decide again which leads of these persons repeat one another, and when each was answered."""
        reasons = {int(mark.key): mark.because for mark in dirty}
        persons = {person: reasons[each] for each, person in persons_of(self._db, reasons).items()}
        for person_no, because in persons.items():
            leads = leads_of_person(self._db, person_no)
            if leads:
                self._put(leads, activities_of(self._db, person_no), run, because)

    def _put(self, leads: Sequence[Row], done: Sequence[Done], run: Pass, because: str) -> None:
        asked = [asked_of(lead) for lead in leads]
        again, answers = repeats(asked, window_ms=self._window_ms), responses(asked, done)
        for lead in leads:
            own = lead["lead_id"]
            put_enquiry(self._db, lead, (again.get(own), answers.get(own)), run, because=because)

    def _steps(self, lead: Row) -> list[Step]:
        key = SEPARATOR.join((lead["provider"], lead["provider_id"]))
        versions = load_versions(self._db, "lead", site_no=lead["site_no"], key=key)
        seen = load_seen(self._db, lead, journey_id("lead", lead["lead_id"]))
        rules, region = self._rules[lead["site_no"]]
        phone = normalise_phone(lead["phone"], region) if lead["phone"] else None
        ruling = decide(read_traits(merge(versions, kind="lead"), phone=phone, **seen), rules)
        words = [*told_words(versions, by=lead["provider"], fact=lead["fact"]), *self._said(lead)]
        return history(ruling, words, at_ms=lead["at_ms"])

    def _said(self, lead: Row) -> Iterator[Word]:
        """Read what people said of a lead's status."""
        start = lead["lead_id"] + SEPARATOR
        for key in keys_within(self._db, "status", site_no=lead["site_no"], start=start):
            fact = merge(load_versions(self._db, "status", site_no=lead["site_no"], key=key))
            word = said_by_hand(fact, at_ms=parse_instant(fact["at"]), name=key)
            if word is not None:
                yield word
