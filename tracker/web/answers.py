"""Answers: the one place that turns an outcome or an exception of ours into HTTP.

A refused request is answered with `{"code", "message", "place"}` in JSON. The codes of whole requests,
beside those of hits (see `tracker.web.collect`):

    bad_body      400  no JSON, or not of the documented shape
    too_large     413  more bytes than are taken, packed or unpacked
    bad_media     415  a content type or coding that is not taken
    bad_method    405  another method
    bad_token     401  no token, or one that does not allow this
    bad_signature 401  a delivery that does not prove its sender
    unavailable   503  neither refused nor accepted: send it again
"""

from __future__ import annotations

from http import HTTPStatus

import msgspec

from tracker.errors import BadRequest, Retryable, TouchlineError

RETRY_AFTER_S = 5

STATUS = {
    "bad_token": 401,
    "bad_signature": 401,
    "origin": 403,
    "not_found": 404,
    "bad_method": 405,
    "too_large": 413,
    "bad_media": 415,
    "rate": 429,
}

Header = tuple[str, str]

_encode = msgspec.json.Encoder().encode
_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}
_JSON = ("Content-Type", "application/json")
_NO_STORE = ("Cache-Control", "no-store")


class Answer(msgspec.Struct, frozen=True):
    """A whole answer: status line, headers, body."""

    status: str
    headers: list[Header]
    body: bytes = b""


def json_answer(status: int, value: object, headers: list[Header]) -> Answer:
    """Answer with JSON that nobody may store; the server adds its length."""
    return Answer(_LINES[status], [_JSON, _NO_STORE, *headers], _encode(value))


def empty_answer(status: int, headers: list[Header]) -> Answer:
    """Answer without a body."""
    return Answer(_LINES[status], [*headers, ("Content-Length", "0")])


def describe(error: TouchlineError) -> tuple[int, dict[str, object], list[Header]]:
    """Turn an exception of ours into a status, the words to send, and headers."""
    if isinstance(error, BadRequest):
        status = STATUS.get(error.code, 400)
        headers = [("WWW-Authenticate", "Bearer")] if error.code == "bad_token" else []
        said: dict[str, object] = {"code": error.code, "message": error.message}
        return status, said | ({"place": error.place} if error.place else {}), headers
    if isinstance(error, Retryable):
        retry = ("Retry-After", str(RETRY_AFTER_S))
        return 503, {"code": "unavailable", "message": str(error)}, [retry]
    return 500, {"code": "failed", "message": "something is wrong here; the operator's log says what"}, []


def error_answer(error: TouchlineError, headers: list[Header]) -> Answer:
    """Answer with an exception of ours."""
    status, said, more = describe(error)
    return json_answer(status, said, [*more, *headers])
