"""The jobs that the queue's wake-ups run: each opens the right door, and no rule lives here.

A job that fails is counted where the health page sees it, and tried again after a pause that
doubles; it never stays in the way of the next one.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import redis

from tracker import hitlog, queue
from tracker.config import Settings
from tracker.processes import Stop
from worker import drain as drainer
from worker import retention

# How long a drain stays for more after the log ran empty, and how often it looks. Under steady traffic
# one job serves some seconds of hits: a job costs 5 ms, a look that finds some 1 ms, and then each hit
# a tenth of that.
LINGER_S = 0.3
LOOK_S = 0.1
LONGEST_S = 60.0
LONGEST_PAUSE_MS = 60_000

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Shop:
    """What a worker's process works with; `closing` is set when it is to stop."""

    settings: Settings
    client: redis.Redis
    key: bytes = field(repr=False)
    closing: Stop = field(default_factory=Stop)


_shops: list[Shop] = []


def open_shop(shop: Shop) -> None:
    """Say what the jobs of this process work with; once, before the first job."""
    _shops[:] = [shop]


def drain() -> None:
    """Process everything on the log, and what comes within a moment after; tidy now and then."""
    _attempt(queue.DRAIN, _drain_and_tidy)


def deliver() -> None:
    """Send everything of the outbox that is due, and say when there is more."""
    _attempt(queue.DELIVER, _deliver_what_is_due)


def _attempt(job: str, act: Callable[[Shop], None]) -> None:
    """Run a job; a failure is counted, and nobody asks for it for a while."""
    (shop,) = _shops
    queue.release_wake(shop.client, job)
    try:
        act(shop)
    except Exception as error:
        count = queue.record_failure(shop.client, job, _in_a_line(error), int(time.time() * 1000))
        queue.hold_wake(shop.client, min(2**count * 1000, LONGEST_PAUSE_MS), job)
        _log.exception("%s failed for the %d. time in a row", job, count)
    else:
        queue.clear_failures(shop.client, job)


def _drain_and_tidy(shop: Shop) -> None:
    _drain_until_quiet(shop)
    retention.tidy_if_due(shop.settings, shop.client)


def _deliver_what_is_due(shop: Shop) -> None:
    from worker import deliver as delivering  # the worker that drains starts without it, and sooner

    end = time.monotonic() + LONGEST_S
    with delivering.opened(delivering.Post(shop.settings, shop.key), wait=False) as deliverer:
        if deliverer is not None:
            deliverer.run(lambda: shop.closing.is_set() or time.monotonic() > end)
            queue.note_due(shop.client, deliverer.next_due_ms())


def _drain_until_quiet(shop: Shop) -> None:
    """Drain, linger for more, and leave the rest to the next job when the time is up."""
    end = time.monotonic() + LONGEST_S

    def is_over() -> bool:
        return shop.closing.is_set() or time.monotonic() > end

    with drainer.opened(shop.settings, key=shop.key) as drain:
        drain.run(shop.client, stop=is_over)
        quiet_at = time.monotonic() + LINGER_S
        while time.monotonic() < quiet_at and not is_over():
            shop.closing.wait(LOOK_S)
            if hitlog.length(shop.client):
                drain.run(shop.client, stop=is_over)
                quiet_at = time.monotonic() + LINGER_S
    if hitlog.length(shop.client):
        queue.wake_drain(shop.client)


def _in_a_line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".partition("\n")[0]
