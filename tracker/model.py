"""Every noun of Touchline once, as frozen values.

What a word means is in the glossary of the README. Times are integer milliseconds since 1970 in
UTC (`_ms`); durations carry their unit in the name. Wire formats live in `tracker.wire`, rows in
`tracker.store`: neither leaks in here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NewType

VisitorId = NewType("VisitorId", str)
PersonId = NewType("PersonId", str)
SessionId = NewType("SessionId", str)
LeadId = NewType("LeadId", str)
SiteKey = NewType("SiteKey", str)

HitType = Literal["page", "event", "engagement"]
LeadKind = Literal["form", "call", "chat", "booking"]
ConsentMode = Literal["granted", "required"]


@dataclass(frozen=True, slots=True)
class Site:
    """One tracked property.

    `domains` are host names; each stands for itself and everything below it. `region` is the ISO
    3166 code by which national phone numbers are read. `consent` is what a hit without a word on
    consent means: `granted`, or `required` (nothing is kept until the visitor agrees).
    """

    key: SiteKey
    domains: tuple[str, ...]
    timezone: str = "UTC"
    currency: str = "USD"
    region: str = "US"
    consent: ConsentMode = "granted"
    honour_gpc: bool = True
    honour_dnt: bool = False
    cross_site: bool = False


@dataclass(frozen=True, slots=True)
class Pool:
    """A number pool of a site: numbers that are shown to one visitor each, for a time.

    Numbers are E.164. `fallback` stands on the page, and is shown where no number is free. A number is held
    for `hold_s` after its visitor was last seen. `channels` are those whose sessions are served; empty: all.
    """

    name: str
    numbers: tuple[str, ...]
    fallback: str
    hold_s: int = 1_200
    channels: tuple[str, ...] = ()


ClickKind = Literal["paid", "both", "organic", "affiliate", "mail"]


@dataclass(frozen=True, slots=True)
class ClickId:
    """A token that an ad platform or sender adds to a landing URL.

    `network` is the company behind it (`google`), `kind` what it proves. `per_click` is true when
    one value names one click, so that seeing it again is a repeat and not a second click.
    """

    name: str
    value: str
    network: str
    kind: ClickKind
    per_click: bool = True


@dataclass(frozen=True, slots=True)
class Page:
    """A page's URL after cleaning: what is stored, and what it says of the arrival.

    `canonical` is safe to store. `tags` are the campaign parameters and click ids that the URL
    carried, names in lower case, in order of appearance; they decide the source.
    """

    canonical: str
    host: str
    tags: tuple[tuple[str, str], ...] = ()


Evidence = Literal["campaign", "click", "referrer", "none"]


@dataclass(frozen=True, slots=True)
class Source:
    """Who sent a session, and the rule that says so.

    `evidence` is what decided: campaign parameters, a click id, the referrer, or nothing (then the
    arrival is direct). `company` is the family behind it (`google`, `meta`), used to see that a
    referrer only repeats what the campaign said. `campaign_key` is the normalised set of campaign
    parameters, empty when there were none; `click` the deciding click id.
    """

    source: str
    medium: str
    channel: str
    rule: str
    campaign: str | None = None
    term: str | None = None
    content: str | None = None
    evidence: Evidence = "none"
    company: str | None = None
    referrer_host: str | None = None
    campaign_key: tuple[tuple[str, str], ...] = ()
    click: ClickId | None = None
    click_ids: tuple[ClickId, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Device:
    """What a user agent and its client hints say of the machine."""

    browser: str | None
    browser_version: str | None
    os: str | None
    os_version: str | None
    device: Literal["desktop", "mobile", "tablet", "tv", "console", "other"]
