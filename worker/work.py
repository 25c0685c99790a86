"""The worker: one process that takes jobs off the queue and runs them one after the other."""

from __future__ import annotations

import logging
import os
import signal
from types import FrameType

import redis
from redis.client import Pipeline
from rq import SimpleWorker
from rq.exceptions import StopRequested
from rq.serializers import JSONSerializer

from tracker import embedded, keys, queue
from tracker.config import Settings
from tracker.store.ownkey import check_key
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

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        """Beat, between jobs; stop if that was asked for at a moment at which RQ does not hear it.

        RQ stops by an exception out of the signal's handler. A signal before it listens is lost, and so
        is an exception that comes up where all are caught, such as within a line of its log.
        """
        if pipeline is None and self.shop.closing.is_set():
            raise StopRequested
        super().heartbeat(timeout, pipeline)

    def subscribe(self) -> None:
        """Take no commands from outside."""

    def unsubscribe(self) -> None:
        """Take no commands from outside."""


def work(settings: Settings, job: str = queue.DRAIN) -> None:
    """Run jobs of one kind until SIGTERM or Ctrl-C; the job at hand is finished first.

    A dead worker's guard is removed and a job asked for, so that what it left is taken up at once.

    Raises:
        Permanent: the workspace's key is not the store's.
    """
    key = keys.workspace_key(settings.data, os.environ)
    check_key(settings.data, key)
    client = embedded.connect(embedded.ensure(settings), blocking=True)
    shop = jobs.Shop(settings, client, key)
    jobs.open_shop(shop)
    while not shop.closing.is_set():
        for number in (signal.SIGTERM, signal.SIGINT):  # anew: RQ's own are those of a worker that gave up
            signal.signal(number, lambda *_signal: shop.closing.set())
        try:
            queue.release_wake(client, job)
            queue.wake(client, job)
            _stand(shop, job)
        except redis.RedisError as error:
            _log.warning("the log's server does not answer: %s", error)
        shop.closing.wait(PAUSE_S)


def _stand(shop: jobs.Shop, job: str) -> None:
    """Work until asked to stop, or until RQ gives up, as it does when its server dies under a job."""
    hand(shop, job).work(logging_level="WARNING")


def hand(shop: jobs.Shop, job: str) -> Hand:
    """Make a worker of one kind of jobs."""
    made = Hand(
        [queue.LANES[job].queue],
        connection=shop.client,
        serializer=JSONSerializer,
        worker_ttl=WORKER_TTL_S,
        maintenance_interval=MAINTENANCE_S,
        log_job_description=False,
    )
    made.shop = shop
    return made
