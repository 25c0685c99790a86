"""Typeform: what a response becomes, what is no lead, and the signature over the raw body."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest

from tests.unit.providers.deliveries import delivery, facts_of, form, merged_lead
from tests.unit.providers.recorded import changed, recorded
from tracker.errors import BadRequest
from tracker.providers.adapter import Delivery, Unproved
from tracker.providers.typeform import ADAPTER

SECRET = "spoon"


def test_a_response_is_a_lead() -> None:
    """The token is its id, the time of submission its time; hidden fields carry visitor and campaign."""
    (fact,) = facts_of("typeform", recorded("typeform_response"))
    told = {
        "fact": "lead", "kind": "form", "provider_id": "k7d0h4s9w2v8q1z6", "at": "2026-03-01T09:59:41.000Z",
        "email": "maya@okaforstudio.net", "phone": "+441134960123", "name": "Maya Okafor",
        "message": "Ask bob@elsewhere.net too.", "visitor_id": "v1.token.mac", "utm_source": "google",
        "utm_medium": "cpc", "gclid": "EAIaIQ",
    }  # fmt: skip
    assert {key: fact.get(key) for key in told} == told
    assert fact.keys().isdisjoint({"utm_term", "page_url", "company"})


def test_every_type_of_answer_is_kept_as_text_under_its_question() -> None:
    """Choices by their labels, the other one too; numbers and truths as they are; recalled text left out."""
    (fact,) = facts_of("typeform", recorded("typeform_response"))
    told = {
        "Hi! What's your first name?": "Maya", "And your last name, ?": "Okafor",
        "What do you need?": "Chairs, A desk", "Which rooms?": "Kitchen", "When?": "2026-04-10",
        "How urgent?": 5, "Do you accept that we keep your name and email?": True, "Deposit": "$20.00",
        "A plan": "https://api.typeform.com/responses/files/plan.pdf", "score": 7,
        "Your website": "https://okaforstudio.net", "utm_source": "google",
    }  # fmt: skip
    assert {key: fact["fields"].get(key) for key in told} == told


def test_a_contact_block_is_read_by_its_parts() -> None:
    """Parts of a block are named by the form's definition, whatever their titles say."""
    (fact,) = facts_of("typeform", recorded("typeform_contact_block"))
    told = {
        "name": "Tomás Ruiz", "phone": "+34911230456", "email": "tomas@talleresruiz.es",
        "company": "Talleres Ruiz",
    }  # fmt: skip
    assert {key: fact.get(key) for key in told} == told
    assert fact["fields"]["City"] == "Madrid"


def _with(**response: Any) -> Delivery:
    told = json.loads(recorded("typeform_response").body)
    return delivery({**told, "form_response": {**told["form_response"], **response}})


TEST_ANSWERS = [
    {"type": "text", "text": "Lorem ipsum dolor", "field": {"id": "aB3dE6gH9jK1", "type": "short_text"}},
    {"type": "email", "email": "an_account@example.com", "field": {"id": "cD5dE6gH9jK3", "type": "email"}},
]
NO_LEADS: dict[str, Delivery] = {
    "a partial response": changed("typeform_response", event_type="form_response_partial"),
    "a response of the API that is unfinished": _with(response_type="partial"),
    "a form that was left": _with(submitted_at="0001-01-01T00:00:00Z", answers=None),
    "a test request": _with(answers=TEST_ANSWERS),
    "a test request of a form without addresses": _with(answers=TEST_ANSWERS[:1]),
}


@pytest.mark.parametrize("given", NO_LEADS.values(), ids=NO_LEADS)
def test_what_is_not_a_response_makes_no_lead(given: Delivery) -> None:
    """Partial responses and tests are no leads."""
    assert facts_of("typeform", given) == []


WHOLE = json.loads(recorded("typeform_response").body)
LIBERAL: dict[str, Delivery] = {
    "without definition": _with(definition=None),
    "without event type": delivery({"form_response": WHOLE["form_response"]}),
    "the response alone": delivery(WHOLE["form_response"]),
    "in a list": delivery([WHOLE]),
    "in the field of a form": form({"payload": json.dumps(WHOLE)}),
    "spread over the fields of a form": form({
        "event_type": "form_response", "form_response[token]": "k7d0h4s9w2v8q1z6",
        "form_response[answers][0][type]": "email",
        "form_response[answers][0][email]": "maya@okaforstudio.net",
    }),
    "without hidden fields and variables": _with(hidden=None, variables=None),
}  # fmt: skip


@pytest.mark.parametrize("given", LIBERAL.values(), ids=LIBERAL)
def test_a_response_is_read_whatever_is_missing(given: Delivery) -> None:
    """Typed answers name the sender without the form's definition."""
    (fact,) = facts_of("typeform", given)
    assert (fact["provider_id"], fact["email"]) == ("k7d0h4s9w2v8q1z6", "maya@okaforstudio.net")


def test_an_answer_without_a_title_is_read_by_its_fields_name() -> None:
    """Where neither definition nor ref tells, the field's id does; without a token, the content names it."""
    answers = [
        {"type": "text", "text": "Maya", "field": {"id": "first_name"}},
        {"type": "text", "text": "Okafor", "field": {"id": "last_name"}},
        {"type": "email", "email": "m@o.net"},
    ]
    (fact,) = facts_of("typeform", delivery({"form_response": {"answers": answers}}))
    assert (fact["name"], fact["email"]) == ("Maya Okafor", "m@o.net")
    assert fact["provider_id"]


def test_a_repeat_is_the_same_lead() -> None:
    """Delivered twice, it is one lead with the same content."""
    given = recorded("typeform_response")
    assert merged_lead("typeform", given, given) == merged_lead("typeform", given)


def test_another_body_is_refused_with_words() -> None:
    """What is no response is a problem for the operator, not silence."""
    with pytest.raises(BadRequest):
        facts_of("typeform", delivery({"hello": "world"}))


def _signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    mac = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
    return {"Typeform-Signature": f"sha256={mac}"}


def test_the_right_signature_proves_the_sender() -> None:
    """HMAC-SHA256 of the raw body in base64, after `sha256=`."""
    body = recorded("typeform_response").body
    assert ADAPTER.verify is not None
    ADAPTER.verify(delivery(body, _signed(body)), SECRET)


BODY = recorded("typeform_response").body
UNPROVED: dict[str, tuple[bytes, dict[str, str]]] = {
    "no header": (BODY, {}),
    "an empty header": (BODY, {"Typeform-Signature": ""}),
    "another secret": (BODY, _signed(BODY, "fork")),
    "another body": (BODY + b"\n", _signed(BODY)),
    "a body written anew": (json.dumps(json.loads(BODY)).encode(), _signed(BODY)),
    "without the hash's name": (BODY, {"Typeform-Signature": _signed(BODY)["Typeform-Signature"][7:]}),
    "in hex": (BODY, {"Typeform-Signature": "sha256=" + hmac.new(b"spoon", BODY, "sha256").hexdigest()}),
}


@pytest.mark.parametrize(("body", "headers"), UNPROVED.values(), ids=UNPROVED)
def test_a_wrong_or_missing_signature_is_refused(body: bytes, headers: dict[str, str]) -> None:
    """A configured secret must be proved."""
    assert ADAPTER.verify is not None
    with pytest.raises(Unproved):
        ADAPTER.verify(delivery(body, headers), SECRET)
