"""Retention: what was kept only to be read again goes when its time is over.

Facts and views stay. Messages that providers delivered, and messages that were refused, are kept as they came
for as many days as the settings say.
"""

from __future__ import annotations

import time
from contextlib import closing

import redis

from tracker.config import Settings
from tracker.core.times import DAY_MS
from tracker.store.db import atomic, open_store, writer_lock
from tracker.store.hooks import drop_old_raws
from tracker.store.outbox import drop_old
from tracker.store.rejects import drop_old_rejects

GUARD = "touchline:tidied"
EVERY_S = 3_600
OUTBOX_DAYS = 90
"""How long settled deliveries of the outbox are kept, with their answers."""


def tidy_if_due(settings: Settings, client: redis.Redis) -> bool:
    """Tidy once an hour, whoever asks first; returns whether it was done."""
    if not client.set(GUARD, b"1", nx=True, ex=EVERY_S):
        return False
    tidy(settings, now_ms=time.time_ns() // 1_000_000)
    return True


def tidy(settings: Settings, *, now_ms: int) -> int:
    """Delete what has been kept for long enough; returns how many messages.

    Raises:
        Retryable: another process has been writing for too long.
    """
    with writer_lock(settings.data), closing(open_store(settings.data, write=True)) as db, atomic(db):
        raws = drop_old_raws(db, now_ms - settings.raw_days * DAY_MS)
        rejects = drop_old_rejects(db, now_ms - settings.reject_days * DAY_MS)
        return raws + rejects + drop_old(db, now_ms - OUTBOX_DAYS * DAY_MS)
