"""Collect: what becomes of the hits of one message, and which visitor they belong to.

Each hit is accepted, rejected (it cannot be used) or dropped (it is refused by rule), with a code of
one closed set:

    too_long      over a limit of length, number, depth or size; an event_id not of 1 to 128 characters
    bad_url       no http or https page
    bad_time      `at` is no instant with an offset
    future        more than 24 hours ahead, after correction of the client's clock
    too_old       more than 7 days back
    origin        a page that is not the site's
    no_site       a site that does not exist
    consent       no consent, or Global Privacy Control or Do Not Track where the site honours it
    bot           a crawler, an empty user agent, or a driven browser
    prefetch      fetched ahead of the user, or for a preview
    internal      from one of the operator's own addresses
    rate          too many

Hits without consent leave no trace but a count; that a known visitor withdrew it is a fact, logged before
the cookie goes. Bots, prefetches and internal hits are logged with a
mark, so that they can be shown apart; they get no cookie. Nothing here touches the network or a clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import msgspec

from tracker.core.bots import bot_reason
from tracker.core.times import DAY_MS, corrected_ms, format_instant, parse_instant
from tracker.errors import BadFact, BadRequest
from tracker.model import Site
from tracker.web.caller import Caller
from tracker.web.cookies import Renewal, Signer, Visitor
from tracker.web.intake import BadHit, HitIn, Message
from tracker.web.origins import is_of, page_host
from tracker.wire import (
    FLAG_INTERNAL,
    FLAG_PREFETCH,
    FLAG_SAID_BOT,
    FLAG_WEBDRIVER,
    FactsEntry,
    HitOnLog,
    HitsEntry,
)

DROPPED = frozenset({"consent", "bot", "prefetch", "internal"})

OLDEST_MS = 7 * DAY_MS
NEWEST_MS = DAY_MS


class Refusal(msgspec.Struct, frozen=True):
    """The hit at index `i` was not accepted; `raw` is kept for replay when it was rejected."""

    i: int
    code: str
    message: str = ""
    raw: object = None

    @property
    def is_rejected(self) -> bool:
        """Tell whether the hit could not be used, rather than being refused by rule."""
        return self.code not in DROPPED


class Collected(msgspec.Struct):
    """What became of a message.

    `entry` goes to the log, marked hits included; None when there is nothing to log. `withdrawal` does
    too. `visitor` is whose cookie the answer sets; `forget` asks for the cookie's removal. `holder` may be
    shown a number of a pool: a visitor who is known, human, and has not refused.
    """

    accepted: int = 0
    refused: list[Refusal] = []
    entry: HitsEntry | None = None
    withdrawal: FactsEntry | None = None
    visitor: Visitor | None = None
    forget: bool = False
    holder: Visitor | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """How visitors are recognised: the workspace's signer and the cookie's life."""

    signer: Signer
    renewal: Renewal

    def known(self, caller: Caller) -> Visitor | None:
        """Find the visitor that the request's cookies name."""
        if not caller.cookies:
            return None
        return self.signer.read(caller.cookies, renewal=self.renewal, now_s=caller.received_ms // 1_000)


class _View(msgspec.Struct, frozen=True):
    """What all hits of one message are judged by; `mark` is why all are dropped, if they are.

    `skew_ms` puts a client's times right.
    """

    caller: Caller
    site: Site
    skew_ms: int
    has_opted_out: bool
    mark: str | None
    flags: int


def collect(message: Message, caller: Caller, *, site: Site, identity: Identity) -> Collected:
    """Decide what becomes of each hit of a message, and whose they are.

    Raises:
        BadRequest: `bad_time`, the message's `sent_at` is no instant.
    """
    sent_ms = None if message.sent_at is None else _sent_ms(message.sent_at)
    skew_ms = corrected_ms(0, sent_ms=sent_ms, received_ms=caller.received_ms)
    view = _View(caller, site, skew_ms, _has_opted_out(caller, site), *_mark(message.hits, caller))
    result, logged = Collected(), []
    for i, hit in enumerate(message.hits):
        verdict = _judge(hit, view)
        if isinstance(verdict, BadHit):
            result.refused.append(Refusal(i, verdict.code, verdict.message, verdict.raw))
            continue
        logged.append(verdict)
        if view.mark:
            result.refused.append(Refusal(i, view.mark))
        else:
            result.accepted += 1
    _put_visitor(result, logged, message, view, identity)
    return result


def _mark(hits: Sequence[HitIn | BadHit], caller: Caller) -> tuple[str | None, int]:
    """Find why every hit of the message is dropped, and the flags that say so on the log."""
    flags = FLAG_PREFETCH * caller.is_prefetch | FLAG_INTERNAL * caller.is_internal
    for hit in hits:
        if isinstance(hit, HitIn):
            if hit.client_hints and hit.client_hints.get("webdriver") is True:
                flags |= FLAG_WEBDRIVER
            if hit.is_bot:
                flags |= FLAG_SAID_BOT
    if flags & (FLAG_SAID_BOT | FLAG_WEBDRIVER) or bot_reason(caller.user_agent):
        return "bot", flags
    return ("prefetch" if caller.is_prefetch else "internal" if caller.is_internal else None), flags


def _judge(hit: HitIn | BadHit, view: _View) -> HitOnLog | BadHit:
    if isinstance(hit, BadHit):
        return hit
    host = page_host(hit.url)
    if host is None:
        return BadHit("bad_url", "url: write the page's http or https address", hit)
    if not is_of(host, view.site.domains):
        return BadHit("origin", f"url: the page's host is not one of the site {view.site.key!r}", hit)
    received_ms = view.caller.received_ms
    try:
        at_ms = _instant_ms(hit.at) + view.skew_ms
    except BadFact as error:
        return BadHit("bad_time", str(error), hit)
    if at_ms > received_ms + NEWEST_MS:
        return BadHit("future", "at: more than 24 hours ahead", hit)
    if at_ms < received_ms - OLDEST_MS:
        return BadHit("too_old", "at: more than 7 days back; older hits need an API token", hit)
    if not _may_keep(hit, view):
        return BadHit("consent", "")
    return _on_log(hit, at_ms, view)


def _may_keep(hit: HitIn, view: _View) -> bool:
    if view.has_opted_out:
        return False
    return hit.consent == "granted" or (hit.consent is None and view.site.consent == "granted")


def _has_opted_out(caller: Caller, site: Site) -> bool:
    return (caller.wants_gpc and site.honour_gpc) or (caller.wants_dnt and site.honour_dnt)


def _on_log(hit: HitIn, at_ms: int, view: _View) -> HitOnLog:
    extra = hit.extra
    if hit.zone or hit.viewport:
        said = {"zone": hit.zone, "viewport": hit.viewport}
        extra = (extra or {}) | {name: value for name, value in said.items() if value}
    return HitOnLog(
        hit.event_id, at_ms, hit.url, hit.type, hit.name, hit.referrer, hit.prev_url, hit.title, hit.props,
        hit.seq, hit.language, hit.screen, hit.client_hints, hit.consent, flags=view.flags, extra=extra,
        skew_ms=view.skew_ms,
    )  # fmt: skip


def _put_visitor(
    result: Collected, logged: list[HitOnLog], message: Message, view: _View, identity: Identity
) -> None:
    """Say whose the hits are, and whether the answer sets, keeps or removes the cookie."""
    caller = view.caller
    who = identity.known(caller)
    if logged:
        who = who or identity.signer.mint(message.seed, caller.received_ms)
        result.entry = HitsEntry(
            view.site.key, caller.received_ms, who.visitor_id, logged, caller.user_agent, caller.ip
        )
    if view.has_opted_out or (result.refused and any(each.code == "consent" for each in result.refused)):
        said_no = _first_denial(result, message)
        result.forget = who is not None and not logged and (said_no is not None or view.has_opted_out)
        if who is not None and said_no is not None:
            result.withdrawal = _withdrawal(said_no, who, view)
    elif view.mark not in ("bot", "prefetch"):
        result.visitor = who
        result.holder = None if view.mark else who


def _first_denial(result: Collected, message: Message) -> HitIn | None:
    """Find the hit by which the visitor said no."""
    for refusal in result.refused:
        hit = message.hits[refusal.i]
        if refusal.code == "consent" and isinstance(hit, HitIn) and hit.consent == "denied":
            return hit
    return None


def _withdrawal(hit: HitIn, who: Visitor, view: _View) -> FactsEntry:
    """Say as a fact that a visitor who is known withdrew consent."""
    fact = {
        "fact": "consent", "site": view.site.key, "at": format_instant(_instant_ms(hit.at) + view.skew_ms),
        "visitor_id": who.visitor_id, "state": "denied",
    }  # fmt: skip
    return FactsEntry(view.caller.received_ms, "script", [fact])


def _sent_ms(sent_at: str) -> int:
    try:
        return _instant_ms(sent_at)
    except BadFact as error:
        raise BadRequest("bad_time", error.message, "sent_at") from None


def _instant_ms(text: str) -> int:
    """Read an instant; in the form that browsers write, only its minute, which many hits share, is parsed."""
    digits = text[17:19] + text[20:23]
    is_browsers = len(text) == 24 and text[19] + text[23] == ".Z" and digits.isascii() and digits.isdigit()
    if is_browsers and digits < "60":
        return _minute_ms(text[:17]) + int(digits)  # seconds and milliseconds side by side
    return parse_instant(text)


@lru_cache(256)
def _minute_ms(start: str) -> int:
    return parse_instant(f"{start}00.000Z")
