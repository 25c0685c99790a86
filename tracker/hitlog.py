"""The log: one Redis stream that holds every accepted message until drain has committed it.

The only module that knows the stream's key. Reading is by one consumer: what was read and not
acknowledged is read first by the next one, so a crash between commit and acknowledgement makes a
repeat, never a loss; the store's unique keys make the repeat harmless.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import redis

STREAM = "touchline:log"
GROUP = "drain"
CONSUMER = "drain"
FIELD = "m"
REWRITE_S = 10.0
READ_BYTES = 2_097_152
FIRST_STEP = 1
STEP = 8
"""Entries are read so many at a time until there are enough of them, or of their bytes."""

_APPEND = b"*5\r\n$4\r\nXADD\r\n$%d\r\n%b\r\n$1\r\n*\r\n$1\r\n%b\r\n" % (
    len(STREAM),
    STREAM.encode(),
    FIELD.encode(),
)


@dataclass(frozen=True, slots=True)
class Logged:
    """One entry as it stands on the log."""

    entry_id: str
    body: bytes


def append(client: redis.Redis, bodies: Sequence[bytes]) -> None:
    """Append entries in one round trip; returns when the server has acknowledged all of them.

    Raises:
        redis.RedisError: not acknowledged; some may still have been written.
    """
    pipe = client.pipeline(transaction=False)
    for body in bodies:
        pipe.xadd(STREAM, {FIELD: body})
    pipe.execute()


class Pipe:
    """One connection for commands that are packed already.

    The collector's road: redis-py's own pipeline costs several times what the server does. It opens
    and reopens its connection by itself; one thread at a time may use it.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._pool = client.connection_pool
        self._connection: Any = None

    def run(self, commands: Sequence[bytes]) -> list[Any]:
        """Send packed commands together and wait for the server's replies.

        Returns:
            One reply for each command; an error of the server's stands in its command's place.

        Raises:
            redis.RedisError: the server cannot be reached, or went away before all replies came.
        """
        if self._connection is None:
            self._connection = self._pool.get_connection()
        try:
            self._connection.send_packed_command([b"".join(commands)], check_health=False)
            return [self._reply() for _ in commands]
        except (redis.ConnectionError, redis.TimeoutError):
            self.close()
            raise

    def close(self) -> None:
        """Close the connection; the next run opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.disconnect()
            self._pool.release(connection)

    def _reply(self) -> Any:
        try:
            return self._connection.read_response()
        except redis.ResponseError as error:
            return error


def packed(*words: str | bytes) -> bytes:
    """Pack a command as it goes over the wire (RESP)."""
    parts = [word.encode() if isinstance(word, str) else word for word in words]
    lines = b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts)
    return b"*%d\r\n%b" % (len(parts), lines)


def packed_append(body: bytes) -> bytes:
    """Pack the command that appends one entry."""
    return b"%b$%d\r\n%b\r\n" % (_APPEND, len(body), body)


def prepare(client: redis.Redis) -> None:
    """Create the stream and its reading group where they are missing."""
    try:
        client.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
    except redis.ResponseError as error:
        if not str(error).startswith("BUSYGROUP"):
            raise


def read(client: redis.Redis, count: int, *, again: bool) -> list[Logged]:
    """Read entries without waiting: first, with `again`, those read before and never acknowledged.

    Few are read at a time, and fewer where they are long, so that they fill no memory: one at first, then
    as many as `READ_BYTES` still holds of the longest one so far, never more than `STEP`.

    Args:
        count: the most entries to return.
        again: read what an earlier drain left behind instead of what is new.

    Raises:
        redis.RedisError: the server cannot be reached; what it gave out is read again.
    """
    found: list[Logged] = []
    start, size, longest, step = b"0" if again else b">", 0, 0, FIRST_STEP
    with _connected(client) as connection:
        while len(found) < count and size < READ_BYTES:
            wanted = min(step, count - len(found), max(1, (READ_BYTES - size) // max(1, longest)))
            entries = _read_step(connection, start, wanted)
            fresh = [Logged(entry_id.decode(), fields[1]) for entry_id, fields in entries if fields]
            found += fresh
            size += _size(fresh)
            longest = max(longest, *(len(each.body) for each in fresh)) if fresh else longest
            if len(entries) < wanted:
                break
            start, step = entries[-1][0] if again else start, STEP
    return found


@contextmanager
def _connected(client: redis.Redis) -> Iterator[Any]:
    """Lend a connection; one that failed is not used again."""
    connection: Any = client.connection_pool.get_connection()
    try:
        yield connection
    except BaseException:
        connection.disconnect()
        raise
    finally:
        client.connection_pool.release(connection)


def _read_step(connection: Any, start: bytes, count: int) -> list[Any]:
    """Read some entries, each its id with its field and value, in a third of redis-py's own time."""
    command = packed("XREADGROUP", "GROUP", GROUP, CONSUMER, "COUNT", str(count), "STREAMS", STREAM, start)
    connection.send_packed_command([command], check_health=False)
    answer: Any = connection.read_response()
    if not answer:
        return []
    return list(answer[0][1] if isinstance(answer, list) else next(iter(answer.values())))


def _size(entries: Sequence[Logged]) -> int:
    return sum(len(each.body) for each in entries)


def is_all(entries: Sequence[Logged], count: int) -> bool:
    """Say whether a reading of at most `count` entries came to the end of the log."""
    return len(entries) < count and _size(entries) < READ_BYTES


def is_long(entries: Sequence[Logged]) -> bool:
    """Say whether entries were read that are so long that they filled a reading by themselves."""
    return _size(entries) >= READ_BYTES


def ack(client: redis.Redis, entry_ids: Sequence[str]) -> None:
    """Forget entries that the store has committed."""
    if entry_ids:
        pipe = client.pipeline(transaction=True)
        pipe.xack(STREAM, GROUP, *entry_ids)
        pipe.xdel(STREAM, *entry_ids)
        pipe.execute()


def length(client: redis.Redis) -> int:
    """Count the entries that wait on the log, read or not."""
    return int(client.xlen(STREAM))


def oldest_ms(client: redis.Redis) -> int | None:
    """Tell when the oldest waiting entry was appended, by the server's clock; None when none waits."""
    entries: Any = client.xrange(STREAM, count=1)
    return int(entries[0][0].split(b"-")[0]) if entries else None


def idle_ms(client: redis.Redis) -> int | None:
    """Tell how long ago a drain last looked at the log, in milliseconds; None when none ever did."""
    try:
        consumers: Any = client.xinfo_consumers(STREAM, GROUP)
    except redis.ResponseError:
        return None
    return min((int(consumer["idle"]) for consumer in consumers), default=None)


def rewrite(client: redis.Redis, limit_s: float = REWRITE_S) -> bool:
    """Have the server write its file anew, without what was forgotten, and wait for that.

    A server that keeps no such file, or does not let its users ask, has its own ways.

    Returns:
        Whether it is done; otherwise ask again later.
    """
    try:
        if not client.info("persistence").get("aof_enabled"):
            return True
        client.bgrewriteaof()
    except redis.ResponseError as error:
        return "in progress" not in str(error)
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        state = client.info("persistence")
        if not state["aof_rewrite_in_progress"] and not state["aof_rewrite_scheduled"]:
            return bool(state["aof_last_bgrewrite_status"] == "ok")
        time.sleep(0.01)
    return False
