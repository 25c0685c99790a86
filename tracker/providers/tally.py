"""Tally: a response with its fields; choices come as ids and are resolved to their texts.

A field of checkboxes comes twice, as a list of ids and as one truth for each option: the list counts.

Source: https://tally.so/help/webhooks
Source: https://developers.tally.so/api-reference/endpoint/webhooks/post
Unconfirmed: that a retried event keeps its `eventId`; `responseId` names the lead in any case.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tracker.errors import BadRequest
from tracker.providers.adapter import Adapter, Delivery, Facts
from tracker.providers.answers import Answer, Kind
from tracker.providers.guess import form_lead
from tracker.providers.reading import dig, first_text, instant, objects, text
from tracker.providers.shapes import content_key, demand_object
from tracker.providers.signing import base64_mac, demand_header, demand_same

_KINDS: Mapping[str, Kind] = {
    "INPUT_EMAIL": "email", "INPUT_PHONE_NUMBER": "phone", "INPUT_TEXT": "text", "TEXTAREA": "long_text",
    "INPUT_LINK": "url", "INPUT_NUMBER": "number", "INPUT_DATE": "date", "INPUT_TIME": "date",
    "HIDDEN_FIELDS": "hidden", "MULTIPLE_CHOICE": "choice", "CHECKBOXES": "choice", "DROPDOWN": "choice",
    "MULTI_SELECT": "choice", "RANKING": "choice", "MATRIX": "choice", "RATING": "number",
    "LINEAR_SCALE": "number", "FILE_UPLOAD": "file", "SIGNATURE": "file", "PAYMENT": "choice",
    "CALCULATED_FIELDS": "choice", "RESPONDENT_COUNTRY": "choice", "WALLET_CONNECT": "choice",
}  # fmt: skip


def _verify(delivery: Delivery, secret: str) -> None:
    demand_same(demand_header(delivery, "tally-signature"), base64_mac(secret, delivery.body))


def _parse(delivery: Delivery) -> Facts:
    document = demand_object(delivery.document)
    if str(document.get("eventType", "FORM_RESPONSE")) != "FORM_RESPONSE":
        return
    response = demand_object(document, "data")
    if not isinstance(response.get("fields"), list):
        raise BadRequest("bad_body", "there is no response with fields in this body")
    key = first_text(response, "responseId", "submissionId") or first_text(document, "eventId")
    at = instant(response.get("createdAt")) or instant(document.get("createdAt"))
    form = first_text(response, "formName")
    key = key or content_key(delivery)
    yield form_lead(_answers(response), provider_id=key, at=at, version_at=at, form=form)


def _answers(response: Mapping[str, Any]) -> Iterator[Answer]:
    for field in objects(response["fields"]):
        kind = _KINDS.get(str(field.get("type")).upper(), "")
        if kind == "choice" and isinstance(field.get("value"), bool):
            continue
        label = first_text(field, "label", "key") or "answer"
        yield Answer(" ".join(label.split()), _value(field), kind)


def _value(field: Mapping[str, Any]) -> Any:
    """Resolve ids to texts, files to addresses; the rows of a matrix one beside the other."""
    value = field.get("value")
    names = {
        str(option.get("id")): text(option.get("text") or option.get("name") or option.get("label"))
        for name in ("options", "columns")
        for option in objects(field.get(name))
    }
    if isinstance(value, Mapping):
        rows = {str(row.get("id")): text(row.get("text")) or "" for row in objects(field.get("rows"))}
        return [f"{rows.get(str(row), row)}: {_picked(each, names)}" for row, each in value.items()]
    return _picked(value, names) if names or isinstance(value, list) else value


def _picked(value: Any, names: Mapping[str, str | None]) -> Any:
    if isinstance(value, list):
        return ", ".join(said for each in value if (said := text(_picked(each, names))))
    if isinstance(value, Mapping):
        return dig(value, "url") or text(value.get("text")) or text(value.get("name"))
    return names.get(str(value)) or value


ADAPTER = Adapter(
    name="tally",
    label="Tally",
    parse=_parse,
    verify=_verify,
    secret="the signing secret that you set for the webhook; may be left out",
    steps=(
        "Open the form in Tally, publish it, choose Integrations, then Connect to Webhooks.",
        "Enter {url} as the endpoint.",
        "Add a signing secret there, and give the same one as --secret.",
        "Add a hidden field tl_visitor to the form and pass it in the form's address, so that the response "
        "finds its visitor.",
    ),
    verified="documented events of 2021 to 2025 with all field types; documented signature",
)
