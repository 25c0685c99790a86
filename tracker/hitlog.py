"""The log: one Redis stream that holds every accepted message until drain has committed it.

The only module that knows the stream's key. Reading is by one consumer: what was read and not
acknowledged is read first by the next one, so a crash between commit and acknowledgement makes a
repeat, never a loss; the store's unique keys make the repeat harmless.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import redis

STREAM = "touchline:log"
GROUP = "drain"
CONSUMER = "drain"


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
        pipe.xadd(STREAM, {"m": body})
    pipe.execute()


def prepare(client: redis.Redis) -> None:
    """Create the stream and its reading group where they are missing."""
    try:
        client.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
    except redis.ResponseError as error:
        if not str(error).startswith("BUSYGROUP"):
            raise


def read(client: redis.Redis, count: int, *, again: bool) -> list[Logged]:
    """Read entries without waiting: first, with `again`, those read before and never acknowledged.

    Args:
        count: the most entries to return.
        again: read what an earlier drain left behind instead of what is new.
    """
    answer = client.xreadgroup(GROUP, CONSUMER, {STREAM: "0" if again else ">"}, count=count)
    if not answer:
        return []
    entries = answer[0][1] if isinstance(answer, list) else next(iter(answer.values()))[0]
    return [Logged(entry_id.decode(), fields.get(b"m", b"")) for entry_id, fields in entries if fields]


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
