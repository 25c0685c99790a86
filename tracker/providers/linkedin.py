"""LinkedIn lead gen: the notice of a lead, and responses of forms as the API gives them.

A notice holds ids alone; a response holds answers by the number of their question. Both name the response,
so that they are one lead. Where the form's questions come along they say what each answer is, else its look
does. Test leads make none.

Source: https://learn.microsoft.com/linkedin/marketing/lead-sync/leadsync
Source: https://learn.microsoft.com/linkedin/shared/api-guide/webhook-validation
Unconfirmed: whether the words `hmacsha256=` go before the signed body or before the signature: the manual
can be read both ways, and either needs the secret.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs

from tracker.providers.adapter import Adapter, Delivery, Facts, Reply, Unproved
from tracker.providers.answers import Answer, Kind
from tracker.providers.guess import form_lead, of_ad
from tracker.providers.reading import dig, first, first_text, instant, mapping, objects, text, truth
from tracker.providers.signing import demand_header, hex_mac, is_same

_KINDS: Mapping[str, Kind] = {
    "FIRST_NAME": "first_name", "LAST_NAME": "last_name", "FULL_NAME": "name", "EMAIL": "email",
    "WORK_EMAIL": "email", "PHONE_NUMBER": "phone", "WORK_PHONE_NUMBER": "phone", "PHONE": "phone",
    "COMPANY_NAME": "company", "COMPANY": "company",
}  # fmt: skip
_PLACES = (
    "answers",
    "formResponse.answers",
    "leadGenFormResponse.answers",
    "hiddenFields",
    "hiddenFieldResponses",
)
_IDS = {
    "campaign": ("leadMetadata.sponsoredLeadMetadata.campaign", "campaign"),
    "creative": (
        "associatedEntity.associatedCreative", "associatedEntity.sponsoredCreative",
        "associatedEntity.creative", "leadMetadata.sponsoredLeadMetadata.creative", "creative",
    ),
    "account": ("owner.sponsoredAccount", "owner.organization", "account"),
    "form": ("leadGenForm", "versionedLeadGenFormUrn", "form"),
    "lead_type": ("leadType",),
}  # fmt: skip
_PREFIX = "hmacsha256="


def _parse(delivery: Delivery) -> Facts:
    document = delivery.document
    for told in objects(first(document, "elements") if isinstance(document, Mapping) else document):
        yield from _lead(told)
    if isinstance(document, Mapping) and "elements" not in document:
        yield from _lead(document)


def _lead(told: Mapping[str, Any]) -> Facts:
    response = first(told, "leadGenFormResponse", "leadGenFormResponseUrn")
    lead_id = text(response) or first_text(told, "leadGenFormResponse.id", "id")
    if lead_id is None or truth(told.get("testLead")) or text(told.get("leadAction")) == "DELETED":
        return
    sent_at = instant(first(told, "submittedAt", "leadGenFormResponse.submittedAt", "occurredAt"))
    lead = form_lead(
        _answers(told), provider_id=lead_id.rpartition(":")[2] or lead_id, at=sent_at, version_at=sent_at
    )
    ids = {name: first_text(told, *paths) for name, paths in _IDS.items()}
    medium = "paid_social" if (ids["lead_type"] or "SPONSORED") == "SPONSORED" else "social"
    yield {
        **of_ad(lead, "linkedin", medium, ids["campaign"]),
        "fields": {**mapping(lead.get("fields")), **{key: each for key, each in ids.items() if each}},
    }


def _answers(told: Mapping[str, Any]) -> Iterator[Answer]:
    questions = {
        text(each.get("questionId")): each
        for place in ("form.content.questions", "form.questions", "questions", "form.content.hiddenFields")
        for each in objects(dig(told, place))
    }
    for place in _PLACES:
        for answer in objects(dig(told, place)):
            question = questions.get(text(answer.get("questionId")), {})
            yield _answer(answer, question)


def _answer(answer: Mapping[str, Any], question: Mapping[str, Any]) -> Answer:
    asked = {**question, **answer}
    field = first_text(asked, "predefinedField", "questionDetails.predefinedField", "fieldType") or ""
    name = first_text(asked, "name", "key") or ""
    label = first_text(asked, "question.localized", "question", "label", "questionText") or _localized(asked)
    kind = _KINDS.get(field.upper()) or _KINDS.get(name.upper()) or ""
    return Answer(label=label or name or field or text(answer.get("questionId")) or "", value=_said(answer),
                  kind=kind, name=name)  # fmt: skip


def _localized(asked: Mapping[str, Any]) -> str | None:
    localized = mapping(dig(asked, "question.localized"))
    return next((said for each in localized.values() if (said := text(each))), None)


def _said(answer: Mapping[str, Any]) -> Any:
    return first(
        answer, "answerDetails.textQuestionAnswer.answer", "answerDetails.multipleChoiceAnswer.options",
        "textQuestionAnswer.answer", "multipleChoiceAnswer.options", "answer", "value", "values",
    )  # fmt: skip


def _verify(delivery: Delivery, secret: str) -> None:
    given = demand_header(delivery, "x-li-signature").lower().removeprefix(_PREFIX)
    readings = (hex_mac(secret, _PREFIX.encode() + delivery.body), hex_mac(secret, delivery.body))
    if sum(is_same(given, each) for each in readings) == 0:
        raise Unproved("the signature does not fit the body and the secret")


def _greet(delivery: Delivery, secrets: tuple[str, ...]) -> Reply | None:
    """Answer LinkedIn's challenge with its code, signed by the client secret."""
    if delivery.method != "GET":
        return None
    asked = parse_qs(delivery.query, keep_blank_values=True, max_num_fields=50) if delivery.query else {}
    code = asked.get("challengeCode", [""])[0]
    if not code:
        return None
    if not secrets:
        raise Unproved("LinkedIn's challenge needs the app's client secret (--secret)")
    said = {"challengeCode": code, "challengeResponse": hex_mac(secrets[0], code.encode("utf-8", "replace"))}
    return Reply(200, json.dumps(said).encode())


ADAPTER = Adapter(
    name="linkedin",
    label="LinkedIn lead gen forms",
    parse=_parse,
    verify=_verify,
    greet=_greet,
    secret="the app's client secret, in LinkedIn's Developer Portal under Auth",
    steps=(
        "In LinkedIn's Developer Portal open your app (Lead Sync API), Webhooks, Create; enter {url}.",
        "Give the app's client secret as --secret before that: LinkedIn tries the address at once.",
        "Subscribe your account to it: POST https://api.linkedin.com/rest/leadNotifications with webhook"
        " {url}, owner (your sponsoredAccount or organization, as a URN) and leadType (SPONSORED for ads).",
        "LinkedIn's notice holds ids alone: have a relay that may read leads post the response, with its"
        " answers, to a second source of linkedin.",
    ),
    verified="documented notices, responses, challenge and signature",
)
