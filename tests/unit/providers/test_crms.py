"""CRMs: which contacts, steps of deals and activities their events become."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.providers.deliveries import facts_of
from tests.unit.providers.recorded import recorded

Told = tuple[str, list[dict[str, Any]]]

WON_AT = "2026-03-02T10:00:00.100Z"

TOLD: dict[str, Told] = {
    "Close: a deal is made, in cents": (
        "close_opportunity_created",
        [{"fact": "deal", "provider_id": "oppo_7a7b", "at": "2026-03-01T10:00:00.100Z", "amount": "1200.50",
          "currency": "GBP", "stage": "Proposal sent", "status": "open",
          "contacts": [{"crm_id": "cont_5a5b"}],
          "account": {"crm_id": "lead_1a1b", "name": "Okafor Studio"}}],
    ),
    "Close: it is won for more": (
        "close_opportunity_won", [{"status": "won", "stage": "Won", "amount": "1500.00", "at": WON_AT}],
    ),
    "Close: it is deleted, which loses it": (
        "close_opportunity_deleted", [{"status": "lost", "deleted": True, "amount": "1200.50"}],
    ),
    "Close: a person": (
        "close_contact",
        [{"fact": "contact", "provider_id": "cont_5a5b", "emails": ["maya@okaforstudio.net"],
          "phones": ["+441134960123"], "name": "Maya Okafor", "title": "Owner",
          "account": {"crm_id": "lead_1a1b"}}],
    ),
    "Close: a call that was made": (
        "close_call",
        [{"fact": "activity", "kind": "call_made", "crm_id": "cont_5a5b", "phone": "+441134960123",
          "owner": "Ines Roca", "at": "2026-03-02T08:00:00.000Z"}],
    ),
    "HubSpot: a deal is made, property by property, all of one step": (
        "hubspot_deal_events",
        [{"fact": "deal", "provider_id": "9001", "status": "open"},
         {"stage": "qualifiedtobuy", "status": "open", "at": "2026-03-01T10:00:00.000Z"},
         {"amount": "1200.50"},
         {"contacts": [{"crm_id": "501"}], "at": "2026-03-01T10:00:01.000Z"}],
    ),
    "HubSpot: it is won": ("hubspot_deal_won", [{"stage": "closedwon", "status": "won"}]),
    "HubSpot: its stage moves back": ("hubspot_deal_back", [{"stage": "contractsent", "status": "open"}]),
    "HubSpot: it is deleted, which loses it": (
        "hubspot_deal_deleted", [{"status": "lost", "deleted": True}],
    ),
    "HubSpot: a person by id alone, an address, a number, a merge": (
        "hubspot_contact_events",
        [{"fact": "contact", "provider_id": "501"}, {"emails": ["maya@okaforstudio.net"]},
         {"phones": ["+441134960123"]}, {"provider_id": "502", "merged_into": "777"},
         {"provider_id": "503", "merged_into": "777"}, {"provider_id": "501", "merged_into": "777"}],
    ),
    "HubSpot: a workflow posts a person": (
        "hubspot_workflow_contact",
        [{"fact": "contact", "provider_id": "501", "emails": ["maya@okaforstudio.net"],
          "phones": ["+44 113 496 0123"], "name": "Maya Okafor", "title": "Owner",
          "at": "2026-03-01T10:00:05.000Z",
          "account": {"crm_id": "8801", "name": "Okafor Studio", "domain": "okaforstudio.net"}}],
    ),
    "HubSpot: a workflow posts a deal, whose flag says that it is won": (
        "hubspot_workflow_deal",
        [{"fact": "deal", "provider_id": "9001", "stage": "4410022", "status": "won", "amount": "1500",
          "currency": "GBP", "at": "2026-03-01T10:00:05.000Z", "version_at": "2026-03-01T10:00:06.000Z",
          "contacts": [{"crm_id": "501"}], "account": {"crm_id": "8801"}}],
    ),
    "Nutshell: a lead is won": (
        "nutshell_lead",
        [{"fact": "deal", "provider_id": "37", "status": "won", "amount": "1500.50", "currency": "GBP",
          "at": "2026-03-02T10:00:00.000Z", "contacts": [{"crm_id": "5"}], "account": {"crm_id": "3"}}],
    ),
    "Nutshell: a person is made": (
        "nutshell_contact",
        [{"fact": "contact", "provider_id": "5", "emails": ["maya@okaforstudio.net"],
          "phones": ["+441134960123"], "name": "Maya Okafor", "at": "2026-03-01T10:00:00.000Z"}],
    ),
    "Nutshell: a lead as the older API writes it": (
        "nutshell_rpc_lead",
        [{"fact": "deal", "provider_id": "37", "status": "open", "stage": "Quoted", "amount": "1200.5",
          "contacts": [{"crm_id": "5", "role": "First contact"}],
          "account": {"crm_id": "3", "name": "Okafor Studio"}, "at": "2026-03-01T11:00:00.000Z"}],
    ),
    "Pipedrive 1: a deal moves on, in a currency without minor units": (
        "pipedrive_v1_deal",
        [{"fact": "deal", "provider_id": "31", "stage": "2", "status": "open", "amount": "2000000",
          "currency": "XAF", "at": "2026-03-01T10:05:00.250Z", "contacts": [{"crm_id": "12"}],
          "account": {"crm_id": "7", "name": "Okafor Studio"}}],
    ),
    "Pipedrive 1: it is deleted, which loses it": (
        "pipedrive_v1_deal_deleted", [{"provider_id": "31", "status": "lost", "deleted": True}],
    ),
    "Pipedrive 2: it is won": (
        "pipedrive_v2_deal_won",
        [{"provider_id": "31", "status": "won", "amount": "1500.5", "at": "2026-03-03T09:00:00.412Z",
          "won_at": "2026-03-03T09:00:00.000Z"}],
    ),
    "Pipedrive 2: it is opened again": (
        "pipedrive_v2_deal_reopened", [{"status": "open", "at": "2026-03-04T09:00:00.100Z"}],
    ),
    "Pipedrive 2: it is deleted, with nothing in the event but what was": (
        "pipedrive_v2_deal_deleted", [{"provider_id": "31", "status": "lost", "deleted": True}],
    ),
    "Pipedrive 2: a person": (
        "pipedrive_v2_person",
        [{"fact": "contact", "provider_id": "12", "emails": ["maya@okaforstudio.net"],
          "phones": ["+441134960123"], "name": "Maya Okafor", "account": {"crm_id": "7"}}],
    ),
    "Pipedrive 2: a person is merged into another": (
        "pipedrive_v2_person_merged", [{"provider_id": "13", "merged_into": "12", "deleted": True}],
    ),
    "Pipedrive 2: a call that is done": (
        "pipedrive_v2_activity",
        [{"fact": "activity", "kind": "call_made", "crm_id": "12", "at": "2026-03-02T11:59:00.000Z"}],
    ),
    "Salesforce: a deal that its flags call won": (
        "salesforce_opportunity",
        [{"fact": "deal", "provider_id": "0065g00000ABCDEAA1", "stage": "Signed", "status": "won",
          "amount": "1500.5", "currency": "GBP", "at": "2026-03-02T10:00:00.000Z",
          "contacts": [{"crm_id": "0035g00000ABCDEAA1"}], "account": {"crm_id": "0015g00000ABCDEAA1"}}],
    ),
    "Salesforce: many notifications of one message": (
        "salesforce_batch",
        [{"status": "open", "stage": "Prospecting"}, {"status": "lost", "stage": "Closed Lost"},
         {"fact": "contact", "name": "Maya Okafor", "emails": ["maya@okaforstudio.net"]},
         {"fact": "contact", "merged_into": "0035g00000ABCDEAA1", "account": {"name": "Okafor Studio"}},
         {"fact": "activity", "kind": "call_made", "crm_id": "0035g00000ABCDEAA1"}],
    ),
    "Zoho: a deal is won": (
        "zoho_deals",
        [{"fact": "deal", "provider_id": "55001000000001", "stage": "Closed Won", "status": "won",
          "amount": "1500.5", "name": "Forty chairs", "at": "2026-03-01T10:00:00.000Z",
          "contacts": [{"crm_id": "55001000000501"}],
          "account": {"crm_id": "55001000000801", "name": "Okafor Studio"}}],
    ),
    "Zoho: it is deleted, which loses it": ("zoho_deals_deleted", [{"status": "lost", "deleted": True}]),
    "Zoho: persons by their ids alone": (
        "zoho_contacts_ids",
        [{"fact": "contact", "provider_id": "55001000000501"}, {"provider_id": "55001000000502"}],
    ),
    "Zoho: a person with what changed": (
        "zoho_contact_values",
        [{"emails": ["maya@okaforstudio.net"], "phones": ["+441134960123"], "name": "Maya Okafor"}],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("name", "expected"), TOLD.values(), ids=TOLD)
def test_an_event_becomes_facts(name: str, expected: list[dict[str, Any]]) -> None:
    """Each event gives what it says, and nothing that it does not."""
    facts = facts_of(name.partition("_")[0], recorded(name))
    assert len(facts) == len(expected)
    for fact, told in zip(facts, expected, strict=True):
        assert {key: fact.get(key) for key in told} == told


@pytest.mark.parametrize(
    ("said", "amount"),
    [("12000000.0", "12000000.0"), ("1.2E7", "12000000"), ("1.2345678E7", "12345678"), ("1.0E-2", "0.010"),
     ("£1,200.50", "1200.50"), ("1.200,50 EUR", "1200.50"), ("1E99", None)],
)  # fmt: skip
def test_an_amount_is_read_however_it_is_written(said: str, amount: str | None) -> None:
    """Salesforce writes a double, from ten million on with a power of ten."""
    from tracker.providers.reading import money

    assert money(said) == amount


@pytest.mark.parametrize("said", ["1e101", "1e999999", "-1e999999", "1e-999999", "0e999999", "0e-999999"])
def test_a_number_that_would_take_hours_to_spell_out_is_none(said: str) -> None:
    """A few characters that stand where a time, a length or an amount is read hold nobody up."""
    from tracker.providers.reading import decimal

    assert decimal(said) is None
    assert decimal("1e100") == decimal("1" + "0" * 100)


STAGES: dict[str, tuple[str, str, dict[str, str], str | None]] = {
    "won by its name": ("Closed Won", "", {}, "won"),
    "won by its name, and more": ("won - signed", "", {}, "won"),
    "won by HubSpot's own id": ("closedwon", "", {}, "won"),
    "lost by its name, and why": ("Closed-Lost to Competition", "", {}, "lost"),
    "open, as the provider ships it": ("Qualification", "Qualification", {}, "open"),
    "a name that holds such a word": ("Wonderful customer", "", {}, None),
    "a stage of the operator's own": ("Signed", "", {"won": "Contract, signed"}, "won"),
    "a number that the operator named": ("4410023", "", {"lost": "4410023"}, "lost"),
    "a stage that nobody named": ("4410024", "", {"won": "4410022"}, None),
    "no stage": ("", "", {}, None),
}


@pytest.mark.parametrize(("stage", "shipped", "options", "status"), STAGES.values(), ids=STAGES)
def test_a_stage_says_what_it_means_or_nothing(
    stage: str, shipped: str, options: dict[str, str], status: str | None
) -> None:
    """The operator's word comes first, then the stage's own name; nothing is guessed."""
    from tracker.providers.crm import status_of

    assert status_of(stage, options, [shipped] if shipped else []) == status


def test_hubspots_contact_has_all_of_its_addresses() -> None:
    """In the older shape the further ones are identities; the primary one comes first."""
    from tests.unit.providers.deliveries import delivery

    identities = [
        {"type": "EMAIL", "value": "studio@okaforstudio.net", "is-secondary": True},
        {"type": "EMAIL", "value": "maya@okaforstudio.net", "is-primary": True},
        {"type": "LEAD_GUID", "value": "4f0c"},
    ]
    body = {"vid": 7101, "properties": {"email": {"value": "maya@okaforstudio.net"}},
            "identity-profiles": [{"vid": 7101, "identities": identities}]}  # fmt: skip
    (fact,) = facts_of("hubspot", delivery(body))
    assert fact["emails"] == ["maya@okaforstudio.net", "studio@okaforstudio.net"]


@pytest.mark.parametrize(
    ("closed", "won", "status"),
    [("true", "false", "lost"), ("true", "true", "won"), ("false", "false", "open"), ("true", "", None)],
)
def test_hubspots_deal_that_is_closed_and_not_won_is_lost(closed: str, won: str, status: str | None) -> None:
    """A stage of the account's own does not say it; older posts have no flag of their own for it."""
    from tests.unit.providers.deliveries import delivery

    said = {"dealstage": "4410099", "hs_is_closed": closed, "hs_is_closed_won": won}
    body = {"dealId": 31, "properties": {name: {"value": value} for name, value in said.items()}}
    (fact,) = facts_of("hubspot", delivery(body))
    assert fact.get("status") == status


