"""Typeform: a completed response is a form lead; a partial one and a test request are none.

The signature is over the raw body. `hidden` carries our token and the campaign. Variables are results of
the form's own logic, not what a visitor said, so nothing is guessed from them.

Source: https://www.typeform.com/developers/webhooks/example-payload/
Source: https://www.typeform.com/developers/webhooks/secure-your-webhooks/
Source: https://www.typeform.com/developers/responses/JSON-response-explanation/
Unconfirmed: that parts of a contact block come as answers of their own, named by `properties.fields`; that
test requests always answer `Lorem ipsum dolor` and `an_account@example.com`; retries over about 24 hours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tracker.errors import BadRequest
from tracker.providers.adapter import Adapter, Delivery, Facts
from tracker.providers.answers import Answer, Kind
from tracker.providers.guess import form_lead
from tracker.providers.reading import dig, first_text, instant, mapping, objects
from tracker.providers.shapes import content_key, demand_object
from tracker.providers.signing import base64_mac, demand_header, demand_same

_TEST_EMAIL = "an_account@example.com"
_TEST_TEXT = "Lorem ipsum dolor"
_RECALL = re.compile(r"\{\{.*?\}\}")

_KINDS: Mapping[str, Kind] = {
    "email": "email", "phone_number": "phone", "first_name": "first_name", "last_name": "last_name",
    "company": "company", "short_text": "text", "text": "text", "long_text": "long_text",
    "legal": "consent", "website": "url", "url": "url", "date": "date", "file_upload": "file",
    "file_url": "file", "number": "number", "rating": "number", "opinion_scale": "number", "nps": "number",
    "payment": "choice", "multiple_choice": "choice", "picture_choice": "choice", "dropdown": "choice",
    "yes_no": "choice", "boolean": "choice", "choice": "choice", "choices": "choice", "ranking": "choice",
    "matrix": "choice", "calendly": "url", "address": "address",
}  # fmt: skip
_VALUES = (
    "text", "email", "phone_number", "number", "boolean", "date", "choice", "choices", "url", "file_url",
    "payment", "multi_format", "contact_info", "address", "value",
)  # fmt: skip


def _verify(delivery: Delivery, secret: str) -> None:
    given = demand_header(delivery, "typeform-signature")
    demand_same(given, f"sha256={base64_mac(secret, delivery.body)}")


def _parse(delivery: Delivery) -> Facts:
    document = demand_object(delivery.document)
    response = demand_object(document, "form_response")
    if "answers" not in response and "token" not in response and "hidden" not in response:
        raise BadRequest("bad_body", "there is no form_response in this body")
    if document.get("event_type", "form_response") != "form_response" or _is_unfinished(response):
        return
    if _is_test(response):
        return
    at = instant(response.get("submitted_at"))
    key = first_text(response, "token", "response_id") or first_text(document, "event_id")
    form = first_text(response, "definition.title", "form_id")
    key = key or content_key(delivery)
    yield form_lead(_answers(response), provider_id=key, at=at, version_at=at, form=form)


def _is_unfinished(response: Mapping[str, Any]) -> bool:
    kind = first_text(response, "response_type")
    is_sent = not str(response.get("submitted_at") or "1").startswith("0001-")
    return kind in ("partial", "started") or not is_sent


def _is_test(response: Mapping[str, Any]) -> bool:
    """Tell a request of the `Send test request` button: real questions with made-up answers."""
    answers = list(objects(response.get("answers")))
    emails = [each["email"] for each in answers if isinstance(each.get("email"), str)]
    texts = [each["text"] for each in answers if isinstance(each.get("text"), str)]
    return bool(emails or texts) and set(emails) <= {_TEST_EMAIL} and set(texts) <= {_TEST_TEXT}


def _answers(response: Mapping[str, Any]) -> Iterator[Answer]:
    questions = dict(_questions(dig(response, "definition.fields")))
    for answer in objects(response.get("answers")):
        field = mapping(answer.get("field"))
        ids = [str(field.get(name)) for name in ("id", "ref") if field.get(name)]
        question = next((questions[each] for each in ids if each in questions), {})
        yield from _read(answer, {**question, **field})
    for name, value in mapping(response.get("hidden")).items():
        yield Answer(str(name), value, "hidden", str(name))
    for variable in objects(response.get("variables")):
        value = next((variable[each] for each in _VALUES if each in variable), None)
        yield Answer(first_text(variable, "key") or "variable", value, "choice")
    if not response.get("variables") and dig(response, "calculated.score") is not None:
        yield Answer("score", dig(response, "calculated.score"), "number")


def _questions(fields: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """List the form's questions under their id and ref, those inside groups and blocks too."""
    for field in objects(fields):
        for name in ("id", "ref"):
            if field.get(name):
                yield str(field[name]), field
        yield from _questions(dig(field, "properties.fields"))


def _read(answer: Mapping[str, Any], question: Mapping[str, Any]) -> Iterator[Answer]:
    """Read one answer; a block that comes whole gives one of each part."""
    kind = str(answer.get("type") or "")
    value = answer.get(kind, next((answer[name] for name in _VALUES if name in answer), None))
    label = _RECALL.sub("", first_text(question, "title", "ref", "id") or "answer").replace("*", "").strip()
    if kind == "contact_info" and isinstance(value, Mapping):
        for name, part in value.items():
            yield Answer(str(name), part, _KINDS.get(str(name), "text"))
        return
    words = [str(question.get("subfield_key")), str(question.get("type")), kind]
    found = next((_KINDS[each] for each in words if each in _KINDS), _KINDS["text"])
    yield Answer(label, _value(value), found, first_text(question, "ref", "id") or "")


def _value(value: Any) -> Any:
    """Take the texts out of choices, the amount out of a payment."""
    if not isinstance(value, Mapping):
        return value
    labels = value.get("labels") if isinstance(value.get("labels"), list) else []
    picked = [*(labels or []), value.get("label"), value.get("other"), value.get("amount")]
    return picked if any(picked) else [each for each in value.values() if isinstance(each, str)]


ADAPTER = Adapter(
    name="typeform",
    label="Typeform",
    parse=_parse,
    verify=_verify,
    secret="the webhook's secret, which you choose and enter at Typeform",
    steps=(
        "Open the form in Typeform, choose Connect, then Webhooks, then Add a webhook.",
        "Enter {url} as the endpoint and switch the webhook on.",
        "Under Edit, enter the same secret as here.",
        "Add the hidden field tl_visitor to the form and fill it from the page, so that the response finds "
        "its visitor.",
    ),
    verified="documented payload and signature; all documented answer types",
)
