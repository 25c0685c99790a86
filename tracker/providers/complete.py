"""What an adapter leaves out of its facts, put in the same way for all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tracker.core.times import format_instant
from tracker.providers.adapter import Adapter, Delivery
from tracker.providers.reading import without_blanks


def complete(fact: Mapping[str, Any], adapter: Adapter, delivery: Delivery, *, site: str) -> dict[str, Any]:
    """Complete one fact: site, provider, time of the event, time of what it tells of; blanks are left out."""
    told = without_blanks(fact)
    received_at = format_instant(delivery.received_ms)
    if "at" not in told and "on" not in told and "from" not in told:
        told["at"] = told.get("version_at", received_at)
        if told.get("fact") == "lead":
            told["is_at_of_event"] = True
    told.setdefault("version_at", received_at)
    return {"provider": adapter.name, **told, "site": site}
