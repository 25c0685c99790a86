"""What one collector process holds: made once by `create_app`, shared by the shim and Flask's views."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

import redis

from tracker import embedded
from tracker.config import Settings
from tracker.keys import workspace_key
from tracker.web.collect import Identity
from tracker.web.commit import GroupCommit
from tracker.web.cookies import Renewal, Signer
from tracker.web.counters import Counters, Shelf
from tracker.web.rejects import Quota
from tracker.web.sitebook import Sitebook
from tracker.web.waker import Waker

COUNTS_FOLDER = "collectors"


@dataclass(frozen=True, slots=True)
class House:
    """The parts of a collector, and the connections they share."""

    settings: Settings
    client: redis.Redis
    sitebook: Sitebook
    identity: Identity
    log: GroupCommit
    counters: Counters
    shelf: Shelf
    quota: Quota
    waker: Waker
    key: bytes = field(repr=False)

    def close(self) -> None:
        """Stop the threads and close the connections."""
        self.sitebook.close()
        self.waker.close()
        self.log.close()
        self.client.close()


def open_house(settings: Settings) -> House:
    """Make the parts from the settings, and begin to learn the sites.

    Raises:
        Permanent: the workspace's key or the server cannot be had.
        Retryable: the outside server does not answer.
    """
    key = workspace_key(settings.data, os.environ)
    client = embedded.connect(settings.redis_url or embedded.ensure(settings), blocking=False)
    counters, shelf, waker = Counters(), shelf_of(settings), Waker(client)
    house = House(
        settings=settings,
        client=client,
        sitebook=Sitebook(settings.data, on_round=lambda: shelf.leave(counters)),
        identity=Identity(Signer(key), Renewal(settings.cookie_days, settings.cookie_renewal == "rolling")),
        log=GroupCommit(client, counters, on_wake=waker.wake),
        counters=counters,
        shelf=shelf,
        quota=Quota(),
        waker=waker,
        key=key,
    )
    house.sitebook.look_again()
    return house


def shelf_of(settings: Settings) -> Shelf:
    """Find where processes leave their counts for each other."""
    return Shelf(settings.data / COUNTS_FOLDER if settings.workers > 1 else None)
