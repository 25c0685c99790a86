"""HubSpot forms: submissions, and contacts that a workflow posts with the forms they filled in.

A submission has `conversionId`, `submittedAt` in ms, `values` and `pageUrl`; it may come alone, in a list, or
as `results` of the API. A workflow posts the contact, in the older shape with `form-submissions`, each of
which is a lead of its own time; in the newer shape with properties alone, whose recent conversion is the lead.

Source: https://developers.hubspot.com/docs/api-reference/legacy/marketing/forms/v1/get-form-integrations-v1-submissions-forms-form_guid
Source: https://legacydocs.hubspot.com/docs/methods/contacts/get_contact (the contact's older shape)
Unconfirmed: the newer shape of a workflow's post is the operator's choice of properties; it is read by name.
"""  # noqa: E501

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tracker.errors import BadRequest
from tracker.providers.adapter import Adapter, Delivery, Facts
from tracker.providers.answers import Answer, Kind
from tracker.providers.guess import form_lead
from tracker.providers.hubspot_signing import demand_hubspot
from tracker.providers.reading import dig, first, first_text, instant, mapping, objects, text

_KINDS: Mapping[str, Kind] = {
    "email": "email", "phone": "phone", "mobilephone": "phone", "firstname": "first_name",
    "lastname": "last_name", "company": "company", "message": "message", "website": "url",
}  # fmt: skip
_OF_OTHERS: Mapping[str, Kind] = {
    "company name": "company", "company phone": "phone", "ticket content": "message",
}  # fmt: skip
_OBJECTS = {"0-1": "contact", "0-2": "company", "0-3": "deal", "0-5": "ticket"}
_PROPERTY = re.compile(r"(?:(contact|company|deal|ticket|\d+-\d+)[./])?(.+)", re.IGNORECASE | re.DOTALL)
_LISTS = ("results", "submissions", "form-submissions", "formSubmissions")
_OWN = (
    "hs_", "hubspot_", "notes_", "num_", "ip_", "first_conversion", "recent_conversion", "createdate",
    "lastmodifieddate", "lifecyclestage", "associatedcompany", "first_deal", "recent_deal", "currentlyin",
)  # fmt: skip
_TIMES = ("recent_conversion_date", "hs_latest_form_submission_date", "createdate", "hs_createdate")


def _parse(delivery: Delivery) -> Facts:
    found = False
    for document in _each(delivery.document):
        found = True
        properties = document.get("properties")
        yield from _of_contact(document) if isinstance(properties, Mapping) else [_of_submission(document)]
    if not found:
        raise BadRequest("bad_body", "there is neither a submission nor a contact in this body")


def _each(document: Any) -> Iterator[Mapping[str, Any]]:
    for outer in objects(document):
        inner = next((outer[name] for name in ("submission", "data", "object") if name in outer), None)
        inner = inner if isinstance(inner, Mapping) else outer
        if isinstance(inner.get("properties"), Mapping):
            yield inner
        elif listed := next((inner[name] for name in _LISTS if name in inner), None):
            yield from objects(listed)
        elif inner:
            yield inner


def _of_submission(told: Mapping[str, Any]) -> dict[str, Any]:
    """Read a submission, or what was posted to HubSpot's own address for them."""
    at = instant(first(told, "submittedAt", "submitted_at", "timestamp"))
    key = first_text(told, "conversionId", "conversion-id", "submissionId", "correlationId", "id")
    page = first_text(told, "pageUrl", "page-url", "context.pageUri", "page_url")
    email = first_text(told, "email")
    return form_lead(
        _values(told),
        provider_id=key or f"{email or first_text(told, 'context.hutk') or 'form'}:{at or page}",
        at=at,
        version_at=at,
        page_url=page,
    )


def _values(told: Mapping[str, Any]) -> Iterator[Answer]:
    for name in ("values", "fields"):
        if isinstance(told.get(name), Mapping):
            yield from (_answer(key, value) for key, value in told[name].items())
        for each in objects(told.get(name)):
            if "name" in each:
                yield _answer(each["name"], each.get("value"), each.get("label"), each.get("objectTypeId"))
    for name, path in (("hutk", "context.hutk"), ("page title", "pageTitle"), ("form", "formTitle")):
        yield Answer(name, first_text(told, path), "choice")


