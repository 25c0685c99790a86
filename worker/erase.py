"""Stitch, on top of all: what somebody has the right to have forgotten goes.

In one transaction: whose data it is, by what was told of that time; tombstones for their names; facts and
hits deleted; the views made again as if nothing had been told; what speaks of them elsewhere; the proof.
What comes late and names somebody who was erased takes the same road.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from tracker.config import Settings
from tracker.core.erasure import Name
from tracker.core.facts import SEPARATOR, fact_name, fact_words, read_fact
from tracker.core.ids import event_id_of, event_key, lead_id
from tracker.store import erasing, outbox
from tracker.store.changes import Change, log_change
from tracker.store.consents import keep_word
from tracker.store.erasing import ERASED
from tracker.store.facts import NO_SITE, insert_fact
from tracker.store.hooks import drop_raw
from tracker.store.marks import Mark, Pass
from tracker.store.sites import numbered_sites
from tracker.store.tombstones import Proof, Span, Tombstones, add_totals, day_of, put_proof
from worker.holdings import Holding, Holdings, told_ms
from worker.persons import guards_of
from worker.rejected import answers_naming, deliveries_naming, raws_naming, rejects_of
from worker.subjects import TOLD, Asked, Subject, Subjects, spans_of
from worker.ties import Ties

NOUN = "erase"
CHECK = "check"
"""In the place of the erase fact's key, where what came late goes only if it shows more to be theirs."""

Settle = Callable[[], None]


def mark_key(asked: Asked, fact: str) -> str:
    """Write the mark of an erasure that is due; it holds no name.

    Args:
        fact: key of the erase fact; empty where something came late.
    """
    return json.dumps([asked.kind, asked.hash, asked.until_ms, fact])


@dataclass(slots=True)
class _Traces:
    """What one erasure leaves to be looked after, and counts what it took."""

    counts: Counter[str] = field(default_factory=Counter)
    tombstones: set[str] = field(default_factory=set)
    visitor_nos: set[int] = field(default_factory=set)
    sessions: set[str] = field(default_factory=set)
    leads: set[str] = field(default_factory=set)
    reasons: set[str] = field(default_factory=set)
    told: set[str] = field(default_factory=set)
    raws: set[int] = field(default_factory=set)
    texts: set[int] = field(default_factory=set)
    sources: set[int] = field(default_factory=set)

    def note(self, found: tuple[set[int], set[int]]) -> None:
        """Note texts and sources that may be used no more."""
        self.texts |= found[0]
        self.sources |= found[1]


@dataclass(frozen=True, slots=True)
class Heard:
    """Names that only this process knows: behind the hashes of `known`, and those that it has erased.

    `erased` holds an empty text, too, once somebody was erased of whom nothing was known.
    """

    known: dict[str, Name] = field(default_factory=dict)
    erased: set[str] = field(default_factory=set)


