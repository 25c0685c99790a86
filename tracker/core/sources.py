"""Where a visit came from: campaign parameters first, then click ids, then the referrer, else direct.

A pure function of the tags, the referrer and one's own domains, so that stored history can be decided
again by other rules. The channel is decided in `tracker.core.channels`; whether a source is news to a
session in `tracker.core.sessions`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from tracker.core.channels import DIRECT_MEDIUM, DIRECT_SOURCE, NOT_SET, Arrival, decide_channel, is_open
from tracker.core.click_ids import CLICK_RULES, find_click_ids
from tracker.core.rules import DEFAULT_RULES, RULES_VERSION, Category, RuleSet, build_rules
from tracker.core.senders import OWN_DOMAIN, Name, Sender, read_name, read_sender
from tracker.core.tags import BARE_RANK, CAMPAIGN_FIELDS, tidy_tags
from tracker.core.urls import clean_referrer
from tracker.model import ClickId, Evidence, Source

__all__ = ["DEFAULT_RULES", "RULES_VERSION", "RuleSet", "build_rules", "decide_source"]

Tags = tuple[tuple[str, str], ...]

PAID_CLICK_MEDIUM = "cpc"
_NO_RANK = 1_000
_LONG_REFERRER = 4_096


@dataclass(frozen=True, slots=True)
class _Campaign:
    """The campaign parameters by field; `has_net` when HubSpot's `hsa_net` proves a paid click."""

    fields: dict[str, str]
    has_net: bool

    @property
    def key(self) -> Tags:
        """The parameters as a value that is equal when they mean the same."""
        return tuple(sorted((name, value.lower()) for name, value in self.fields.items()))


@dataclass(frozen=True, slots=True)
class _Visit:
    """All that is known of an arrival but its campaign parameters."""

    clicks: tuple[ClickId, ...]
    sender: Sender | None
    rules: RuleSet

    @property
    def click(self) -> ClickId | None:
        """The click id that proves most."""
        counts = (each for each in self.clicks if each.name != "fbclid" or self._knows("fbclid_is_social"))
        return next(counts, None)

    @property
    def external(self) -> Sender | None:
        """The sender, unless it counts as nobody."""
        return self.sender if self.sender is not None and self.sender.aside is None else None

    @property
    def paid(self) -> ClickId | None:
        """The click id, where it is one that only ads carry."""
        proves = self.click is not None and self.click.kind == "paid"
        return self.click if proves and self._knows("paid_click_ids") else None

    def _knows(self, deviation: str) -> bool:
        return deviation in self.rules.deviations


def decide_source(
    tags: Tags, referrer: str | None, own_domains: tuple[str, ...], rules: RuleSet = DEFAULT_RULES
) -> Source:
    """Decide who sent a visit, and through which channel.

    Args:
        tags: campaign parameters and click ids as pairs, such as `Page.tags`; names in any case.
        referrer: the URL of the page before, as it came or as it is stored.
        own_domains: host names of the site; each with all of its registrable domain is no source.
        rules: the rule set.
    """
    if referrer is not None and len(referrer) > _LONG_REFERRER:
        referrer = clean_referrer(referrer)
    return _decide(tags, referrer, own_domains, rules)


@lru_cache(maxsize=2_048)
def _decide(tags: Tags, referrer: str | None, own_domains: tuple[str, ...], rules: RuleSet) -> Source:
    tidy = tidy_tags(tags)
    visit = _Visit(find_click_ids(tidy), read_sender(referrer, own_domains, rules), rules)
    campaign = _read_campaign(tidy, is_internal=visit.sender is not None and visit.sender.aside == OWN_DOMAIN)
    if campaign is not None:
        return _by_campaign(campaign, visit)
    if visit.click is not None:
        return _by_click(visit.click, visit)
    if visit.external is not None:
        return _by_referrer(visit.external, visit)
    return _direct(visit)


def _read_campaign(tags: Tags, *, is_internal: bool) -> _Campaign | None:
    """Fill each field from its parameter of the best rank, the first of equals.

    On a link between one's own pages `source`, `ref` and `via` belong to the page, not to a campaign.
    """
    fields: dict[str, str] = {}
    ranks: dict[str, int] = {}
    for name, value in tags:
        target, rank = CAMPAIGN_FIELDS.get(name, ("", _NO_RANK))
        if rank < ranks.get(target, BARE_RANK if is_internal else _NO_RANK):
            fields[target], ranks[target] = value, rank
    return _Campaign(fields, any(name == "hsa_net" for name, _ in tags)) if fields else None


def _by_campaign(campaign: _Campaign, visit: _Visit) -> Source:
    given = campaign.fields.get("source")
    name = _name(given, visit)
    medium = _campaign_medium(campaign, name if given else None, visit)
    return _source(
        Source(
            source=name.text, medium=medium, channel="", rule="campaign",
            campaign=campaign.fields.get("campaign"), term=campaign.fields.get("term"),
            content=campaign.fields.get("content"), evidence="campaign",
            company=_campaign_company(name, visit), campaign_key=campaign.key,
        ),
        name, visit,
    )  # fmt: skip


