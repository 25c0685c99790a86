"""The worker: one process that takes jobs off the queue and runs them one after the other."""

from __future__ import annotations

import logging
import os
import signal
from types import FrameType

import redis
from rq import SimpleWorker
from rq.serializers import JSONSerializer

from tracker import embedded, keys, queue
from tracker.config import Settings
from worker import jobs

# RQ blocks for this less 15 s, so an idle worker notices a dead connection within 4 s.
WORKER_TTL_S = 19
MAINTENANCE_S = 60
PAUSE_S = 0.5

_log = logging.getLogger(__name__)


class Hand(SimpleWorker):
    """RQ's worker in one process, quiet, back within a second when the server comes back."""

    max_connection_wait_time = 1.0
    log_result_lifespan = False
    shop: jobs.Shop

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """Finish the job at hand early, then stop."""
        self.shop.closing.set()
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]

    def subscribe(self) -> None:
        """Take no commands from outside."""

    def unsubscribe(self) -> None:
        """Take no commands from outside."""


def work(settings: Settings, job: str = queue.DRAIN) -> None:
    """Run jobs of one kind until SIGTERM or Ctrl-C; the job at hand is finished first.

    A dead worker's guard is removed and a job asked for, so that what it left is taken up at once.
    """
    client = embedded.connect(embedded.ensure(settings), blocking=True)
    shop = jobs.Shop(settings, client, keys.workspace_key(settings.data, os.environ))
    jobs.open_shop(shop)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_signal: shop.closing.set())
    while not shop.closing.is_set():
        try:
            queue.release_wake(client, job)
            queue.wake(client, job)
            _stand(shop, job)
        except redis.RedisError as error:
            _log.warning("the log's server does not answer: %s", error)
        shop.closing.wait(PAUSE_S)


def _stand(shop: jobs.Shop, job: str) -> None:
    """Work until asked to stop, or until RQ gives up, as it does when its server dies under a job."""
    hand = Hand(
        [queue.LANES[job].queue],
        connection=shop.client,
        serializer=JSONSerializer,
        worker_ttl=WORKER_TTL_S,
        maintenance_interval=MAINTENANCE_S,
        log_job_description=False,
    )
    hand.shop = shop
    hand.work(logging_level="WARNING")
