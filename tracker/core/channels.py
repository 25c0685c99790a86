"""Channels: Google's default channel group as one ordered table, first match wins.

Deviations, numbered as in `tracker.core.rules.DEVIATIONS`: (1) a click id that only ads carry makes the
visit paid, and its network names the channel where the source is unknown; a gclid that comes from
YouTube is Paid Video, a dclid by itself Display; (3) srsltid is Organic Shopping; (4) gad_source=1 is
Paid Search; (5) sources called `...-ads` are paid; (6) newsletter, affiliates and partner are synonyms;
(7) unknown parameters are Referral where there is an external referrer. (2), fbclid alone, needs no row:
its source is Facebook, its medium social. AI Assistant stands before Organic Search.

Source: https://support.google.com/analytics/answer/9756891
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

from tracker.core.rules import Category, OwnRule, RuleSet, glob
from tracker.core.words import PAID_MEDIUM, SHOPPING_CAMPAIGN, fold, means, mentions
from tracker.model import ClickKind

DIRECT_SOURCE, DIRECT_MEDIUM, NOT_SET = "(direct)", "(none)", "(not set)"

CHANNELS = (
    "Direct", "Cross-network", "Paid Shopping", "Paid Search", "Paid Social", "Paid Video", "Display",
    "Paid Other", "Organic Shopping", "Organic Social", "Organic Video", "AI Assistant", "Organic Search",
    "Referral", "Email", "Affiliates", "Audio", "SMS", "Mobile Push", "Unassigned",
)  # fmt: skip
"""The default channels in the order in which they are tried."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """What the channel is decided from; texts of a campaign in lower case.

    `category` is the source's kind of site, `click_category` that of the network of the click id. `is_told`
    is true where the campaign names its source, and not only something else.
    `is_from_video` says that the referrer is the network's own video site.
    """

    source: str
    medium: str
    campaign: str
    category: Category | None
    is_told: bool
    is_ads_source: bool
    is_external: bool
    click_name: str
    click_kind: ClickKind | None
    click_category: Category | None
    is_from_video: bool
    is_search_ad: bool
    referrer_host: str
    deviations: frozenset[str]

    @property
    def is_paid(self) -> bool:
        """Tell whether somebody paid for the visit."""
        return PAID_MEDIUM.fullmatch(self.medium) is not None or (
            self.is_ads_source and not _is_of_its_own(self)
        )

    @property
    def has_paid_click(self) -> bool:
        """Tell whether a click id that only ads carry came along."""
        return self.click_kind == "paid"

    @property
    def is_shopping(self) -> bool:
        """Tell whether source or campaign is about shopping."""
        return self.category == "shopping" or SHOPPING_CAMPAIGN.fullmatch(self.campaign) is not None

    def follows(self, deviation: str) -> bool:
        """Tell whether a deviation is switched on."""
        return deviation in self.deviations


Rule = tuple[str, str, Callable[[Arrival], bool]]


def _is_of_its_own(a: Arrival) -> bool:
    """Tell whether the medium names a channel that ads have beside search and social."""
    kinds = ("display", "email", "affiliate", "audio", "sms")
    return any(means(a.medium, kind) for kind in kinds) or _is_push(a)


def _is_direct(a: Arrival) -> bool:
    return a.source == DIRECT_SOURCE and a.medium in (DIRECT_MEDIUM, NOT_SET)


def _is_push(a: Arrival) -> bool:
    told = a.medium.endswith("push") or "mobile" in a.medium or "notification" in a.medium
    return told or a.source == "firebase"


def _is_email(a: Arrival) -> bool:
    if means(a.medium, "email") or means(a.source, "email"):
        return True
    if a.category == "email" and not _is_of_its_own(a):  # mail services send texts and push messages too
        return True
    return a.follows("synonyms") and (mentions(a.medium, "email") or mentions(a.source, "email"))


def _is_affiliate(a: Arrival) -> bool:
    if means(a.medium, "affiliate"):
        return True
    return a.follows("synonyms") and (mentions(a.medium, "affiliate") or mentions(a.source, "affiliate"))


def _is_free_listing(a: Arrival) -> bool:
    return a.click_name == "srsltid" and means(a.medium, "organic") and a.follows("srsltid_is_shopping")


def _is_display_click(a: Arrival) -> bool:
    """Tell whether a click on a display ad came from a network that is known for its search."""
    return a.click_name == "dclid" and a.category == "search" and means(a.medium, "display")


def _paid_by_network(category: Category) -> Callable[[Arrival], bool]:
    return lambda a: a.is_paid and a.has_paid_click and a.click_category == category


RULES: tuple[Rule, ...] = (
    ("direct", "Direct", _is_direct),
    ("cross_network", "Cross-network", lambda a: "cross-network" in a.campaign),
    ("paid_shopping", "Paid Shopping", lambda a: a.is_shopping and a.is_paid),
    ("paid_video_click", "Paid Video", lambda a: a.is_paid and a.is_from_video),
    (
        "paid_search_ad",
        "Paid Search",
        lambda a: a.is_paid and a.is_search_ad and a.follows("gad_source_is_search"),
    ),
    ("display_click", "Display", _is_display_click),
    ("paid_search", "Paid Search", lambda a: a.category == "search" and a.is_paid),
    ("paid_social", "Paid Social", lambda a: a.category == "social" and a.is_paid),
    ("paid_video", "Paid Video", lambda a: a.category == "video" and a.is_paid),
    ("display", "Display", lambda a: means(a.medium, "display")),
    ("paid_search_click", "Paid Search", _paid_by_network("search")),
    ("paid_social_click", "Paid Social", _paid_by_network("social")),
    ("paid_other", "Paid Other", lambda a: a.is_paid),
    ("organic_shopping_click", "Organic Shopping", _is_free_listing),
    ("organic_shopping", "Organic Shopping", lambda a: a.is_shopping),
    ("organic_social", "Organic Social", lambda a: a.category == "social" or means(a.medium, "social")),
    ("organic_video", "Organic Video", lambda a: a.category == "video" or "video" in a.medium),
    ("ai_assistant", "AI Assistant", lambda a: a.category == "ai" or means(a.medium, "ai")),
    ("organic_search", "Organic Search", lambda a: a.category == "search" or means(a.medium, "organic")),
    ("referral", "Referral", lambda a: means(a.medium, "referral")),
    ("email", "Email", _is_email),
    ("affiliates", "Affiliates", _is_affiliate),
    ("audio", "Audio", lambda a: means(a.medium, "audio")),
    ("sms", "SMS", lambda a: means(a.medium, "sms") or means(a.source, "sms")),
    ("mobile_push", "Mobile Push", _is_push),
    ("referral_site", "Referral", lambda a: a.is_external and a.follows("unknown_is_referral")),
    ("unassigned", "Unassigned", lambda _: True),
)
"""(name, channel, predicate), in order."""


@lru_cache(maxsize=4_096)
def decide_channel(arrival: Arrival, rules: RuleSet) -> tuple[str, str]:
    """Decide the channel of a visit: a site's own rules first, then the defaults.

    A medium given without a source decides by itself; the site that the visitor came from, or the click
    id's network, counts where the medium says nothing.

    Returns:
        The channel, and the name of the rule that says so.
    """
    for own in rules.own_rules:
        if _matches(own, arrival):
            return own.channel, f"own:{own.name}"
    if not (arrival.is_told or arrival.is_paid or is_open(arrival.medium)):
        channel, name = _first(replace(arrival, category=None))
        if name not in _SAYS_NOTHING:
            return channel, name
    return _first(arrival)


_SAYS_NOTHING = ("referral_site", "unassigned")


def _first(arrival: Arrival) -> tuple[str, str]:
    return next((channel, name) for name, channel, holds in RULES if holds(arrival))


def _matches(rule: OwnRule, a: Arrival) -> bool:
    pairs = (
        (rule.source, a.source), (rule.medium, a.medium), (rule.campaign, a.campaign),
        (rule.referrer_host, a.referrer_host),
    )  # fmt: skip
    return all(pattern == "*" or glob(pattern).match(text) for pattern, text in pairs)


def is_open(medium: str | None) -> bool:
    """Tell whether a medium gives way to a paid click: none given, organic, referral, none."""
    return medium is None or means(medium, "organic") or means(medium, "none") or fold(medium) == "referral"
