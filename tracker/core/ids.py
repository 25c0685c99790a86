"""Ids that follow from the facts, so that a rebuild gives the same ones.

A session's id begins with its start, so that ids sort by time and their index grows at its end. An
identifier's id is a keyed hash: it can stand in an export without giving away the address behind it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from typing import Any

from tracker.model import LeadId, PersonId, SessionId

EventKey = str | bytes

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def digest(*parts: str, size: int = 10) -> bytes:
    """Hash texts so that no two different lists of parts meet; `size` in bytes."""
    joined = "\x1f".join(part.replace("\\", "\\\\").replace("\x1f", "\\u") for part in parts)
    return hashlib.blake2b(joined.encode("utf-8", "surrogatepass"), digest_size=size).digest()


def session_id(started_ms: int, *, site: str, visitor_id: str, event_id: str) -> SessionId:
    """Name the session that this hit opens."""
    return SessionId(f"{started_ms:012x}{digest(site, visitor_id, event_id, size=6).hex()}")


def lead_id(site: str, provider: str, provider_id: str) -> LeadId:
    """Name a lead by its natural key."""
    return LeadId(digest("lead", site, provider, provider_id).hex())


def fact_id(kind: str, site: str, key: str) -> str:
    """Name a fact by its kind and natural key."""
    return digest("fact", kind, site, key).hex()


def activity_id(provider: str, provider_id: str) -> str:
    """Name an activity by its natural key."""
    return digest("activity", provider, provider_id).hex()


def journey_id(conversion_kind: str, conversion_id: str) -> str:
    """Name the journey that ends in this conversion."""
    return digest("journey", conversion_kind, conversion_id).hex()


def identifier_id(key: bytes, kind: str, value: str) -> PersonId:
    """Name an identifier; the oldest identifier of a person lends it its id.

    Args:
        key: the workspace's key for identifiers.
    """
    message = f"{kind}:{value}".encode("utf-8", "surrogatepass")
    return PersonId(hmac.digest(key, message, "sha256").hex()[:20])


def content_digest(content: Mapping[str, Any]) -> bytes:
    """Hash a fact's content; the same content gives the same hash whatever the order of its keys."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=12).digest()


def event_key(event_id: str) -> EventKey:
    """Pack an event id for the store: 16 bytes for a UUID in its usual spelling, else the text itself.

    UUIDs that begin with a time and ids that count upwards then arrive in about the order of the
    index, which is what keeps an insert cheap among millions.
    """
    return bytes.fromhex(event_id.replace("-", "")) if _UUID.fullmatch(event_id) else event_id


def event_id_of(key: EventKey) -> str:
    """Unpack what `event_key` packed."""
    return _uuid_text(key) if isinstance(key, bytes) else key


def _uuid_text(packed: bytes) -> str:
    text = packed.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
