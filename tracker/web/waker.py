"""Asks for a drain beside the requests: the one that took the drain's guard is not held up by the queue."""

from __future__ import annotations

import threading

import redis
import structlog

from tracker import queue

_log = structlog.get_logger("touchline.web")


class Waker:
    """Puts drains on the queue from a thread of its own, which lives as long as there is one to put."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._is_asked = False

    def wake(self) -> None:
        """Have a drain put on the queue; returns at once."""
        with self._lock:
            self._is_asked = True
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="waker", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Wait for the thread."""
        thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        while self._take():
            try:
                queue.enqueue_drain(self._client)
            except redis.RedisError as error:
                # The guard dies by itself within seconds, and the next hit asks again.
                _log.warning("drain_not_asked_for", error=str(error))

    def _take(self) -> bool:
        with self._lock:
            is_asked, self._is_asked = self._is_asked, False
            if not is_asked:
                self._thread = None
            return is_asked
