"""Senders: who a referrer or a campaign's source is, by the rule set's tables.

A referrer is one of four: nothing, one's own domain, a passage (payment, log-in, ...) that sends nobody,
or an external sender. A name in a campaign is a known family or a word of its own.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from tracker.core.hosts import is_own_host, registrable_domain
from tracker.core.rules import MEDIUMS, Family, RuleSet
from tracker.core.urls import clean_referrer, split_url
from tracker.core.words import fold, mentions

OWN_DOMAIN = "own_domain"

_WEB = ("http", "https")
_ADS_ENDING = re.compile(r"[-_\s.]*(?:ads?|adwords)$", re.IGNORECASE)
_NAME_LIMIT = 100
# Names below it are always this machine (RFC 6761): one that the table lists plays a stranger there, as
# the try-out's search engine does.
_THIS_MACHINE = ".localhost"


class Sender(NamedTuple):
    """Who sent a visitor, by the referrer. `aside` says why it counts as nobody."""

    host: str
    source: str
    medium: str
    company: str
    family: Family | None
    aside: str | None = None


class Name(NamedTuple):
    """What a campaign's source is called, the family it belongs to, and whether it says `ads`."""

    text: str
    family: Family | None
    is_ads: bool


@lru_cache(maxsize=2_048)
def read_sender(referrer: str | None, own_domains: tuple[str, ...], rules: RuleSet) -> Sender | None:
    """Find out who sent a visitor; a referrer as it came says the same as it does when stored.

    Returns:
        None where the referrer names nobody at all.
    """
    stored = clean_referrer(referrer) if referrer else None
    parts = split_url(stored) if stored else None
    if parts is None:
        return None
    host = parts.host
    if parts.scheme not in _WEB:
        return _sender(host, rules.apps.get(host))
    family = rules.senders.find(host, parts.path) or rules.apps.get(host)
    if is_own_host(host, own_domains) and not (family and host.endswith(_THIS_MACHINE)):
        return _sender(host, None)._replace(aside=OWN_DOMAIN)
    aside = rules.passages.find(host, parts.path)
    return _sender(host, family)._replace(aside=aside)


def _sender(host: str, family: Family | None) -> Sender:
    if family is not None:
        return Sender(host, family.source, family.medium, family.company, family)
    name = host.removeprefix("www.")
    return Sender(host, name, MEDIUMS["referral"], registrable_domain(host) or host, None)


@lru_cache(maxsize=4_096)
def read_name(text: str, rules: RuleSet) -> Name:
    """Find out whom a campaign's source means.

    Returns:
        The family's own name for one that is known (`fb`, `t.co`, `m.facebook.com`, `Google-Ads`); else
        the text as given.
    """
    is_ads = mentions(text, "ads")
    family = _family(text, rules)
    stem = _ADS_ENDING.sub("", text) if family is None else text
    if stem and stem != text:
        family = _family(stem, rules)
        is_ads = is_ads or family is not None
    return Name(family.source if family else text, family, is_ads)


def _family(text: str, rules: RuleSet) -> Family | None:
    if len(text) > _NAME_LIMIT:
        return None
    known = rules.names.get(fold(text)) or rules.apps.get(text.lower())
    if known is not None or "." not in text:
        return known
    parts = split_url(text)
    if parts is None:
        return None
    return rules.senders.find(parts.host, parts.path) if parts.scheme in _WEB else rules.apps.get(parts.host)
