"""`POST /api/leads` and its sisters: who may post, what is taken, what is answered, what is logged."""

from __future__ import annotations

import json
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.integration.collector.conftest import Shop
from tracker import wire
from tracker.core.facts import read_fact
from tracker.core.ids import activity_id, lead_id

LEAD = {
    "kind": "form",
    "provider": "site",
    "provider_id": "17",
    "at": "2026-03-01T10:00:00.000Z",
    "email": "ann@example.org",
}


def post(shop: Shop, body: object, *, token: str | None = None, path: str = "/api/leads") -> TestResponse:
    """Post facts with a token of the site's, or with the one given."""
    bearer = {"Authorization": f"Bearer {shop.token() if token is None else token}"}
    return shop.ask(path, "POST", data=json.dumps(body).encode(), Content_Type="application/json", **bearer)


def facts(shop: Shop) -> list[dict[str, Any]]:
    """Read the facts on the log."""
    entries = shop.entries()
    assert all(entry.origin == "api" for entry in entries if not isinstance(entry, wire.HitsEntry))
    return [fact for entry in entries if isinstance(entry, wire.FactsEntry) for fact in entry.facts]


def test_a_lead_is_on_the_log_before_it_is_answered(shop: Shop) -> None:
    """202 with the lead's id; the fact carries its name and the token's site."""
    answer = post(shop, LEAD)
    assert answer.status_code == 202
    assert answer.get_json() == {"accepted": [{"id": lead_id("shop", "site", "17")}], "rejected": []}
    assert facts(shop) == [LEAD | {"fact": "lead", "site": "shop"}]
    assert shop.metric("touchline_facts_total", kind="lead", result="accepted") == 1


def test_a_repeat_is_accepted_with_the_same_id(shop: Shop) -> None:
    """409 never: the same lead again has the same id."""
    token = shop.token()
    first, again = post(shop, LEAD, token=token), post(shop, LEAD | {"phone": "+442079460000"}, token=token)
    assert (again.status_code, again.get_json()) == (202, first.get_json())


def test_a_list_is_taken_one_by_one(shop: Shop) -> None:
    """One id each; a bad one is rejected alone, with its place and the reason, and kept."""
    answer = post(shop, [LEAD, LEAD | {"kind": "fax"}, LEAD | {"provider_id": "18"}])
    said = answer.get_json()
    assert answer.status_code == 202
    assert [each["id"] for each in said["accepted"]] == [lead_id("shop", "site", n) for n in ("17", "18")]
    (refused,) = said["rejected"]
    assert (refused["i"], refused["code"], refused["place"]) == (1, "bad_fact", "kind")
    assert "form, call, chat, booking" in refused["message"]
    (reject,) = shop.rejects()
    assert (reject.origin, reject.site, json.loads(reject.body)["kind"]) == ("api", "shop", "fax")


def test_a_refused_fact_is_kept_as_what_its_sender_may_say(shop: Shop) -> None:
    """Whole and with its site where the token allows it, so that it can be taken again; else as it came."""
    token = shop.token()
    facts_ = [LEAD | {"fact": "lead", "name": []}, LEAD | {"fact": "lead", "site": "other"},
              {"fact": "erase", "at": LEAD["at"], "email": "ann@acme.com"}]  # fmt: skip
    post(shop, facts_, token=token, path="/api/facts")
    post(shop, LEAD | {"name": []}, token=token)
    kept = [(each.is_let_in, json.loads(each.body)) for each in shop.rejects()]
    assert [is_let_in for is_let_in, _ in kept] == [True, False, False, True]
    assert kept[0] == kept[3]
    assert (kept[3][1]["fact"], kept[3][1]["site"]) == ("lead", "shop")


@pytest.mark.parametrize("body", [b"{", b"[]"], ids=["no JSON", "no fact"])
def test_a_body_that_is_refused_as_a_whole_is_kept(shop: Shop, body: bytes) -> None:
    """Its sender is told; who runs the house can see what came."""
    bearer = {"Authorization": f"Bearer {shop.token()}"}
    answer = shop.ask("/api/leads", "POST", data=body, Content_Type="application/json", **bearer)
    assert (answer.status_code, answer.get_json()["code"]) == (400, "bad_body")
    (reject,) = shop.rejects()
    assert (reject.origin, reject.site, reject.body.encode(), reject.is_let_in) == (
        "api",
        "shop",
        body,
        False,
    )


