"""Stitch, fourth part: the persons that follow from the evidence."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence

import structlog

from tracker.config import Settings
from tracker.core.evidence import Guards, Resolution
from tracker.core.identity import resolve
from tracker.core.moves import PersonMove, person_moves
from tracker.core.times import DAY_MS
from tracker.store.activities import beside_in_activities
from tracker.store.changes import Change, log_change
from tracker.store.components import Held, Numbered, load_components
from tracker.store.evidence import put_resolution
from tracker.store.leads import leads_of
from tracker.store.marks import Mark, Pass
from tracker.store.memberships import place_persons
from tracker.store.persons import drop_unmentioned, load_persons

_log = structlog.get_logger("touchline.worker")


def guards_of(settings: Settings) -> Guards:
    """Read the guards off the settings."""
    return Guards(
        line_emails=settings.phone_shared_emails,
        line_visitors=settings.phone_shared_visitors,
        email_visitors=settings.email_shared_visitors,
        fresh_ms=settings.phone_fresh_days * DAY_MS,
        device_emails_may_meet=settings.same_device_emails == "merge",
    )


class PersonStitcher:
    """Resolves persons, over one connection with the writer's lock."""

    def __init__(self, db: sqlite3.Connection, settings: Settings) -> None:
        self._db = db
        self._guards = guards_of(settings)
        self._gap_ms = settings.session_gap_s * 1_000

    def resolve(self, dirty: Sequence[Mark], run: Pass) -> None:
        """Resolve the components of these identifiers, and mark their persons' leads and accounts."""
        reasons = {int(mark.key): mark.because for mark in dirty}
        because = next(iter(reasons.values()), "")
        components, reached = load_components(self._db, reasons, gap_ms=self._gap_ms)
        touched = {*reasons, *(number for each in components for number in each.numbers)}
        rest = touched - reasons.keys()
        also = run.take_these("identifier", rest)  # once a batch
        held = {number: reached[number] for number in touched if number in reached}
        told = _named_by([*dirty, *also], held)
        roots = {each.person_no for each in held.values()}
        was = load_persons(self._db, roots)
        whys = dict(reasons)
        for each in components:
            resolution = resolve(each.component, self._guards)
            roots |= put_resolution(self._db, each, resolution, run)
            _warn_of_outsized(resolution)
            why = next((reasons[number] for number in sorted(each.numbers) if number in reasons), because)
            whys |= dict.fromkeys(each.numbers.keys() - reasons.keys(), why)
            moved = _meaning_otherwise(each, resolution)
            run.mark({("match", lead): why for lead in leads_of(self._db, moved)})
        beside = beside_in_activities(self._db, touched)
        run.mark({("enquiry", each): whys[own] for each, own in beside.items()})
        found = {number for each in components for number in each.numbers}
        gone = [number for number in reasons if number not in found]
        if gone:
            run.mark({("match", lead): because for lead in leads_of(self._db, gone)})
        parts = place_persons(self._db, roots, run, because=because)
        run.mark({("account", part): because for part in parts})
        alone = drop_unmentioned(self._db, gone) if gone else []
        now = load_persons(self._db, roots) | {each: [each] for each in alone}
        for move in person_moves(was, now):
            log_change(self._db, Change.of_person(move, _cause(move, told) or because), run)


def _meaning_otherwise(numbered: Numbered, resolution: Resolution) -> list[int]:
    """List identifiers that may mean someone else to their leads than before.

    One that was shared and still is means nobody, whoever joins the crowd.
    """
    was, now = numbered.component.apart, resolution.apart
    return [no for no, one in numbered.numbers.items() if not was.get(one) == now.get(one) == "shared"]


def _warn_of_outsized(resolution: Resolution) -> None:
    cut = [each.evidence for each in resolution.decisions if each.why == "too_large"]
    if cut:
        rules = sorted({each.rule for each in cut})
        _log.warning("person_too_large", person_of=cut[0].key, rules=rules, evidence_dropped=len(cut))


def _named_by(taken: Iterable[Mark], held: Mapping[int, Held]) -> dict[str, str]:
    """Tell which fact said something new of each identifier, by its id."""
    return {held[int(mark.key)].identifier_id: mark.because for mark in taken if int(mark.key) in held}


def _cause(move: PersonMove, told: Mapping[str, str]) -> str | None:
    """Pick the fact that named what came or went, else any of the person's identifiers."""
    before, after = set(move.before or ()), set(move.after or ())
    in_order = [*sorted(before ^ after), *sorted(before & after), *move.came_from, *move.went_to]
    return next((told[each] for each in in_order if each in told), None)
