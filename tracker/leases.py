"""Leases: which visitor holds which number of a pool now. The only module that knows their Redis keys.

One Lua script gives, keeps and records a lease in one atomic step; what it does stands at its top. The
clock is the server's, so that collectors on several machines agree. A lease lasts for as long as its
visitor is seen, and `hold_s` more; only then the number is free for another. Its fact is told when it
begins, then when what was told last is older than `TELL_MS`, and once more when the number goes to somebody
else: a page that beats once a minute loses a minute at most.

Source: https://valkey.io/topics/eval-intro/ (scripts are atomic, and their effects are what is logged)
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import lru_cache
from importlib import resources
from typing import Any, Literal, NamedTuple

import msgspec
import redis

from tracker import hitlog
from tracker.model import Pool, SiteKey

POOLS = "touchline:pools"
WANTS = "touchline:wants"
TELL_MS = 75_000  # more than the 60 s between two beats: every other one is told
PAST_MS = 30 * 86_400_000
GAP_MS = 1_800_000
MOST_PAST = 5
NOBODY = "-"

# What the script says; "failed": it could not run; "nobody": it was not asked, for nobody may hold a number.
Why = Literal["kept", "again", "new", "exhausted", "waiting", "elsewhere", "failed", "nobody"]

SCRIPT = resources.files("tracker").joinpath("lease.lua").read_bytes()
_LIMITS = json.dumps({"tell_ms": TELL_MS, "past_ms": PAST_MS, "most_past": MOST_PAST})
_encode = msgspec.json.Encoder().encode


class Ask(msgspec.Struct, frozen=True):
    """Who asks for a number.

    `channel` is what this message's hits say of the source, if they say anything. `now_ms`: instead of
    the server's clock. `gap_ms`: for how long a session goes on without a hit.
    """

    visitor: str
    channel: str | None = None
    has_hits: bool = False
    session_hint: str | None = None
    now_ms: int | None = None
    gap_ms: int = GAP_MS


class Leased(NamedTuple):
    """The number that a visitor holds, none where there is none, and why."""

    number: str | None
    why: Why


def packed_lease(site: SiteKey, pool: Pool, ask: Ask) -> bytes:
    """Pack the command that leases a number; `read_reply` reads its reply."""
    keys = _keys(site, pool.name, ask.visitor)
    return hitlog.packed("EVAL", SCRIPT, str(len(keys)), *keys, _rule(site, pool), _encode(ask), _LIMITS)


def read_reply(reply: Any) -> Leased:
    """Read what the script returned; an error of the server's leaves the visitor without a number."""
    if isinstance(reply, Exception):
        return Leased(None, "failed")
    number, why = (each.decode() for each in reply)
    return Leased(number or None, why)


def forget(client: redis.Redis, visitors: Iterable[str] | None) -> None:
    """Forget who held numbers; the numbers stay held for as long as they would have been.

    Args:
        visitors: whom; none: everybody.
    """
    names = None if visitors is None else set(visitors)
    members: Any = client.smembers(POOLS)
    for member in members:
        site, _, pool = member.decode().partition(" ")
        key = _pool_key(site, pool)
        leases: Any = client.hgetall(key)
        for number, text in leases.items():
            holder, _, times = text.decode().partition(" ")
            if holder != NOBODY and (names is None or holder in names):
                _anonymise(client, key, number, (text, f"{NOBODY} {times}"))
        for name in names or ():
            client.delete(*_keys(SiteKey(site), pool, name)[2:5])
    if names is None:
        for prefix in ("past", "came", "want"):
            for own in client.scan_iter(match=f"touchline:{prefix}:*", count=1_000):
                client.delete(own)


_SWAP = "if redis.call('HGET',KEYS[1],ARGV[1])==ARGV[2] then redis.call('HSET',KEYS[1],ARGV[1],ARGV[3]) end"


def _anonymise(client: redis.Redis, key: str, number: bytes, texts: tuple[bytes, str]) -> None:
    """Take a lease's visitor out of it, unless the lease has moved meanwhile."""
    client.eval(_SWAP, 1, key, number, *texts)


def _keys(site: SiteKey, pool: str, visitor: str) -> list[str]:
    own = f"{site}:{pool}:{visitor}"
    return [
        _pool_key(site, pool), hitlog.STREAM, f"touchline:past:{own}", f"touchline:came:{site}:{visitor}",
        f"touchline:want:{own}", POOLS, WANTS,
    ]  # fmt: skip


def _pool_key(site: str, pool: str) -> str:
    return f"touchline:pool:{site}:{pool}"


@lru_cache(256)
def _rule(site: SiteKey, pool: Pool) -> bytes:
    said = {"site": site, "pool": pool.name, "numbers": pool.numbers, "channels": pool.channels}
    return _encode(said | {"hold_ms": pool.hold_s * 1_000})