@pytest.mark.parametrize(
    ("body", "code", "place"),
    [
        pytest.param(LEAD | {"at": "2026-03-01T10:00:00"}, "bad_time", "at", id="no offset"),
        pytest.param(LEAD | {"at": None}, "bad_fact", "at", id="no time"),
        pytest.param(LEAD | {"at": 5}, "bad_time", "at", id="a time that is a number"),
        pytest.param(LEAD | {"kind": None}, "bad_fact", "kind", id="no kind"),
        pytest.param(LEAD | {"provider": ""}, "bad_fact", "provider", id="no provider"),
        pytest.param(LEAD | {"provider_id": []}, "bad_fact", "provider_id", id="an id that is a list"),
        pytest.param(LEAD | {"provider_id": "x" * 600}, "too_long", "provider_id", id="an endless id"),
        pytest.param(LEAD | {"duration_s": "long"}, "bad_fact", "duration_s", id="a duration in words"),
        pytest.param(LEAD | {"answered": "maybe"}, "bad_fact", "answered", id="neither yes nor no"),
        pytest.param(LEAD | {"value": "much"}, "bad_fact", "value", id="an amount in words"),
        pytest.param(LEAD | {"site": "asks"}, "no_site", "site", id="another site than the token's"),
        pytest.param(LEAD | {"fact": "deal"}, "bad_fact", "fact", id="another fact"),
        pytest.param([LEAD | {"kind": "fax"}], "bad_fact", "[0].kind", id="a list of one"),
        pytest.param([5], "bad_fact", "[0]", id="no object"),
        pytest.param(5, "bad_fact", "", id="no object at all"),
        pytest.param(None, "bad_fact", "", id="null"),
    ],
)
def test_when_nothing_can_be_taken_the_place_is_named(
    shop: Shop, body: object, code: str, place: str
) -> None:
    """400 with the place and the reason."""
    answer = post(shop, body)
    said = answer.get_json()
    assert (answer.status_code, said["code"], said["place"], said["accepted"]) == (400, code, place, [])
    assert said["message"] and facts(shop) == []


@pytest.mark.parametrize(
    ("raw", "status"),
    [(b"{", 400), (b"", 400), (b"\xff", 400), (b"[]", 400), (b"[" * 50_000, 400), (b" " * 1_048_577, 413)],
)
def test_bodies_without_shape(shop: Shop, raw: bytes, status: int) -> None:
    """No JSON, no facts, too much."""
    bearer = f"Bearer {shop.token()}"
    answer = shop.ask("/api/leads", "POST", data=raw, Content_Type="application/json", Authorization=bearer)
    assert answer.status_code == status
    assert answer.get_json()["message"]


def test_a_thousand_facts_are_the_most(shop: Shop) -> None:
    """A list over the limit is refused as a whole."""
    assert post(shop, [LEAD] * 1_001).status_code == 400
    assert facts(shop) == []


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Bearer wrong", "Basic dTpw", "Bearer \xff", "x"]
)
def test_without_a_token_nothing_is_taken(shop: Shop, header: str) -> None:
    """401, whatever the body."""
    answer = shop.ask("/api/leads", "POST", data=b"{", Content_Type="application/json", Authorization=header)
    assert (answer.status_code, answer.get_json()["code"]) == (401, "bad_token")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_token_is_for_one_purpose(shop: Shop) -> None:
    """A token for something else may not post leads."""
    answer = post(shop, LEAD, token=shop.token(purpose="read"))
    assert answer.status_code == 401
    assert (answer.get_json()["code"], facts(shop)) == ("bad_token", [])


def test_a_token_made_a_moment_ago_is_known(shop: Shop) -> None:
    """Before a token is refused the store is looked at again."""
    assert post(shop, LEAD, token=shop.token()).status_code == 202


@pytest.mark.parametrize(
    ("given", "visitor"),
    [
        pytest.param("TOKEN", "ID", id="a signed token is verified"),
        pytest.param("0190f3a01234076425b6cc752e24e598", "0190f3a01234076425b6cc752e24e598", id="a bare id"),
        pytest.param(
            "0190f3a01234076425b6cc752e24e598.t3uwow.forged", None, id="a forged token is no visitor"
        ),
    ],
)
def test_the_visitor_may_be_an_id_or_a_token(shop: Shop, given: str, visitor: str | None) -> None:
    """A sender with a token may name the visitor; what claims to be signed must be."""
    known = shop.signer.mint("seed", 0)
    post(shop, LEAD | {"visitor_id": known.token if given == "TOKEN" else given})
    (fact,) = facts(shop)
    assert fact.get("visitor_id") == (known.visitor_id if visitor == "ID" else visitor)
    if visitor is None:
        assert fact["extra"] == {"visitor_id": given}


