"""CallRail: calls, call modifications, text messages, form submissions.

A call's events carry no time of their own. Those before and at its end count by the call's end as they
know it, "call modified" by its receipt, since it comes after the end and is never sent again. The body's
`timestamp` is the call's start, so it limits no replay. A call has two ids, a number in older webhooks
and `CAL…` as `resource_id` and in links: `CAL…` counts wherever it can be found.

Source: https://apidocs.callrail.com/#webhooks (events, fields, signature)
Source: https://support.callrail.com/hc/en-us/articles/5711246459149-Webhooks (what each event has)
Unconfirmed: a body in form encoding is told of by users only; the shape of `integration_data` and
`custom` beyond their being lists or objects; that `value` is in the company's currency.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tracker.core.ids import digest
from tracker.core.said import tags_of_pages
from tracker.providers.adapter import NO_CONTENT, Adapter, Delivery, Facts
from tracker.providers.answers import Answer
from tracker.providers.calling import caller_name, is_seller, line, named_source, names_of, rest, spoken, tags
from tracker.providers.guess import form_lead
from tracker.providers.reading import (
    counted_instant,
    first,
    first_text,
    full_name,
    instant,
    instant_ms_of,
    money,
    number,
    objects,
    text,
    truth,
    visitor_token,
)  # fmt: skip
from tracker.providers.signing import base64_mac, demand_header, demand_same

_CALL_ID = re.compile(r"CAL[0-9a-f]{32}")
_CALLER = ("customer_phone_number", "callernum", "caller_number", "formatted_customer_phone_number")
_CALLED = ("tracking_phone_number", "trackingnum", "tracking_number", "formatted_tracking_phone_number")
_BEGAN = ("start_time", "timestamp", "datetime", "created_at")
_CALLED_BY = ("customer_name", "callername", "formatted_customer_name")
_LANDED = ("landing_page_url", "landingpage")
_PAGES = ("last_requested_url", "landing_page_url", "landingpage")
_STATUS = {"good_lead": "qualified", "previously_marked_good_lead": "qualified", "not_a_lead": "disqualified"}
_USED = frozenset({
    *_CALLER, *_CALLED, *_BEGAN, *_CALLED_BY, "customer_email", "recording_redirect", "transcription",
    "conversational_transcript", "duration", "callercity", "callercountry", "callerstate", "callsource",
    "destinationnum", "form_data", "form_url", "referrermedium", "tag", "answered", "value",
    "integration_data", "formatted_customer_name_or_phone_number", "formatted_business_phone_number",
})  # fmt: skip


def _verify(delivery: Delivery, secret: str) -> None:
    demand_same(demand_header(delivery, "signature"), base64_mac(secret, delivery.body, "sha1"))


def _parse(delivery: Delivery) -> Facts:
    for told in objects(delivery.document):
        if not told.keys().isdisjoint({"form_data", "form_url", "submitted_at"}):
            yield _form(told)
        elif not told.keys().isdisjoint({"source_number", "conversation_id", "message_type"}):
            yield _message(told)
        elif any(text(told.get(name)) for name in (*_CALLER, *_CALLED, "call_type", "resource_id")):
            yield _call(told, delivery)


def _call(told: Mapping[str, Any], delivery: Delivery) -> dict[str, Any]:
    began_at = next((at for name in _BEGAN if (at := instant(told.get(name))) is not None), None)
    if _is_outbound(told):
        return {
            "fact": "activity", "kind": "call_made", "provider_id": _call_id(told), "at": began_at,
            "phone": line(first(told, *_CALLER)), "title": "Outbound call",
            "owner": first_text(told, "agent_email", "agent"), "version_at": _version_at(told, delivery),
        }  # fmt: skip
    goes_on = "recording" not in told and not number(told.get("duration"))  # the end always has this field
    return {
        "fact": "lead", "kind": "call", "provider_id": _call_id(told), "at": began_at,
        "version_at": _version_at(told, delivery), **_who(told), **_from(told),
        "tracking_number": line(first(told, *_CALLED)),
        "duration_s": None if goes_on else number(told.get("duration")),
        "answered": None if goes_on else truth(told.get("answered")),
        "recording_url": first_text(told, "recording", "recording_redirect", "recording_player"),
        "transcript": spoken(first(told, "transcription", "conversational_transcript")),
    }  # fmt: skip


def _is_outbound(told: Mapping[str, Any]) -> bool:
    said = [text(told.get(name)) or "" for name in ("direction", "call_type", "type")]
    return any(each.lower().startswith("outbound") for each in said)


def _call_id(told: Mapping[str, Any]) -> str:
    """Find the call's `CAL…`, in links too; else its number; else make an id of what never changes."""
    places = ("resource_id", "id", "timeline_url", "recording", "recording_player")
    found = [_CALL_ID.search(first_text(told, place) or "") for place in places]
    spelled = next((match[0] for match in found if match), None)
    parts = [text(first(told, *names)) or "" for names in (_BEGAN, _CALLER, _CALLED)]
    return spelled or first_text(told, "resource_id", "id", "call_id") or digest(*parts).hex()


