"""How a test runs `touchline serve` on a free port, with its own sites, and asks it over a real socket."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import subprocess
from collections.abc import Iterator
from typing import Any

from tests.integration.collector.conftest import BROWSER, hit, prepare
from tests.running import is_alive
from tests.waiting import wait_for
from tracker import config, embedded, hitlog, processes, wire


@contextlib.contextmanager
def serving(settings: config.Settings, *, stops: bool = True) -> Iterator[subprocess.Popen[str]]:
    """Run the collector alone until the block ends; `stops`: its end must be a clean one."""
    prepare(settings)
    process = subprocess.Popen(
        processes.command("tracker", "serve"),
        env=processes.environment(os.environ, config.environment(settings)),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_for(lambda: is_ready(settings) or process.poll() is not None)
        assert process.poll() is None, process.stderr and process.stderr.read()
        yield process
    finally:
        process.terminate()
        code = process.wait(120)
        said = process.stderr.read() if process.stderr else ""
        if process.stderr:
            process.stderr.close()
        embedded.dismiss(settings)
    if stops:
        assert code == 0, said
        assert "Traceback" not in said, said


def is_ready(settings: config.Settings) -> bool:
    """Ask whether it answers."""
    with contextlib.suppress(OSError, http.client.HTTPException):
        return ask(settings.port, "/ready")[0] == 200
    return False


def ask(
    port: int, path: str, method: str = "GET", body: Any = None, headers: dict[str, str] | None = None
) -> tuple[int, http.client.HTTPMessage, bytes]:
    """Send one request over a connection of its own: status, headers, body."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        line.request(method, path, body, {"User-Agent": BROWSER} | (headers or {}))
        answer = line.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        line.close()


def send(port: int, event_id: str, *, path: str = "/e", host: str = "t.example.com", **headers: str) -> Any:
    """Send one hit: status, headers, what was said."""
    body = json.dumps({"site": "shop", "hits": [hit(event_id)]})
    given = {"Content-Type": "text/plain", "Host": host} | headers
    status, said_headers, said = ask(port, path, "POST", body, given)
    return status, said_headers, json.loads(said)


def logged(settings: config.Settings) -> list[wire.HitsEntry]:
    """Read the hits on the log of a collector that runs."""
    with embedded.hold(settings) as url, embedded.connect(url, blocking=False) as client:
        entries = [wire.decode(fields[hitlog.FIELD.encode()]) for _, fields in client.xrange(hitlog.STREAM)]
    return [entry for entry in entries if isinstance(entry, wire.HitsEntry)]


def gone(pids: list[int]) -> bool:
    """Say whether none of these processes runs any more."""
    return not any(is_alive(pid) for pid in pids)
