"""The numbers that a message asks for: which pools there are, who may hold a number, what is answered.

The channel of a session is decided here by the very rules that decide it in the store, from the same hits;
so a page that lies about where it came from gets what its stored session will say, too. One thing is not
known here: a click id that was used before, and counts as direct there. A number itself is given by
`tracker.leases`, in the round trip that writes the hits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import NamedTuple

from tracker.core.numbers import swap_target
from tracker.core.rules import RuleSet
from tracker.core.sources import decide_source
from tracker.core.urls import clean_referrer, read_page
from tracker.errors import BadFact
from tracker.leases import Ask, Leased, packed_lease, read_reply
from tracker.model import Pool, Site
from tracker.web.collect import Collected
from tracker.web.counters import Key
from tracker.web.intake import Message
from tracker.web.sitebook import Sitebook
from tracker.wire import HitOnLog

Said = Mapping[str, object]


class Wanted(NamedTuple):
    """The pools of a site that a message asks for, and the commands that lease, if anybody may hold one."""

    site: Site
    pools: Sequence[Pool]
    commands: Sequence[bytes] = ()


def want(message: Message, result: Collected, site: Site, *, book: Sitebook, gap_ms: int) -> Wanted | None:
    """Find what a message asks for; none where it asks for no pool that there is.

    Args:
        gap_ms: for how long a session goes on without a hit.
    """
    known = book.pools(site.key) if message.pools else {}
    pools = [known[name] for name in message.pools if name in known]
    if not pools:
        return None
    if result.holder is None:
        return Wanted(site, pools)
    hits = result.entry.hits if result.entry else []
    is_choosy = any(pool.channels for pool in pools)
    ask = Ask(
        result.holder.visitor_id,
        channel=_channel(hits, site, book.rules(site.key)) if is_choosy else None,
        has_hits=bool(hits),
        session_hint=hits[0].event_id if hits else None,
        gap_ms=gap_ms,
    )
    return Wanted(site, pools, [packed_lease(site.key, pool, ask) for pool in pools])


def answer(wanted: Wanted, replies: Sequence[object]) -> tuple[Said, list[tuple[Key, int]]]:
    """Say which number to show for each pool, and what to count.

    Args:
        replies: to the commands; where the server could not answer, the fallback is shown.
    """
    numbers, pools = {}, {}
    counts: list[tuple[Key, int]] = []
    for pool, reply in zip_longest(wanted.pools, replies):
        leased = Leased(None, "nobody") if reply is None else read_reply(reply)
        numbers[pool.name] = leased.number or pool.fallback
        pools[pool.name] = {**swap_target(pool.fallback), "hold_s": pool.hold_s}
        counts.append((("numbers", wanted.site.key, pool.name, leased.why), 1))
    return {"numbers": numbers, "pools": pools}, counts


def _channel(hits: Sequence[HitOnLog], site: Site, rules: RuleSet) -> str | None:
    """Find the channel that the latest of these hits to name a source came through; none where none does."""
    for hit in reversed(hits):
        if hit.type == "engagement":
            continue
        try:
            tags = read_page(hit.url).tags
        except BadFact:
            continue  # drain refuses it
        referrer = clean_referrer(hit.referrer) if hit.referrer else None
        source = decide_source(tags, referrer, site.domains, rules)
        if source.evidence != "none":
            return source.channel
    return None
