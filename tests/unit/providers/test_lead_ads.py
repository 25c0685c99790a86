"""Forms inside ads: which network showed them, where no parameter of the form says it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.providers.deliveries import delivery, facts_of
from tracker.core.facts import TAGS
from tracker.core.sources import decide_source

META: dict[str, Any] = {
    "id": "5001", "created_time": "2026-03-01T10:00:00+0000", "campaign_name": "Spring",
    "field_data": [{"name": "email", "values": ["maya@example.com"]}],
}  # fmt: skip
GOOGLE: dict[str, Any] = {
    "lead_id": "L1", "campaign_id": 123, "lead_submit_time": "2026-03-01T10:00:00Z",
    "user_column_data": [{"column_id": "EMAIL", "string_value": "maya@example.com"}],
}  # fmt: skip
LINKEDIN: dict[str, Any] = {"id": "9", "submittedAt": 1772359200000, "leadType": "SPONSORED"}

ADS: dict[str, tuple[str, dict[str, Any], dict[str, str], str]] = {
    "Facebook": ("meta", META, {"utm_source": "facebook", "utm_medium": "paid_social",
                                "utm_campaign": "Spring"}, "Paid Social"),
    "Instagram": ("meta", {**META, "platform": "ig"},
                  {"utm_source": "instagram", "utm_medium": "paid_social", "utm_campaign": "Spring"},
                  "Paid Social"),
    "a post that nobody paid for": (
        "meta", {**META, "is_organic": True, "campaign_name": ""},
        {"utm_source": "facebook", "utm_medium": "social"}, "Organic Social"),
    "a hidden field that says more": (
        "meta", {**META, "field_data": [*META["field_data"], {"name": "utm_source", "values": ["partner"]}]},
        {"utm_source": "partner"}, ""),
    "Google without a click id": (
        "googleads", GOOGLE, {"utm_source": "google", "utm_medium": "cpc", "utm_campaign": "123"},
        "Paid Search"),
    "Google with its click id": ("googleads", {**GOOGLE, "gcl_id": "Cj0"}, {"gclid": "Cj0"}, "Paid Search"),
    "LinkedIn": ("linkedin", LINKEDIN, {"utm_source": "linkedin", "utm_medium": "paid_social"},
                 "Paid Social"),
    "LinkedIn's form on a page of the company": (
        "linkedin", {**LINKEDIN, "leadType": "COMPANY"},
        {"utm_source": "linkedin", "utm_medium": "social"}, "Organic Social"),
}  # fmt: skip


@pytest.mark.parametrize(("provider", "given", "tags", "channel"), ADS.values(), ids=ADS)
def test_a_lead_of_an_ad_came_by_that_ad(
    provider: str, given: dict[str, Any], tags: dict[str, str], channel: str
) -> None:
    """Nobody visited a page, so the ad is the source; parameters and click ids come first."""
    (fact,) = facts_of(provider, delivery(given))
    assert {name: fact[name] for name in TAGS if name in fact} == tags
    if channel:
        assert decide_source(tuple(tags.items()), None, ()).channel == channel


def test_a_notice_of_ids_alone_leaves_the_network_to_the_lead_that_is_fetched() -> None:
    """Meta's notice says neither the network nor who it is."""
    change = {"field": "leadgen", "value": {"leadgen_id": "5001", "created_time": 1772359200}}
    (fact,) = facts_of("meta", delivery({"object": "page", "entry": [{"id": "1", "changes": [change]}]}))
    assert not fact.keys() & set(TAGS)
