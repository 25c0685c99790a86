"""The wake-up: at most one drain pending, one more for what comes late, none blocked for long."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.waiting import wait_for
from tracker import config, hitlog, processes, queue
from tracker.config import Settings
from worker import schedule


def job_names(client: redis.Redis) -> list[bytes]:
    """List what is on the queue."""
    return client.lrange(f"rq:queue:{queue.QUEUE}", 0, -1)


def test_a_thousand_hits_ask_for_one_drain(client: redis.Redis) -> None:
    """Whoever asks while a drain is pending adds nothing."""
    assert [queue.wake_drain(client) for _ in range(1000)].count(True) == 1
    assert queue.pending(client) == 1


def test_one_is_pending_even_when_the_guard_died_before_a_worker_came(client: redis.Redis) -> None:
    """A queue without workers does not grow, however long it waits."""
    for _ in range(5):
        queue.wake_drain(client)
        client.delete(queue.WAKE_KEY)
    assert queue.pending(client) == 1


def test_the_guard_dies_by_itself(client: redis.Redis) -> None:
    """A process killed between guard and queue holds the others up for seconds at most."""
    client.set(queue.WAKE_KEY, b"1", nx=True, px=queue.WAKE_MS)
    assert not queue.wake_drain(client)
    assert 0 < client.pttl(queue.WAKE_KEY) <= 5_000


def test_a_hit_that_arrives_while_a_drain_runs_asks_for_one_more(client: redis.Redis) -> None:
    """The drain's first act lets the next asker through."""
    queue.wake_drain(client)
    client.delete(f"rq:queue:{queue.QUEUE}")  # a worker took it
    queue.release_wake(client)
    assert queue.wake_drain(client)
    assert not queue.wake_drain(client)


def test_a_failing_drain_is_not_asked_for_until_its_pause_is_over(client: redis.Redis) -> None:
    """`hold_wake` keeps everyone out for the given time."""
    queue.hold_wake(client, 60_000)
    assert not queue.wake_drain(client)


def test_failures_are_counted_and_cleared(client: redis.Redis) -> None:
    """In a row until it works again, and in all for ever."""
    assert queue.record_failure(client, queue.DRAIN, "OSError: disk full", 1_000) == 1
    assert queue.record_failure(client, queue.DRAIN, "OSError: disk full", 2_000) == 2
    assert queue.failures(client) == queue.Failures(2, 2, 2_000, "OSError: disk full")
    queue.clear_failures(client, queue.DRAIN)
    assert queue.failures(client) == queue.Failures(0, 2, 2_000, "OSError: disk full")


def test_two_schedules_ask_once(client: redis.Redis) -> None:
    """The guard in Redis lets one of them through each time."""
    assert schedule.ask_for_due(client) == [entry.name for entry in schedule.TABLE]
    assert schedule.ask_for_due(client) == []
    assert queue.pending(client) == 1


def test_the_safety_net_asks_when_something_waits_on_the_log(client: redis.Redis) -> None:
    """A wake-up that died with its sender is made up for; an empty log asks for nothing."""
    (net,) = (entry for entry in schedule.TABLE if entry.name == "drain")
    net.ask(client)
    assert queue.pending(client) == 0
    hitlog.append(client, [b"x"])
    net.ask(client)
    assert queue.pending(client) == 1


@pytest.fixture
def worker(data: Path, redis_url: str, client: redis.Redis) -> Iterator[subprocess.Popen[bytes]]:
    """Run a real worker over a data directory of its own."""
    with start_worker(config.load({"REDIS_URL": redis_url}, data=data)) as process:
        wait_for(lambda: client.exists("rq:workers"))
        yield process
        process.kill()


def start_worker(settings: Settings) -> subprocess.Popen[bytes]:
    """Start `touchline work`."""
    environ = processes.environment(os.environ, config.environment(settings))
    return subprocess.Popen(processes.command("tracker", "work"), env=environ)


def bad_message_is_stored(data: Path) -> bool:
    """Say whether the reject that the tests append has reached the store."""
    from tracker.store.db import open_store

    db = open_store(data)
    try:
        return bool(db.execute("SELECT count(*) FROM reject").fetchone()[0])
    finally:
        db.close()


def test_a_worker_takes_what_is_on_the_log_when_woken(
    worker: subprocess.Popen[bytes], client: redis.Redis
) -> None:
    """A wake-up is enough, each time anew, also right after the drain before."""
    for _ in range(3):
        hitlog.append(client, [b"not json"])
        queue.wake_drain(client)
        wait_for(lambda: hitlog.length(client) == 0)


def test_a_worker_leaves_nothing_behind_on_the_queue(
    worker: subprocess.Popen[bytes], client: redis.Redis
) -> None:
    """Jobs that ran leave no results and no entries in RQ's registries."""
    for _ in range(3):
        wait_for(lambda: queue.wake_drain(client))
        wait_for(lambda: not list(client.scan_iter("rq:job:*")))
    assert [key for key in client.scan_iter("rq:*") if client.type(key) == b"zset"] == []
    assert list(client.scan_iter("rq:results:*")) == []


@pytest.mark.fault
def test_what_a_killed_worker_left_is_taken_by_the_next(
    worker: subprocess.Popen[bytes], client: redis.Redis, data: Path, redis_url: str
) -> None:
    """The next worker does not wait for the dead one's guard or registry."""
    worker.send_signal(signal.SIGSTOP)
    hitlog.append(client, [b"not json"])
    queue.wake_drain(client)
    worker.kill()
    with start_worker(config.load({"REDIS_URL": redis_url}, data=data)) as second:
        try:
            wait_for(lambda: hitlog.length(client) == 0)
            assert bad_message_is_stored(data)
        finally:
            second.kill()


def test_a_worker_stops_when_asked(worker: subprocess.Popen[bytes], client: redis.Redis) -> None:
    """SIGTERM ends it at once when idle, with exit code 0."""
    wait_for(lambda: queue.pending(client) == 0)
    time.sleep(0.5)
    worker.terminate()
    assert worker.wait(60) == 0
