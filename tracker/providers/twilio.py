"""Twilio: status callbacks of calls, recordings and transcriptions, and text messages received.

All events of a call are one lead by its `CallSid`; a leg that was dialled onwards belongs to its parent. What
an app in a browser dials comes in as `inbound` from `client:`, and went out.
A recording's callback says neither who called nor which way, so it only adds. Times are of one second:
`SequenceNumber` tells events of the same second apart.

Source: https://www.twilio.com/docs/usage/webhooks/webhooks-security (signature)
Source: https://www.twilio.com/docs/voice/api/call-resource#statuscallback (status callbacks)
Source: https://www.twilio.com/docs/voice/twiml/record (recordings, transcriptions)
Unconfirmed: that `completed` of an inbound call means that a person answered: Twilio says so when its own
instructions answered. The result of a `<Dial>` is kept as `DialCallStatus` among the fields.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit

from tracker.errors import BadRequest
from tracker.providers.adapter import Adapter, Delivery, Facts, Reply, Unproved
from tracker.providers.calling import caller_name, line, only, rest
from tracker.providers.documents import form_pairs, read_json
from tracker.providers.reading import (
    counted_instant,
    first,
    first_text,
    instant_ms_of,
    number,
    objects,
    text,
    visitor_token,
    without_blanks,
)  # fmt: skip
from tracker.providers.signing import base64_mac, demand_header, is_same

_HEADER = "x-twilio-signature"
_APP = "client:"
_PORTS = {"https": 443, "http": 80}
_ANSWERED = {
    "in-progress": True, "completed": True, "answered": True,
    "busy": False, "no-answer": False, "failed": False, "canceled": False,
}  # fmt: skip
_ENDED = frozenset({"completed", "busy", "no-answer", "failed", "canceled"})
_USED = frozenset({
    "AccountSid", "ApiVersion", "From", "To", "Caller", "Called", "CallerName", "TranscriptionText",
    "RecordingUrl", "CallDuration", "Duration", "Timestamp", "SequenceNumber", "Body",
})  # fmt: skip


def _verify(delivery: Delivery, secret: str) -> None:
    given = demand_header(delivery, _HEADER)
    pairs = _signed_fields(delivery)
    urls = [each for url in delivery.urls for each in _spellings(url)]
    if not any(is_same(given, base64_mac(secret, (url + pairs).encode(), "sha1")) for url in urls):
        raise Unproved("the signature does not fit the address, the fields and the secret")


def _signed_fields(delivery: Delivery) -> str:
    """Write the fields of the body as Twilio signs them: sorted, each distinct value of a name once.

    The fields of a GET stand in the address, which is signed whole. A body that is no form is signed by its
    hash in the address; without one it is not signed at all.
    """
    if delivery.method == "GET":
        return ""
    hashes = parse_qs(delivery.query).get("bodySHA256", [])
    if hashes:
        if not is_same(hashes[0].lower(), sha256(delivery.body).hexdigest()):
            raise Unproved("bodySHA256 does not fit the body")
        return ""
    if not isinstance(delivery.document, dict) or delivery.body.lstrip()[:1] in (b"{", b"[", b"<"):
        raise Unproved("the address of a body that is no form must carry bodySHA256")
    return "".join(name + value for name, value in sorted(set(form_pairs(delivery.body))))


def _spellings(url: str) -> Iterator[str]:
    """Spell an address with and without its port."""
    yield url
    try:
        parts = urlsplit(url)
    except ValueError:  # what the sender wrote as its host is none
        return
    bare = parts.netloc.rpartition(":")[0] if _has_port(parts) else parts.netloc
    for netloc in (bare, f"{bare}:{_PORTS.get(parts.scheme, 443)}"):
        if netloc != parts.netloc:
            yield url.replace(f"//{parts.netloc}", f"//{netloc}", 1)


def _has_port(parts: SplitResult) -> bool:
    return parts.netloc.rpartition(":")[2].isdecimal()


def _parse(delivery: Delivery) -> Facts:
    for document in objects(delivery.document):
        told = _unwrapped(document)
        if text(told.get("CallSid")):
            yield from _call(told)
        elif text(told.get("MessageSid")) or text(told.get("SmsSid")):
            yield from _message(told)


def _unwrapped(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Take a status callback out of the envelope of Event Streams."""
    if "CallSid" in document or "data" not in document:
        return document
    return {"Timestamp": document.get("time"), **only(document["data"])}


def _call(told: Mapping[str, Any]) -> Facts:
    way = (first_text(told, "Direction") or "").lower()
    is_made = way.startswith("outbound") or (first_text(told, "From", "Caller") or "").startswith(_APP)
    if is_made and not text(told.get("ParentCallSid")):
        if (first_text(told, "CallStatus") or "completed") in _ENDED:
            yield _call_made(told)
        return
    is_addition = bool(text(told.get("ParentCallSid"))) or not (way or text(told.get("From")))
    yield {
        "fact": "lead", "kind": "call", "is_addition": is_addition or None, **_times(told),
        **(_leg(told) if text(told.get("ParentCallSid")) else _caller(told)),
    }  # fmt: skip


