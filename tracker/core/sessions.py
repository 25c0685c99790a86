"""Sessions: a visitor's hits cut into visits, each with one source and the rule that opened it.

One walk over the hits in order. Where a hit came from is decided elsewhere (`tracker.core.sources`);
here it is decided whether that is news. Whether a click id is another visitor's comes in as a set,
since it rests on other visitors' hits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field
from itertools import groupby
from typing import Literal, NamedTuple

from tracker.core.click_ids import TELLING_NAMES
from tracker.core.ids import EventKey, event_id_of
from tracker.core.rules import MEDIUMS
from tracker.model import HitType, Source

ClickKey = tuple[str, str]
CampaignKey = tuple[tuple[str, str], ...]
OpenedBy = Literal["first", "gap", "max_length", "new_source"]


class SessionHit(NamedTuple):
    """What the walk needs of a hit. `hit_no` is the caller's handle; `source` is what its URL and
    referrer say, `fallback` what they say without campaign parameters and click ids."""

    hit_no: int
    at_ms: int
    seq: int | None
    event_key: EventKey
    type: HitType
    source: Source
    fallback: Source
    engaged_ms: int = 0


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a session lasts: `gap_ms` of silence may be reached, not passed; so may `max_ms`."""

    gap_ms: int = 1_800_000
    max_ms: int = 86_400_000


@dataclass(slots=True)
class Session:
    """A visitor's hits from one source with no gap; `hits` in order, its pings among them.

    `is_repeat_click`: the click id that the source came with had been used before.
    """

    opened_by: OpenedBy
    source: Source
    is_repeat_click: bool = False
    hits: list[SessionHit] = field(default_factory=list)
    _clicks: set[ClickKey] = field(default_factory=set, repr=False)
    _campaigns: set[CampaignKey] = field(default_factory=set, repr=False)

    @property
    def started_ms(self) -> int:
        """The instant of the first hit."""
        return self.hits[0].at_ms

    @property
    def ended_ms(self) -> int:
        """The instant of the last hit."""
        return self.hits[-1].at_ms

    @property
    def pages(self) -> int:
        """The number of page views."""
        return sum(hit.type == "page" for hit in self.hits)

    @property
    def engaged_ms(self) -> int:
        """How long the pages were visible and focused."""
        return sum(hit.engaged_ms for hit in self.hits)

    @property
    def exit(self) -> SessionHit:
        """The last page view; the last hit of a session without pages."""
        return next((hit for hit in reversed(self.hits) if hit.type == "page"), self.hits[-1])

    def add(self, hit: SessionHit) -> None:
        """Take a hit in, and remember what its URL carried, whether or not it counted."""
        self.hits.append(hit)
        if hit.source.click_ids:
            self._clicks.update(_values(hit.source))
        if hit.source.campaign_key:
            self._campaigns.add(hit.source.campaign_key)

    def knows(self, source: Source) -> bool:
        """Tell whether a source only repeats what this session already is or has seen."""
        if source.evidence == "referrer":
            return _is_same_sender(self.source, source)
        if not self._clicks.issuperset(_values(source)):
            return False
        return not source.campaign_key or source.campaign_key in self._campaigns


def in_order(hits: Sequence[SessionHit]) -> list[SessionHit]:
    """Sort hits by time, then seq (none first), then event id."""
    by_time = {_time_and_seq(hit): hit for hit in hits}
    if len(by_time) == len(hits):
        return [by_time[key] for key in sorted(by_time)]
    ordered: list[SessionHit] = []
    for _, tied in groupby(sorted(hits, key=_time_and_seq), key=_time_and_seq):
        group = list(tied)
        if len(group) > 1:
            group.sort(key=lambda hit: event_id_of(hit.event_key))
        ordered += group
    return ordered


