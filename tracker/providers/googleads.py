"""Google Ads lead forms: answers by column, a key in the body, test leads that are none.

Google asks for `{}` with 200, and `{"message": ...}` with 4xx (given up) or 5xx (tried again).

Source: https://developers.google.com/google-ads/webhook/docs/implementation
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tracker.providers.adapter import OK, Adapter, Delivery, Facts, Reply
from tracker.providers.guess import of_ad
from tracker.providers.reading import (
    first_text,
    full_name,
    instant,
    objects,
    text,
    truth,
    visitor_token,
    without_blanks,
)
from tracker.providers.signing import demand_told, without
from tracker.providers.talk import plain

_COLUMNS = {
    "email": ("EMAIL", "WORK_EMAIL"),
    "phone": ("PHONE_NUMBER", "WORK_PHONE"),
    "name": ("FULL_NAME",),
    "first_name": ("FIRST_NAME",),
    "last_name": ("LAST_NAME",),
    "company": ("COMPANY_NAME",),
}
_NAMES = {
    "email": ("user email", "email", "work email"),
    "phone": ("user phone", "phone number", "phone", "work phone"),
    "name": ("full name", "name"),
    "first_name": ("first name",),
    "last_name": ("last name",),
    "company": ("company name", "company"),
}
_ABOUT = (
    "form_id", "campaign_id", "adgroup_id", "creative_id", "asset_group_id", "lead_stage", "lead_source",
)  # fmt: skip

_OWN = frozenset({
    *_ABOUT, "lead_id", "api_version", "google_key", "gcl_id", "gclid", "is_test", "lead_submit_time",
    "user_column_data",
})  # fmt: skip


def _parse(delivery: Delivery) -> Facts:
    for told in objects(delivery.document):
        if ("lead_id" in told or "user_column_data" in told) and not truth(told.get("is_test")):
            yield _lead(told)


def _lead(told: Mapping[str, Any]) -> dict[str, Any]:
    columns = list(objects(told.get("user_column_data"))) or _flat(told)
    found = {field: _column(columns, field) for field in _COLUMNS}
    sent_at = instant(told.get("lead_submit_time"))
    lead = {
        "fact": "lead", "kind": "form", "provider_id": text(told.get("lead_id")),
        "at": sent_at, "version_at": sent_at,
        "email": found["email"], "phone": found["phone"],
        "name": found["name"] or full_name(found["first_name"], found["last_name"]),
        "company": found["company"],
        "visitor_id": visitor_token(columns),
        "gclid": first_text(told, "gcl_id", "gclid"),
        "fields": {**_answers(columns), **without_blanks({name: text(told.get(name)) for name in _ABOUT})},
    }  # fmt: skip
    return of_ad(lead, "google", "cpc", text(told.get("campaign_id")))


def _flat(told: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Read a lead as relays pass it on, each column by its name beside the ids."""
    return [{"column_name": name, "string_value": said} for name, said in told.items() if name not in _OWN]


def _column(columns: list[Mapping[str, Any]], field: str) -> str | None:
    """Find a column by its id, in the order of preference; by its name where there is no id."""
    for column_id in _COLUMNS[field]:
        for column in columns:
            if (text(column.get("column_id")) or "").upper() == column_id and (value := _value(column)):
                return value
    bare = [column for column in columns if text(column.get("column_id")) is None]
    named = (_value(each) for each in bare if _column_name(each) in _NAMES[field])
    return next((value for value in named if value), None)


def _column_name(column: Mapping[str, Any]) -> str:
    return (text(column.get("column_name")) or "").lower().replace("_", " ")


def _value(column: Mapping[str, Any]) -> str | None:
    return plain(first_text(column, "string_value", "value", "column_value.string_value"))


def _answers(columns: list[Mapping[str, Any]]) -> dict[str, Any]:
    return without_blanks({
        first_text(column, "column_name", "column_id") or f"column {number}": _value(column)
        for number, column in enumerate(columns, 1)
    })  # fmt: skip


def _verify(delivery: Delivery, secret: str) -> None:
    demand_told(delivery, secret, "google_key")


def _refused(status: int, message: str) -> Reply:
    return Reply(status, json.dumps({"message": message}).encode())


def _hush(delivery: Delivery) -> bytes:
    return without(delivery, "google_key")


ADAPTER = Adapter(
    name="googleads",
    label="Google Ads lead forms",
    parse=_parse,
    verify=_verify,
    accepted=OK,
    refused=_refused,
    hush=_hush,
    secret="the key that you enter beside the webhook's address",
    steps=(
        "In Google Ads open the campaign's lead form asset, then Lead delivery option, Webhook integration.",
        "Enter {url} as Webhook URL and a key of your choice as Key, and give that key as --secret.",
        "Choose Send test data: the test is accepted, and makes no lead.",
    ),
    verified="documented schema and answers",
)
