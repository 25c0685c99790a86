"""Group commit: the entries of all requests that wait go to the log in one round trip.

The first request to come leads: it writes what waits, its own entries included. Who came meanwhile
forms the next group, led by the first of them. So one request alone pays no change of thread, and many
share the cost of a write.

The followers are woken one by one, each by the one before: all at once they would only queue up for
the interpreter's lock, at two more changes of thread each.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import redis
import structlog

from tracker import hitlog, queue
from tracker.errors import Retryable
from tracker.web.counters import Counters

MOST_ENTRIES = 512  # of one group: keeps a write in the tens of kilobytes up to a few megabytes

_log = structlog.get_logger("touchline.web")


class _Group:
    """One request's entries, and its place in the queue."""

    __slots__ = ("commands", "error", "follower", "is_settled", "turn")

    def __init__(self, commands: list[bytes]) -> None:
        self.commands = commands
        self.error: Exception | None = None
        self.is_settled = False
        self.follower: _Group | None = None
        self.turn = threading.Lock()
        self.turn.acquire()


class GroupCommit:
    """Appends entries to the log and asks for a drain.

    Args:
        client: connections with short time-outs.
        counters: where groups and their times are counted.
        on_wake: called by the request whose group took the drain's guard; must not wait.
    """

    def __init__(self, client: redis.Redis, counters: Counters, on_wake: Callable[[], None]) -> None:
        self._pipe = hitlog.Pipe(client)
        self._counters = counters
        self._on_wake = on_wake
        self._wake = hitlog.packed("SET", queue.WAKE_KEY, b"1", "NX", "PX", str(queue.WAKE_MS))
        self._mutex = threading.Lock()
        self._waiting: list[_Group] = []
        self._is_led = False
        self._is_writable = True

    def commit(self, bodies: Sequence[bytes]) -> None:
        """Append entries; return when the server has acknowledged all of them.

        Raises:
            Retryable: not acknowledged; some may have been written.
        """
        group = _Group([hitlog.packed_append(body) for body in bodies])
        with self._mutex:
            self._waiting.append(group)
            leads, self._is_led = not self._is_led, True
        if not leads:
            group.turn.acquire()  # until another has settled it, or it is its turn to lead
        try:
            if not group.is_settled:
                self._lead()
        finally:
            if group.follower is not None:
                group.follower.turn.release()
        if group.error is not None:
            raise Retryable("the log cannot be written; try again later") from group.error

    def close(self) -> None:
        """Close the connection."""
        self._pipe.close()

    def _lead(self) -> None:
        with self._mutex:
            batch = self._take()
        try:
            self._write(batch)
            self._say_writable(None)
        except redis.RedisError as error:
            _settle(batch, error)
            self._say_writable(error)
        except BaseException:
            _settle(batch, RuntimeError("the leading request died"))
            raise
        finally:
            with self._mutex:
                heir = self._waiting[0] if self._waiting else None
                self._is_led = heir is not None
            for group, follower in zip(batch, [*batch[1:], None], strict=True):
                group.is_settled, group.follower = True, follower
            if heir is not None:
                heir.turn.release()

    def _take(self) -> list[_Group]:
        taken = count = 0
        while taken < len(self._waiting) and count < MOST_ENTRIES:
            count += len(self._waiting[taken].commands)
            taken += 1
        batch, self._waiting = self._waiting[:taken], self._waiting[taken:]
        return batch

    def _write(self, batch: list[_Group]) -> None:
        commands = [command for group in batch for command in group.commands]
        began = time.perf_counter()
        replies = iter(self._run([*commands, self._wake]))
        self._counters.committed(len(commands), time.perf_counter() - began)
        for group in batch:
            for _ in group.commands:
                reply = next(replies)
                if isinstance(reply, Exception):
                    group.error = reply
        if next(replies) in (b"OK", "OK"):
            self._on_wake()

    def _say_writable(self, error: Exception | None) -> None:
        """Log when the log's server goes away and when it is back, not each request in between."""
        if error is not None and self._is_writable:
            _log.error("log_unwritable", error=str(error))
        elif error is None and not self._is_writable:
            _log.info("log_writable_again")
        self._is_writable = error is None

    def _run(self, commands: list[bytes]) -> list[object]:
        """Send the commands; once more when the connection had gone stale.

        What was written twice has no effect: the ids of hits and facts are theirs, not the log's.
        """
        try:
            return self._pipe.run(commands)
        except redis.TimeoutError:
            raise
        except redis.ConnectionError:
            return self._pipe.run(commands)


def _settle(batch: list[_Group], error: Exception) -> None:
    for group in batch:
        group.error = error
