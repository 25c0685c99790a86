"""Google Ads lead forms: columns, ids of the advertisement, the key, tests and answers."""

from __future__ import annotations

import json

import pytest

from tests.unit.providers.deliveries import delivery, facts_of
from tests.unit.providers.recorded import changed, recorded
from tracker.providers import load_adapter
from tracker.providers.adapter import Unproved


def test_a_submitted_form_is_a_lead() -> None:
    """Columns by their ids, the click, and what was advertised; every answer is kept."""
    (fact,) = facts_of("googleads", recorded("googleads_lead"))
    told = {
        "kind": "form", "provider_id": "TeSter-991-abc", "email": "maya@okaforstudio.net",
        "phone": "+441134960123", "name": "Maya Okafor", "company": "Okafor Studio",
        "gclid": "EAIaIQobChMI0tlgclid",
    }  # fmt: skip
    assert {name: fact.get(name) for name in told} == told
    kept = {"campaign_id": "9988776655", "Which room?": "Dining", "CITY": "Leeds"}
    assert {name: fact["fields"].get(name) for name in kept} == kept


def test_columns_without_ids_are_known_by_their_names() -> None:
    """First and last name make the name."""
    (fact,) = facts_of("googleads", recorded("googleads_names_only"))
    assert (fact["name"], fact["email"]) == ("Maya Okafor", "maya@okaforstudio.net")


def test_a_test_lead_makes_no_lead() -> None:
    """Google sends one when the form is set up; also where the mark is a text."""
    assert facts_of("googleads", recorded("googleads_test")) == []
    assert facts_of("googleads", changed("googleads_lead", is_test="true")) == []


@pytest.mark.parametrize("key", [None, "", "another", 7])
def test_another_key_or_none_is_refused(key: object) -> None:
    """The key in the body is the only proof."""
    verify = load_adapter("googleads").verify
    assert verify is not None
    verify(recorded("googleads_lead"), "our-own-key")
    with pytest.raises(Unproved):
        verify(changed("googleads_lead", google_key=key), "our-own-key")


def test_the_key_is_not_kept_and_answers_are_as_google_wants_them() -> None:
    """`{}` accepts, `message` says why not."""
    adapter = load_adapter("googleads")
    assert adapter.hush is not None and adapter.refused is not None
    kept = json.loads(adapter.hush(recorded("googleads_lead")))
    assert "google_key" not in kept and kept["lead_id"] == "TeSter-991-abc"
    listed = delivery([json.loads(recorded("googleads_lead").body)])
    assert b"our-own-key" not in adapter.hush(listed)
    assert adapter.accepted.body == b"{}"
    refusal = adapter.refused(401, "no")
    assert (refusal.status, json.loads(refusal.body)) == (401, {"message": "no"})
