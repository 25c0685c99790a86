"""What an adapter leaves out of its facts, put in the same way for all; what is too much for one, cut."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tracker.core.facts import TEXT_LIMIT
from tracker.core.ids import digest
from tracker.core.times import format_instant
from tracker.providers.adapter import Adapter, Delivery
from tracker.providers.reading import without_blanks

DEEPEST = 10


def complete(fact: Mapping[str, Any], adapter: Adapter, delivery: Delivery, *, site: str) -> dict[str, Any]:
    """Complete one fact: site, provider, time of the event, time of what it tells of; blanks are left out.

    A lead or an activity that its provider gave no id is named by its delivery, so that it is not lost.
    """
    told: dict[str, Any] = _cut(without_blanks(fact), DEEPEST)
    received_at = format_instant(delivery.received_ms)
    if "at" not in told and "on" not in told and "from" not in told:
        told["at"] = told.get("version_at", received_at)
        if told.get("fact") == "lead":
            told["is_at_of_event"] = True
    told.setdefault("version_at", received_at)
    if told.get("fact") in ("lead", "activity") and not told.get("is_addition") and "provider_id" not in told:
        told["provider_id"] = digest(delivery.body.decode("latin-1")).hex()
    return {"provider": adapter.name, **told, "site": site}


def _cut(value: Any, depth: int) -> Any:
    """Make a value fit for a fact: a transcript of hours is cut, and so is what is nested without end."""
    if isinstance(value, str):
        return value if len(value) <= TEXT_LIMIT else f"{value[: TEXT_LIMIT - 1]}…"
    if not isinstance(value, Mapping | list | tuple):
        return value
    if depth == 0:
        return None
    if isinstance(value, Mapping):
        return {name: _cut(each, depth - 1) for name, each in value.items()}
    return [_cut(each, depth - 1) for each in value]
