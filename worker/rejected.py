"""Which of the messages that are kept whole, come or to leave, name somebody, in whatever shape."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from tracker import wire
from tracker.core.erasure import Name, Needles, names_in
from tracker.core.times import parse_instant
from tracker.errors import BadFact, BadRequest
from tracker.providers.documents import read_document
from tracker.store import erasing, outbox
from worker.subjects import Subject

_DELIVERY = '{"k":"hook",'
"""How a delivery that was refused as it stood on the log begins; its body is not readable as it stands."""
SHORTEST = 4
"""Ids of users, contacts and chats that are shorter say nothing outside of their field."""
_BETWEEN = re.compile(r"[\s\"'\\<>,;(){}\[\]=&]+")
_OF_SYSTEMS = frozenset({"user", "crm", "chat"})


def rejects_of(db: sqlite3.Connection, subject: Subject, region: Callable[[object], str]) -> Iterator[int]:
    """Find the rejects that name somebody, by number.

    Args:
        region: of a site's key, by which national phone numbers are read.
    """
    names = _findable(subject)
    if not names:
        return
    needles = Needles(names)
    for number, site, body in erasing.rejects(db):
        if needles.may_be_in(body) or body.startswith(_DELIVERY):
            document = read_body(body)
            place = site or (document.get("site") if isinstance(document, Mapping) else None)
            is_later = (at_ms := said_ms(document)) is not None and at_ms > subject.asked.until_ms
            if not is_later and not names.isdisjoint(names_in(document, region=region(place))):
                yield number


def raws_naming(db: sqlite3.Connection, subject: Subject, region: Callable[[object], str]) -> Iterator[int]:
    """Find the deliveries of webhooks that name somebody, by number; those that came later are not theirs."""
    names = _findable(subject)
    needles = Needles(names)
    for number, site, headers, body in erasing.raw_messages(db, subject.asked.until_ms) if names else ():
        document = read_delivery(body, headers)
        may_be = needles.may_be_in(json.dumps(document, ensure_ascii=False))
        if may_be and not names.isdisjoint(names_in(document, region=region(site))):
            yield number


def deliveries_naming(
    db: sqlite3.Connection, subject: Subject, region: Callable[[object], str]
) -> Iterator[int]:
    """Find what is to leave, or has left, and names somebody, by number; what is of later is not theirs."""
    names = _findable(subject)
    needles = Needles(names)
    for number, site, payload in outbox.payloads(db, subject.asked.until_ms) if names else ():
        may_be = needles.may_be_in(payload)
        if may_be and not names.isdisjoint(names_in(json.loads(payload), region=region(site))):
            yield number


def answers_naming(
    db: sqlite3.Connection, subject: Subject, region: Callable[[object], str]
) -> Iterator[tuple[int, int]]:
    """Find receipts whose kept answer names somebody, whomever the delivery was about."""
    names = _findable(subject)
    needles = Needles(names)
    for key, site, words in outbox.answers(db, subject.asked.until_ms) if names else ():
        may_be = needles.may_be_in(words)
        if may_be and not names.isdisjoint(names_in(read_body(words), region=region(site))):
            yield key


def _findable(subject: Subject) -> set[Name]:
    return {name for name in subject.times if name[0] not in _OF_SYSTEMS or len(name[1]) >= SHORTEST}


def read_body(body: str) -> Any:
    """Read a refused message; one that is no JSON as the words that it is made of."""
    try:
        if body.startswith(_DELIVERY):
            entry = wire.decode(body.encode())
            assert isinstance(entry, wire.HookEntry)  # it begins as one
            return read_delivery(entry.body, entry.headers)
        return json.loads(body)
    except (ValueError, RecursionError, msgspec.MsgspecError):
        return _BETWEEN.split(body)


def read_delivery(body: bytes, headers: Mapping[str, str]) -> Any:
    """Read a provider's delivery; one that cannot be read as the words that it is made of."""
    try:
        return read_document(body, headers.get("content-type", ""))
    except BadRequest:
        return _BETWEEN.split(body.decode("utf-8", "replace"))


def said_ms(document: Any) -> int | None:
    """Say when what a message tells of happened, in ms, if it says so."""
    at = document.get("at") if isinstance(document, Mapping) else None
    try:
        return None if at is None else parse_instant(at)
    except BadFact:
        return None
