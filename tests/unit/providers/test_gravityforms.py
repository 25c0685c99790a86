"""Gravity Forms: entries whole, labelled, mapped and form-encoded, and the header that may prove them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.providers.deliveries import delivery, facts_of, form, merged_lead
from tests.unit.providers.recorded import changed, recorded
from tracker.providers.adapter import Delivery, Unproved
from tracker.providers.gravityforms import ADAPTER


def test_an_entry_is_a_lead() -> None:
    """Parts 3 and 6 are a name, `date_created` is UTC whatever the site's zone, the page brings its tags."""
    (fact,) = facts_of("gravityforms", recorded("gravityforms_entry", zone="Europe/Berlin"))
    told = {
        "kind": "form", "provider_id": "4:512", "at": "2026-03-01T09:58:20.000Z", "name": "Maya Okafor",
        "email": "maya@okaforstudio.net", "phone": "(0113) 496-0123", "gclid": "EAIaIQ",
        "utm_source": "google", "utm_medium": "cpc",
    }  # fmt: skip
    assert {key: fact.get(key) for key in told} == told
    assert fact["page_url"].startswith("https://shop.example.net/quote/")
    assert fact.keys().isdisjoint({"value", "currency", "company"})


def test_all_answers_of_an_entry_are_kept() -> None:
    """Without labels an answer stands under its field's number; the entry's own properties are no answers."""
    (fact,) = facts_of("gravityforms", recorded("gravityforms_entry"))
    assert fact["fields"] == {
        "Name": "Maya Okafor", "field 2": "maya@okaforstudio.net", "field 3": "(0113) 496-0123",
        "field 4.1": "12 Mill Lane", "field 4.3": "Leeds", "field 4.5": "LS1 1AA",
        "field 4.6": "United Kingdom", "field 5.2": "Tables", "field 5.3": "Desks",
        "field 6": "Forty chairs by May, please.", "field 7.1": "1",
        "field 7.2": "I agree that you keep my name.", "field 7.3": "9", "field 8": "v1.token.mac",
    }  # fmt: skip


def test_an_entry_with_its_form_is_read_by_labels_and_types() -> None:
    """The form says what each field is; what was paid is the lead's value."""
    (fact,) = facts_of("gravityforms", recorded("gravityforms_labelled"))
    told = {
        "provider_id": "4:513", "name": "Maya Okafor", "email": "maya@okaforstudio.net",
        "phone": "0113 496 0123", "visitor_id": "v1.token.mac", "company": "Okafor Studio",
        "value": "120.50", "currency": "GBP",
    }  # fmt: skip
    assert {key: fact.get(key) for key in told} == told
    assert fact["fields"]["Mail"] == "maya@okaforstudio.net"


MAYA = {"email": "maya@okaforstudio.net", "name": "Maya Okafor", "phone": "0113 496 0123"}
MAIL, TEL = MAYA["email"], MAYA["phone"]
SHAPES: dict[str, Delivery] = {
    "fields that the feed names": delivery(
        {"first_name": "Maya", "last_name": "Okafor", "Email": MAIL, "phone": TEL}
    ),
    "labels with parts": delivery({"Name (First)": "Maya", "Name (Last)": "Okafor", "Email": MAIL, "id": 9}),
    "form encoding": form({"id": "9", "form_id": "1", "1.3": "Maya", "1.6": "Okafor", "2": MAIL, "3": TEL}),
    "names of inputs": form({"input_1.3": "Maya", "input_1.6": "Okafor", "input_2": MAIL, "input_5": TEL}),
    "labels of the REST API": delivery(
        {"id": "9", "7": "Maya Okafor", "2": MAIL, "_labels": {"7": "Full name", "2": "Email"}}
    ),
    "an entry under data": delivery(
        {"data": {"id": 9, "form_id": 1, "1.3": "Maya", "1.6": "Okafor", "2": MAIL}}
    ),
}


@pytest.mark.parametrize("given", SHAPES.values(), ids=SHAPES)
def test_an_entry_is_read_in_any_shape(given: Delivery) -> None:
    """The add-on posts what the operator chose, under names of the operator's own."""
    (fact,) = facts_of("gravityforms", given)
    assert (fact["email"], fact["name"]) == (MAYA["email"], MAYA["name"])


ADDRESSES: dict[str, dict[str, Any]] = {
    "an address": {"4.1": "1 Mill Lane", "4.3": "Leeds", "4.5": "LS1", "4.6": "UK"},
    "choices": {"4.1": "", "4.2": "Tables", "4.3": "Desks"},
    "a consent": {"4.1": "1", "4.2": "I agree", "4.3": "9"},
}


@pytest.mark.parametrize("fields", ADDRESSES.values(), ids=ADDRESSES)
def test_other_groups_of_parts_are_no_name(fields: dict[str, Any]) -> None:
    """City and country, the second and third choice, a consent's revision are nobody's name."""
    (fact,) = facts_of("gravityforms", delivery({"id": 1, "form_id": 2, **fields}))
    assert "name" not in fact


def test_a_later_version_fills_and_never_blanks() -> None:
    """An entry that was changed comes again under its id."""
    later = changed("gravityforms_entry", **{"date_updated": "2026-03-02 08:00:00", "2": "", "9": "late"})
    for order in ((recorded("gravityforms_entry"), later), (later, recorded("gravityforms_entry"))):
        lead = merged_lead("gravityforms", *order)
        assert (lead["email"], lead["fields"]["field 9"]) == (MAYA["email"], "late")


def test_an_entry_without_an_id_is_named_by_content_and_day() -> None:
    """A retry is a repeat; the same words on another day are another lead."""
    body = {"Email": MAYA["email"]}
    keys = [
        facts_of("gravityforms", delivery(body, received_at=at))[0]["provider_id"]
        for at in ("2026-03-01T10:00:00.000Z", "2026-03-01T23:00:00.000Z", "2026-03-02T10:00:00.000Z")
    ]
    assert keys[0] == keys[1] != keys[2]


def test_spam_makes_no_lead() -> None:
    """What Gravity Forms itself calls spam or has thrown away is left."""
    assert facts_of("gravityforms", changed("gravityforms_entry", status="spam")) == []


def test_a_header_of_the_operators_own_proves_the_sender() -> None:
    """Gravity Forms signs nothing; a secret that is set must be sent."""
    assert ADAPTER.verify is not None
    body = json.dumps({"id": 1})
    ADAPTER.verify(delivery(body, {"X-Touchline-Secret": "spoon"}), "spoon")
    for headers in ({}, {"X-Touchline-Secret": ""}, {"X-Touchline-Secret": "fork"}):
        with pytest.raises(Unproved):
            ADAPTER.verify(delivery(body, headers), "spoon")
