"""The queues: the only place that knows the jobs' names, and how a drain or a delivery is asked for.

A job is a wake-up and no more: what there is to do stands on the log and in the store, so a job
lost, doubled or killed halfway loses nothing. At most one of a kind is pending: a guard key lets one
asker through at a time, and the job deletes the guard before it reads, so that what arrives while
it runs asks for one more. The guard dies by itself, so a killed worker holds nobody up for long.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import redis

QUEUE: Final = "touchline"
DRAIN: Final = "worker.jobs.drain"
DELIVER: Final = "worker.jobs.deliver"

WAKE_KEY: Final = "touchline:wake"
WAKE_MS: Final = 3_000

DUE_KEY: Final = "touchline:due"

FAILURES_KEY: Final = "touchline:failures"

JOB_TIMEOUT_S: Final = 3_600
FAILURE_TTL_S: Final = 86_400


@dataclass(frozen=True, slots=True)
class Lane:
    """Where one job waits, and the guard that lets one asker for it through; each has workers of its own."""

    queue: str
    wake_key: str
    id_prefix: str


LANES: Final = {
    DRAIN: Lane(QUEUE, WAKE_KEY, "drain-"),
    DELIVER: Lane(f"{QUEUE}-deliver", f"{WAKE_KEY}:deliver", "deliver-"),
}


@dataclass(frozen=True, slots=True)
class Failures:
    """How a job's last runs failed: `count` times in a row, `total` times ever."""

    count: int = 0
    total: int = 0
    at_ms: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True)
class Hand:
    """A worker as it last told of itself; `beat_ms` is when, `pid` its process on `host`."""

    host: str
    pid: int
    is_busy: bool
    beat_ms: int


def wake_drain(client: redis.Redis) -> bool:
    """Ask for a drain unless one is asked for already.

    Returns:
        Whether a job was put on the queue.
    """
    return wake(client, DRAIN)


def wake(client: redis.Redis, job: str) -> bool:
    """Ask for a job unless it is asked for already.

    Returns:
        Whether it was put on its queue.
    """
    return bool(client.set(LANES[job].wake_key, b"1", nx=True, px=WAKE_MS)) and enqueue_once(client, job)


def enqueue_drain(client: redis.Redis) -> bool:
    """Put a drain on the queue unless one is pending; for who has taken the guard.

    Returns:
        Whether a job was put on the queue.
    """
    return enqueue_once(client, DRAIN)


def enqueue_once(client: redis.Redis, job: str) -> bool:
    """Put a job on its queue unless it is pending there; for who has taken its guard.

    Returns:
        Whether it was put on its queue.
    """
    if _is_pending(client, LANES[job]):
        return False
    enqueue(client, job, job_id=LANES[job].id_prefix + uuid.uuid4().hex)
    return True


def release_wake(client: redis.Redis, job: str = DRAIN) -> None:
    """Let the next asker through: the first act of a job."""
    client.delete(LANES[job].wake_key)


def hold_wake(client: redis.Redis, hold_ms: int, job: str = DRAIN) -> None:
    """Let nobody through for a while: a job that failed is not to be run again at once."""
    client.set(LANES[job].wake_key, b"1", px=hold_ms)


def enqueue(client: redis.Redis, job: str, *, job_id: str) -> None:
    """Put a job on its queue.

    Args:
        job: one of the names of this module.
        job_id: letters, digits, dashes and underscores.
    """
    from rq import Queue
    from rq.serializers import JSONSerializer

    Queue(LANES[job].queue, connection=client, serializer=JSONSerializer).enqueue_call(
        job, job_id=job_id, timeout=JOB_TIMEOUT_S, result_ttl=0, failure_ttl=FAILURE_TTL_S, description=job
    )


def note_due(client: redis.Redis, due_ms: int | None) -> None:
    """Say when something of the outbox falls due; none: nothing waits there."""
    if due_ms is None:
        client.delete(DUE_KEY)
    else:
        client.set(DUE_KEY, due_ms)


def due_ms(client: redis.Redis) -> int | None:
    """Tell when something of the outbox falls due, as a delivery last said."""
    value = client.get(DUE_KEY)
    return None if value is None else int(value)


def record_failure(client: redis.Redis, job: str, error: str, now_ms: int) -> int:
    """Count a failed run where the health page and the metrics can see it.

    Args:
        job: the job's name.
        error: one line, without personal data.
        now_ms: when it failed.

    Returns:
        How many times in a row it has failed now.
    """
    key = f"{FAILURES_KEY}:{job}"
    pipe = client.pipeline(transaction=True)
    pipe.hincrby(key, "count", 1)
    pipe.hincrby(key, "total", 1)
    pipe.hset(key, mapping={"at_ms": now_ms, "error": error[:500]})
    return int(pipe.execute()[0])


def clear_failures(client: redis.Redis, job: str) -> None:
    """Say that the job works again; the total stays."""
    key = f"{FAILURES_KEY}:{job}"
    if client.hget(key, "count") not in (None, b"0"):
        client.hset(key, "count", 0)


def failures(client: redis.Redis, job: str = DRAIN) -> Failures:
    """Read how a job's last runs failed."""
    row = {_text(key): _text(value) for key, value in client.hgetall(f"{FAILURES_KEY}:{job}").items()}
    return Failures(
        count=int(row.get("count", 0)),
        total=int(row.get("total", 0)),
        at_ms=int(row.get("at_ms", 0)),
        error=row.get("error", ""),
    )


def pending(client: redis.Redis, job: str = DRAIN) -> int:
    """Count the jobs that wait for a worker on a job's queue."""
    return int(client.llen(f"rq:queue:{LANES[job].queue}"))


def hands(client: redis.Redis, job: str = DRAIN) -> list[Hand]:
    """List the workers that have registered for a job; one that was killed stays listed for some minutes."""
    pipe = client.pipeline(transaction=False)
    for key in client.smembers(f"rq:workers:{LANES[job].queue}"):
        pipe.hgetall(key)
    rows = ({_text(key): _text(value) for key, value in row.items()} for row in pipe.execute())
    return [
        Hand(row.get("hostname", ""), int(row["pid"]), row.get("state") == "busy", _ms(row["last_heartbeat"]))
        for row in rows
        if row.keys() >= {"pid", "last_heartbeat"} and "death" not in row
    ]


def _ms(iso: str) -> int:
    return int(datetime.fromisoformat(iso).timestamp() * 1_000)


def _is_pending(client: redis.Redis, lane: Lane) -> bool:
    waiting = client.lrange(f"rq:queue:{lane.queue}", 0, 99)
    return any(_text(job_id).startswith(lane.id_prefix) for job_id in waiting)


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
