"""HubSpot forms: submissions and contacts in each shape, and the workflow's signature."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from tests.unit.providers.deliveries import delivery, facts_of, merged_lead
from tests.unit.providers.recorded import recorded
from tracker.errors import BadRequest
from tracker.providers import load_adapter
from tracker.providers.adapter import Delivery, Unproved
from tracker.providers.signing import base64_mac

SUBMISSION = json.loads(recorded("hubspotforms_submission").body)
CONTACT = json.loads(recorded("hubspotforms_contact").body)
ID = "5d1f2c9e-7a61-4b0a-9a31-2f1f6d0c8e11"


def test_a_submission_is_a_lead() -> None:
    """Its conversion's id names it, `submittedAt` is in ms, the page brings its click id."""
    (fact,) = facts_of("hubspotforms", recorded("hubspotforms_submission"))
    told = {
        "kind": "form", "provider_id": ID, "at": "2026-03-01T09:59:41.000Z", "name": "Maya Okafor",
        "email": "maya@okaforstudio.net", "phone": "0113 496 0123", "company": "Okafor Studio",
        "message": "Forty chairs by May", "visitor_id": "v1.token.mac", "gclid": "EAIaIQ",
    }  # fmt: skip
    assert {key: fact.get(key) for key in told} == told
    assert fact["fields"]["what_do_you_need_"] == "Chairs;Tables"


@pytest.mark.parametrize(
    ("company", "ticket"),
    [({"name": "name", "objectTypeId": "0-2"}, {"name": "content", "objectTypeId": "0-5"}),
     ({"name": "0-2/name"}, {"name": "TICKET.content"})],
    ids=["by the type of the object", "by the name"],
)  # fmt: skip
def test_a_property_of_another_object_is_not_the_senders(
    company: dict[str, str], ticket: dict[str, str]
) -> None:
    """A company's name is the company, a ticket's content the message."""
    values = [
        {"name": "firstname", "value": "Maya", "objectTypeId": "0-1"},
        {**company, "value": "Okafor Studio"},
        {**ticket, "value": "Forty chairs"},
        {"name": "name", "value": "A deal", "objectTypeId": "0-3"},
    ]
    (fact,) = facts_of("hubspotforms", delivery({**SUBMISSION, "values": values}))
    told = {"name": "Maya", "company": "Okafor Studio", "message": "Forty chairs"}
    assert {key: fact.get(key) for key in told} == told


def test_a_contact_is_a_lead_of_each_form_it_filled_in() -> None:
    """Each submission has its own time and page; the contact's properties name the sender."""
    first, second = facts_of("hubspotforms", recorded("hubspotforms_contact"))
    assert (first["provider_id"], first["at"]) == ("c-1", "2026-02-25T06:13:20.000Z")
    told = {
        "provider_id": "c-2", "at": "2026-03-01T09:59:41.000Z", "page_url": "https://shop.example.net/quote",
        "name": "Maya Okafor", "email": "maya@okaforstudio.net", "phone": "+441134960123",
        "company": "Okafor Studio", "crm_id": "hubspot:7101", "gclid": "EAIaIQ", "utm_source": "google",
        "referrer": "https://www.google.co.uk/",
        "landing_page": "https://shop.example.net/?utm_source=google&utm_medium=cpc",
    }  # fmt: skip
    assert {key: second.get(key) for key in told} == told
    assert second["fields"]["form"] == "Quote"
    assert not any(name.startswith("hs_") for name in second["fields"])


SHAPES: dict[str, Delivery] = {
    "a list": delivery([SUBMISSION]),
    "results of the API": delivery({"results": [SUBMISSION], "paging": {}}),
    "wrapped": delivery({"submission": SUBMISSION}),
    "values as an object": delivery({**SUBMISSION, "values": {"email": "maya@okaforstudio.net"}}),
    "a time as text": delivery({**SUBMISSION, "submittedAt": "1772359181000"}),
    "what forms post to HubSpot": delivery(
        {"submittedAt": "1772359181000", "correlationId": ID, "context": {"pageUri": "https://a.uk"},
         "fields": [{"objectTypeId": "0-1", "name": "email", "value": "maya@okaforstudio.net"}]}
    ),
}  # fmt: skip


