"""RingCentral: telephony sessions and presence, and text messages.

A subscription begins with a handshake: the header `Validation-Token` is sent back. Later deliveries carry
the subscription's own `Verification-Token`. A session has parties: the inbound one whose caller is no
extension of the account is the lead. The event has no length, and the session's first event is its begin.
Text messages of one conversation are one lead.

Source: https://developers.ringcentral.com/guide/notifications/webhooks/creating-webhooks (handshake, token)
Source: https://developers.ringcentral.com/guide/voice/call-log/telephony-session-events (sessions)
Unconfirmed: which name of the two the static token's header has in older subscriptions: both are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tracker.providers.adapter import NO_CONTENT, Adapter, Delivery, Facts, Reply, Unproved
from tracker.providers.calling import caller_name, line
from tracker.providers.reading import (
    counted_instant,
    first,
    first_text,
    instant,
    instant_ms_of,
    mapping,
    number,
    objects,
    truth,
    visitor_token,
)
from tracker.providers.signing import demand_same

_LONGEST_EXTENSION = 6
_TOKENS = ("verification-token", "validation-token")
_ANSWERED = {
    "answered": True, "hold": True, "callconnected": True, "onhold": True,
    "voicemail": False, "voicemailscreening": False,
}  # fmt: skip


def _greet(delivery: Delivery, secrets: tuple[str, ...]) -> Reply | None:
    token = delivery.headers.get("validation-token", "")
    if not token or delivery.body.strip() not in (b"", b"{}"):
        return None
    return Reply(200, headers=(("Validation-Token", token),))


def _verify(delivery: Delivery, secret: str) -> None:
    given = next((delivery.headers[name] for name in _TOKENS if delivery.headers.get(name)), None)
    if given is None:
        raise Unproved("the header verification-token is missing")
    demand_same(given.strip(), secret, "token")


def _parse(delivery: Delivery) -> Facts:
    for told in objects(delivery.document):
        body = mapping(told.get("body"))
        sent_at = first(body, "eventTime") or told.get("timestamp")
        if body.get("parties") is not None:
            yield from _session(body, _version_at(body, sent_at))
        elif body.get("activeCalls") is not None:
            for call in objects(body["activeCalls"]):
                yield from _active(call, instant(sent_at))
        elif (first_text(body, "type") or "").upper() in ("SMS", "MMS"):
            yield _message(body)


def _version_at(body: Mapping[str, Any], sent_at: Any) -> str | None:
    """Say when the event was; events of one moment are told apart by their number."""
    sent_ms = instant_ms_of(sent_at)
    sequence = min(number(body.get("sequence")) or 0, 999)
    return None if sent_ms is None else counted_instant(sent_ms + sequence)


def _session(body: Mapping[str, Any], version_at: str | None) -> Facts:
    parties = list(objects(body.get("parties")))
    common = {
        "provider_id": first_text(body, "telephonySessionId", "sessionId"), "version_at": version_at,
        "at": instant(body.get("eventTime")),
    }  # fmt: skip
    for party in parties:
        if _is(party, "inbound") and not _is_colleague(party.get("from")):
            states = {**_rest(body), "status": first_text(party, "status.code")}
            yield {**common, **_inbound(party), "is_at_of_event": True, "answered": _is_answered(parties),
                   "fields": {**states, "agent": first_text(party, "to.name")}}  # fmt: skip
            return
    for party in parties:
        if _is(party, "outbound") and not _is_colleague(party.get("to")):
            yield {**common, **_outbound(party)}
            return


def _rest(body: Mapping[str, Any]) -> dict[str, Any]:
    """Keep what names the session elsewhere."""
    return {name: body[name] for name in ("sessionId", "serverId", "origin") if body.get(name)}


def _is(party: Mapping[str, Any], way: str) -> bool:
    return (first_text(party, "direction") or "").lower() == way


def _is_colleague(end: Any) -> bool:
    """Tell whether an end of a call is an extension of the account."""
    given = line(first(end, "phoneNumber"))
    is_short = given is not None and _outside(given) is None
    return is_short or first_text(end, "extensionId", "extensionNumber") is not None


def _outside(value: Any) -> str | None:
    """Read a number of the telephone network: those of extensions are short."""
    number_of_line = line(value)
    return number_of_line if number_of_line and len(number_of_line) > _LONGEST_EXTENSION else None


def _inbound(party: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "fact": "lead", "kind": "call", "phone": line(first(party, "from.phoneNumber")),
        "name": _caller_name(party), "visitor_id": visitor_token(party),
        "tracking_number": _outside(first(party, "to.phoneNumber")),
    }  # fmt: skip


def _caller_name(party: Mapping[str, Any]) -> str | None:
    """Read the caller's name; a queue may put its own before it."""
    said, queue = first_text(party, "from.name"), first_text(party, "to.name")
    return caller_name(said.removeprefix(f"{queue} - ")) if said and queue else caller_name(said)


