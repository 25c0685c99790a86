"""Group commit: the entries of all requests that wait go to the log in one round trip.

The first request to come leads: it writes what waits, its own entries included. Who came meanwhile
forms the next group. So one request alone pays no change of thread, and many share the cost of a write.

The members of a group are woken one by one, each by the one before, and the last wakes the next
group's leader: all at once they would only queue up for the interpreter's lock, at two more changes of
thread each.
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

MOST_MEMBERS = 256  # of one group: bounds what a single write carries

_log = structlog.get_logger("touchline.web")


class _Member:
    """One request's entries, and its place in the queue."""

    __slots__ = ("asked", "commands", "error", "follower", "is_settled", "replies", "turn")

    def __init__(self, commands: list[bytes], asked: int) -> None:
        self.commands = commands
        self.asked = asked  # how many of the commands, at the end, are questions
        self.replies: Sequence[object] = ()
        self.error: Exception | None = None
        self.is_settled = False
        self.follower: _Member | None = None
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
        self._waiting: list[_Member] = []
        self._is_led = False
        self._is_writable = True

    def commit(self, bodies: Sequence[bytes], questions: Sequence[bytes] = ()) -> Sequence[object]:
        """Append entries; return when the server has acknowledged all of them.

        Args:
            questions: packed commands that go in the same round trip.

        Returns:
            The reply to each question; an error of the server's stands in its place.

        Raises:
            Retryable: not acknowledged; some may have been written.
        """
        member = _Member([*map(hitlog.packed_append, bodies), *questions], len(questions))
        with self._mutex:
            self._waiting.append(member)
            leads, self._is_led = not self._is_led, True
        if not leads:
            member.turn.acquire()  # until a leader has settled it, or it is its turn to lead
        try:
            if not member.is_settled:
                self._lead()
        finally:
            self._pass_on(member)
        if member.error is not None:
            raise Retryable("the log cannot be written; try again later") from member.error
        return member.replies

    def close(self) -> None:
        """Close the connection."""
        self._pipe.close()

    def _lead(self) -> None:
        """Write a group; its first member is who leads."""
        with self._mutex:
            group = self._waiting[:MOST_MEMBERS]
            del self._waiting[:MOST_MEMBERS]
        try:
            self._say_writable(self._write(group))
        except redis.RedisError as error:
            _fail(group, error)
            self._say_writable(error)
        except BaseException:
            _fail(group, RuntimeError("the leading request died"))
            raise
        finally:
            before: _Member | None = None
            for member in group:
                member.is_settled = True
                if before is not None:
                    before.follower = member
                before = member

    def _pass_on(self, member: _Member) -> None:
        """Wake the next of the group, or after its last the leader of the next."""
        if member.follower is not None:
            member.follower.turn.release()
            return
        with self._mutex:
            heir = self._waiting[0] if self._waiting else None
            self._is_led = heir is not None
        if heir is not None:
            heir.turn.release()

    def _write(self, group: list[_Member]) -> Exception | None:
        """Write a group's entries; the first error that the server answered, if any."""
        commands = [command for member in group for command in member.commands]
        commands.append(self._wake)
        began = time.perf_counter()
        replies = self._run(commands)
        self._counters.committed(len(commands) - 1, time.perf_counter() - began)
        taken = replies.pop()
        if taken in (b"OK", "OK"):
            self._on_wake()
        error = next((reply for reply in replies if isinstance(reply, Exception)), None)
        if error is not None or any(member.asked for member in group):
            _hand_out(group, replies)
        return next((member.error for member in group if member.error is not None), None)

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


def _fail(group: list[_Member], error: Exception) -> None:
    for member in group:
        member.error = error


def _hand_out(group: list[_Member], replies: Sequence[object]) -> None:
    """Give each member the replies to its questions, and the error that its own entries met."""
    start = 0
    for member in group:
        end = start + len(member.commands)
        member.replies = replies[end - member.asked : end]
        errors = (each for each in replies[start : end - member.asked] if isinstance(each, Exception))
        member.error = next(errors, None)
        start = end