@pytest.mark.parametrize("given", SHAPES.values(), ids=SHAPES)
def test_a_submission_is_read_in_any_shape(given: Delivery) -> None:
    """Alone, in a list, of the API, wrapped, or as it was posted."""
    (fact,) = facts_of("hubspotforms", given)
    assert (fact["provider_id"], fact["email"]) == (ID, "maya@okaforstudio.net")
    assert fact["at"] == "2026-03-01T09:59:41.000Z"


def test_a_contact_without_submissions_is_a_lead_of_its_recent_conversion() -> None:
    """The newer shape has plain properties and no list of forms."""
    properties = {"email": "m@o.net", "firstname": "Maya", "recent_conversion_date": "1772359181000"}
    given = delivery({"objectId": 7101, "properties": properties})
    (fact,) = facts_of("hubspotforms", given)
    assert (fact["at"], fact["email"], fact["name"]) == ("2026-03-01T09:59:41.000Z", "m@o.net", "Maya")
    assert facts_of("hubspotforms", given)[0]["provider_id"] == fact["provider_id"]


def test_an_address_among_the_contacts_identities_counts() -> None:
    """The older shape may leave the property out and name the address among the identities."""
    identities = [
        {"type": "LEAD_GUID", "value": "g"}, {"type": "EMAIL", "value": "old@o.net"},
        {"type": "EMAIL", "value": "m@o.net", "is-primary": True},
    ]  # fmt: skip
    contact = {"vid": 1, "addedAt": 1772359181000, "properties": {"firstname": {"value": "Maya"}}}
    (fact,) = facts_of(
        "hubspotforms", delivery({**contact, "identity-profiles": [{"identities": identities}]})
    )
    assert (fact["email"], fact["at"]) == ("m@o.net", "2026-03-01T09:59:41.000Z")


def test_a_later_post_of_the_contact_fills_and_never_blanks() -> None:
    """The same submissions come again with each post of the contact."""
    earlier = {**CONTACT, "form-submissions": CONTACT["form-submissions"][1:]}
    properties = {
        **CONTACT["properties"],
        "lastmodifieddate": {"value": "1772400000000"},
        "email": {"value": ""},
    }
    later = {**earlier, "properties": {**properties, "firstname": {"value": "Maia"}}}
    for order in ((earlier, later), (later, earlier)):
        lead = merged_lead("hubspotforms", *map(delivery, order))
        assert (lead["name"], lead["email"]) == ("Maia Okafor", "maya@okaforstudio.net")


def test_a_body_without_either_is_refused_with_words() -> None:
    """What is neither submission nor contact is a problem for the operator."""
    with pytest.raises(BadRequest):
        facts_of("hubspotforms", delivery([]))


def _signed(body: bytes, secret: str = "spoon") -> Mapping[str, str]:
    mac = base64_mac(secret, b"POSThttps://a.uk/hooks/x/hubspotforms" + body + b"1772359225000")
    return {"X-HubSpot-Signature-v3": mac, "X-HubSpot-Request-Timestamp": "1772359225000"}


def test_a_workflows_signature_proves_it() -> None:
    """Version 3, as of all of HubSpot's posts."""
    verify = load_adapter("hubspotforms").verify
    assert verify is not None
    body, urls = recorded("hubspotforms_contact").body, ("https://a.uk/hooks/x/hubspotforms",)
    verify(delivery(body, _signed(body), urls=urls), "spoon")
    for headers in ({}, _signed(body, "fork"), _signed(body + b" ")):
        with pytest.raises(Unproved):
            verify(delivery(body, headers, urls=urls), "spoon")
