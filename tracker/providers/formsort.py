"""Formsort: answers at the top of the object or in an object or list of their own, as the operator chose.

Only a flow that was finished (`finalized`) is a lead. The responder's id has the name that the operator gave
it, `responder_uuid` by default; without one, content and day name the lead.

Source: https://docs.formsort.com/handling-data/integration-reference/webhooks
Source: https://docs.formsort.com/handling-data/getting-data-out/signed-requests
Unconfirmed: the name of the time; encrypted posts are not read.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

from tracker.providers.adapter import Adapter, Delivery, Facts
from tracker.providers.answers import Answer, words_of
from tracker.providers.guess import form_lead
from tracker.providers.reading import first_text, instant, text, truth
from tracker.providers.shapes import content_key, demand_object, flat_answers, unpacked
from tracker.providers.signing import demand_header, demand_same

_OWN = frozenset({
    "variant_label", "variant_uuid", "flow_label", "flow_uuid", "finalized", "created_at", "updated_at",
    "submitted_at", "last_touched_at", "finalized_at", "responder_uuid", "variant_revision_uuid",
    "environment", "schema_version", "total_time_estimate_seconds",
})  # fmt: skip
_TIMES = ("finalized_at", "submitted_at", "last_touched_at", "updated_at", "created_at")


def _verify(delivery: Delivery, secret: str) -> None:
    given = demand_header(delivery, "x-formsort-signature").rstrip("=")
    mac = hmac.digest(secret.encode("utf-8", "surrogateescape"), delivery.body, sha256)
    demand_same(given, base64.urlsafe_b64encode(mac).decode().rstrip("="))


def _parse(delivery: Delivery) -> Facts:
    document = demand_object(delivery.document, "payload", "data")
    if truth(document.get("finalized")) is False:
        return
    at = next((found for name in _TIMES if (found := instant(document.get(name)))), None)
    yield form_lead(
        _answers(document),
        provider_id=_responder(document) or content_key(delivery),
        at=at,
        version_at=at,
        form=first_text(document, "flow_label", "variant_label"),
    )


def _responder(document: Mapping[str, Any]) -> str | None:
    """Find the responder's id under its own name, or under the one that the operator gave it."""
    names = (name for name in document if "responder" in words_of(str(name)))
    return first_text(document, "responder_uuid", *names) or first_text(document, "answers.responder_uuid")


def _answers(document: Mapping[str, Any]) -> Iterator[Answer]:
    answers, responder = unpacked(document.get("answers")), _responder(document)
    yield from flat_answers(answers) if isinstance(answers, Mapping | list) else ()
    for name, value in document.items():
        if name not in _OWN and name != "answers" and (responder is None or text(value) != responder):
            yield from flat_answers({name: value})


ADAPTER = Adapter(
    name="formsort",
    label="Formsort",
    parse=_parse,
    verify=_verify,
    secret="the signing key that Formsort shows when the webhook's security is Sign; may be left out",
    steps=(
        "In Formsort open the flow, choose Integrations, and add a Webhook.",
        "Enter {url} and choose the posting frequency On Finalize.",
        "Give the responder UUID the name responder_uuid, so that a repeat is known for one.",
        "Under Security choose Sign, and give the signing key as --secret.",
        "Pass tl_visitor to the flow in its address, as a variable of that name.",
    ),
    verified="documented shape and signature",
)
