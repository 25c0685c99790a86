"""Any sender: JSON, form-encoded or XML, read by the source's field map, the rest guessed.

What proves it is in `tracker.providers.proofs`, what it becomes in `tracker.providers.mapped`. An event's
own id may come in the header `webhook-id`, `x-webhook-id` or `idempotency-key`.
"""

from __future__ import annotations

from tracker.providers.adapter import Adapter, Delivery, Facts
from tracker.providers.mapped import OPTIONS, mapped_facts
from tracker.providers.proofs import demand_shared_secret

_IDS = ("webhook-id", "svix-id", "idempotency-key", "x-webhook-id")


def _parse(delivery: Delivery) -> Facts:
    return mapped_facts(delivery, *_IDS)


ADAPTER = Adapter(
    name="generic",
    label="Anything else",
    parse=_parse,
    verify=demand_shared_secret,
    headers=_IDS,
    is_nameless=True,
    takes_query=True,
    secret="a secret of your own, in the header X-Touchline-Secret, as Authorization: Bearer, as the key of "
    "X-Signature (HMAC-SHA256 in hex of the body, or of a GET's query), or in the address as ?secret=",
    options=OPTIONS,
    steps=(
        "Have your system post JSON or a form to {url}, one request a lead. A system that only sends "
        "GET puts the fields into the address: {url}?email=...&phone=...",
        "If you set a secret, send it in the header X-Touchline-Secret with each request.",
        "Fields called email, phone, name, company and tl_visitor are found by themselves; for others write "
        "a map, such as email=contact.email, and look at the result with `touchline source try`.",
    ),
    verified="own rules; JSON, form encoding, multipart and XML",
)
