"""Refused messages, taken once more: after a site was added, or after an upgrade understands them.

What was refused as a whole fact or hit goes onto the log again and leaves the rejects; if it is refused
again, it comes back with the new reason. What is kept only in part, or said nothing of whose it is, stays.
So does what was refused at the door: its sender had no right to say it, or did not say who they are.
"""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import msgspec
import redis

from tracker import hitlog, wire
from tracker.config import Settings
from tracker.store.db import open_store
from tracker.store.rejects import Reject, drop_rejects, load_rejects

BATCH = 500


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many refused messages went onto the log again, and how many stayed."""

    again: int
    left: int


def replay_rejects(settings: Settings, client: redis.Redis) -> Replayed:
    """Put what was refused onto the log again; a crash in between makes a repeat, never a loss."""
    hitlog.prepare(client)
    with closing(open_store(settings.data, write=True)) as db:
        rejects = load_rejects(db)
        entries = [(each.reject_no, entry) for each in rejects if (entry := _entry(each)) is not None]
        for start in range(0, len(entries), BATCH):
            part = entries[start : start + BATCH]
            hitlog.append(client, [entry for _, entry in part])
            drop_rejects(db, [number for number, _ in part])
    return Replayed(len(entries), len(rejects) - len(entries))


def _entry(reject: Reject) -> bytes | None:
    """Make a refused message an entry of the log; None where it is not whole, or was never let in."""
    if not reject.is_let_in:
        return None
    try:
        body: Any = json.loads(reject.body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(body, dict):
        return None
    if "fact" not in body:  # a fact may have a field `k` of its sender's, an entry has no `fact`
        return _whole(reject.body)
    fact = {"site": reject.site, **body} if reject.site else body
    try:
        return wire.encode(wire.FactsEntry(reject.received_ms, reject.origin, [fact]))
    except (UnicodeError, RecursionError):  # half a surrogate pair, or nested without end
        return None


def _whole(body: str) -> bytes | None:
    try:
        return wire.encode(wire.decode(body.encode()))
    except msgspec.MsgspecError:
        return None
