"""The shapes of messages on the log, and their bytes.

One entry of the log is one accepted message: the hits of one request, the facts of one API call or
of a slice of a file, one delivery of a provider, what became of a lease, or one refused message that is
kept for replay. The collector writes them, drain reads them; nothing else knows the encoding. Times are
integer milliseconds UTC.
"""

from __future__ import annotations

from typing import Any

import msgspec

FLAG_SAID_BOT = 1
FLAG_WEBDRIVER = 2
FLAG_PREFETCH = 4
FLAG_INTERNAL = 8


class HitOnLog(msgspec.Struct, omit_defaults=True):
    """One accepted hit; `at_ms` is already corrected for the client's clock, by `skew_ms`."""

    event_id: str
    at_ms: int
    url: str
    type: str = "page"
    name: str | None = None
    referrer: str | None = None
    prev_url: str | None = None
    title: str | None = None
    props: dict[str, Any] | None = None
    seq: int | None = None
    language: str | None = None
    screen: str | None = None
    client_hints: dict[str, Any] | None = None
    consent: str | None = None
    link: dict[str, Any] | None = None
    mail: dict[str, Any] | None = None
    flags: int = 0
    extra: dict[str, Any] | None = None
    skew_ms: int = 0


class HitsEntry(msgspec.Struct, tag_field="k", tag="hits", omit_defaults=True):
    """The accepted hits of one request of one visitor; `ip` is masked as the setting says."""

    site: str
    received_ms: int
    visitor_id: str
    hits: list[HitOnLog]
    user_agent: str | None = None
    ip: str | None = None
    browser: str | None = None


class FactsEntry(msgspec.Struct, tag_field="k", tag="facts", omit_defaults=True):
    """Facts from a sender with a token, or from a file; each is an object with its `fact` and `site`.

    `origin` says where they came from (`api`, `load:<run>`); drain keeps its counts by it.
    """

    received_ms: int
    origin: str
    facts: list[dict[str, Any]]


class HookEntry(msgspec.Struct, tag_field="k", tag="hook", omit_defaults=True):
    """One delivery of a provider, proved and as it came, without its sender's secrets.

    `source` is the number of the hook source that it came by; `headers` are those its adapter reads.
    """

    received_ms: int
    source: int
    body: bytes
    headers: dict[str, str]


class RejectEntry(msgspec.Struct, tag_field="k", tag="reject", omit_defaults=True):
    """A message that was refused, kept for replay: first 4 KB of it, its hash, the masked sender.

    `is_let_in`: `body` is a fact whose sender may say such facts, and only what it says was refused. All else
    is kept for a reader, and never taken for more than that: anyone can send it.
    """

    received_ms: int
    code: str
    message: str
    body: str
    hash: str
    site: str | None = None
    ip: str | None = None
    origin: str = "collect"
    is_let_in: bool = False


class LeaseEntry(msgspec.Struct, tag_field="k", tag="lease", omit_defaults=True):
    """One version of a lease; `to_ms` is when its visitor was last seen. Written by `tracker/lease.lua`."""

    site: str
    pool: str
    number: str
    visitor_id: str
    from_ms: int
    to_ms: int
    session_hint: str | None = None


class ExhaustedEntry(msgspec.Struct, tag_field="k", tag="exhausted"):
    """A pool had no number for a visitor; `serial` tells those of one instant apart. From the same script."""

    site: str
    pool: str
    at_ms: int
    serial: int


Entry = HitsEntry | FactsEntry | HookEntry | RejectEntry | LeaseEntry | ExhaustedEntry

encode = msgspec.json.Encoder().encode
_decoder: msgspec.json.Decoder[Entry] = msgspec.json.Decoder(Entry)


def decode(body: bytes) -> Entry:
    """Read one entry of the log.

    Raises:
        msgspec.DecodeError: the bytes are no entry; drain keeps them as a reject.
    """
    try:
        return _decoder.decode(body)
    except (UnicodeDecodeError, RecursionError) as error:
        raise msgspec.DecodeError(str(error)) from None
