"""Jotform: a submission in its multipart post, in form encoding, as the API tells it, as text alone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.providers.deliveries import delivery, facts_of, form, merged_lead
from tests.unit.providers.recorded import recorded
from tracker.errors import BadRequest
from tracker.providers.adapter import Delivery

TOLD = json.loads(recorded("jotform_submission").body)
KIND = "multipart/form-data; boundary=------------------------aB3"


def _multipart(fields: dict[str, str]) -> Delivery:
    parts = [
        f'--------------------------aB3\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    return delivery("".join(parts) + "--------------------------aB3--\r\n", {"content-type": KIND})


def test_a_submission_is_a_lead() -> None:
    """The answers stand in `rawRequest`; names and phones come in parts; `submitDate` says when."""
    (fact,) = facts_of("jotform", _multipart(TOLD))
    told = {
        "kind": "form", "provider_id": "6490001122334455667", "at": "2026-03-01T09:59:41.000Z",
        "name": "Maya Okafor", "email": "maya@okaforstudio.net", "phone": "(0113) 496-0123",
        "visitor_id": "v1.token.mac", "utm_source": "google",
    }  # fmt: skip
    assert {key: fact.get(key) for key in told} == told
    assert "company" not in fact


def test_answers_are_kept_under_their_labels_where_the_text_tells_them() -> None:
    """`pretty` has the labels; what only `rawRequest` has stands under the field's name; no inner values."""
    (fact,) = facts_of("jotform", _multipart(TOLD))
    assert fact["fields"] == {
        "Full Name": "Maya Okafor", "Email": "maya@okaforstudio.net", "Phone Number": "(0113) 496-0123",
        "address": "12 Mill Lane, Leeds, LS1 1AA, United Kingdom", "What do you need?": "Tables, Desks",
        "date": "2026-04-10", "tellUs": "Forty chairs & tables by May",
        "iAgree": "I agree that you keep my name and phone", "tl_visitor": "v1.token.mac",
        "utm_source": "google",
        "plan": "https://www.jotform.com/uploads/okafor_forms/260591234567012/6490001122334455667/plan.pdf",
    }  # fmt: skip


def _raw(**answers: Any) -> dict[str, str]:
    return {**TOLD, "pretty": "", "rawRequest": json.dumps(answers)}


ID = "6490001122334455667"
PRETTY = "Nome completo::Maya Okafor , E-mail::maya@okaforstudio.net, Telefone (com DDD)::0113 496 0123"
API = {
    "3": {"name": "fullName3", "order": "1", "text": "Who", "type": "control_fullname",
          "answer": {"first": "Maya", "last": "Okafor"}, "prettyFormat": "Maya Okafor"},
    "4": {"name": "x4", "text": "Mail", "type": "control_email", "answer": "maya@okaforstudio.net"},
    "5": {"name": "x5", "text": "Ring", "type": "control_phone",
          "answer": {"area": "0113", "phone": "4960123"}},
    "1": {"name": "header", "text": "Quote", "type": "control_head"},
}  # fmt: skip
SHAPES: dict[str, Delivery] = {
    "form encoding": form(TOLD),
    "JSON": delivery(TOLD),
    "parts of an area and a number": _multipart(
        _raw(q1_name={"first": "Maya", "last": "Okafor"}, q2_email="maya@okaforstudio.net",
             q3_phone={"area": "0113", "phone": "4960123"})
    ),
    "names of old forms": _multipart(
        _raw(q69_1Name69="Maya Okafor", q7_2Email="maya@okaforstudio.net", q8_3Phone="0113 496 0123")
    ),
    "the text alone": _multipart({**TOLD, "rawRequest": "", "pretty": PRETTY}),
    "a broken rawRequest": _multipart({**TOLD, "rawRequest": '{"q1_na', "pretty": PRETTY}),
    "as the API tells it": delivery({"id": ID, "created_at": "2026-03-01 04:59:41", "answers": API}),
    "in the API's envelope": delivery({"responseCode": 200, "content": {"id": ID, "answers": API}}),
    "questions at the top": form({"submissionID": "6490001122334455667", "q1_name": "Maya Okafor",
                                  "q2_email": "maya@okaforstudio.net", "q3_phone": "0113 496 0123"}),
}  # fmt: skip


@pytest.mark.parametrize("given", SHAPES.values(), ids=SHAPES)
def test_a_submission_is_read_in_any_shape(given: Delivery) -> None:
    """Whatever it came as, it is the same submission of the same sender."""
    (fact,) = facts_of("jotform", given)
    assert (fact["provider_id"], fact["email"]) == ("6490001122334455667", "maya@okaforstudio.net")
    assert fact["name"] == "Maya Okafor"
    assert "".join(each for each in fact["phone"] if each.isdigit()) == "01134960123"


def test_a_repeat_under_another_boundary_is_the_same_lead() -> None:
    """The boundary is made anew for each post; the submission's id is not."""
    other = Delivery(
        _multipart(TOLD).body.replace(b"aB3", b"xY9"), _multipart(TOLD).received_ms,
        {"content-type": KIND.replace("aB3", "xY9")},
    )  # fmt: skip
    assert merged_lead("jotform", _multipart(TOLD), other) == merged_lead("jotform", other)


def test_an_edited_submission_fills_and_never_blanks() -> None:
    """It comes again under its id."""
    first = _multipart(_raw(submitDate="1772359181000", q1_name="Maya", q2_email="maya@okaforstudio.net"))
    later = _multipart(_raw(submitDate="1772445581000", q1_name="Maya Okafor", q2_email=""))
    for order in ((first, later), (later, first)):
        lead = merged_lead("jotform", *order)
        assert (lead["name"], lead["email"]) == ("Maya Okafor", "maya@okaforstudio.net")


def test_a_body_without_a_submission_is_refused_with_words() -> None:
    """What has neither id nor answers is a problem for the operator."""
    with pytest.raises(BadRequest):
        facts_of("jotform", form({"hello": "world"}))
