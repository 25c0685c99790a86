"""What one collector process holds: made once by `create_app`, shared by the shim and Flask's views."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass

import redis
import structlog

from tracker import embedded, queue
from tracker.config import Settings
from tracker.keys import workspace_key
from tracker.web.collect import Identity
from tracker.web.commit import GroupCommit
from tracker.web.cookies import Renewal, Signer
from tracker.web.counters import Counters, Shelf
from tracker.web.rejects import Quota
from tracker.web.sitebook import Sitebook

COUNTS_FOLDER = "collectors"

_log = structlog.get_logger("touchline.web")


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

    def close(self) -> None:
        """Stop the threads and close the connections."""
        self.sitebook.close()
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
    counters, shelf = Counters(), shelf_of(settings)
    house = House(
        settings=settings,
        client=client,
        sitebook=Sitebook(settings.data, on_round=lambda: shelf.leave(counters)),
        identity=Identity(Signer(key), Renewal(settings.cookie_days, settings.cookie_renewal == "rolling")),
        log=GroupCommit(client, counters, on_wake=lambda: _wake_soon(client)),
        counters=counters,
        shelf=shelf,
        quota=Quota(),
    )
    house.sitebook.look_again()
    return house


def shelf_of(settings: Settings) -> Shelf:
    """Find where processes leave their counts for each other."""
    return Shelf(settings.data / COUNTS_FOLDER if settings.workers > 1 else None)


def _wake_soon(client: redis.Redis) -> None:
    """Put the drain on the queue without holding up the request that took the guard."""
    threading.Thread(target=_enqueue, args=(client,), name="wake", daemon=True).start()


def _enqueue(client: redis.Redis) -> None:
    try:
        queue.enqueue_drain(client)
    except redis.RedisError as error:
        _log.warning("drain_not_asked_for", error=str(error))  # the guard dies soon; the next hit asks again
