"""What tests of chats, bookings and lead forms ask of a set of deliveries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.laws import orders
from tests.unit.providers.deliveries import facts_of, merged_lead
from tests.unit.providers.recorded import recorded
from tracker.core.facts import read_fact
from tracker.core.versions import Version, merge
from tracker.providers.adapter import Delivery

MOST_ORDERS = 40


def lead_in_any_order(provider: str, *events: str) -> dict[str, Any]:
    """Merge the lead of events, found the same in every order and when one comes twice."""
    given = [recorded(f"{provider}_{each}") for each in events]
    whole = merged_lead(provider, *given)
    for order in orders(given, MOST_ORDERS):
        assert merged_lead(provider, *order, order[0]) == whole
    return whole


def is_lead(provider: str, event: str) -> bool:
    """Tell whether a recorded delivery alone makes a lead."""
    return begins(provider, recorded(f"{provider}_{event}"))


def begins(provider: str, given: Delivery) -> bool:
    """Tell whether a delivery alone makes a lead."""
    told = [read_fact(fact) for fact in facts_of(provider, given)]
    leads = [Version(each.version_ms, each.digest, each.content) for each in told if each.kind == "lead"]
    return bool(leads) and merge(leads, kind="lead") != {}


def picked(told: Mapping[str, Any], names: Mapping[str, Any]) -> dict[str, Any]:
    """Give of an object what another one has names for, that of `fields` likewise."""
    return {
        name: picked(told.get(name) or {}, value) if isinstance(value, Mapping) else told.get(name)
        for name, value in names.items()
    }
