"""Nothing lost, nothing doubled on the roads of webhooks, leases and alerts, whatever is killed."""

from __future__ import annotations

import base64
import contextlib
import hmac
import http.client
import json
import os
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.receivers import Receiver, http_receiver
from tests.running import Owner, free_port, touchline
from tests.unit.providers.deliveries import facts_of
from tests.unit.providers.recorded import recorded
from tests.waiting import wait_for
from tracker import config
from tracker.core.times import format_instant
from tracker.keys import workspace_key
from tracker.model import Pool, SiteKey
from tracker.store.db import open_store
from tracker.store.destinations import Destination, Target, Targets, add_destination
from tracker.store.hooks import HookSource, Secrets, add_hook
from tracker.store.pools import put_pool
from tracker.store.sites import numbered_sites
from worker.push.webhook import new_secret

DELIVERIES = 1_000
LIMIT_S = 600.0
REPEATED = 10  # every so many-th delivery is sent twice
SENDERS = 4
VISITORS = 9
SECRET = "sign-me"
SITE = SiteKey("tryout")
POOL = Pool("main", tuple(f"+44207946000{n}" for n in range(1, 6)), "+442079460000", hold_s=1)
VICTIMS = ("serve", "server", "work", "deliver", "up")
EMAIL = re.compile(rb"[\w.]+@[\w-]+\.[a-z]{2,}")
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


def mac(body: bytes, how: str) -> bytes:
    """Sign a body."""
    return hmac.digest(SECRET.encode(), body, how)


def packed(body: bytes, how: str = "sha256") -> str:
    """Sign a body, written in base64."""
    return base64.b64encode(mac(body, how)).decode()


SIGNED: Mapping[str, tuple[str, Callable[[bytes], dict[str, str]]]] = {
    "typeform": ("response", lambda body: {"Typeform-Signature": f"sha256={packed(body)}"}),
    "calcom": ("booking_created", lambda body: {"X-Cal-Signature-256": mac(body, "sha256").hex()}),
    "callrail": ("post_call", lambda body: {"Signature": packed(body, "sha1")}),
    "tally": ("response", lambda body: {"Tally-Signature": packed(body)}),
}
"""A recorded payload of each provider, and how it signs."""