class Eraser:
    """Erases, over one connection with the writer's lock."""

    def __init__(
        self, db: sqlite3.Connection, settings: Settings, heard: Heard, *, key: bytes, settle: Settle
    ) -> None:
        """Open.

        Args:
            key: of identifiers.
            settle: makes the views again, inside the transaction.
        """
        self._db = db
        self._settle = settle
        self._tombstones = Tombstones(db, key)
        self._ties = Ties(db, self._tombstones, gap_ms=settings.session_gap_s * 1_000)
        self._subjects = Subjects(
            db, self._tombstones, guards_of(settings), ties=self._ties, known=heard.known
        )
        self._holdings = Holdings(db, self._tombstones)
        self._sites = numbered_sites(db)
        self._heard = heard

    def erase(self, dirty: Sequence[Mark], run: Pass) -> None:
        """Carry out erasures that are due."""
        for mark in dirty:
            kind, hashed, until_ms, fact = json.loads(str(mark.key))
            asked = Asked(kind, hashed, until_ms, self._heard.known.get(hashed))
            self.forget(asked, fact, run)

    def forget(self, asked: Asked, fact: str, run: Pass) -> Counter[str]:
        """Erase somebody, whatever is known of them by now; returns how many rows of what went."""
        subject = self._subjects.find(asked)
        traces = _Traces()
        if not self._bury(subject, traces) and fact == CHECK:
            return traces.counts
        for holding in list(self._holdings.find(subject)):
            self._delete(holding, subject, traces, run)
        self._delete_hits(subject, traces, run)
        if traces.counts.total():
            before = traces.sessions | erasing.journeys_of(self._db, traces.leads)
            self._settle()
            self._clean(subject, before, traces)
        traces.counts["rejects"] = self._drop_rejects(subject)
        traces.counts["deliveries"] = self._drop_deliveries(subject, traces.told)
        traces.counts["raw messages"] = self._drop_raws(subject, traces.raws)
        if fact not in ("", CHECK) or traces.counts.total():
            counts = {what: count for what, count in sorted(traces.counts.items()) if count}
            now_ms = int(time.time() * 1_000)
            key = "" if fact == CHECK else fact
            put_proof(self._db, Proof(key, asked.until_ms, now_ms, counts, sorted(traces.tombstones)))
        self._heard.erased.update({"", *(value for _, value in subject.times)})
        return traces.counts

    def _bury(self, subject: Subject, traces: _Traces) -> bool:
        """Put tombstones, and remember what the erasure rests on; returns whether more is erased than was."""
        asked = subject.asked
        if asked.kind == TOLD:
            return True
        spans = spans_of(subject, self._tombstones.hash)
        hashes = {hashed for (_, hashed), _ in spans}
        if asked.hash not in hashes:
            whole = Span(asked.kind, asked.hash, asked.until_ms, 0, asked.until_ms)
            spans.append(((asked.kind, asked.hash), whole))
        traces.tombstones |= hashes | {asked.hash}
        if subject.whole is not None:
            self._ties.leave(subject.whole, hashes)
        are_new = [self._tombstones.put(*each, span) for each, span in spans]
        return any(are_new)

    def _delete(self, holding: Holding, subject: Subject, traces: _Traces, run: Pass) -> None:
        """Delete the versions of a fact, and mark what rested on it."""
        kind, site_no, key = holding.key
        self._ties.leave_fact(holding.key, self._sites[site_no].key if site_no else "")
        erasing.delete_versions(self._db, [each.fact_no for each in holding.versions])
        traces.raws |= erasing.raws_of_fact(self._db, holding.key)
        if kind == "deal":
            self._keep_deal(holding)
        run.mark({("fact", json.dumps(holding.key)): ERASED})
        traces.counts[f"{kind} facts"] += len(holding.versions)
        traces.reasons.add(fact_words(fact_name(kind, "", key)))
        if kind == "consent":
            self._keep_word(holding)
        elif kind == "lead":
            self._bury_lead(holding, subject, traces)
        elif kind == "link":
            number = erasing.scrub_links(self._db, site_no, event_key(key))
            traces.visitor_nos |= set() if number is None else {number}

    def _keep_deal(self, holding: Holding) -> None:
        """Put a deal back without whom it names."""
        for each in holding.versions:
            deal = read_fact({**self._holdings.without(each.content), "fact": "deal"})
            insert_fact(self._db, deal, site_no=NO_SITE, origin=each.origin, received_ms=each.received_ms)

    def _keep_word(self, holding: Holding) -> None:
        """Remember what somebody said on consent: a refusal outlives whoever refused."""
        told = holding.versions[-1].content
        keep_word(
            self._db, self._tombstones.hash(("visitor", told["visitor_id"])), site_no=holding.key[1],
            at_ms=told_ms("consent", told), is_refused=told["state"] == "denied",
        )  # fmt: skip

    def _bury_lead(self, holding: Holding, subject: Subject, traces: _Traces) -> None:
        _, site_no, key = holding.key
        own = lead_id(self._sites[site_no].key, *key.split(SEPARATOR))
        traces.told.add(f"lead:{own}")
        hashed = self._tombstones.hash(("lead", own))
        self._ties.leave_lead(hashed, erasing.owner_of_lead(self._db, own))
        at_ms = told_ms("lead", holding.versions[-1].content)
        asked = subject.asked
        if asked.kind != TOLD:
            span = Span(asked.kind, asked.hash, asked.until_ms, 0, asked.until_ms)
            self._tombstones.put("lead", hashed, span)
        traces.tombstones.add(hashed)
        self._tombstones.count("leads", [(site_no, own, at_ms)])
        if not holding.later:
            traces.leads.add(own)
        traces.note(erasing.lead_texts(self._db, [own]))

    def _delete_hits(self, subject: Subject, traces: _Traces, run: Pass) -> None:
        """Delete the hits of browsers within the times that those were theirs."""
        names = {value: times for (kind, value), times in subject.times.items() if kind == "visitor"}
        for visitor_id, number in erasing.visitor_numbers(self._db, names).items():
            traces.visitor_nos.add(number)
            had = erasing.sessions_of(self._db, [number])
            traces.note(erasing.session_texts(self._db, number))
            gone = 0
            for from_ms, until_ms in names[visitor_id]:
                gone += self._delete_span(number, (from_ms, until_ms), traces)
            if gone:
                traces.sessions |= had
                run.mark({("visitor", number): ERASED})
                self._log_stranger(("visitor", visitor_id), number, run)

    def _delete_span(self, number: int, span: tuple[int, int], traces: _Traces) -> int:
        for _, site_no, started_ms in erasing.sessions_within(self._db, number, *span):
            add_totals(self._db, {(site_no, day_of(started_ms), "sessions"): 1})
            traces.counts["sessions"] += 1
        gone = erasing.delete_hits(self._db, number, *span)
        self._tombstones.count(
            "hits", ((each.site_no, event_id_of(each.event_key), each.at_ms) for each in gone)
        )
        traces.counts["hits"] += len(gone)
        traces.texts |= {text for each in gone for text in each.texts if text is not None}
        traces.reasons |= {f"hit {event_id_of(each.event_key)}" for each in gone}
        return len(gone)

    def _log_stranger(self, name: Name, number: int, run: Pass) -> None:
        """Log that a person is gone of whom nothing was known but hits."""
        is_left = erasing.count_hits_of(self._db, number, 0, 2**62)
        if not is_left and not erasing.identifier_nos(self._db, [name]):
            own = self._tombstones.hash(name)
            log_change(self._db, Change("person", own, {"identifiers": [own]}, None, ERASED), run)

    def _clean(self, subject: Subject, before: Iterable[str], traces: _Traces) -> None:
        """Take what speaks of somebody out of the log of changes, and what nothing uses any more."""
        ids = {*before, *traces.leads} - erasing.sessions_of(self._db, traces.visitor_nos)
        visitors = [value for kind, value in subject.times if kind == "visitor"]
        erasing.scrub_changes(self._db, ids, traces.reasons, visitors)
        erasing.drop_lonely_visitors(self._db, traces.visitor_nos)
        traces.counts["texts"] = erasing.drop_unused(self._db, traces.texts, traces.sources)

    def _drop_raws(self, subject: Subject, raws: set[int]) -> int:
        """Forget the deliveries that told of somebody; what they told of others stays."""
        found = raws | set(raws_naming(self._db, subject, self._holdings.region))
        for number in found:
            drop_raw(self._db, number)
        return len(found)

    def _drop_deliveries(self, subject: Subject, told: set[str]) -> int:
        """Forget what was told of somebody to the outside, and what was answered."""
        found = outbox.naming_objects(self._db, told)
        found |= set(deliveries_naming(self._db, subject, self._holdings.region))
        outbox.drop_deliveries(self._db, found)
        outbox.blank_answers(self._db, list(answers_naming(self._db, subject, self._holdings.region)))
        return len(found)

    def _drop_rejects(self, subject: Subject) -> int:
        found = list(rejects_of(self._db, subject, self._holdings.region))
        erasing.delete_rejects(self._db, found)
        return len(found)
