"""Jotform: one multipart post a submission, with the answers as JSON in `rawRequest`.

`rawRequest` has a key `q<number>_<name>` for each question; names, phones and addresses come as parts. Where
it is missing, `pretty` has the same as text, `Label:answer, Label:answer`, read as well as it can be.
Jotform signs nothing and gives no time of submission but `submitDate` in newer forms.

Source: https://www.jotform.com/help/245-how-to-setup-a-webhook-with-jotform/
Source: https://api.jotform.com/docs/ (types and parts of answers)
Source: https://github.com/zulip/zulip/tree/main/zerver/webhooks/jotform/fixtures (captured requests)
Unconfirmed: retries; an edited submission comes again under the same id with `event` or `type` saying so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tracker.errors import BadRequest
from tracker.providers.adapter import Adapter, Delivery, Facts
from tracker.providers.answers import Answer, Kind
from tracker.providers.guess import form_lead
from tracker.providers.reading import first_text, instant, mapping, objects, text
from tracker.providers.shapes import content_key, demand_object, unpacked

_QUESTION = re.compile(r"q(\d+)_(.+)", re.DOTALL)
_PRETTY = re.compile(r"(?:^|, )([^:,][^:]{0,200}?)::?(?=\S|$)")
_OWN = frozenset({
    "slug", "jsExecutionTracker", "submitSource", "submitDate", "buildDate", "uploadServerUrl",
    "eventObserver", "event_id", "timeToSubmit", "temp_upload", "file_server", "preview", "path",
    "validatedNewRequiredFieldIDs", "newCardFormMobile", "enterprise_server", "formID", "submissionID",
    "simple_spc", "website", "embedUrl", "formOpenId_V5", "apikey", "action", "webhookURL", "username",
    "type", "customParams", "product", "formTitle", "customTitle", "event", "documentID", "teamID", "subject",
    "isSilent", "customBody", "rawRequest", "fromTable", "appID", "pretty", "unread", "parent", "ip", "id",
    "form_id", "created_at", "updated_at", "status", "new", "flag", "notes", "answers", "workflowStatus",
    "submissionDate", "limit-ip", "JWTContainer", "visitedPages", "preview_mode", "event-id", "eventID",
})  # fmt: skip
_KINDS: Mapping[str, Kind] = {
    "control_email": "email", "control_phone": "phone", "control_fullname": "name",
    "control_textbox": "text", "control_textarea": "long_text", "control_radio": "choice",
    "control_checkbox": "choice", "control_dropdown": "choice", "control_number": "number",
    "control_datetime": "date", "control_address": "address", "control_fileupload": "file",
    "control_hidden": "hidden", "control_widget": "text", "control_terms": "consent",
}  # fmt: skip


def _parse(delivery: Delivery) -> Facts:
    document = demand_object(delivery.document)
    raw = mapping(unpacked(document.get("rawRequest")))
    submission = demand_object(document, "content", "submission") if not raw else document
    key = first_text(submission, "submissionID", "submission_id", "submissionId", "id")
    key = key or first_text(raw, "submissionID", "event_id")
    at = instant(raw.get("submitDate")) or instant(submission.get("created_at"), delivery.zone)
    changed_at = instant(submission.get("updated_at"), delivery.zone)
    answers = list(_answers(submission, raw))
    if key is None and not answers:
        raise BadRequest("bad_body", "there is no submission in this body")
    yield form_lead(
        answers,
        provider_id=key or content_key(delivery),
        at=at,
        version_at=changed_at or at,
        page_url=first_text(raw, "embedUrl", "referer", "referrer"),
        form=first_text(document, "formTitle"),
    )


def _answers(submission: Mapping[str, Any], raw: Mapping[str, Any]) -> Iterator[Answer]:
    """Read the answers: of `rawRequest`, of the API's own shape, of fields beside, else of the text."""
    labels = _pretty(text(submission.get("pretty")) or "")
    beside = {key: value for key, value in submission.items() if _QUESTION.fullmatch(str(key))}
    found = [*_of_raw({**beside, **raw}, labels), *_of_api(submission.get("answers"))]
    yield from found or (Answer(label, value) for label, value in labels)


def _of_raw(raw: Mapping[str, Any], pretty: list[tuple[str, str]]) -> Iterator[Answer]:
    """Read keys such as `q3_fullName`; the question's label where the text has the same answer once."""
    for key, value in raw.items():
        match = _QUESTION.fullmatch(str(key))
        if match is None and key in _OWN:
            continue
        name = match[2] if match else str(key)
        plain = _plain(value)
        labels = [label for label, said in pretty if " ".join(said.split()) == plain] if plain else []
        yield Answer(labels[0] if len(labels) == 1 else name, unpacked(value), "", name)


def _plain(value: Any) -> str:
    """Spell an answer as `pretty` does: parts and choices side by side."""
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else [value]
    return " ".join(word for each in parts for word in (text(each) or "").split())


def _of_api(answers: Any) -> Iterator[Answer]:
    """Read answers as the API gives them: by question number, with name, text and type."""
    listed = answers.values() if isinstance(answers, Mapping) else answers
    for each in objects(list(listed) if listed is not None and not isinstance(listed, str) else []):
        label = first_text(each, "text", "label", "name") or "answer"
        kind = _KINDS.get(str(each.get("type")), "")
        yield Answer(label, each.get("answer"), kind, first_text(each, "name") or "")


def _pretty(said: str) -> list[tuple[str, str]]:
    """Cut `Label:answer, Label:answer` apart; commas and colons inside either may mislead it."""
    marks = list(_PRETTY.finditer(said))
    ends = [*(mark.start() for mark in marks[1:]), len(said)]
    return (
        [(mark[1].strip(), said[mark.end() : end].strip()) for mark, end in zip(marks, ends, strict=True)]
        if marks
        else []
    )


ADAPTER = Adapter(
    name="jotform",
    label="Jotform",
    parse=_parse,
    steps=(
        "Open the form in Jotform's Form Builder, choose Settings, then Integrations, then Webhooks.",
        "Enter {url} and choose Complete Integration.",
        "Add a hidden box with the unique name tl_visitor to the form, and fill it from the page's address.",
    ),
    verified="captured multipart requests of 2017 to 2026; Jotform signs nothing",
)
