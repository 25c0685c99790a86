"""Drain's part for number pools: what the log says of leases becomes facts."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from tracker.core.times import format_instant
from tracker.store.pools import put_exhaustion
from tracker.wire import ExhaustedEntry, FactsEntry, LeaseEntry

ORIGIN = "lease"


def lease_facts(entry: LeaseEntry) -> FactsEntry:
    """Write one version of a lease as the fact that it is."""
    fact = {
        "fact": "lease", "site": entry.site, "pool": entry.pool, "number": entry.number,
        "visitor_id": entry.visitor_id, "from": format_instant(entry.from_ms),
        "to": format_instant(entry.to_ms), "session_hint": entry.session_hint,
    }  # fmt: skip
    return FactsEntry(entry.to_ms, ORIGIN, [fact])


def count_exhausted(db: sqlite3.Connection, entry: ExhaustedEntry, sites: Mapping[str, int]) -> None:
    """Keep that a pool had no number for a visitor; of a site that is gone there is nothing to keep."""
    if entry.site in sites:
        put_exhaustion(db, (sites[entry.site], entry.pool, entry.at_ms, entry.serial))
