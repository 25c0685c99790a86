"""Meta lead ads: the notice of a lead, which holds ids alone, and leads that a relay fetched.

The notice makes the lead; who it was comes with `field_data`, from whoever asks Meta for it: the same
`leadgen_id`, so that both are one lead. Test leads make none.

Source: https://developers.facebook.com/docs/marketing-api/guides/lead-ads/retrieving
Source: https://developers.facebook.com/docs/graph-api/webhooks/getting-started
Unconfirmed: flat leads of relays such as Zapier; they are read by their usual names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs

from tracker.providers.adapter import Adapter, Delivery, Facts, Reply, Unproved
from tracker.providers.answers import Answer, Kind
from tracker.providers.guess import form_lead, of_ad
from tracker.providers.reading import (
    dig,
    first,
    first_text,
    instant,
    mapping,
    objects,
    text,
    truth,
    visitor_token,
)
from tracker.providers.signing import demand_header, demand_same, hex_mac, is_same

_IDS = (
    "form_id", "form_name", "page_id", "ad_id", "ad_name", "adset_id", "adset_name", "adgroup_id",
    "campaign_id", "campaign_name", "platform", "is_organic", "partner_name",
)  # fmt: skip
_KINDS: Mapping[str, Kind] = {
    "full_name": "name", "first_name": "first_name", "last_name": "last_name", "email": "email",
    "work_email": "email", "phone_number": "phone", "phone": "phone", "work_phone_number": "phone",
    "company_name": "company",
}  # fmt: skip
_FOURS = re.compile(r"4{9,}")  # the ids of the notice that Meta's own test button sends
_DUMMY = re.compile(r"<?test lead: dummy data", re.IGNORECASE)


def _parse(delivery: Delivery) -> Facts:
    for told in objects(delivery.document):
        if "entry" in told:
            for entry in objects(told.get("entry")):
                for change in objects(entry.get("changes")):
                    if text(change.get("field")) in ("leadgen", None):
                        yield from _lead(mapping(change.get("value")), entry)
        else:
            yield from _lead({**told, **mapping(told.get("lead") or told.get("data"))}, {})


def _lead(told: Mapping[str, Any], entry: Mapping[str, Any]) -> Facts:
    lead_id = first_text(told, "leadgen_id", "lead_id", "leadgenId", "leadId", "id")
    answers = list(_answers(told))
    if lead_id is None and not answers or any(_is_dummy(each) for each in answers):
        return
    if _FOURS.fullmatch(lead_id or ""):
        return
    sent_at = instant(told.get("created_time"))
    lead = form_lead(
        answers, provider_id=lead_id or "", at=sent_at,
        version_at=sent_at or instant(entry.get("time")),
        visitor_id=visitor_token(told.get("field_data")),
    )  # fmt: skip
    named = lead["provider_id"] if lead_id else None
    if answers:  # a notice of ids alone does not say on which network
        lead = of_ad(lead, *_shown(told), first_text(told, "campaign_name", "campaign_id"))
    yield {**lead, "provider_id": named, "fields": {**mapping(lead.get("fields")), **_ids(told)}}


def _shown(told: Mapping[str, Any]) -> tuple[str, str]:
    """Say on which network the form was shown, and whether for money."""
    source = (
        "instagram" if (first_text(told, "platform") or "").lower() in ("ig", "instagram") else "facebook"
    )
    return source, "social" if truth(told.get("is_organic")) else "paid_social"


def _ids(told: Mapping[str, Any]) -> dict[str, str]:
    return {name: said for name in _IDS if (said := text(told.get(name))) is not None}


def _answers(told: Mapping[str, Any]) -> Iterator[Answer]:
    """Read what was filled in: as a list of names and values, as an object, or flat."""
    fields = told.get("field_data")
    if isinstance(fields, Mapping):
        fields = [{"name": name, "values": value} for name, value in fields.items()]
    for field in objects(fields):
        name = first_text(field, "name", "key") or ""
        yield _answer(name, first(field, "values", "value"))
    if fields is None:
        for name in (*_KINDS, "name", "message", "city"):
            if (said := text(told.get(name))) is not None:
                yield _answer(name, said)


def _answer(name: str, said: Any) -> Answer:
    return Answer(label=name, value=said, kind=_KINDS.get(name.lower().replace(" ", "_"), ""))


def _is_dummy(answer: Answer) -> bool:
    return bool(_DUMMY.match(text(answer.value) or ""))


def _verify(delivery: Delivery, secret: str) -> None:
    given = demand_header(delivery, "x-hub-signature-256").lower()
    if not given.startswith("sha256="):
        raise Unproved("X-Hub-Signature-256 is not written sha256=...")
    demand_same(given, f"sha256={hex_mac(secret, delivery.body)}")


def _greet(delivery: Delivery, secrets: tuple[str, ...]) -> Reply | None:
    """Echo Meta's challenge to who knows the verify token."""
    if delivery.method != "GET":
        return None
    asked = parse_qs(delivery.query, keep_blank_values=True, max_num_fields=50) if delivery.query else {}
    expected = text(dig(delivery.options, "verify_token"))
    given, challenge = (asked.get(f"hub.{name}", [""])[0] for name in ("verify_token", "challenge"))
    if not challenge:
        return None
    if expected is None or not is_same(given, expected):
        raise Unproved("hub.verify_token is not the one of this source (--verify-token)")
    return Reply(200, challenge.encode("utf-8", "replace"), "text/plain")


ADAPTER = Adapter(
    name="meta",
    label="Meta lead ads",
    parse=_parse,
    verify=_verify,
    greet=_greet,
    secret="the app secret, in the app's settings under Basic",
    steps=(
        "In Meta's App Dashboard open Webhooks, choose Page, and subscribe to leadgen.",
        "Enter {url} as Callback URL, and as Verify token the one that you give as --verify-token.",
        "Install the app on the page, or no notice comes: POST /PAGE-ID/subscribed_apps of the Graph API with"
        " subscribed_fields=leadgen and the page's access token.",
        "Give the app secret as --secret.",
        "Meta's notice holds ids alone: have a relay that may read leads post the fetched lead, with"
        " field_data, to a second source of meta.",
    ),
    verified="documented notices, handshake and signature; fetched leads as the Graph API gives them",
)
