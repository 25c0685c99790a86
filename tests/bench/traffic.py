"""Traffic as a site has it, made fast and the same every time: visits of some pages, each page with its ping.

A quarter of the visits are by visitors of before, drawn from all of them, so that the store's indexes
are touched in the middle too. Visitor ids and event ids begin with a time, as the real ones do.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from tracker import wire
from tracker.core.times import format_instant
from tracker.hitlog import Logged
from tracker.model import VisitorId
from tracker.web.cookies import MASTER, Signer

SITE = "shop"
HOST = "shop.test"
START_MS = 1_772_355_600_000
LIVE = 300
STEP_MS = 200
RETURNING = 0.25
MORE_PAGES = 0.5
PINGED = 0.8
PAGES = 2_000

_CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/{}.0.0.0 Safari/537.36"
)
_SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_{} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.{} Mobile/15E148 Safari/604.1"
)
_AGENTS = [_CHROME.format(100 + n) for n in range(40)] + [_SAFARI.format(n, n) for n in range(20)]
_VIEWPORTS = [f"{width}x{height}" for width in range(1_200, 1_920, 60) for height in (720, 900, 1_000)]

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Sent:
    """One hit and who sent it; `visitor` counts visitors from 0."""

    visitor: int
    agent: str
    ip: str
    hit: wire.HitOnLog


def traffic(
    *, start_ms: int = START_MS, step_ms: int = STEP_MS, seed: int = 1, known: int = 0
) -> Iterator[Sent]:
    """Make hits without end, in order of time.

    Args:
        start_ms: when the first hit is sent.
        step_ms: the mean time between two hits.
        seed: another one makes other traffic.
        known: how many visitors there have been already.
    """
    rnd = random.Random(seed)
    at_ms, live = start_ms, list[tuple[int, Iterator[dict[str, Any]], str, str]]()
    while True:
        if len(live) < LIVE:
            number = rnd.randrange(known) if known and rnd.random() < RETURNING else known
            known = max(known, number + 1)
            browser = number % 1_024
            ip = f"10.{browser % 256}.{rnd.randrange(256)}.0"
            live.append((number, _visit(rnd, browser), _AGENTS[browser % 60], ip))
        slot = rnd.randrange(len(live))
        number, visit, agent, ip = live[slot]
        fields = next(visit, None)
        if fields is None:
            live[slot] = live[-1]
            live.pop()
            continue
        at_ms += rnd.randrange(2 * step_ms)
        yield Sent(number, agent, ip, wire.HitOnLog(event_id=_event_id(rnd, at_ms), at_ms=at_ms, **fields))


def _visit(rnd: random.Random, browser: int) -> Iterator[dict[str, Any]]:
    """Make one visit's hits: each page, and the ping that says how long it was seen."""
    same = {
        "language": ("en-GB", "en-US", "de-DE")[browser % 3],
        "screen": ("1920x1080", "1440x900", "390x844")[browser % 3],
        "extra": {"zone": "Europe/London", "viewport": _VIEWPORTS[browser % 36]},
    }
    query, referrer = _arrival(rnd)
    seq = 0
    while True:
        page = rnd.randrange(PAGES)
        url = f"https://{HOST}/catalogue/product-{page}{query}"
        title = f"Product {page} from the catalogue - Shop"
        yield {"url": url, "title": title, "referrer": referrer, "seq": seq, **same}
        if rnd.random() < PINGED:
            props = {"engaged_s": rnd.randint(5, 120), "scroll_pct": rnd.randrange(0, 101, 10)}
            yield {"url": url, "type": "engagement", "props": props, "seq": seq + 1, **same}
        if rnd.random() >= MORE_PAGES:
            return
        query, referrer, seq = "", url, seq + 2


def _arrival(rnd: random.Random) -> tuple[str, str | None]:
    """Draw where a visit comes from: its landing page's query and referrer."""
    chance = rnd.random()
    if chance < 0.25:
        click = f"{rnd.getrandbits(160):040x}"
        return (
            f"?utm_source=google&utm_medium=cpc&utm_campaign=spring-{rnd.randrange(50)}&gclid={click}",
            None,
        )
    if chance < 0.35:
        return f"?utm_source=newsletter&utm_medium=email&utm_campaign=week-{rnd.randrange(50)}", None
    if chance < 0.65:
        return "", "https://www.google.com/"
    return "", "https://www.facebook.com/" if chance < 0.75 else None


def _event_id(rnd: random.Random, at_ms: int) -> str:
    """Make a UUID of version 7."""
    time, chance = f"{at_ms:012x}", f"{rnd.getrandbits(74):019x}"
    return f"{time[:8]}-{time[8:]}-7{chance[:3]}-8{chance[3:6]}-{chance[6:18]}"


def visitor_id(number: int) -> VisitorId:
    """Name a visitor; ids of later ones are greater."""
    chance = hashlib.blake2b(number.to_bytes(8, "big"), digest_size=10).hexdigest()
    return VisitorId(f"{START_MS - 10**9 + 100 * number:012x}{chance}")


def entry(sent: Sent) -> bytes:
    """Write a hit as the collector puts it on the log."""
    whose = visitor_id(sent.visitor)
    return wire.encode(
        wire.HitsEntry(SITE, sent.hit.at_ms + 40, whose, [sent.hit], user_agent=sent.agent, ip=sent.ip)
    )


def logged(sent: Sent) -> Logged:
    """Write a hit as drain reads it off the log."""
    return Logged("0-1", entry(sent))


def hit_json(sent: Sent) -> bytes:
    """Write a hit as the script sends it."""
    fields = msgspec.to_builtins(sent.hit)
    fields["at"] = format_instant(fields.pop("at_ms"))
    extra = fields.pop("extra")
    return _encode(fields | extra)


def request(sent: Sent, signer: Signer) -> bytes:
    """Write the whole HTTP request that brings a hit, with the visitor's cookie."""
    sent_at = format_instant(sent.hit.at_ms)
    body = b'{"site":"%b","sent_at":"%b","hits":[%b]}' % (SITE.encode(), sent_at.encode(), hit_json(sent))
    token = signer.sign(visitor_id(sent.visitor), START_MS // 1_000).token
    head = (
        f"POST /e HTTP/1.1\r\nHost: t.{HOST}\r\nContent-Type: text/plain\r\nOrigin: https://{HOST}\r\n"
        f"User-Agent: {sent.agent}\r\nCookie: {MASTER}={token}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
