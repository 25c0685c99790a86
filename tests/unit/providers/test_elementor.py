"""Elementor: with Advanced Data and without, form-encoded and JSON; named by content and day."""

from __future__ import annotations

import json

import pytest

from tests.unit.providers.deliveries import delivery, facts_of, form
from tests.unit.providers.recorded import recorded
from tracker.providers import load_adapter
from tracker.providers.adapter import Delivery

RECEIVED_AT = "2026-03-01T10:00:30.000Z"


def test_advanced_data_is_a_lead() -> None:
    """Fields have types and titles, meta the page; a consent's text is nobody's name or address."""
    (fact,) = facts_of("elementor", recorded("elementor_advanced"))
    told = {
        "kind": "form", "name": "Maya Okafor", "email": "maya@okaforstudio.net", "phone": "0113 496 0123",
        "message": "Forty chairs", "visitor_id": "v1.token.mac", "gclid": "EAIaIQ", "form": "Quote",
        "page_url": "https://shop.example.net/quote/?gclid=EAIaIQ", "at": RECEIVED_AT,
    }  # fmt: skip
    assert {key: fact.get(key) for key in told} == told
    assert fact["fields"]["field_9a"] == "0113 496 0123"


def test_flat_data_is_a_lead() -> None:
    """Labels and values side by side, the meta fields among them."""
    (fact,) = facts_of("elementor", recorded("elementor_flat"))
    told = {
        "name": "Maya Okafor", "email": "maya@okaforstudio.net", "phone": "+44 113 496 0123",
        "page_url": "https://shop.example.net/quote/", "at": RECEIVED_AT, "form": "Quote",
    }  # fmt: skip
    assert {key: fact.get(key) for key in told} == told
    assert fact["fields"].keys() == {"Name", "Email", "field_9a", "Message", "Page URL"}


FIELDS = {"email": {"id": "email", "type": "email", "title": "Mail", "value": "maya@okaforstudio.net"}}
SHAPES: dict[str, Delivery] = {
    "JSON": delivery({"form": {"id": "a"}, "fields": FIELDS, "meta": {"remote_ip": {"value": "1.1.1.1"}}}),
    "a list of fields": delivery({"fields": list(FIELDS.values())}),
    "fields as plain values": form({"fields[email]": "maya@okaforstudio.net", "form_id": "a"}),
    "JSON in a form's field": form({"fields": json.dumps(FIELDS)}),
    "German labels": form({"E-Mail": "maya@okaforstudio.net", "Datum": "1. März 2026", "Zeit": "10:00",
                           "Seiten-URL": "https://shop.example.net/", "Benutzer-Agent": "Mozilla"}),
}  # fmt: skip


@pytest.mark.parametrize("given", SHAPES.values(), ids=SHAPES)
def test_a_form_is_read_in_any_shape(given: Delivery) -> None:
    """Whatever WordPress or a plug-in makes of it."""
    (fact,) = facts_of("elementor", given)
    assert (fact["email"], fact["at"]) == ("maya@okaforstudio.net", RECEIVED_AT)


OLDER: dict[str, tuple[str, str, str]] = {
    "day first, as receipt shows": ("28/02/2026", "6:30 pm", "2026-02-28T17:30:00.000Z"),
    "month first": ("02/28/2026", "18:30", "2026-02-28T17:30:00.000Z"),
    "words": ("February 28, 2026", "6:30 pm", "2026-02-28T17:30:00.000Z"),
    "ISO": ("2026-02-28", "18:30", "2026-02-28T17:30:00.000Z"),
    "just now": ("2026-03-01", "10:55", RECEIVED_AT),
    "a language that is not read": ("28 février 2026", "18 h 30", RECEIVED_AT),
}


@pytest.mark.parametrize(("date", "time", "at"), OLDER.values(), ids=OLDER)
def test_the_sites_own_time_counts_where_it_is_an_older_one(date: str, time: str, at: str) -> None:
    """To the minute and in the site's zone and format; a post comes at once, so now means receipt."""
    given = form({"Email": "m@o.net", "Date": date, "Time": time}, zone="Europe/Berlin")
    assert facts_of("elementor", given)[0]["at"] == at


def test_a_form_is_named_by_content_and_day() -> None:
    """Equal bodies of one day are one lead; those of another day another."""
    keys = [
        facts_of("elementor", recorded("elementor_flat", received_at=at))[0]["provider_id"]
        for at in ("2026-03-01T10:00:30.000Z", "2026-03-01T22:00:00.000Z", "2026-03-02T00:00:00.000Z")
    ]
    assert keys[0] == keys[1] != keys[2]
    assert load_adapter("elementor").is_nameless
