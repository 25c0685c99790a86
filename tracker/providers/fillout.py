"""Fillout: a submission with its questions, the parameters of its address, and what was scheduled or paid.

Source: https://www.fillout.com/help/webhook
Source: https://www.fillout.com/help/api-reference/get-submission-by-id
Unconfirmed: retries. Fillout signs nothing; a header of the operator's own (`X-Touchline-Secret`) is compared
when a secret is set.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tracker.errors import BadRequest
from tracker.providers.adapter import Adapter, Delivery, Facts
from tracker.providers.answers import Answer, Kind
from tracker.providers.guess import form_lead
from tracker.providers.proofs import demand_shared_secret
from tracker.providers.reading import dig, first_text, instant, mapping, objects
from tracker.providers.shapes import content_key, demand_object

_KINDS: Mapping[str, Kind] = {
    "EmailInput": "email", "PhoneNumber": "phone", "ShortAnswer": "text", "LongAnswer": "long_text",
    "URLInput": "url", "NumberInput": "number", "CurrencyInput": "number", "OpinionScale": "number",
    "Slider": "number", "StarRating": "number", "DatePicker": "date", "DateRange": "date",
    "DateTimePicker": "date", "TimePicker": "date", "Address": "address", "LocationCoordinates": "address",
    "FileUpload": "file", "ImagePicker": "choice", "Signature": "file", "AudioRecording": "file",
    "Checkbox": "choice", "Checkboxes": "choice", "Dropdown": "choice", "MultiSelect": "choice",
    "MultipleChoice": "choice", "Matrix": "choice", "Ranking": "choice", "RecordPicker": "choice",
    "Switch": "choice", "ColorPicker": "choice", "Captcha": "secret", "Password": "secret",
    "Payment": "choice", "Calcom": "url", "Calendly": "url",
}  # fmt: skip


def _parse(delivery: Delivery) -> Facts:
    document = demand_object(delivery.document)
    told = demand_object(document, "submission", "data", "payload")
    if not isinstance(told.get("questions"), list):
        raise BadRequest("bad_body", "there is no submission with questions in this body")
    at = instant(told.get("submissionTime"))
    lead = form_lead(
        _answers(told),
        provider_id=first_text(told, "submissionId", "id") or content_key(delivery),
        at=at,
        version_at=instant(told.get("lastUpdatedAt")) or at,
        form=first_text(document, "formName", "formId"),
    )
    yield {"name": first_text(told, "scheduling.0.value.fullName"), **lead}


def _answers(told: Mapping[str, Any]) -> Iterator[Answer]:
    """Read questions first, so that what was asked outright comes before a log-in or a booking."""
    for question in objects(told.get("questions")):
        label = first_text(question, "name", "id") or "answer"
        yield Answer(label, _value(question.get("value")), _KINDS.get(str(question.get("type")), ""))
    yield Answer("login", dig(told, "login.email"), "email")
    for booked in objects(told.get("scheduling")):
        for name, value in mapping(booked.get("value")).items():
            yield Answer(f"booking {name}", value, "email" if name == "email" else "choice")
    for name, value in mapping(dig(told, "payments.0.value")).items():
        yield Answer(f"payment {name}", value, "email" if name == "email" else "choice")
    for parameter in objects(told.get("urlParameters")):
        name = first_text(parameter, "name", "id") or "parameter"
        yield Answer(name, parameter.get("value"), "hidden", first_text(parameter, "id") or "")
    for sum_of in objects(told.get("calculations")):
        yield Answer(first_text(sum_of, "name", "id") or "calculation", sum_of.get("value"), "choice")
    yield Answer("score", dig(told, "quiz.score"), "number")


def _value(value: Any) -> Any:
    """Take the addresses of files."""
    if isinstance(value, list):
        return [mapping(each).get("url", each) for each in value]
    return value


ADAPTER = Adapter(
    name="fillout",
    label="Fillout",
    parse=_parse,
    verify=demand_shared_secret,
    secret="a secret of your own that the webhook sends in the header X-Touchline-Secret; may be left out",
    steps=(
        "Open the form in Fillout, choose Integrate, then Webhook.",
        "Enter {url} as the Webhook URL and choose Finish setup.",
        "If you set a secret, switch to the advanced mode and add the header X-Touchline-Secret with it.",
        "Add a URL parameter tl_visitor to the form and pass it in the form's address, so that the "
        "submission finds its visitor.",
        "Publish the form.",
    ),
    verified="documented submissions with all question types; Fillout signs nothing",
)
