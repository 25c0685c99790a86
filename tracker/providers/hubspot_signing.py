"""HubSpot's signatures: three versions, over method, address and body. A workflow's post carries v2 and v3.

v3 is asked for where it is there, since it alone has a time of sending. The address is the one that HubSpot
knows, so each of the delivery's addresses is tried, as it is and with the characters decoded that HubSpot
decodes before it signs.

Source: https://developers.hubspot.com/docs/apps/legacy-apps/authentication/validating-requests
Unconfirmed: which percent codes are decoded; both spellings are accepted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from tracker.providers.adapter import Delivery, Unproved
from tracker.providers.signing import base64_mac, demand_fresh, demand_header, demand_number, is_same

_DECODED = {
    "%3A": ":", "%2F": "/", "%3F": "?", "%40": "@", "%21": "!", "%24": "$", "%27": "'", "%28": "(",
    "%29": ")", "%2A": "*", "%2C": ",", "%3B": ";",
}  # fmt: skip


def demand_hubspot(delivery: Delivery, secret: str) -> None:
    """Prove that HubSpot sent a delivery, by the newest version of its signature that came.

    Args:
        secret: the app's client secret.

    Raises:
        Unproved: no signature, or one that does not fit, or one that was made too long ago.
    """
    if "x-hubspot-signature-v3" in delivery.headers:
        given, fitting = demand_header(delivery, "x-hubspot-signature-v3"), _third(delivery, secret)
    else:
        given, fitting = demand_header(delivery, "x-hubspot-signature"), _older(delivery, secret)
    if not any(is_same(given, each) for each in fitting):
        raise Unproved("the signature does not fit the body, the address and the secret")


def _third(delivery: Delivery, secret: str) -> Iterator[str]:
    sent = demand_header(delivery, "x-hubspot-request-timestamp")
    demand_fresh(demand_number(sent), delivery)
    for url in _addresses(delivery):
        yield base64_mac(secret, delivery.method.encode() + url + delivery.body + sent.encode())


def _older(delivery: Delivery, secret: str) -> Iterator[str]:
    version = delivery.headers.get("x-hubspot-signature-version", "").strip().lower()
    start = secret.encode("utf-8", "surrogateescape")
    if version in ("", "v1"):
        yield hashlib.sha256(start + delivery.body).hexdigest()
    if version in ("", "v2"):
        for url in _addresses(delivery):
            yield hashlib.sha256(start + delivery.method.encode() + url + delivery.body).hexdigest()


def _addresses(delivery: Delivery) -> Iterator[bytes]:
    for url in delivery.urls:
        decoded = url
        for code, character in _DECODED.items():
            decoded = decoded.replace(code, character).replace(code.lower(), character)
        for each in dict.fromkeys((url, decoded)):
            yield each.encode("utf-8", "surrogateescape")
