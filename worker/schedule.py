"""The schedule: which job runs how often, and why.

Several schedulers may run: a guard in Redis lets one of them through each time.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

import redis

from tracker import embedded, hitlog, queue
from tracker.config import Settings
from tracker.processes import Stop

TICK_S = 0.5
GUARD = "touchline:schedule"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the table."""

    name: str
    every_s: int
    why: str
    ask: Callable[[redis.Redis], object]


def _wake_if_waiting(client: redis.Redis) -> None:
    if hitlog.length(client):
        queue.wake_drain(client)


def _deliver_if_due(client: redis.Redis) -> None:
    due_ms = queue.due_ms(client)
    if due_ms is not None and due_ms <= time.time() * 1_000:
        queue.wake(client, queue.DELIVER)


def _watch(client: redis.Redis) -> None:
    queue.wake(client, queue.DELIVER)


TABLE = (
    Entry("drain", 5, "A wake-up dies with the process that was to send it.", _wake_if_waiting),
    Entry("stitch", 60, "A drain killed after its commit leaves stale views and no hit.", queue.wake_drain),
    Entry("retry", 1, "What was not taken falls due at a time of its own.", _deliver_if_due),
    Entry("watch", 60, "Silence and overdue answers are noticed although nothing happens.", _watch),
)


def run(settings: Settings, stop: Stop) -> None:
    """Ask for the table's jobs until `stop` is set.

    Raises:
        Permanent, Retryable: there is no server.
    """
    client = embedded.connect(embedded.ensure(settings), blocking=False)
    is_away = False
    while not stop.wait(TICK_S):
        try:
            ask_for_due(client)
            is_away = False
        except redis.RedisError as error:
            if not is_away:
                _log.warning("the log's server does not answer: %s", error)
            is_away = True


def ask_for_due(client: redis.Redis) -> list[str]:
    """Ask for each job whose time has come; the guard's life is the clock.

    Returns:
        The names of the entries that were due.
    """
    due = [entry for entry in TABLE if client.set(f"{GUARD}:{entry.name}", b"1", nx=True, ex=entry.every_s)]
    for entry in due:
        entry.ask(client)
    return [entry.name for entry in due]
