"""WhatConverts: what its leads become."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from tests.unit.providers.deliveries import facts_of, form, merged_lead
from tests.unit.providers.recorded import changed, recorded

TOLD: dict[str, tuple[str, dict[str, Any]]] = {
    "a call": (
        "whatconverts_call",
        {"kind": "call", "provider_id": "1188001", "at": "2026-03-01T10:00:00.000Z", "gclid": "Cj0test",
         "phone": "+441134960123", "tracking_number": "+442079460100", "duration_s": 194, "answered": True,
         "utm_source": "google", "utm_medium": "cpc", "utm_term": "dental implants", "status": None,
         "page_url": "https://harbour.example/prices"},
    ),
    "a call that still goes on": (
        "whatconverts_call_in_progress",
        {"kind": "call", "provider_id": "1188001", "answered": None, "phone": "+441134960123"},
    ),
    "a form": (
        "whatconverts_form",
        {"kind": "form", "email": "maya.okafor@harbourmail.net", "phone": "0113 496 0123",
         "visitor_id": "v1.token", "status": "disqualified", "msclkid": "m-1"},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("name", "fields"), TOLD.values(), ids=TOLD)
def test_a_lead_is_read(name: str, fields: dict[str, Any]) -> None:
    """Every kind of lead has its own kind here, with WhatConverts' words for its source."""
    (fact,) = facts_of("whatconverts", recorded(name))
    assert {key: fact.get(key) for key in fields} == fields


def test_an_update_fills_the_lead_whichever_comes_first() -> None:
    """A quote, a name and a transcript come later, under the same id."""
    began, new, update = (
        recorded(f"whatconverts_{each}") for each in ("call_in_progress", "call", "call_update")
    )
    for order in permutations((began, new, update)):
        lead = merged_lead("whatconverts", *order)
        assert (lead["status"], lead["value"], lead["name"]) == ("qualified", "1450.00", "Maya Okafor")
        assert lead["duration_s"] == 194


LENGTHS = {
    "in seconds": ("194", 194),
    "in minutes": ("3:14", 194),
    "in hours": ("1:02:03", 3723),
    "none": ("", None),
}


@pytest.mark.parametrize(("said", "length_s"), LENGTHS.values(), ids=LENGTHS)
def test_a_length_is_read_however_it_is_written(said: str, length_s: int | None) -> None:
    """Reports write a length in more than one way."""
    given = changed("whatconverts_call", call_duration=said, call_duration_seconds=None)
    (fact,) = facts_of("whatconverts", given)
    assert fact.get("duration_s") == length_s


def test_a_form_encoded_lead_says_the_same() -> None:
    """The webhook can be set to either."""
    (fact,) = facts_of("whatconverts", form({"lead_id": "7", "lead_type": "Phone Call", "spam": "true"}))
    assert (fact["kind"], fact["provider_id"], fact["status"]) == ("call", "7", "junk")
