"""Any sender: what is guessed, what a field map says, which facts it may give, how it is proved."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest

from tests.unit.providers.deliveries import delivery, facts_of, form
from tests.unit.providers.recorded import recorded
from tracker.errors import BadRequest
from tracker.providers.adapter import Delivery, Unproved
from tracker.providers.generic import ADAPTER


def test_nested_json_is_guessed() -> None:
    """Names with dots, wrappers left out; id and time under the usual names."""
    (fact,) = facts_of("generic", recorded("generic_nested"))
    told = {
        "fact": "lead", "kind": "form", "provider_id": "evt_91", "at": "2026-03-01T08:59:41.000Z",
        "name": "Maya Okafor", "email": "maya@okaforstudio.net", "phone": "+44 113 496 0123",
        "company": "Okafor Studio", "message": "Forty chairs by May", "visitor_id": "v1.token.mac",
        "utm_source": "bing", "utm_medium": "cpc", "msclkid": "m1",
    }  # fmt: skip
    assert {key: fact.get(key) for key in told} == told
    assert fact["page_url"].startswith("https://shop.example.net/quote/")
    assert not any("password" in name for name in fact["fields"])


GUESSED: dict[str, Delivery] = {
    "flat JSON": delivery({"name": "Maya Okafor", "email": "maya@okaforstudio.net"}),
    "a form": form({"your-name": "Maya Okafor", "your-email": "maya@okaforstudio.net"}),
    "a form of nested names": form({"contact[first_name]": "Maya", "contact[last_name]": "Okafor",
                                    "contact[email]": "maya@okaforstudio.net"}),
    "JSON in a form's field": form({"payload": json.dumps({"user": {"name": "Maya Okafor",
                                                                    "email": "maya@okaforstudio.net"}})}),
    "questions and answers": delivery({"answers": [
        {"question": "Your name", "answer": "Maya Okafor"},
        {"question": "Mail", "answer": "maya@okaforstudio.net"},
    ]}),
    "fields with type and value": delivery({"fields": {
        "a1": {"title": "Who?", "value": "Maya Okafor", "type": "name"},
        "a2": {"title": "Where?", "value": "maya@okaforstudio.net", "type": "email"},
    }}),
    "names with value and type": delivery({
        "FormID": "23", "Full": {"value": "Maya Okafor", "field_type": "name"},
        "Mail": {"value": "maya@okaforstudio.net", "field_type": "email"},
    }),
    "XML": delivery(b"<lead><name>Maya Okafor</name><email>maya@okaforstudio.net</email></lead>"),
}  # fmt: skip


@pytest.mark.parametrize("given", GUESSED.values(), ids=GUESSED)
def test_a_sender_is_found_in_any_shape(given: Delivery) -> None:
    """JSON, forms and XML, flat or nested, named or asked."""
    (fact,) = facts_of("generic", given)
    assert (fact["name"], fact["email"]) == ("Maya Okafor", "maya@okaforstudio.net")


def _mapped(document: object, **options: Any) -> list[dict[str, Any]]:
    return facts_of("generic", delivery(document, options=options))


CALL = {
    "caller": {"num": "0113 496 0123", "label": "Maya Okafor"}, "secs": "95", "worth": "£1,200.50",
    "ref": "C-7", "began": "2026-03-01 09:59:41", "demo": "no", "line": "+44 20 7946 0100", "mood": "glad",
}  # fmt: skip


def test_a_map_says_where_fields_stand() -> None:
    """Paths, kind, id, time and test mark; what no field of a lead is, is kept as an answer."""
    paths = {
        "phone": "caller.num", "name": ["nobody.here", "caller.label"], "duration_s": "secs",
        "value": "worth", "tracking_number": "line", "mood": "mood",
    }  # fmt: skip
    (fact,) = _mapped(CALL, map=paths, kind="call", id="ref", at="began", test="demo")
    told = {
        "kind": "call", "provider_id": "C-7", "at": "2026-03-01T09:59:41.000Z", "phone": "0113 496 0123",
        "name": "Maya Okafor", "duration_s": 95, "value": "1200.50", "tracking_number": "+44 20 7946 0100",
    }  # fmt: skip
    assert {key: fact.get(key) for key in told} == told
    assert fact["fields"]["mood"] == "glad"


def test_a_map_takes_names_of_form_fields_as_they_stand() -> None:
    """`fields[mail][value]` is a name in a form and a path in JSON."""
    paths = {"email": "fields[mail][value]"}
    given = form({"fields[mail][value]": "maya@okaforstudio.net"}, options={"map": paths})
    assert facts_of("generic", given)[0]["email"] == "maya@okaforstudio.net"
    assert _mapped({"fields": {"mail": {"value": "m@o.net"}}}, map=paths)[0]["email"] == "m@o.net"


def test_a_system_may_have_a_name_of_its_own() -> None:
    """Two systems on one site count their ids apart."""
    assert _mapped({"id": 7, "email": "m@o.net"}, provider="acme")[0]["provider"] == "acme"


def test_a_local_time_is_read_in_the_sites_zone() -> None:
    """A time without an offset was written where the site is."""
    given = delivery({"email": "m@o.net", "submitted_at": "2026-07-01 12:00:00"}, zone="Europe/Berlin")
    assert facts_of("generic", given)[0]["at"] == "2026-07-01T10:00:00.000Z"


def test_a_list_gives_a_lead_of_each() -> None:
    """A list, or a list under a usual name or the one that the options name."""
    two = [{"email": "a@o.net"}, {"email": "b@o.net"}]
    for given in (_mapped(two), _mapped({"leads": two}), _mapped({"got": {"all": two}}, list="got.all")):
        assert [fact["email"] for fact in given] == ["a@o.net", "b@o.net"]
        assert len({fact["provider_id"] for fact in given}) == 2


def test_a_test_makes_no_lead() -> None:
    """By the usual marks, or by the one that the options name."""
    assert _mapped({"email": "a@o.net", "is_test": True}) == []
    assert _mapped({"email": "a@o.net", "mode": {"dry": "yes"}}, test="mode.dry") == []


def test_an_id_is_the_mapped_one_then_the_deliverys_then_the_bodys_then_the_contents() -> None:
    """The first that there is."""
    body = {"submission_id": "S1", "ref": "R1"}
    header = {"webhook-id": "msg_1"}
    assert facts_of("generic", delivery(body, header, options={"id": "ref"}))[0]["provider_id"] == "R1"
    assert facts_of("generic", delivery(body, header))[0]["provider_id"] == "msg_1"
    assert facts_of("generic", delivery(body))[0]["provider_id"] == "S1"
    today, again = _mapped({"email": "a@o.net"}), _mapped({"email": "a@o.net"})
    assert (
        today[0]["provider_id"] == again[0]["provider_id"] != _mapped({"email": "b@o.net"})[0]["provider_id"]
    )


FACTS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "a contact": (
        {"id": 7, "mail": "maya@okaforstudio.net", "tel": "0113 496 0123", "full": "Maya Okafor", "co": "OS"},
        {"fact": "contact", "map": {"email": "mail", "phone": "tel", "name": "full", "company": "co"}},
        {"fact": "contact", "provider_id": "7", "emails": ["maya@okaforstudio.net"],
         "phones": ["0113 496 0123"], "name": "Maya Okafor", "account": {"name": "OS"}},
    ),
    "a deal": (
        {"id": 8, "phase": "Signed", "state": "Closed Won", "sum": "1.200,50 €", "cur": "EUR",
         "who": "m@o.net"},
        {"fact": "deal", "map": {"stage": "phase", "status": "state", "amount": "sum", "currency": "cur",
                                 "email": "who"}},
        {"fact": "deal", "provider_id": "8", "stage": "Signed", "status": "won", "amount": "1200.50",
         "currency": "EUR", "contacts": [{"email": "m@o.net"}]},
    ),
    "an activity": (
        {"id": 9, "email": "m@o.net", "subject": "Showed it", "rep": "ines"},
        {"fact": "activity", "kind": "demo", "map": {"title": "subject", "owner": "rep"}},
        {"fact": "activity", "kind": "demo", "provider_id": "9", "email": "m@o.net", "title": "Showed it",
         "owner": "ines"},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("document", "options", "told"), FACTS.values(), ids=FACTS)
def test_a_map_may_give_other_facts(
    document: dict[str, Any], options: dict[str, Any], told: dict[str, Any]
) -> None:
    """Contacts, deals and activities of a system without an adapter."""
    (fact,) = _mapped(document, **options)
    assert {key: fact.get(key) for key in told} == told


@pytest.mark.parametrize("document", [[], "[]", 7, [1, 2]], ids=["no list", "a text", "a number", "numbers"])
def test_a_body_without_an_object_is_refused_with_words(document: object) -> None:
    """What is no object has no fields."""
    with pytest.raises(BadRequest):
        facts_of("generic", delivery(json.dumps(document), {"content-type": "application/json"}))


BODY = b'{"email":"m@o.net"}'
MAC = hmac.new(b"spoon", BODY, hashlib.sha256).hexdigest()
PROOFS: dict[str, dict[str, Any]] = {
    "a header": {"headers": {"X-Touchline-Secret": "spoon"}},
    "a bearer": {"headers": {"Authorization": "Bearer spoon"}},
    "a signature": {"headers": {"X-Signature": f"sha256={MAC}"}},
    "a bare signature": {"headers": {"X-Signature": MAC.upper()}},
    "a signature as GitHub writes it": {"headers": {"X-Hub-Signature-256": f"sha256={MAC}"}},
    "the address": {"query": "a=b&secret=spoon"},
}
WRONG: dict[str, dict[str, Any]] = {
    "nothing": {},
    "another header": {"headers": {"X-Touchline-Secret": "fork"}},
    "an empty header": {"headers": {"X-Touchline-Secret": ""}},
    "another bearer": {"headers": {"Authorization": "Bearer fork"}},
    "basic": {"headers": {"Authorization": "Basic spoon"}},
    "a signature of another body": {"headers": {"X-Signature": "sha256=" + "0" * 64}},
    "the secret for a signature": {"headers": {"X-Signature": "spoon"}},
    "another address": {"query": "secret=fork"},
}


def _given(more: dict[str, Any]) -> Delivery:
    return delivery(BODY, more.get("headers"), query=more.get("query", ""))


@pytest.mark.parametrize("more", PROOFS.values(), ids=PROOFS)
def test_one_proof_is_enough(more: dict[str, Any]) -> None:
    """A header, a bearer, a signature, or the address."""
    assert ADAPTER.verify is not None
    ADAPTER.verify(_given(more), "spoon")


@pytest.mark.parametrize("more", WRONG.values(), ids=WRONG)
def test_a_secret_that_is_set_must_be_proved(more: dict[str, Any]) -> None:
    """Nothing, or something else, is a refusal."""
    assert ADAPTER.verify is not None
    with pytest.raises(Unproved):
        ADAPTER.verify(_given(more), "spoon")