def sessionize(
    hits: Sequence[SessionHit], *, limits: Limits, foreign: Set[ClickKey] = frozenset()
) -> list[Session]:
    """Cut one visitor's human hits on one site into sessions.

    Args:
        hits: in any order; bots' and refused hits are not among them.
        limits: gap and greatest length.
        foreign: click ids that another visitor brought first.

    Returns:
        Sessions in order. Every hit is in exactly one, but for an engagement ping that no session
        reaches.
    """
    sessions: list[Session] = []
    spent: set[ClickKey] = set()
    current: Session | None = None
    for hit in in_order(hits):
        ending = _ending(current, hit, limits)
        if hit.type == "engagement":
            if current is not None and ending is None:
                current.hits.append(hit)
            continue
        source, is_repeat = _worth(hit, spent=spent, foreign=foreign)
        is_news = source.evidence != "none" and (current is None or not current.knows(source))
        if current is None or ending is not None or (is_news and current.source.evidence != "none"):
            current = Session(ending or "new_source", source, is_repeat)
            sessions.append(current)
        elif is_news:
            current.source, current.is_repeat_click = source, is_repeat
        current.add(hit)
        if hit.source.click_ids:
            spent.update(_per_click(hit.source))
    return sessions


def first_uses(hits: Iterable[SessionHit]) -> dict[ClickKey, tuple[int, str]]:
    """Tell when this visitor first brought each click id: (time in ms, event id)."""
    uses: dict[ClickKey, tuple[int, str]] = {}
    for hit in hits:
        if hit.source.click_ids and hit.type != "engagement":
            for click in _telling(hit.source):
                use = (hit.at_ms, event_id_of(hit.event_key))
                uses[click] = min(uses.get(click, use), use)
    return uses


def _time_and_seq(hit: SessionHit) -> tuple[int, int]:
    return hit.at_ms, -1 if hit.seq is None else hit.seq


def _ending(current: Session | None, hit: SessionHit, limits: Limits) -> OpenedBy | None:
    """Say why the current session, if any, cannot hold this hit, whatever its source."""
    if current is None:
        return "first"
    if hit.at_ms - current.ended_ms > limits.gap_ms:
        return "gap"
    return "max_length" if hit.at_ms - current.started_ms > limits.max_ms else None


def _worth(hit: SessionHit, *, spent: Set[ClickKey], foreign: Set[ClickKey]) -> tuple[Source, bool]:
    """Set aside a click id that was spent before, and with it the parameters beside it.

    Another visitor's leaves the referrer the source, unless that is the network of the ad: its id is on
    no free link.
    """
    clicks = _per_click(hit.source) if hit.source.click_ids else None
    if not clicks:
        return hit.source, False
    if not spent.isdisjoint(clicks):
        return _direct(hit.fallback, "repeat_click"), True
    if foreign.isdisjoint(clicks):
        return hit.source, False
    networks = {
        click.network
        for click in hit.source.click_ids
        if click.kind == "paid" and (click.name, click.value) in foreign
    }
    if hit.fallback.evidence == "none" or hit.fallback.company in networks:
        return _direct(hit.fallback, "shared_click"), True
    return hit.fallback, True


def _is_same_sender(ours: Source, theirs: Source) -> bool:
    """Tell whether a referrer is where a session came from already.

    It is the same site, a sub-domain of the same unknown one, or, beside a campaign or an ad, another
    service of the company that ran it.
    """
    if (theirs.source, theirs.medium) == (ours.source, ours.medium):
        return True
    if theirs.company is None or theirs.company != ours.company:
        return False
    is_campaign = bool(ours.campaign_key) or (ours.click is not None and ours.click.kind == "paid")
    return is_campaign or theirs.medium == ours.medium == MEDIUMS["referral"]


def _direct(source: Source, rule: str) -> Source:
    return Source("(direct)", "(none)", "Direct", rule, referrer_host=source.referrer_host)


def _values(source: Source) -> list[ClickKey]:
    return [(click.name, click.value) for click in source.click_ids]


def _telling(source: Source) -> list[ClickKey]:
    return [(click.name, click.value) for click in source.click_ids if click.name in TELLING_NAMES]


def _per_click(source: Source) -> list[ClickKey]:
    return [(click.name, click.value) for click in source.click_ids if click.per_click]
