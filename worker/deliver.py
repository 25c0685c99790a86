"""Deliver: what waits in the outbox leaves, and what came of it is kept.

Each destination has a lane of its own, so that one that does not answer holds up no other; within a lane,
what is about one object leaves in the order in which it was told. No lock of the store is held while a
message is on its way. The receipt is written right after the try: a crash between the two sends the same
message again, under the same id, and never makes a second row.
"""

from __future__ import annotations

import fcntl
import logging
import random
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace

from tracker.config import Settings
from tracker.core.alertwords import test_payload
from tracker.core.outbox import LONGEST_HOLD_MS, Answer, Try, judge
from tracker.core.times import MINUTE_MS, parse_instant
from tracker.place import locked
from tracker.store import outbox
from tracker.store.db import atomic, open_store, writer_lock
from tracker.store.destinations import Destination, Target, Targets, hold, load_destinations, switch_off
from tracker.store.outbox import Delivery
from tracker.store.outboxlists import Row, listed
from tracker.store.sites import numbered_sites
from worker.push import ADAPTERS, Adapter
from worker.watch import news, watch

LOCK = "deliver.lock"
LANES = 4
FAILURES = 3
REST_MS = MINUTE_MS
"""After so many failures in a row, whatever they were about, a lane rests for so long."""

_log = logging.getLogger(__name__)


def now_ms() -> int:
    """Read the clock."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Post:
    """What deliveries are sent with: settings, the workspace's key, a clock, and chance."""

    settings: Settings
    key: bytes = field(repr=False)
    clock: Callable[[], int] = now_ms
    chance: Callable[[], float] = random.random


def run(post: Post, stop: Callable[[], bool] = lambda: False) -> Counter[str]:
    """Look for what is to be told, and send everything that is due.

    Args:
        stop: asked between sends; true ends the run early, with nothing lost.

    Returns:
        How many tries ended how; nothing where another process delivers.
    """
    with opened(post, wait=False) as deliverer:
        return Counter() if deliverer is None else deliverer.run(stop)


@contextmanager
def opened(post: Post, *, wait: bool) -> Iterator[Deliverer | None]:
    """Be the only one who sends; none where another one is and it is not waited for."""
    post.settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    how = fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB)
    with locked(post.settings.data / LOCK, how) as alone:
        if alone is None:
            yield None
            return
        with closing(open_store(post.settings.data, write=True)) as db:
            yield Deliverer(db, post)


def send_test(post: Post, destination: Destination) -> Answer:
    """Send a test to one destination now, and keep what came of it."""
    with opened(post, wait=True) as deliverer:
        assert deliverer is not None  # it was waited for
        return deliverer.send_test(destination)


def preview(post: Post) -> list[Row]:
    """List what would be sent now, with what has not been put into the outbox yet; changes nothing."""
    with closing(open_store(post.settings.data)) as db:
        now = post.clock()
        takers = {each.id for each in load_destinations(db) if each.mode == "on" and each.held_ms <= now}
        waiting = [
            row
            for row in listed(db, state="waiting", most=None)
            if row["destination"] in takers and parse_instant(row["due_at"]) <= now
        ]
        fresh = [(to, told.payload) for to, told in news(db, now) if to.id in takers]
        return [*waiting, *({**payload, "to": to.shown} for to, payload in fresh)]