class Sender:
    """A provider that sends the recorded payload over and over, each time of another lead, of now."""

    def __init__(self, provider: str, path: str) -> None:
        event, self.sign = SIGNED[provider]
        given = recorded(f"{provider}_{event}")
        self.provider, self.path, self._body = provider, path, given.body
        self._own = facts_of(provider, given)[0]["provider_id"].encode()
        assert self._own in self._body

    def body(self, number: int) -> bytes:
        """Write the delivery of a lead."""
        body = self._body.replace(self._own, self._own[:-4] + b"%04d" % number)
        now = format_instant(time.time_ns() // 1_000_000)
        body = EMAIL.sub(b"buyer%d@firm.test" % number, body)
        return body.replace(b"2026-03-01T09:59:41Z", now.encode())


class Load:
    """Providers and visitors who try again until they are answered, as they do."""

    def __init__(self, port: int, senders: list[Sender]) -> None:
        self.port, self.senders = port, senders
        self.accepted: list[tuple[str, bytes]] = []
        self.shown: set[tuple[str, str]] = set()
        self.tries_failed = 0
        self.is_over = threading.Event()

    def send_all(self) -> None:
        """Send every delivery, some of them twice."""
        with ThreadPoolExecutor(SENDERS) as pool:
            list(pool.map(self._send_part, range(SENDERS)))

    def _send_part(self, part: int) -> None:
        for number in range(part, DELIVERIES, SENDERS):
            sender = self.senders[number // SENDERS % len(self.senders)]
            body = sender.body(number)
            for _ in range(1 + (number % REPEATED == 0)):
                headers = {"Content-Type": "application/json", **sender.sign(body)}
                self._insist(sender.path, body, headers)
            self.accepted.append((sender.provider, body))

    def _insist(self, path: str, body: bytes, headers: Mapping[str, str]) -> Any:
        while True:
            assert not self.is_over.is_set(), "the test is over"
            with (
                contextlib.suppress(OSError, http.client.HTTPException),
                closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as line,
            ):
                line.request("POST", path, body, dict(headers))
                answer = line.getresponse()
                said = answer.read()
                assert answer.status in (200, 202, 204, 503), said
                if answer.status != 503:
                    return json.loads(said) if said.startswith(b"{") else None
            self.tries_failed += 1
            time.sleep(0.05)

    def beat(self, number: int) -> None:
        """Be a visitor who looks at a number for a while, goes away, and comes back."""
        random, token = Random(number), ""
        while not self.is_over.is_set():
            for _ in range(random.randint(1, 12)):
                with contextlib.suppress(AssertionError):
                    said = self._ask(token)
                    token = said["visitor"]
                    numbers = said.get("numbers", {})  # none before the collector has heard of the pool
                    self.shown |= {(token.partition(".")[0], each) for each in numbers.values()}
                if self.is_over.wait(0.2):
                    return
            self.is_over.wait(random.uniform(0, 2))

    def _ask(self, token: str) -> Any:
        origin = f"http://localhost:{self.port}"
        now = format_instant(time.time_ns() // 1_000_000)
        hits = [] if token else [{"event_id": str(uuid.uuid4()), "at": now, "url": origin}]
        body = json.dumps({"site": SITE, "sent_at": now, "hits": hits, "pools": ["main"]}).encode()
        headers = {"Content-Type": "text/plain", "User-Agent": BROWSER, "Origin": origin}
        return self._insist("/e", body, {**headers, **({"Cookie": f"_tl={token}"} if token else {})})


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Give a real HTTP server."""
    with http_receiver() as server:
        yield server


@pytest.fixture
def owner(data: Path) -> Iterator[Owner]:
    """Run everything, and stop whatever runs in the end."""
    (data / "touchline.toml").write_text("allow_private_destinations = true\n")
    owner = Owner(config.load({}, data=data, port=free_port()))
    yield owner
    owner.run.stop()


def connect(data: Path, receiver: Receiver) -> list[Sender]:
    """Connect the providers, a pool of numbers, and a destination of alerts."""
    key = workspace_key(data, os.environ)
    with closing(open_store(data, write=True)) as db:
        put_pool(db, POOL, site=SITE)
        number = next(no for no, site in numbered_sites(db).items() if site.key == SITE)
        target = Target(receiver.url(), new_secret())
        made = Destination(0, "to", number, "webhook", "here", ["lead"], 600, False, "on", 0)
        add_destination(db, made, Targets(key).close("to", target))
        senders = []
        for name in SIGNED:
            source = HookSource(0, SITE, name, "UTC", "")
            _, secrets = add_hook(db, source, Secrets("", SECRET), key=key, now_ms=0)
            senders.append(Sender(name, f"/hooks/{secrets.token}/{name}"))
    return senders


def rows(data: Path, query: str) -> list[tuple[Any, ...]]:
    """Ask the store."""
    with closing(open_store(data)) as db:
        return db.execute(query).fetchall()


def check_deliveries(data: Path, load: Load) -> None:
    """Every delivery that was answered is there once, and so is its lead."""
    kept = rows(data, "SELECT provider, body FROM raw_message JOIN hook_source USING (source_no)")
    assert len(kept) == len(set(kept)) == len(load.accepted) == DELIVERIES
    assert set(kept) == set(load.accepted)
    leads = rows(data, "SELECT provider, provider_id FROM leads")
    assert len(leads) == len(set(leads)) == DELIVERIES
    assert rows(data, "SELECT problem FROM raw_message WHERE problem IS NOT NULL") == []


def check_numbers(data: Path, load: Load) -> None:
    """What a page showed has its lease; nobody got a number before its hold had ended for another."""
    leases = rows(
        data, "SELECT number, from_ms, to_ms, visitor_id FROM lease JOIN visitor USING (visitor_no)"
    )
    given = {(visitor, number) for number, _, _, visitor in leases}
    assert {each for each in load.shown if each[1] != POOL.fallback} <= given
    assert len({visitor for visitor, _ in given}) > len(POOL.numbers)
    for one, other in pairwise(sorted(leases)):
        if one[0] == other[0] and one[3] != other[3]:
            assert one[2] + POOL.hold_s * 1_000 <= other[1], (one, other)


def check_alerts(data: Path, receiver: Receiver) -> None:
    """Of every fresh lead there is one row that was delivered, and the receiver heard of it."""
    query = "SELECT lead_id FROM leads WHERE provider = 'typeform' AND duplicate_of IS NULL"
    fresh = {row[0] for row in rows(data, query)}

    def told() -> list[tuple[str, str]]:
        return rows(data, "SELECT object, state FROM delivery WHERE object LIKE 'lead:%'")

    wait_for(lambda: len(told()) >= len(fresh) and {state for _, state in told()} == {"delivered"})
    assert sorted(told()) == sorted((f"lead:{each}", "delivered") for each in fresh)
    ids = {row[0] for row in rows(data, "SELECT delivery_id FROM delivery WHERE object LIKE 'lead:%'")}
    assert {each.headers["webhook-id"] for each in receiver.got} == ids


@pytest.mark.fault
@pytest.mark.slow
def test_deliveries_leases_and_alerts_outlive_every_process(
    owner: Owner, data: Path, receiver: Receiver
) -> None:
    """1,000 signed deliveries and beating visitors; each process is killed while they come."""
    load = Load(owner.run.settings.port, connect(data, receiver))
    with ThreadPoolExecutor(VISITORS + 1) as pool:
        sent = pool.submit(load.send_all)
        beating = [pool.submit(load.beat, number) for number in range(VISITORS)]
        try:
            for number, victim in enumerate(VICTIMS):
                goal = (number + 1) * DELIVERIES // (len(VICTIMS) + 1)
                wait_for(lambda goal=goal: len(load.accepted) >= goal or sent.done(), LIMIT_S)
                owner.kill(victim)
            sent.result(LIMIT_S)
        finally:
            load.is_over.set()
        for each in beating:
            each.result()
    assert load.tries_failed
    touchline(data, "drain")
    check_deliveries(data, load)
    check_numbers(data, load)
    check_alerts(data, receiver)
    touchline(data, "verify")