def _version_at(told: Mapping[str, Any], delivery: Delivery) -> str | None:
    began_ms = next((at for name in _BEGAN if (at := instant_ms_of(told.get(name))) is not None), None)
    if began_ms is None:
        return None
    end_ms = began_ms + (number(told.get("duration")) or 0) * 1_000
    return counted_instant(max(end_ms, delivery.received_ms) if "changes" in told else end_ms)


def _who(told: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "phone": line(first(told, *_CALLER)), "name": _name(told),
        "email": first_text(told, "customer_email"), "visitor_id": visitor_token(told),
    }  # fmt: skip


def _from(told: Mapping[str, Any]) -> dict[str, Any]:
    """Read what a call and a form have in common: source, page, worth, and all the rest."""
    status = "junk" if truth(told.get("spam")) else _STATUS.get(text(told.get("lead_status")) or "")
    return {
        **(tags(told) or _named(told)), "page_url": first_text(told, *_PAGES),
        "landing_page": first_text(told, *_LANDED),
        "referrer": first_text(told, "referring_url", "referrer"), "value": money(told.get("value")),
        "status": status, "fields": {**rest(told, _USED), "tags": names_of(told.get("tags"))},
    }  # fmt: skip


def _named(told: Mapping[str, Any]) -> dict[str, str]:
    """Read CallRail's own words for the source, where the page that the caller landed on has none."""
    pages = {"landing_page": first_text(told, *_LANDED), "page_url": first_text(told, "last_requested_url")}
    if tags_of_pages({name: said for name, said in pages.items() if said}):
        return {}
    tracker = first_text(told, "source_name", "callsource")
    source = first_text(told, "formatted_tracking_source", "source") or (
        tracker if is_seller(tracker) else None
    )
    return named_source(
        source, first_text(told, "medium"), first_text(told, "campaign"), keyword=first_text(told, "keywords")
    )


def _name(told: Mapping[str, Any]) -> str | None:
    """Read the caller's name; networks give the place of a mobile line in its stead."""
    name = caller_name(*(told.get(each) for each in _CALLED_BY))
    place = full_name(told.get("customer_city"), told.get("customer_state"))
    return None if name and place and name.lower() == place.lower() else name


def _message(told: Mapping[str, Any]) -> dict[str, Any]:
    """Read a text message: received, it is of the chat that its conversation is; sent, an activity."""
    at = instant(first(told, "timestamp", "sent_at", "created_at"))
    if text(told.get("agent")) or _is_outbound(told):
        return {
            "fact": "activity", "kind": "other", "title": "Text message", "at": at, "version_at": at,
            "provider_id": first_text(told, "resource_id", "id"), "owner": first_text(told, "agent"),
            "phone": line(told.get("destination_number")),
        }  # fmt: skip
    return {
        "fact": "lead", "kind": "chat", "at": at, "version_at": at, "is_at_of_event": True,
        "provider_id": first_text(told, "conversation_id", "resource_id", "id"),
        "phone": line(first(told, "source_number", *_CALLER)),
        "name": _name(told),
        "tracking_number": line(first(told, "destination_number", *_CALLED)),
        "transcript": spoken(told.get("content")), "visitor_id": visitor_token(told),
        "status": _STATUS.get(text(told.get("lead_status")) or ""), "fields": rest(told, {"content"}),
    }  # fmt: skip


def _form(told: Mapping[str, Any]) -> dict[str, Any]:
    at = instant(first(told, "submitted_at", "created_at", "timestamp"))
    answers = list(_answers(told.get("form_data")))
    made_id = digest(at or "", *(str(each.value) for each in answers)).hex()
    known = {**_from(told), **_who(told), "page_url": first_text(told, "form_url", *_PAGES)}
    beside = known.pop("fields")
    lead = form_lead(answers, provider_id=first_text(told, "resource_id", "id") or made_id, at=at, **known)
    return {**lead, "fields": {**beside, **lead.get("fields", {})}}


def _answers(data: Any) -> Iterator[Answer]:
    """Read the answers by the names of their fields, out of an object or a list of pairs."""
    for each in objects(data):
        label = first_text(each, "name", "label")
        if isinstance(data, list) and label is not None and "value" in each:
            yield Answer(label, each["value"])
            continue
        for name, value in each.items():
            yield Answer(str(name), value)


ADAPTER = Adapter(
    name="callrail",
    label="CallRail",
    parse=_parse,
    verify=_verify,
    accepted=NO_CONTENT,
    secret="the signing key of the company, on CallRail's page of its webhooks",
    steps=(
        "In CallRail open Settings, then Integrations, choose the company, then Webhooks.",
        "Enter {url} for Pre-Call, Call Routing Complete, Post-Call and Call Modified, and for Text Message "
        "Received and Form Submission if you use them; then press Activate.",
        "Copy the company's signing key from the same page, and give it as --secret.",
        "CallRail never sends a delivery twice: after an outage, load the missing calls as facts.",
    ),
    verified="documented fields of the ten events; the documented signature with its key and body",
)
