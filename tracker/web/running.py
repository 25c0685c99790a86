"""What is running, in words: the collector, the log, the worker, the store and the outbox, a sentence each.

A part is `ok`, `busy` (it will be done by itself) or `down` (it will not). Nothing here names a visitor.
"""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import sqlite3
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import redis

from tracker import hitlog, queue
from tracker.config import Settings
from tracker.errors import TouchlineError
from tracker.queue import Failures, Hand
from tracker.store.db import open_store
from tracker.store.live import Totals, load_totals
from tracker.store.outboxlists import OutboxState, load_state
from tracker.web.house import House

State = Literal["ok", "busy", "down"]
Read = TypeVar("Read")

FRESH_MS = 15_000  # an idle worker tells of itself every 4 s
SLOW_MS = 3_000  # a message that waits for longer than this is worth a word


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the whole, and how it is."""

    name: str
    state: State
    words: str


@dataclass(frozen=True, slots=True)
class LogState:
    """What the log's server says; `idle_ms` is how long ago a drain last looked at it.

    `hands` are the workers that drain, `senders` those that deliver, and `unsent` how their runs failed.
    """

    waiting: int
    oldest_ms: int | None
    idle_ms: int | None
    hands: Sequence[Hand]
    failures: Failures
    senders: Sequence[Hand] = ()
    unsent: Failures = Failures()


def describe_parts(house: House) -> list[Part]:
    """Look at every part and say how it is."""
    now_ms = time.time_ns() // 1_000_000
    log = read_log(house.client)
    tally = house.shelf.sum(house.counters)
    counted = [(key.split("\t"), number) for key, number in tally.counts.items()]
    accepted = sum(number for key, number in counted if key[:2] == ["hits", "accepted"])
    dropped = sum(number for key, number in counted if key[:2] == ["hits", "dropped"])
    return [
        collector_part(accepted, dropped),
        log_part(log, now_ms),
        worker_part(log, now_ms),
        store_part(_read(house, load_totals)),
        outbox_part(_read(house, load_state), log, now_ms),
    ]


def program(settings: Settings) -> str:
    """Write how the command line is called from the folder in which this was started, data included."""
    here, own = Path.cwd(), Path(sys.executable).with_name("touchline")
    found = shutil.which("touchline")
    if own.is_relative_to(here):
        called = str(own.relative_to(here))
    else:
        called = "touchline" if found and Path(found) == own else str(own)
    data = settings.data.absolute()
    option = "" if data == here / "data" else f" --data {shlex.quote(str(data))}"
    return shlex.quote(called) + option


def read_log(client: redis.Redis) -> LogState | None:
    """Ask the log's server; none when it does not answer."""
    try:
        return LogState(
            hitlog.length(client),
            hitlog.oldest_ms(client),
            hitlog.idle_ms(client),
            queue.hands(client),
            queue.failures(client),
            queue.hands(client, queue.DELIVER),
            queue.failures(client, queue.DELIVER),
        )
    except redis.RedisError:
        return None


def _read(house: House, load: Callable[[sqlite3.Connection], Read]) -> Read | None:
    """Read from the store; none when it cannot be read."""
    try:
        db = open_store(house.settings.data)
        try:
            return load(db)
        finally:
            db.close()
    except (sqlite3.Error, OSError, TouchlineError):
        return None


def collector_part(accepted: int, dropped: int) -> Part:
    """Say what the collector has taken since its processes started."""
    taken = _count(accepted, "hit") if accepted or dropped else "no hit yet"
    refused = f", {dropped:,} dropped by rule" if dropped else ""
    return Part("Collector", "ok", f"Listening: {taken}{refused}.")


