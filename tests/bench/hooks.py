"""Hooks: how fast deliveries are answered at 100 a second while the worker stands still.

And how much memory a worker takes that finds a hundred of the longest ones waiting.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from collections.abc import Iterator
from contextlib import closing

from tests.bench import client, machine
from tests.bench.collecting import running
from tests.bench.table import Row, Target
from tests.bench.traffic import SITE
from tests.bench.workplace import workplace
from tracker import config, embedded, keys, processes, wire
from tracker.model import SiteKey
from tracker.store.db import open_store
from tracker.store.hooks import HookSource, Secrets, add_hook
from worker import drain

GROUP = "hooks"
RATE = 100
SECRET = "bench"
START_AT = "2026-03-01T10:00:00Z"
LONG = 100
LONG_BYTES = 2_000_000


def measure(settings: config.Settings, seconds: float) -> Iterator[Row]:
    """Post at the rate, then drain: every delivery that was answered is a lead."""
    count = round(RATE * seconds)
    key = keys.workspace_key(settings.data, os.environ)
    path = _connect(settings, key)
    requests = settings.data / "deliveries"
    client.write_requests(requests, (_request(path, number) for number in range(count)))
    command = processes.command(
        "tracker", "--data", str(settings.data), "serve", "--port", str(settings.port)
    )
    with embedded.hold(settings) as url:
        with running(command, settings, settings.port):
            client.send_once(settings.port, requests, rate=20)
            load = client.send_once(settings.port, requests, rate=RATE)
        with embedded.connect(url, blocking=True) as log:
            drain.run(settings, log, key=key)
    embedded.dismiss(settings)
    with closing(open_store(settings.data)) as db:
        leads = db.execute("SELECT count(*) FROM lead").fetchone()[0]
    if load.failed or leads != count:
        raise RuntimeError(f"{load.failed} failed; {leads} leads of {count} deliveries")
    yield Row(GROUP, f"{RATE} deliveries a second, 50 % answered within", load.p50_ms, "ms")
    row = Row(GROUP, "99 % answered within, the worker standing still", load.p99_ms, "ms")
    yield row.held_to(Target(most=50))


def measure_long(settings: config.Settings) -> Iterator[Row]:
    """Let a worker take a hundred deliveries that are as long as they may be, and watch its memory."""
    with workplace(settings) as place:
        _connect(settings, keys.workspace_key(settings.data, os.environ))
        bodies = (json.dumps({"event_id": str(each), "note": "x" * LONG_BYTES}) for each in range(LONG))
        entries = [
            wire.encode(wire.HookEntry(each, 1, body.encode(), {})) for each, body in enumerate(bodies)
        ]
        with place.worker() as pid:
            place.hand_over(entries)
            peak = machine.peak_bytes(pid)
    row = Row(GROUP, f"{LONG} deliveries of 2 MB, memory of the worker", peak / machine.MIB, "MiB")
    yield row.held_to(Target(most=120))


def _connect(settings: config.Settings, key: bytes) -> str:
    with closing(open_store(settings.data, write=True)) as db:
        source = HookSource(0, SiteKey(SITE), "typeform", "UTC", "")
        _, secrets = add_hook(db, source, Secrets("", SECRET), key=key, now_ms=0)
    return f"/hooks/{secrets.token}/typeform"


def _request(path: str, number: int) -> bytes:
    field = {"id": "f1", "type": "email", "ref": "mail"}
    answer = {"type": "email", "email": f"buyer{number}@firm.test", "field": field}
    response = {"form_id": "F", "token": f"t{number}", "submitted_at": START_AT, "answers": [answer]}
    event = {"event_id": str(number), "event_type": "form_response", "form_response": response}
    body = json.dumps(event).encode()
    mac = base64.b64encode(hmac.digest(SECRET.encode(), body, hashlib.sha256)).decode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Typeform-Signature: sha256={mac}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