@pytest.mark.parametrize(
    "change",
    [
        {"email": "no address at all"},
        {"email": ["a@example.org"]},
        {"phone": 442079460000},
        {"phone": {"n": 1}},
        {"email": "x" * 5_000},
        {"email": True},
        {"phone": "withheld"},
        {"name": "\ud800\0"},
    ],
)
def test_no_lead_is_refused_for_its_contact_details(shop: Shop, change: dict[str, Any]) -> None:
    """The lead is kept, whatever stands in e-mail and phone; what is no text is set aside."""
    assert post(shop, LEAD | change).status_code == 202
    (fact,) = facts(shop)
    assert read_fact(fact).kind == "lead"


def test_fields_that_nobody_knows_are_kept(shop: Shop) -> None:
    """Unknown fields come through to the fact, under `extra` when it is read."""
    post(shop, LEAD | {"mood": "good", "fields": {"tl_visitor": "unsigned", "colour": "red"}})
    content = read_fact(facts(shop)[0]).content
    assert content["extra"] == {"mood": "good"}
    assert content["fields"] == {"tl_visitor": "unsigned", "colour": "red"}


def test_numbers_for_ids_are_texts(shop: Shop) -> None:
    """A sender's numeric id names the same lead as its text."""
    token = shop.token()
    ids = [
        post(shop, LEAD | {"provider_id": each}, token=token).get_json()["accepted"] for each in (17, "17")
    ]
    assert ids[0] == ids[1]


IDENTIFY = {"at": LEAD["at"], "visitor_id": "v1", "email": "ann@example.org"}


def test_an_identify_is_posted_like_a_lead(shop: Shop) -> None:
    """Same token, same road; the visitor may be the signed token, and a repeat has the same id."""
    token, known = shop.token(), shop.signer.mint("seed", 0)
    answers = [
        post(shop, IDENTIFY | {"visitor_id": visitor}, token=token, path="/api/identify")
        for visitor in (known.token, known.visitor_id)
    ]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].get_json() == answers[1].get_json()
    wanted = IDENTIFY | {"fact": "identify", "site": "shop", "visitor_id": known.visitor_id}
    assert facts(shop) == [wanted, wanted]
    assert shop.metric("touchline_facts_total", kind="identify", result="accepted") == 2


@pytest.mark.parametrize(
    ("change", "place"),
    [
        pytest.param({"visitor_id": None}, "visitor_id", id="no visitor"),
        pytest.param({"visitor_id": "v1.t3uwow.forged"}, "visitor_id", id="a forged visitor"),
        pytest.param({"email": ""}, "email", id="nobody named"),
        pytest.param({"email": ["ann@example.org"]}, "email", id="an address that is a list"),
        pytest.param({"at": None}, "at", id="no time"),
    ],
)
def test_an_identify_needs_a_visitor_and_somebody(shop: Shop, change: dict[str, Any], place: str) -> None:
    """400 with the place: without either it would say nothing."""
    answer = post(shop, IDENTIFY | change, path="/api/identify")
    assert (answer.status_code, answer.get_json()["place"], facts(shop)) == (400, place, [])


CONSENT = {"fact": "consent", "at": LEAD["at"], "visitor_id": "v1", "state": "denied"}
CONTACT = {"fact": "contact", "at": LEAD["at"], "provider": "crm", "provider_id": "7"}
ERASE = {"fact": "erase", "at": LEAD["at"], "email": "ann@acme.com"}

SPLIT = {"fact": "split", "at": LEAD["at"], "a": "email:ann@acme.com", "b": "visitor:v1"}


STATUS = {"fact": "status", "at": LEAD["at"], "provider": "site", "provider_id": "17", "status": "MQL"}
ACTIVITY = {
    "fact": "activity", "at": LEAD["at"], "provider": "crm", "provider_id": "7", "kind": "call_made",
    "email": "ann@acme.com",
}  # fmt: skip


@pytest.mark.parametrize(
    ("purpose", "fact", "is_taken"),
    [
        ("leads", IDENTIFY | {"fact": "identify"}, True),
        ("leads", CONSENT, True),
        ("leads", CONTACT, False),
        ("deals", CONTACT, True),
        ("deals", CONSENT, False),
        ("deals", LEAD | {"fact": "lead"}, False),
        ("persons", SPLIT, True),
        ("persons", SPLIT | {"fact": "same"}, True),
        ("leads", SPLIT, False),
        ("deals", SPLIT, False),
        ("persons", CONSENT, False),
        ("erase", ERASE, True),
        ("deals", ERASE, False),
        ("read", CONSENT, False),
        ("leads", STATUS, True),
        ("deals", STATUS, True),
        ("persons", STATUS, False),
        ("deals", ACTIVITY, True),
        ("leads", ACTIVITY, False),
    ],
    ids=lambda value: value.get("fact") if isinstance(value, dict) else str(value),
)
def test_a_purpose_says_which_facts(shop: Shop, purpose: str, fact: dict[str, Any], is_taken: bool) -> None:
    """What visitors say goes with leads, what the CRM says with deals, what an operator says with persons."""
    answer = post(shop, fact, token=shop.token(purpose=purpose), path="/api/facts")
    assert answer.status_code == (202 if is_taken else 400)
    assert bool(facts(shop)) is is_taken


