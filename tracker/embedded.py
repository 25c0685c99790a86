"""The Redis-compatible server that everything talks to: found or started, checked, connected to.

With `redis_url` set it is an outside server, which is only checked. Otherwise it is the embedded
one in the data directory: who asks for it joins its users, and a keeper (`tracker.keeper`) runs it
for as long as there are any.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tracker import processes
from tracker.config import Settings
from tracker.errors import Permanent, Retryable
from tracker.place import (
    LEAVE,
    OLDEST,
    Place,
    ask,
    find_server,
    is_kept,
    locked,
    read_fsync,
    server_fsync,
    state_of,
)

START_S = 20.0
# Reading a log of some gigabytes after a crash takes minutes; the server says that it is at it.
LOADING_S = 900.0
RESPAWN_S = 1.0
QUICK_S = 1.0

_log = logging.getLogger(__name__)
_joined: dict[Path, int] = {}


def ensure(settings: Settings) -> str:
    """Find or start the server, and keep it running until this process ends.

    Returns:
        The server's URL, for `connect`.

    Raises:
        Permanent: there is no server to start, it does not start, or it may lose data.
        Retryable: the outside server does not answer.
    """
    if settings.redis_url:
        return _outside(settings.redis_url)
    place = _prepare(settings)
    if place.folder not in _joined:
        _joined[place.folder] = _join(place)
    return _start(place, settings)


@contextlib.contextmanager
def hold(settings: Settings) -> Iterator[str]:
    """Find or start the server, and keep it running inside the `with` block.

    Raises:
        Permanent, Retryable: as `ensure`.
    """
    if settings.redis_url:
        yield _outside(settings.redis_url)
        return
    place = _prepare(settings)
    descriptor = _join(place)
    try:
        yield _start(place, settings)
    finally:
        os.close(descriptor)


def connect(url: str, *, blocking: bool) -> redis.Redis:
    """Open a pool of connections.

    Args:
        url: what `ensure` or `hold` gave.
        blocking: True for a worker that waits for work: no time-out of its own. False for the
            request path: an answer within a second or an error, and never a second try, because a
            repeated append is a repeated entry.
    """
    # RESP2: one shape of reply whatever the server and the client library.
    if blocking:
        return redis.Redis.from_url(url, protocol=2, socket_timeout=None, socket_connect_timeout=5.0)
    return redis.Redis.from_url(
        url,
        protocol=2,
        socket_timeout=QUICK_S,
        socket_connect_timeout=QUICK_S,
        retry=Retry(NoBackoff(), 0),
    )


def revive(settings: Settings) -> None:
    """Put a keeper at the post if there is none; does not wait for the server."""
    if not settings.redis_url:
        place = Place.of(settings.data)
        if not is_kept(place):
            _spawn(place)


def dismiss(settings: Settings, limit_s: float = 10.0) -> None:
    """Have the keeper stop the server now if nobody needs it, and wait for that."""
    if settings.redis_url:
        return
    place = Place.of(settings.data)
    with contextlib.suppress(OSError, ValueError):
        os.kill(int(place.file("keeper.lock").read_bytes()), LEAVE)
    end = time.monotonic() + limit_s
    while is_kept(place) and _is_unused(place) and time.monotonic() < end:
        time.sleep(0.02)


def _is_unused(place: Place) -> bool:
    """Say whether nobody joined; a keeper that is closing counts as nobody."""
    with locked(place.file("users.lock"), fcntl.LOCK_SH | fcntl.LOCK_NB) as closing:
        if closing is None:
            return True
    with locked(place.file("users.lock"), fcntl.LOCK_EX | fcntl.LOCK_NB) as users:
        return users is not None


def _prepare(settings: Settings) -> Place:
    place = Place.of(settings.data)
    try:
        place.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if read_fsync(place) != settings.fsync:
            place.file("fsync").write_text(settings.fsync)
            ask(place.socket(), f"CONFIG SET appendfsync {server_fsync(settings.fsync)}")
    except OSError as error:
        raise Permanent(f"The data directory {settings.data} cannot be used: {error.strerror}.") from error
    return place


def _join(place: Place) -> int:
    descriptor = os.open(place.file("users.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    return descriptor


def _start(place: Place, settings: Settings) -> str:
    """Wait until the server answers, putting a keeper at the post whenever there is none."""
    begun = time.monotonic()
    limit_s, spawned_at = START_S, float("-inf")
    while (state := state_of(place.socket())) != "up":
        now = time.monotonic()
        limit_s = LOADING_S if state == "loading" else limit_s
        if now - begun > limit_s:
            raise Permanent(f"The embedded server does not start.{_tail(place)}")
        if state == "down" and now - spawned_at > RESPAWN_S and not is_kept(place):
            _spawn(place)
            spawned_at = now
        time.sleep(0.01)
    return f"unix://{quote(str(place.socket()))}"


def _spawn(place: Place) -> None:
    with open(place.file("server.log"), "ab") as log:
        subprocess.run(
            processes.command("tracker.keeper", str(place.folder), find_server()),
            env=processes.environment(os.environ),
            cwd=place.folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            check=False,
        )


def _tail(place: Place) -> str:
    with contextlib.suppress(OSError):
        lines = place.file("server.log").read_text(errors="replace").splitlines()[-5:]
        return " Its last words:\n  " + "\n  ".join(lines) if lines else ""
    return ""


def _outside(url: str) -> str:
    """Check that an outside server keeps what it is given."""
    client = connect(url, blocking=False)
    try:
        server, memory, disk = client.info("server"), client.info("memory"), client.info("persistence")
    except redis.RedisError as error:
        raise Retryable(f"The server that REDIS_URL names does not answer: {error}") from error
    finally:
        client.close()
    version = str(server.get("redis_version", "0.0"))
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST:
        raise Permanent(f"The server that REDIS_URL names is version {version}; 6.2 or newer is needed.")
    policy = memory.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        raise Permanent(
            f"The server that REDIS_URL names has maxmemory-policy {policy}: it would throw away accepted "
            "hits when memory is short. Set `maxmemory-policy noeviction` there."
        )
    if not int(disk.get("aof_enabled", 1)):
        _log.warning(
            "The server that REDIS_URL names has no append-only file: accepted hits are lost when it stops; "
            "set `appendonly yes` there."
        )
    return url
