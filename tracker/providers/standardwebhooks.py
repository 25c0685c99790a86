"""Standard Webhooks: any sender that signs by that specification, Svix's own header names too.

The signature is over id, time and raw body; several may stand in the header, while keys change. What the
payload becomes is said by the field map or guessed (see `tracker.providers.mapped`).

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii

from tracker.providers.adapter import Adapter, Delivery, Facts
from tracker.providers.mapped import OPTIONS, mapped_facts
from tracker.providers.signing import demand_standard

_PREFIXES = ("webhook-", "svix-")
_IDS = tuple(f"{prefix}id" for prefix in _PREFIXES)
_SECRET = "whsec_"


def _verify(delivery: Delivery, secret: str) -> None:
    prefix = next((each for each in _PREFIXES if f"{each}signature" in delivery.headers), _PREFIXES[0])
    demand_standard(delivery, _key(secret), prefix)


def _key(secret: str) -> bytes:
    """Read the key: base64 after `whsec_`; a secret of another make is taken as it is."""
    try:
        return base64.b64decode(secret.removeprefix(_SECRET), validate=True)
    except (binascii.Error, ValueError):
        return secret.encode("utf-8", "surrogateescape")


def _parse(delivery: Delivery) -> Facts:
    return mapped_facts(delivery, *_IDS)


ADAPTER = Adapter(
    name="standardwebhooks",
    label="Standard Webhooks",
    parse=_parse,
    verify=_verify,
    headers=_IDS,
    is_nameless=True,
    secret="the endpoint's signing secret, whsec_ and base64",
    options=OPTIONS,
    steps=(
        "Add an endpoint with the address {url} at the sender.",
        "Copy its signing secret, which begins with whsec_, and give it as --secret.",
        "Look with `touchline source try standardwebhooks` at what a payload becomes, and write a map for "
        "what is not found.",
    ),
    verified="the specification's public vector",
)
