"""Nothing lost, nothing doubled: every process is killed in turn while 20,000 hits come in."""

from __future__ import annotations

import contextlib
import csv
import http.client
import json
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.running import Owner, free_port, touchline
from tests.waiting import wait_for
from tracker import config

HITS = 20_000
BATCH = 10
SENDERS = 4
LIMIT_S = 600.0
VICTIMS = ("serve", "server", "work", "up", "keeper", "schedule", "deliver")
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


class Load:
    """Senders that send each batch until it is accepted, as the script on a page does."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.accepted: list[str] = []
        self.tries_failed = 0
        self.is_over = threading.Event()

    def send_all(self) -> None:
        """Send every hit."""
        with ThreadPoolExecutor(SENDERS) as pool:
            for sent in [pool.submit(self._send, HITS // BATCH // SENDERS) for _ in range(SENDERS)]:
                sent.result()

    def _send(self, batches: int) -> None:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as line:
            for _ in range(batches):
                ids = [str(uuid.uuid4()) for _ in range(BATCH)]
                body = self._body(ids)
                while not self._is_accepted(line, body):
                    self.tries_failed += 1
                    line.close()
                    assert not self.is_over.wait(0.05), "the test is over"
                self.accepted.extend(ids)

    def _body(self, ids: list[str]) -> bytes:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        hits = [{"event_id": name, "at": now, "url": f"http://localhost:{self.port}/{name}"} for name in ids]
        return json.dumps({"site": "tryout", "seed": ids[0], "sent_at": now, "hits": hits}).encode()

    def _is_accepted(self, line: http.client.HTTPConnection, body: bytes) -> bool:
        headers = {"Content-Type": "text/plain", "User-Agent": BROWSER}
        try:
            line.request("POST", "/e", body, {**headers, "Origin": f"http://localhost:{self.port}"})
            answer = line.getresponse()
            said = answer.read()
        except (OSError, http.client.HTTPException):
            return False
        assert answer.status in (202, 503), said
        return answer.status == 202 and json.loads(said)["accepted"] == BATCH


@pytest.fixture
def owner(data: Path) -> Iterator[Owner]:
    """Run everything, and stop whatever runs in the end."""
    owner = Owner(config.load({}, data=data, port=free_port()))
    yield owner
    owner.run.stop()


@pytest.mark.fault
@pytest.mark.slow
def test_every_accepted_hit_is_exported_once_whatever_is_killed(owner: Owner, data: Path) -> None:
    """20,000 hits, each process killed twice while they come in: all of them there once, verify clean."""
    load = Load(owner.run.settings.port)
    sending = threading.Thread(target=load.send_all)
    sending.start()
    try:
        for number, victim in enumerate(VICTIMS * 2):
            goal = (number + 1) * HITS // (2 * len(VICTIMS) + 2)
            wait_for(lambda goal=goal: len(load.accepted) >= goal, LIMIT_S)
            owner.kill(victim)
        wait_for(lambda: len(load.accepted) >= HITS, LIMIT_S)
    finally:
        load.is_over.set()
        sending.join(120)
    assert load.tries_failed
    touchline(data, "drain")
    rows = csv.DictReader(touchline(data, "export", "hits").splitlines())
    found = [row["event_id"] for row in rows]
    assert len(found) == len(set(found)) == HITS
    assert set(found) == set(load.accepted)
    touchline(data, "verify")
