"""Proofs of senders: keyed hashes over raw bytes, compared in constant time, and times of sending."""

from __future__ import annotations

import base64
import hmac
import json
from hashlib import sha256
from typing import Literal

from tracker.core.times import MINUTE_MS
from tracker.providers.adapter import Delivery, Unproved
from tracker.providers.reading import first_text, objects

WINDOW_MS = 5 * MINUTE_MS

Hash = Literal["sha1", "sha256", "sha512"]


def hex_mac(secret: str | bytes, message: bytes, hash_name: Hash = "sha256") -> str:
    """Sign a message: HMAC, in lower-case hex."""
    return hmac.digest(_bytes(secret), message, hash_name).hex()


def base64_mac(secret: str | bytes, message: bytes, hash_name: Hash = "sha256") -> str:
    """Sign a message: HMAC, in base64."""
    return base64.b64encode(hmac.digest(_bytes(secret), message, hash_name)).decode()


def is_same(one: str, two: str) -> bool:
    """Compare two secrets or signatures in constant time."""
    return hmac.compare_digest(_hashed(one), _hashed(two))


def demand_header(delivery: Delivery, name: str) -> str:
    """Read the header that carries a proof.

    Raises:
        Unproved: it is not there: a missing proof is no proof.
    """
    value = delivery.headers.get(name, "").strip()
    if not value:
        raise Unproved(f"the header {name} is missing")
    return value


def demand_same(given: str, expected: str, what: str = "signature") -> None:
    """Check a proof.

    Raises:
        Unproved: it is another one.
    """
    if not is_same(given, expected):
        raise Unproved(f"the {what} does not fit the body and the secret")


def demand_fresh(sent_ms: int, delivery: Delivery, window_ms: int = WINDOW_MS) -> None:
    """Check a signed time of sending.

    Raises:
        Unproved: it lies too far from the time of receipt.
    """
    if abs(delivery.received_ms - sent_ms) > window_ms:
        raise Unproved("the signed time of sending is more than 5 minutes away")


def demand_standard(delivery: Delivery, key: bytes, prefix: str = "webhook-") -> None:
    """Check a signature of Standard Webhooks: one of several over id, time and body.

    Args:
        prefix: what the names of its headers begin with.

    Raises:
        Unproved: wrong, missing or stale.

    Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    """
    given = demand_header(delivery, f"{prefix}signature").split()
    named, sent = demand_header(delivery, f"{prefix}id"), demand_header(delivery, f"{prefix}timestamp")
    expected = base64_mac(key, f"{named}.{sent}.".encode() + delivery.body)
    if not any(is_same(each, f"v1,{expected}") for each in given):
        raise Unproved("none of the signatures fits the body and the secret")
    demand_fresh(demand_number(sent) * 1_000, delivery)


def decoded_secret(secret: str) -> bytes:
    """Read a key that is handed out in base64; one that is none is taken as it is."""
    try:
        return base64.b64decode(secret + "=" * (-len(secret) % 4), validate=True)
    except ValueError:
        return secret.encode("utf-8", "surrogateescape")


def demand_number(text: str, what: str = "time of sending") -> int:
    """Read a whole number out of a proof.

    Raises:
        Unproved: it is none.
    """
    if not text.isascii() or not text.isdecimal() or len(text) > 17:
        raise Unproved(f"the {what} is no number")
    return int(text)


def demand_told(delivery: Delivery, secret: str, *names: str) -> None:
    """Check a secret that stands in the body itself, under the first of these names that is there.

    Raises:
        Unproved: it is another one, or none.
    """
    given = first_text(delivery.document, *names)
    if given is None:
        raise Unproved(f"the body has no {names[0]}")
    demand_same(given, secret, names[0])


def without(delivery: Delivery, *names: str) -> bytes:
    """Take the sender's own secret out of a body: those names of the outermost objects."""
    document = delivery.document
    if not any(name in each for each in objects(document) for name in names):
        return delivery.body
    kept = [{name: value for name, value in each.items() if name not in names} for each in objects(document)]
    return json.dumps(kept if isinstance(document, list) else kept[0]).encode()


def _bytes(secret: str | bytes) -> bytes:
    return secret if isinstance(secret, bytes) else secret.encode("utf-8", "surrogateescape")


def _hashed(text: str) -> bytes:
    """Hash, so that neither length nor odd characters matter."""
    return sha256(text.encode("utf-8", "surrogatepass")).digest()