def test_hubspots_objects_belong_together_by_their_types_alone() -> None:
    """Subscriptions to any object name the ends by their types."""
    from tests.unit.providers.deliveries import delivery

    event = {"subscriptionType": "object.associationChange", "occurredAt": 1772359200000,
             "fromObjectTypeId": "0-1", "toObjectTypeId": "0-3", "fromObjectId": 7101, "toObjectId": 31,
             "associationRemoved": False}  # fmt: skip
    (fact,) = facts_of("hubspot", delivery([event, {**event, "associationRemoved": True}]))
    assert (fact["fact"], fact["provider_id"], fact["contacts"]) == ("deal", "31", [{"crm_id": "7101"}])


def test_pipedrives_event_is_known_by_its_name_alone() -> None:
    """Relays leave out `meta`, or put the two states under `data`."""
    from tests.unit.providers.deliveries import delivery

    deal = {"id": 31, "status": "won", "value": 10, "currency": "EUR", "update_time": "2026-03-01 10:00:00"}
    plain = {"event": "updated.deal", "current": deal, "previous": {"status": "open"}}
    for body in (plain, {"event": "updated.deal", "data": {"current": deal, "previous": None}}):
        (fact,) = facts_of("pipedrive", delivery(body))
        told = (fact["provider_id"], fact["status"], fact["amount"], fact["at"])
        assert told == ("31", "won", "10", "2026-03-01T10:00:00.000Z")


def test_events_of_one_moment_say_together_what_a_deal_became() -> None:
    """One save of several properties comes as several events: they are versions of one step."""
    from tests.unit.providers.deliveries import delivery
    from tracker.core.facts import read_fact
    from tracker.core.versions import Version, merge

    facts = [read_fact(fact) for fact in facts_of("hubspot", recorded("hubspot_deal_events"))]
    step = [fact for fact in facts if fact.content["at"] == "2026-03-01T10:00:00.000Z"]
    assert len({fact.key for fact in step}) == 1
    merged = merge(Version(fact.version_ms, fact.digest, fact.content) for fact in step)
    assert (merged["stage"], merged["status"], merged["amount"]) == ("qualifiedtobuy", "open", "1200.50")
    assert facts_of("hubspot", delivery([])) == []