def _name(given: str | None, visit: _Visit) -> Name:
    """Name the source: as the parameters say, else the click id's network, else the referrer."""
    if given is not None:
        return read_name(given, visit.rules)
    if visit.click is not None:
        return _click_name(visit.click, visit)
    if visit.external is not None:
        return Name(visit.external.source, visit.external.family, False)
    return Name(NOT_SET, None, False)


def _click_name(click: ClickId, visit: _Visit) -> Name:
    """Name the source of a click id; one that free links carry too is the site it came from."""
    sender = visit.external
    if click.kind == "both" and sender and sender.family and sender.company == click.network:
        return Name(sender.source, sender.family, False)
    name = CLICK_RULES[click.name.lower()].source
    return Name(name, visit.rules.names.get(name), False)


def _campaign_medium(campaign: _Campaign, name: Name | None, visit: _Visit) -> str:
    """Take the medium given, unless it gives way to proof of a paid click."""
    given = campaign.fields.get("medium")
    if is_open(given):
        if visit.paid is not None:
            return CLICK_RULES[visit.paid.name.lower()].medium
        if campaign.has_net:
            return PAID_CLICK_MEDIUM
    if given is not None:
        return given
    return _implied_medium(name, visit)


def _implied_medium(name: Name | None, visit: _Visit) -> str:
    """Say by what medium a source comes that was named without one."""
    if name is not None and name.is_ads and "ads_sources_are_paid" in visit.rules.deviations:
        return PAID_CLICK_MEDIUM
    if name is not None and name.family is not None:
        return name.family.medium
    if visit.click is not None and visit.click.kind != "paid":
        return CLICK_RULES[visit.click.name.lower()].medium
    if name is None and visit.external is not None:
        return visit.external.medium
    return NOT_SET


def _campaign_company(name: Name, visit: _Visit) -> str | None:
    if name.family is not None:
        return name.family.company
    if visit.click is not None:
        return visit.click.network
    sender = visit.external
    return sender.company if sender is not None and sender.family is None else None


def _by_click(click: ClickId, visit: _Visit) -> Source:
    name = _click_name(click, visit)
    company = name.family.company if name.family else click.network
    medium = (
        name.family.medium if click.kind == "both" and name.family else CLICK_RULES[click.name.lower()].medium
    )
    if click.kind == "paid" and visit.paid is None:
        medium = NOT_SET
    return _source(
        Source(
            source=name.text, medium=medium, channel="", rule=click.name, evidence="click", company=company,
        ),
        name, visit,
    )  # fmt: skip


def _by_referrer(sender: Sender, visit: _Visit) -> Source:
    return _source(
        Source(
            source=sender.source, medium=sender.medium, channel="", rule="referrer", evidence="referrer",
            company=sender.company,
        ),
        Name(sender.source, sender.family, False), visit,
    )  # fmt: skip


def _direct(visit: _Visit) -> Source:
    sender = visit.sender
    return Source(
        source=DIRECT_SOURCE, medium=DIRECT_MEDIUM, channel="Direct",
        rule=f"not_a_source:{sender.aside}" if sender is not None else "direct",
        referrer_host=sender.host if sender is not None else None,
    )  # fmt: skip


def _source(draft: Source, name: Name, visit: _Visit) -> Source:
    """Put the channel and what every source carries to a draft."""
    channel, rule = decide_channel(_arrival(draft, name, visit), visit.rules)
    is_direct = channel == "Direct"
    evidence: Evidence = "none" if is_direct else draft.evidence
    return Source(
        source=draft.source, medium=draft.medium, channel=channel, rule=f"{draft.rule}:{rule}",
        campaign=draft.campaign, term=draft.term, content=draft.content, evidence=evidence,
        company=draft.company, referrer_host=visit.sender.host if visit.sender is not None else None,
        campaign_key=() if is_direct else draft.campaign_key, click=visit.click, click_ids=visit.clicks,
    )  # fmt: skip


def _arrival(draft: Source, name: Name, visit: _Visit) -> Arrival:
    is_told = draft.evidence != "campaign" or "source" in dict(draft.campaign_key)
    click = visit.paid or (visit.click if visit.click and visit.click.kind != "paid" else None)
    sender = visit.external
    return Arrival(
        source=draft.source.lower(), medium=draft.medium.lower(), campaign=(draft.campaign or "").lower(),
        category=name.family.category if name.family is not None else None, is_told=is_told,
        is_ads_source=name.is_ads and "ads_sources_are_paid" in visit.rules.deviations,
        is_external=sender is not None, click_name=click.name if click else "",
        click_kind=click.kind if click else None, click_category=_click_category(click, visit),
        is_from_video=_is_from_video(click, sender),
        is_search_ad=any(each.name == "gad_source" and each.value == "1" for each in visit.clicks),
        referrer_host=sender.host if sender is not None else "", deviations=visit.rules.deviations,
    )  # fmt: skip


def _click_category(click: ClickId | None, visit: _Visit) -> Category | None:
    family = visit.rules.names.get(CLICK_RULES[click.name.lower()].source) if click is not None else None
    return family.category if family is not None else None


def _is_from_video(click: ClickId | None, sender: Sender | None) -> bool:
    """Tell whether a network's ad was shown on its own video site, such as YouTube."""
    if click is None or click.kind != "paid" or sender is None or sender.family is None:
        return False
    return sender.family.category == "video" and sender.family.company == click.network