def log_part(log: LogState | None, now_ms: int) -> Part:
    """Say what waits on the log."""
    if log is None:
        return Part(
            "Log", "down", "Its server does not answer. Browsers keep their hits and send them later."
        )
    if not log.waiting:
        return Part("Log", "ok", "Empty: all is in the store.")
    waits = f"{_count(log.waiting, 'message')} waiting"
    age_ms = now_ms - log.oldest_ms if log.oldest_ms is not None else 0
    oldest = f", the oldest {_span(age_ms)}" if age_ms > SLOW_MS else ""
    return Part("Log", "busy", f"{waits}{oldest}.")


def worker_part(log: LogState | None, now_ms: int) -> Part:
    """Say whether a worker is there, and when it last drained the log."""
    if log is None:
        return Part("Worker", "down", "Waits for the log's server.")
    alive = [hand for hand in log.hands if is_alive(hand, now_ms)]
    if not alive:
        safe = "Hits are safe on the log, waiting." if log.waiting else "Nothing waits for it."
        return Part("Worker", "down", f"Not running. {safe}")
    if log.failures.count:
        times = "once" if log.failures.count == 1 else f"{log.failures.count} times in a row"
        words = f"The drain failed {times} ({log.failures.error}). Hits are safe on the log; it tries again."
        return Part("Worker", "down", words)
    if log.waiting:
        return Part("Worker", "busy", "Draining the log into the store.")
    last = "" if log.idle_ms is None else f" Last drain {_ago(log.idle_ms)}."
    return Part("Worker", "ok", f"Ready.{last}")


def store_part(totals: Totals | None) -> Part:
    """Say how much the store holds."""
    if totals is None:
        return Part("Store", "down", "Cannot be read. Hits are safe on the log, waiting.")
    sessions, leads = _count(totals.sessions, "session"), _count(totals.leads, "lead")
    return Part("Store", "ok", _sentence(f"{sessions}, {leads} so far."))


def outbox_part(outbox: OutboxState | None, log: LogState | None, now_ms: int) -> Part:
    """Say whether what is to leave leaves."""
    if outbox is None:
        return Part("Outbox", "down", "Cannot be read.")
    if not outbox.destinations:
        return Part("Outbox", "ok", "Nobody is told of anything yet.")
    if log is not None and not any(is_alive(hand, now_ms) for hand in log.senders):
        return Part("Outbox", "down", "Nobody sends: no worker runs for it (touchline work deliver).")
    if log is not None and log.unsent.count:
        return Part("Outbox", "down", f"Sending failed ({log.unsent.error}). It tries again.")
    troubles = [f"{_count(outbox.off, 'address')} switched off"] if outbox.off else []
    troubles += [f"{_count(outbox.dead, 'message')} given up"] if outbox.dead else []
    if troubles:
        return Part("Outbox", "down", _sentence(f"{' and '.join(troubles)}: touchline outbox list."))
    if outbox.failing:
        return Part("Outbox", "busy", f"{_count(outbox.failing, 'message')} not taken yet; it tries again.")
    waits = f"{_count(outbox.waiting, 'message')} about to leave." if outbox.waiting else "All is sent."
    return Part("Outbox", "busy" if outbox.waiting else "ok", waits)


def is_alive(hand: Hand, now_ms: int) -> bool:
    """Tell whether a worker still runs: by its process on this machine, else by its last word."""
    if hand.host == socket.gethostname():
        try:
            os.kill(hand.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True
    return hand.is_busy or now_ms - hand.beat_ms < FRESH_MS


def _count(number: int, noun: str) -> str:
    if not number:
        return f"no {noun}s"
    plural = f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"1 {noun}" if number == 1 else f"{number:,} {plural}"


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def _ago(ms: int) -> str:
    return "just now" if ms < 1_500 else f"{_span(ms)} ago"


def _span(ms: int) -> str:
    """Write a length of time as people say it."""
    seconds = ms // 1_000
    if seconds < 90:
        return f"{seconds}\N{NO-BREAK SPACE}s"
    number, unit = (seconds // 60, "min") if seconds < 5_400 else (seconds // 3_600, "h")
    return f"{number}\N{NO-BREAK SPACE}{unit}"