def test_an_operators_number_may_be_a_national_one(shop: Shop) -> None:
    """It is read as at the token's site, and goes onto the log with its country's code."""
    word = SPLIT | {"b": "phone:(650) 253-0000"}
    answer = post(shop, word, token=shop.token(purpose="persons"), path="/api/facts")
    assert (answer.status_code, facts(shop)[0]["b"]) == (202, "phone:+16502530000")


def test_a_word_on_a_status_is_of_now(shop: Shop) -> None:
    """`/api/statuses` takes words without a time: the lead by its id or its provider's."""
    own = lead_id("shop", "site", "17")
    words = [{"lead_id": own, "status": "SQL", "by": "Sue"}, {**STATUS, "at": None}, {"status": "SQL"}]
    answer = post(shop, words, path="/api/statuses", token=shop.token(purpose="deals"))
    assert answer.status_code == 202
    assert [(each["i"], each["place"]) for each in answer.get_json()["rejected"]] == [(2, "lead_id")]
    told = [read_fact(fact) for fact in facts(shop)]
    assert [fact.content["lead_id"] for fact in told] == [own, own]
    assert [fact.content["status"] for fact in told] == ["sales_qualified", "qualified"]


def test_activities_have_an_address_of_their_own(shop: Shop) -> None:
    """A CRM's token posts what sales did; the id is the export's."""
    told = {name: value for name, value in ACTIVITY.items() if name != "fact"}
    answer = post(shop, told, path="/api/activities", token=shop.token(purpose="deals"))
    assert answer.get_json()["accepted"] == [{"id": activity_id("crm", "7")}]
    assert post(shop, told, path="/api/activities").status_code == 401
    assert facts(shop) == [{**ACTIVITY, "site": "shop"}]


def test_facts_say_what_they_are(shop: Shop) -> None:
    """`/api/facts` takes what the token's purpose allows, each fact naming its kind."""
    token = shop.token()
    answer = post(
        shop, [LEAD | {"fact": "lead"}, LEAD, {"fact": "erase"}, {"fact": []}], token=token, path="/api/facts"
    )
    assert answer.status_code == 202
    assert [each["i"] for each in answer.get_json()["rejected"]] == [1, 2, 3]
    assert len(facts(shop)) == 1


NOBODY: dict[str, dict[str, Any]] = {
    "two names": {"email": "ann@acme.com", "phone": "+442079460018"},
    "no address": {"email": "ann at acme"},
    "no number": {"phone": "none"},
    "a time that is yet to come": {"email": "ann@acme.com", "at": "2099-01-01T00:00:00Z"},
}


@pytest.mark.parametrize("said", NOBODY.values(), ids=NOBODY)
def test_an_erasure_that_cannot_be_is_not_promised(shop: Shop, said: dict[str, Any]) -> None:
    """Who asks for it is told at once; 202 means that it happens."""
    erase = {"fact": "erase", "at": LEAD["at"], **said}
    answer = post(shop, erase, token=shop.token(purpose="erase"), path="/api/facts")
    assert (answer.status_code, facts(shop)) == (400, [])


def test_an_erasure_may_leave_the_other_names_blank(shop: Shop) -> None:
    """A form that sends all of its fields names somebody by the one that is filled in."""
    erase = {"fact": "erase", "at": LEAD["at"], "email": "ann@acme.com", "phone": " ", "crm_id": None}
    answer = post(shop, erase, token=shop.token(purpose="erase"), path="/api/facts")
    assert answer.status_code == 202


def test_other_addresses_and_methods(shop: Shop) -> None:
    """JSON here too: 404 names what there is, 405 what is allowed."""
    missing = post(shop, LEAD, path="/api/nothing")
    assert missing.status_code == 404 and "leads" in missing.get_json()["message"]
    refused = shop.ask("/api/leads")
    assert (refused.status_code, refused.get_json()["code"]) == (405, "method_not_allowed")
    assert "POST" in refused.headers["Allow"]
    assert shop.ask("/api/a/b").get_json()["code"] == "not_found"


def test_a_lead_is_not_lost_quietly(shop: Shop) -> None:
    """503 when the log cannot be written; the sender tries again."""
    token = shop.token()
    shop.log.config_set("maxmemory", "1")
    try:
        answer = post(shop, LEAD, token=token)
    finally:
        shop.log.config_set("maxmemory", "0")
    assert (answer.status_code, answer.get_json()["code"]) == (503, "unavailable")
    assert facts(shop) == []
