"""The worker stops when asked to, at whatever moment that is."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator

import pytest
import redis

from tracker import config, keys, queue
from tracker.processes import Stop
from worker import jobs
from worker.work import Hand, hand


@pytest.fixture
def worker(settings: config.Settings, client: redis.Redis) -> Iterator[Hand]:
    """Give a worker with a job to do, whose signals are this process's for as long as the test runs."""
    numbers = (signal.SIGTERM, signal.SIGINT)
    handlers = [signal.getsignal(number) for number in numbers]
    shop = jobs.Shop(settings, client, keys.workspace_key(settings.data, os.environ))
    jobs.open_shop(shop)
    queue.wake_drain(client)
    yield hand(shop, queue.DRAIN)
    for number, handler in zip(numbers, handlers, strict=True):
        signal.signal(number, handler)


def test_asked_by_a_handler_that_interrupts_the_wait() -> None:
    """It wakes at once; who asked before it waits is heard as well, and nobody else ends it early."""
    stop = Stop()
    assert not stop.wait(0.01)
    was = signal.signal(signal.SIGALRM, lambda *_signal: stop.set())
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        assert stop.wait(600)
    finally:
        signal.signal(signal.SIGALRM, was)
    assert stop.is_set() and stop.wait(600)


def test_asked_before_it_could_hear(worker: Hand) -> None:
    """A signal that came before RQ listens for signals counts."""
    worker.shop.closing.set()
    assert worker.work() is False


def test_asked_when_a_job_was_taken_and_not_begun(
    worker: Hand, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job is done, and no other one is taken."""
    prepare = worker.prepare_job_execution

    def ask_and_prepare(*words: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        prepare(*words)

    monkeypatch.setattr(worker, "prepare_job_execution", ask_and_prepare)
    worker.work()
    assert queue.pending(client) == 0
    assert not client.exists(queue.WAKE_KEY)  # which a job that runs takes away first of all


def test_asked_while_an_exception_is_caught(worker: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
    """What RQ's handler raises inside a line of the log, or of a library, goes no further."""

    def ask(*_words: object) -> None:
        with contextlib.suppress(Exception):
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(worker, "check_for_suspension", ask)
    assert worker.work() is False