def _caller(told: Mapping[str, Any]) -> dict[str, Any]:
    recording = first_text(told, "RecordingUrl")
    dialled = first_text(told, "DialCallStatus")
    return {
        "provider_id": first_text(told, "CallSid"), "phone": line(first(told, "From", "Caller")),
        "tracking_number": line(first(told, "To", "Called")), "name": caller_name(told.get("CallerName")),
        "duration_s": number(first(told, "CallDuration")), "recording_url": recording,
        "answered": _ANSWERED.get(dialled or first_text(told, "CallStatus") or ""),
        "transcript": _transcript(told), "visitor_id": visitor_token(told),
        "fields": {**rest(told, _USED), **_utterance(told)},
    }  # fmt: skip


def _leg(told: Mapping[str, Any]) -> dict[str, Any]:
    """Read what a leg that was dialled onwards says of the call it belongs to: who was rung, and answered."""
    is_answered = _ANSWERED.get(first_text(told, "CallStatus") or "")
    return {
        "provider_id": first_text(told, "ParentCallSid"), "answered": is_answered or None,
        "recording_url": first_text(told, "RecordingUrl"),
        "fields": without_blanks({
            "DialCallSid": told.get("CallSid"), "DialCallStatus": told.get("CallStatus"),
            "DialCallDuration": told.get("CallDuration"), "ForwardedTo": told.get("To"),
        }),
    }  # fmt: skip


def _call_made(told: Mapping[str, Any]) -> dict[str, Any]:
    times = _times(told)
    return {
        "fact": "activity", "kind": "call_made", "provider_id": first_text(told, "CallSid"),
        "phone": line(first(told, "To", "Called")), "title": "Outbound call", "at": times.get("at"),
        "version_at": times.get("version_at"),
    }  # fmt: skip


def _times(told: Mapping[str, Any]) -> dict[str, Any]:
    """Say when the call began, as far as this event knows, and when the event was."""
    length_ms = (number(first(told, "CallDuration", "RecordingDuration")) or 0) * 1_000
    sent_ms, recorded_ms = instant_ms_of(told.get("Timestamp")), instant_ms_of(told.get("RecordingStartTime"))
    if sent_ms is None and recorded_ms is not None:
        sent_ms = recorded_ms + length_ms
    if sent_ms is None:
        return {}
    version_ms = sent_ms + min(number(told.get("SequenceNumber")) or 0, 999)
    began_at = counted_instant(sent_ms - length_ms)
    return {"at": began_at, "is_at_of_event": True, "version_at": counted_instant(version_ms)}


def _transcript(told: Mapping[str, Any]) -> str | None:
    is_failed = (first_text(told, "TranscriptionStatus") or "") == "failed"
    return None if is_failed else first_text(told, "TranscriptionText")


def _utterance(told: Mapping[str, Any]) -> dict[str, str]:
    """Read one sentence of a transcription that is sent while the call goes on."""
    data = first_text(told, "TranscriptionData")
    if first_text(told, "TranscriptionEvent") != "transcription-content" or data is None:
        return {}
    try:
        said = first_text(read_json(data), "transcript")
    except BadRequest:
        return {}
    return {f"said {first_text(told, 'SequenceId')}": f"{first_text(told, 'Track')}: {said}"} if said else {}


def _message(told: Mapping[str, Any]) -> Facts:
    """Read a text message that was received; reports on those that were sent tell of no lead."""
    status = (first_text(told, "SmsStatus", "MessageStatus") or "received").lower()
    if status not in ("received", "receiving") or not text(told.get("From")):
        return
    yield {
        "fact": "lead", "kind": "chat", "provider_id": first_text(told, "MessageSid", "SmsSid"),
        "phone": line((first_text(told, "From") or "").removeprefix("whatsapp:")),
        "name": first_text(told, "ProfileName"),
        "tracking_number": line((first_text(told, "To") or "").removeprefix("whatsapp:")),
        "transcript": first_text(told, "Body"), "fields": rest(told, _USED),
    }  # fmt: skip


ADAPTER = Adapter(
    name="twilio",
    label="Twilio",
    parse=_parse,
    verify=_verify,
    accepted=Reply(200, b"<Response/>", "text/xml"),
    takes_query=True,
    secret="the account's primary auth token, on the first page of Twilio's console",
    steps=(
        "In Twilio's console open Phone Numbers, Manage, Active numbers, and the number.",
        "Under Voice Configuration enter {url} as `Call status changes`, with HTTP POST or GET. Leave "
        "`A call comes in` as it is: this hook answers with no instructions, which would end the call.",
        "For recordings and transcriptions give {url} as recordingStatusCallback and transcribeCallback of "
        "the <Record> or <Dial> that makes them.",
        "Give the account's auth token as --secret. Behind a proxy also give "
        "`--public-url`, since Twilio signs the address as it is entered there.",
    ),
    verified="documented parameters of callbacks; the documented signature and its vector",
)
