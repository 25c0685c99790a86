"""A workspace whose outbox a test works off by a clock of its own."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import Any

import redis

from tests.telling import KEY, TEN_MS, Workspace
from tracker import config
from tracker.core.alerts import USUAL
from tracker.core.times import DAY_MS
from tracker.store.db import atomic, open_store
from tracker.store.destinations import Destination, Target, Targets, add_destination, load_destinations
from tracker.store.outbox import Post as Told
from tracker.store.outbox import put_delivery
from tracker.store.outboxlists import listed, shown
from worker.deliver import Post, run
from worker.push.webhook import new_secret


class House:
    """A workspace whose outbox is worked off by a clock of its own."""

    def __init__(self, settings: config.Settings, client: redis.Redis) -> None:
        self.settings = replace(settings, allow_private_destinations=True)
        self.space = Workspace(self.settings, client)
        self.now_ms = TEN_MS
        self.secrets: dict[str, str] = {}

    def add(self, kind: str, address: str, **fields: Any) -> str:
        """Add a destination of the site shop; returns its id."""
        own = f"to{len(self.secrets)}"
        self.secrets[own] = new_secret() if kind == "webhook" else ""
        usual = {"wants": [*USUAL], "within_s": 600, "is_pii": True, "mode": "on", "made_ms": TEN_MS - DAY_MS}
        with closing(open_store(self.settings.data, write=True)) as db:
            sealed = Targets(KEY).close(own, Target(address, self.secrets[own]))
            add_destination(db, Destination(0, own, 1, kind, address, **{**usual, **fields}), sealed)
        return own

    def tell(self, key: str, about: str = "x", own: int = 0) -> bool:
        """Put a message into the outbox; returns whether it is new."""
        payload = {"type": "test", "data": {"title": key, "lines": [f"about {about}"]}}
        with closing(open_store(self.settings.data, write=True)) as db, atomic(db):
            return put_delivery(db, load_destinations(db)[own], Told(key, about, payload), self.now_ms)

    def run(self, later_ms: int = 0) -> dict[str, int]:
        """Deliver what is due so much later."""
        self.now_ms += later_ms
        return dict(run(self.post))

    @property
    def post(self) -> Post:
        """What deliveries are sent with: the house's clock, and no chance."""
        return Post(self.settings, KEY, lambda: self.now_ms, lambda: 0.0)

    def rows(self) -> list[dict[str, Any]]:
        """List the outbox, the oldest first."""
        with closing(open_store(self.settings.data)) as db:
            return listed(db)[::-1]

    def states(self) -> list[str]:
        """List the states of what is in the outbox, the oldest first."""
        return [row["state"] for row in self.rows()]

    def shown(self, delivery_id: str) -> dict[str, Any]:
        """Show one delivery with its payload and its receipts."""
        with closing(open_store(self.settings.data)) as db:
            found = shown(db, delivery_id)
        assert found is not None
        return found