def _answer(name: Any, value: Any, label: Any = None, of: Any = None) -> Answer:
    """Read one property: of a contact unless its type or its name says of what, as `0-2/name` does."""
    match = _PROPERTY.fullmatch(str(name))
    said, bare = (match[1], match[2]) if match else (None, str(name))
    thing = (said or text(of) or "contact").lower()
    thing = _OBJECTS.get(thing, thing)
    if thing == "contact":
        return Answer(text(label) or bare, value, _KINDS.get(bare.lower(), ""), bare)
    named = f"{thing} {bare}"
    return Answer(text(label) or named, value, _OF_OTHERS.get(named.lower(), "choice"))


def _of_contact(told: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Read a contact: a lead of each form it filled in, else of its recent conversion."""
    properties = {str(name): _value(value) for name, value in mapping(told["properties"]).items()}
    properties["email"] = properties.get("email") or _identity(told)
    number = first_text(told, "vid", "canonical-vid", "objectId", "id") or text(
        properties.get("hs_object_id")
    )
    submissions = list(objects(first(told, "form-submissions", "formSubmissions")))
    for each in submissions:
        yield _conversion(properties, number, each)
    if not submissions:
        at = next((found for name in _TIMES if (found := instant(properties.get(name)))), None)
        at = at or instant(told.get("addedAt"))
        yield _conversion(properties, number, {"timestamp": at, "conversion-id": f"contact-{number}:{at}"})


def _identity(told: Mapping[str, Any]) -> str | None:
    """Find the address among the contact's identities, the primary one first."""
    found = [
        (each.get("is-primary") is not True, at, first_text(each, "value"))
        for profile in objects(told.get("identity-profiles"))
        for at, each in enumerate(objects(profile.get("identities")))
        if each.get("type") == "EMAIL"
    ]
    return min(found, key=lambda each: each[:2], default=(True, 0, None))[2]


def _conversion(properties: Mapping[str, Any], number: str | None, form: Mapping[str, Any]) -> dict[str, Any]:
    at = instant(first(form, "timestamp", "submittedAt"))
    key = first_text(form, "conversion-id", "conversionId") or f"contact-{number}:{at}"
    lead = form_lead(
        _of_properties(properties, form),
        provider_id=key,
        at=at,
        page_url=first_text(form, "page-url", "pageUrl"),
        landing_page=_web(properties.get("hs_analytics_first_url")),
        referrer=_web(properties.get("hs_analytics_first_referrer")),
        gclid=text(properties.get("hs_google_click_id")),
        fbclid=text(properties.get("hs_facebook_click_id")),
        crm_id=f"hubspot:{number}" if number else None,
    )
    changed_at = instant(properties.get("lastmodifieddate"))
    return {**lead, "version_at": max(filter(None, (at, changed_at)), default=None)}


def _of_properties(properties: Mapping[str, Any], form: Mapping[str, Any]) -> Iterator[Answer]:
    """Read what people filled in; HubSpot's own properties are left out."""
    yield Answer("form", first_text(form, "title", "form-title", "formTitle"), "choice")
    for name, value in properties.items():
        if not name.startswith(_OWN):
            yield _answer(name, value)


def _value(value: Any) -> Any:
    return dig(value, "value") if isinstance(value, Mapping) else value


def _web(value: Any) -> str | None:
    said = text(value)
    return said if said and said.startswith(("http://", "https://")) else None


ADAPTER = Adapter(
    name="hubspotforms",
    label="HubSpot forms",
    parse=_parse,
    verify=demand_hubspot,
    secret="the client secret of the app that signs the workflow's posts",
    steps=(
        "In HubSpot choose Automations, then Workflows, and create a contact-based workflow.",
        "Let contacts enrol when they submit the forms that matter, and allow them to enrol again.",
        "Add the action Send a webhook with the method POST and {url}.",
        "Choose to authenticate by a request signature, and give the app's client secret as --secret.",
        "Add a hidden field tl_visitor to the form, so that the submission finds its visitor.",
    ),
    verified="documented submissions and contacts; signature against HubSpot's public vector",
)
