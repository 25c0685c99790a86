"""Group commit on a real server: shared writes, answers after them, quick failure, recovery."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from tests.waiting import wait_for
from tracker import config, embedded, hitlog, keeper, queue
from tracker.errors import Retryable
from tracker.web.commit import GroupCommit
from tracker.web.counters import Counters


@pytest.fixture
def wakes() -> list[int]:
    """Collect the times that a drain was asked for."""
    return []


@pytest.fixture
def log(redis_url: str, client: redis.Redis, wakes: list[int]) -> Iterator[GroupCommit]:
    """Give a group commit over connections of its own."""
    with embedded.connect(redis_url, blocking=False) as connections:
        log = GroupCommit(connections, Counters(), on_wake=lambda: wakes.append(1))
        yield log
        log.close()


def bodies(client: redis.Redis) -> list[bytes]:
    """Read the log."""
    return [fields[hitlog.FIELD.encode()] for _, fields in client.xrange(hitlog.STREAM)]


def test_all_that_was_committed_is_there(log: GroupCommit, client: redis.Redis) -> None:
    """Entries of any bytes, one or several of a request, in the order given."""
    log.commit([b"a", b"\r\n$3\r\n", b"", bytes(range(256)), b"x" * 100_000])
    assert bodies(client) == [b"a", b"\r\n$3\r\n", b"", bytes(range(256)), b"x" * 100_000]


def test_requests_share_writes(client: redis.Redis, redis_url: str) -> None:
    """Two thousand requests of forty threads are written in far fewer groups, each entry once."""
    with embedded.connect(redis_url, blocking=False) as connections:
        counters = Counters()
        log = GroupCommit(connections, counters, on_wake=lambda: None)
        with ThreadPoolExecutor(40) as pool:
            list(pool.map(lambda number: log.commit([b"%d" % number]), range(2_000)))
        log.close()
    assert sorted(map(int, bodies(client))) == list(range(2_000))
    tally = counters.tally()
    assert tally.commit_entries_sum == 2_000
    assert sum(tally.commit_entries) < 1_500


def test_each_is_answered_after_its_entry_is_there(log: GroupCommit, client: redis.Redis) -> None:
    """Whoever returns from commit finds its entry on the log, under any interleaving."""

    def run(number: int) -> bool:
        log.commit([b"%d" % number])
        return b"%d" % number in bodies(client)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(run, range(64)))


def test_the_guard_is_taken_once(log: GroupCommit, client: redis.Redis, wakes: list[int]) -> None:
    """Of many groups one asks for a drain, until the guard is given back."""
    for _ in range(5):
        log.commit([b"a"])
    assert (len(wakes), client.pttl(queue.WAKE_KEY) > 0) == (1, True)
    queue.release_wake(client)
    log.commit([b"a"])
    assert len(wakes) == 2


def test_a_connection_that_went_stale_is_opened_anew(log: GroupCommit, client: redis.Redis) -> None:
    """A server that closed the connection meanwhile costs the request nothing."""
    log.commit([b"a"])
    client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    log.commit([b"b"])
    assert bodies(client) == [b"a", b"b"]


def test_a_refused_write_is_the_request_s_failure_alone(log: GroupCommit, client: redis.Redis) -> None:
    """A server that is full refuses each entry; when there is room again, entries are taken again."""
    client.config_set("maxmemory", "1")
    with pytest.raises(Retryable):
        log.commit([b"a"])
    client.config_set("maxmemory", "0")
    log.commit([b"b"])
    assert bodies(client) == [b"b"]


@pytest.fixture
def own(settings: config.Settings) -> Iterator[tuple[str, int]]:
    """Run a server of the test's own: its URL and process id."""
    with embedded.hold(settings) as url:
        yield url, int(keeper.Place.of(settings.data).file("server.lock").read_text())
    embedded.dismiss(settings)


@pytest.mark.fault
def test_a_server_that_hangs_is_a_quick_failure_for_all_who_wait(own: tuple[str, int]) -> None:
    """All who wait are told within a few seconds; the same object works on when the server does."""
    url, pid = own
    with embedded.connect(url, blocking=False) as connections:
        log = GroupCommit(connections, Counters(), on_wake=lambda: None)
        log.commit([b"a"])
        os.kill(pid, signal.SIGSTOP)
        began = time.monotonic()
        with ThreadPoolExecutor(16) as pool:
            told = list(pool.map(lambda number: is_taken(log, b"%d" % number), range(16)))
        took_s = time.monotonic() - began
        os.kill(pid, signal.SIGCONT)
        assert (any(told), took_s < 10.0) == (False, True)
        wait_for(lambda: is_taken(log, b"back"))
        log.close()


@pytest.mark.fault
def test_a_server_that_died_is_used_again_when_it_is_back(own: tuple[str, int]) -> None:
    """Killed and started again by its keeper: refused in between, nothing answered that is not there."""
    url, pid = own
    with embedded.connect(url, blocking=False) as connections:
        log = GroupCommit(connections, Counters(), on_wake=lambda: None)
        log.commit([b"before"])
        time.sleep(1.5)  # the append-only file is synced every second
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: is_taken(log, b"after"))
        assert bodies(connections)[0] == b"before"
        assert b"after" in bodies(connections)
        log.close()


def is_taken(log: GroupCommit, body: bytes) -> bool:
    """Commit, and say whether it was taken."""
    try:
        log.commit([body])
    except Retryable:
        return False
    return True