class Deliverer:
    """Sends what is due, over one connection that its lanes take in turn."""

    def __init__(self, db: sqlite3.Connection, post: Post) -> None:
        self._db = db
        self._post = post
        self._targets = Targets(post.key)
        self._turn = threading.Lock()

    def run(self, stop: Callable[[], bool] = lambda: False) -> Counter[str]:
        """Look for what is to be told, and send what is due, round by round until nothing is."""
        watch(self._db, self._post.settings.data, self._post.clock())
        done: Counter[str] = Counter()
        with ThreadPoolExecutor(LANES, thread_name_prefix="lane") as pool:
            lanes = [
                pool.submit(self._run_lane, each, stop)
                for each in load_destinations(self._db)
                if each.mode == "on"
            ]
            for lane in lanes:
                done += lane.result()
        return done

    def send_test(self, destination: Destination) -> Answer:
        """Send a test, whatever waits."""
        now, site = self._post.clock(), numbered_sites(self._db)[destination.site_no]
        told = outbox.Post(f"test:{now}", f"test:{now}", test_payload(site.key, now))
        open_one = replace(destination, mode="on")
        with writer_lock(self._post.settings.data), atomic(self._db):
            outbox.put_delivery(self._db, open_one, told, now)
        delivery = outbox.load_delivery(self._db, destination, told.key)
        assert delivery is not None  # it was just put there
        return self.send(open_one, [delivery])[0]

    def next_due_ms(self) -> int | None:
        """Tell when there is something to send again; none when nothing waits."""
        return outbox.next_due_ms(self._db)

    def _run_lane(self, destination: Destination, stop: Callable[[], bool]) -> Counter[str]:
        """Send what is due at one destination until nothing is, or until it does not take it."""
        done: Counter[str] = Counter()
        failures = 0
        while failures < FAILURES and not stop() and (batch := self._take(destination)):
            answers = self.send(destination, batch)
            done.update(answer.result for answer in answers)
            if any(answer.is_of_all for answer in answers):
                return done
            is_failure = all(answer.result == "retry" for answer in answers)
            failures = failures + 1 if is_failure else 0
        if failures >= FAILURES:
            self._rest(destination)
        return done

    def _rest(self, destination: Destination) -> None:
        with self._turn, writer_lock(self._post.settings.data), atomic(self._db):
            hold(self._db, destination.number, self._post.clock() + REST_MS)

    def _take(self, destination: Destination) -> Sequence[Delivery]:
        now = self._post.clock()
        if destination.held_ms > now:
            return ()
        with self._turn:
            return outbox.due(self._db, destination, now, ADAPTERS[destination.kind].most)

    def send(self, destination: Destination, batch: Sequence[Delivery]) -> Sequence[Answer]:
        """Send some deliveries to one destination, and keep what came of each."""
        adapter = ADAPTERS[destination.kind]
        with self._turn:
            target = self._targets.open(self._db, destination)
        if target is None:
            why = "its address was sealed with another workspace key; remove it and add it again"
            answers: Sequence[Answer] = [Answer("gone", 0, why) for _ in batch]
        else:
            answers = _tried(adapter, target, batch, self._post)
        with self._turn, writer_lock(self._post.settings.data), atomic(self._db):
            for delivery, answer in zip(batch, answers, strict=True):
                self._settle(destination, delivery, answer, adapter)
        return answers

    def _settle(self, destination: Destination, delivery: Delivery, answer: Answer, adapter: Adapter) -> None:
        """Keep a receipt, and what the answer means for all that goes there."""
        now = self._post.clock()
        last = Try(delivery.tries + 1, delivery.since_ms, now, self._post.chance())
        verdict = judge(answer, last, adapter.limits)
        outbox.put_receipt(self._db, delivery, answer, verdict, now)
        if answer.result == "gone":
            switch_off(self._db, destination.number, answer.told or "it answered 410 Gone")
        elif answer.is_of_all:
            until_ms = verdict.due_ms or now + min(answer.wait_ms, LONGEST_HOLD_MS)
            hold(self._db, destination.number, until_ms)


def _tried(adapter: Adapter, target: Target, batch: Sequence[Delivery], post: Post) -> Sequence[Answer]:
    """Send; what cannot even be written down for its receiver is given up, and the next one goes on."""
    try:
        return adapter.send(target, batch, post.settings, post.clock())
    except Exception as error:
        _log.exception("a delivery could not be written")
        return [
            Answer("refused", 0, f"it could not be written: {type(error).__name__}: {error}") for _ in batch
        ]