def _outbound(party: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "fact": "activity", "kind": "call_made", "phone": line(first(party, "to.phoneNumber")),
        "owner": first_text(party, "from.name", "from.extensionNumber"), "title": "Outbound call",
    }  # fmt: skip


def _is_answered(parties: list[Mapping[str, Any]]) -> bool | None:
    """Say whether any party took the call; a missed one only once nobody did."""
    codes = [_ANSWERED.get((first_text(each, "status.code") or "").lower()) for each in parties]
    is_missed = any(truth(first(each, "missedCall", "status.missedCall")) for each in parties)
    if True in codes:
        return True
    return False if is_missed or False in codes else None


def _active(call: Mapping[str, Any], version_at: str | None) -> Facts:
    """Read a call out of a presence event, where numbers are texts and extensions are short."""
    party = {
        "direction": call.get("direction"),
        "from": {"phoneNumber": call.get("from"), "name": call.get("fromName")},
        "to": {"phoneNumber": call.get("to"), "name": call.get("toName")},
    }
    common = {
        "provider_id": first_text(call, "telephonySessionId", "sessionId"), "version_at": version_at,
        "at": instant(call.get("startTime")),
    }  # fmt: skip
    if _is_colleague(party["from" if _is(party, "inbound") else "to"]):
        return
    state = (first_text(call, "telephonyStatus") or "").lower()
    if _is(party, "inbound"):
        yield {**common, **_inbound(party), "answered": _ANSWERED.get(state)}
    elif _is(party, "outbound"):
        yield {**common, **_outbound(party)}


def _message(body: Mapping[str, Any]) -> dict[str, Any]:
    at = instant(body.get("creationTime"))
    version_at = instant(first(body, "lastModifiedTime", "creationTime"))
    common = {"at": at, "version_at": version_at}
    if _is(body, "outbound"):
        return {**common, **_outbound(body), "kind": "other", "title": "Text message",
                "provider_id": first_text(body, "id")}  # fmt: skip
    return {
        **common, "fact": "lead", "kind": "chat", "is_at_of_event": True,
        "provider_id": first_text(body, "conversation.id", "conversationId", "id"),
        "phone": line(first(body, "from.phoneNumber")),
        "name": caller_name(first(body, "from.name")), "tracking_number": line(first(body, "to.phoneNumber")),
        "transcript": first_text(body, "subject"),
    }  # fmt: skip


ADAPTER = Adapter(
    name="ringcentral",
    label="RingCentral",
    parse=_parse,
    verify=_verify,
    greet=_greet,
    accepted=NO_CONTENT,
    secret="the verificationToken that the subscription was created with",
    steps=(
        "Create a subscription with RingCentral's API: POST /restapi/v1.0/subscription with eventFilters "
        "/restapi/v1.0/account/~/telephony/sessions and a deliveryMode of transportType WebHook, address "
        "{url} and a verificationToken of your own.",
        "Give the verificationToken as --secret.",
        "Renew the subscription before it expires; RingCentral drops one whose address has failed.",
    ),
    verified="documented handshake, session and presence events; the static token",
)
