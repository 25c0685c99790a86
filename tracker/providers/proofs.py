"""Proofs for senders that sign nothing of their own: a secret that the operator has them send.

By one of: the header `X-Touchline-Secret`; `Authorization: Bearer`; `X-Signature` with the HMAC-SHA256 of
the body in hex, with or without `sha256=` before it; the query parameter `secret`. A GET's body is the query
without that parameter.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs

from tracker.providers.adapter import Delivery, Unproved
from tracker.providers.signing import hex_mac, is_same

SECRET_HEADER = "x-touchline-secret"
_SIGNATURES = ("x-signature", "x-signature-256", "x-hub-signature-256", "x-webhook-signature")


def demand_shared_secret(delivery: Delivery, secret: str) -> None:
    """Prove a sender by a shared secret, sent or signed with.

    Raises:
        Unproved: none of the proofs is there, or none fits.
    """
    signed = hex_mac(secret, delivery.body)
    given = [*((each, secret) for each in _sent(delivery)), *((each, signed) for each in _signed(delivery))]
    if not given:
        raise Unproved("there is no X-Touchline-Secret, Authorization: Bearer or X-Signature header")
    if not any(is_same(each, expected) for each, expected in given):
        raise Unproved("the secret or signature that was sent is another one")


def _sent(delivery: Delivery) -> Iterator[str]:
    if SECRET_HEADER in delivery.headers:
        yield delivery.headers[SECRET_HEADER].strip()
    scheme, _, token = delivery.headers.get("authorization", "").strip().partition(" ")
    if scheme.lower() == "bearer":
        yield token.strip()
    try:
        yield from parse_qs(delivery.query, max_num_fields=100).get("secret", [])
    except ValueError:
        return


def _signed(delivery: Delivery) -> Iterator[str]:
    for name in _SIGNATURES:
        if name in delivery.headers:
            yield delivery.headers[name].strip().removeprefix("sha256=").lower()
