"""Webflow: form submissions of both versions of its webhooks.

Version 2 has `triggerType` and `payload`; version 1 is the submission alone. A phone number may come as a
JSON number. Webhooks made in the dashboard are not signed; those made through the API are, over the time and
the raw body.

Source: https://developers.webflow.com/data/docs/working-with-webhooks
Source: https://developers.webflow.com/data/reference/webhooks/events/form-submission
Source: https://developers.webflow.com/data/v1.0.0/reference/form_submission
Unconfirmed: retries; the names of all field types.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tracker.errors import BadRequest
from tracker.providers.adapter import Adapter, Delivery, Facts
from tracker.providers.answers import Answer, Kind
from tracker.providers.guess import form_lead
from tracker.providers.reading import first_text, instant, mapping, objects
from tracker.providers.shapes import content_key, demand_object, unpacked
from tracker.providers.signing import demand_fresh, demand_header, demand_number, demand_same, hex_mac

_KINDS: tuple[tuple[str, Kind], ...] = (
    ("password", "secret"), ("email", "email"), ("phone", "phone"), ("tel", "phone"),
    ("textarea", "long_text"), ("select", "choice"), ("radio", "choice"), ("checkbox", "choice"),
    ("file", "file"), ("number", "number"),
)  # fmt: skip


def _verify(delivery: Delivery, secret: str) -> None:
    given = demand_header(delivery, "x-webflow-signature")
    sent = demand_header(delivery, "x-webflow-timestamp")
    demand_same(given.lower(), hex_mac(secret, sent.encode() + b":" + delivery.body))
    demand_fresh(demand_number(sent), delivery)


def _parse(delivery: Delivery) -> Facts:
    document = demand_object(delivery.document)
    if document.get("triggerType", "form_submission") != "form_submission":
        return
    told = demand_object(document, "payload")
    data = unpacked(told.get("data", told.get("formResponse")))
    if not isinstance(data, Mapping):
        raise BadRequest("bad_body", "there is no data of a form in this body")
    at = instant(first_text(told, "submittedAt", "dateSubmitted", "d"))
    yield form_lead(
        _answers(data, told),
        provider_id=first_text(told, "id", "_id") or content_key(delivery),
        at=at,
        version_at=at,
        page_url=first_text(told, "pageUrl"),
        form=first_text(told, "name"),
    )


def _answers(data: Mapping[str, Any], told: Mapping[str, Any]) -> Iterator[Answer]:
    kinds = {str(each.get("fieldName")): _kind(each.get("fieldType")) for each in objects(told.get("schema"))}
    for name, value in data.items():
        value = mapping(value).get("value", value)
        yield Answer(str(name), value, kinds.get(str(name), ""))


def _kind(said: Any) -> Kind:
    word = str(said or "").lower()
    return next((kind for part, kind in _KINDS if part in word), "text" if word else "")


ADAPTER = Adapter(
    name="webflow",
    label="Webflow",
    parse=_parse,
    verify=_verify,
    secret="the webhook's secret key, for webhooks made through the API; those of the dashboard are unsigned "
    "and have none",
    steps=(
        "In Webflow open the site's settings, then Apps & Integrations, and add a webhook there.",
        "Choose the trigger Form submission, API version V2, and enter {url}.",
        "A webhook made there is not signed: set no secret, the address alone proves it. For a signature "
        "make the webhook through Webflow's API and give its secret key as --secret.",
        "Add a hidden field tl_visitor in an embed inside the form, so that it finds its visitor.",
    ),
    verified="documented payloads of versions 1 and 2; documented signature",
)
