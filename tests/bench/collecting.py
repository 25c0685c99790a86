"""Collect: how many hits a second are accepted and on the log, and what one costs."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench import client, machine
from tests.bench.client import Load
from tests.bench.plain import STREAM as PLAIN_STREAM
from tests.bench.table import Row, Target
from tests.bench.traffic import HOST, SITE, request, traffic
from tests.running import free_port
from tests.waiting import wait_for
from tracker import config, embedded, hitlog, keys, processes
from tracker.model import Site, SiteKey
from tracker.store.db import open_store
from tracker.store.sites import add_site
from tracker.web.cookies import Signer

GROUP = "collect"
REQUESTS = 20_000
READY_S = 40.0
WARM_S = 1.0

_NGINX = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes auto;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{ listen 127.0.0.1:{port}; location / {{ empty_gif; error_page 405 =200 /; }} }}
}}
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """A load on one server, and the processor time of all of its processes for one request, in us."""

    load: Load
    cpu_us: float


def measure(settings: config.Settings, seconds: float) -> Iterator[Row]:
    """Load the collector, then the yardsticks, each for some seconds."""
    requests = settings.data / "requests"
    signer = Signer(keys.workspace_key(settings.data, os.environ))
    hits = itertools.islice(traffic(start_ms=int(time.time() * 1_000)), REQUESTS)
    client.write_requests(requests, (request(each, signer) for each in hits))
    with embedded.hold(settings) as url:
        ours = _collector(settings, url, requests, seconds)
        plain = _plain(settings, url, requests, seconds)
    embedded.dismiss(settings)
    yield from _rows(ours, plain)
    if shutil.which("nginx"):
        nginx = _nginx(settings.data, requests, seconds)
        row = Row(GROUP, f"the same, load by {client.tool()}", ours.load.rate, "hits/s")
        yield row.against("nginx, empty GIF", nginx.load.rate, Target(least=0.10))


def make_site(settings: config.Settings) -> None:
    """Add the site that the traffic is on."""
    db = open_store(settings.data, write=True)
    add_site(db, Site(SiteKey(SITE), (HOST,)))
    db.close()


def _rows(ours: Taken, plain: Taken) -> Iterator[Row]:
    what = f"accepted and on disk, {client.CONNECTIONS} connections"
    row = Row(GROUP, what, ours.load.rate, "hits/s")
    yield row.against("plain Flask, one XADD", plain.load.rate, Target(least=3.5))
    row = Row(GROUP, "with the log's server", ours.cpu_us, "us CPU/hit").held_to(Target(most=110))
    yield row.against("plain Flask, one XADD", plain.cpu_us)
    row = Row(GROUP, "99 % are answered within", ours.load.p99_ms, "ms").held_to(Target(most=15))
    yield row.against("plain Flask, one XADD", plain.load.p99_ms)


def _collector(settings: config.Settings, url: str, requests: Path, seconds: float) -> Taken:
    """Load the collector; every hit that it answered stands on the log."""
    command = processes.command(
        "tracker", "--data", str(settings.data), "serve", "--port", str(settings.port)
    )
    server = machine.server_pids(settings.data)["server"]
    with running(command, settings, settings.port) as pid, embedded.connect(url, blocking=True) as log:
        client.hammer(settings.port, requests, WARM_S)
        before = hitlog.length(log)
        taken = _load(settings.port, requests, seconds, [*machine.family(pid), server])
        written = hitlog.length(log) - before
        log.flushall()
    if taken.load.failed or written < taken.load.answered:
        raise RuntimeError(
            f"{taken.load.failed} failed; {written} on the log of {taken.load.answered} answered"
        )
    return taken


def _plain(settings: config.Settings, url: str, requests: Path, seconds: float) -> Taken:
    port, server = free_port(), machine.server_pids(settings.data)["server"]
    command = [sys.executable, "-m", "tests.bench.plain", url, str(port), str(settings.threads)]
    with running(command, settings, port) as pid, embedded.connect(url, blocking=True) as log:
        client.hammer(port, requests, WARM_S)
        taken = _load(port, requests, seconds, [*machine.family(pid), server])
        log.delete(PLAIN_STREAM)
    return taken


def _nginx(folder: Path, requests: Path, seconds: float) -> Taken:
    port, place = free_port(), folder / "nginx"
    place.mkdir()
    (place / "nginx.conf").write_text(_NGINX.format(folder=place, port=port))
    command = ["nginx", "-p", str(place), "-c", str(place / "nginx.conf"), "-e", str(place / "error.log")]
    with running(command, None, port) as pid:
        return _load(port, requests, seconds, machine.family(pid))


def _load(port: int, requests: Path, seconds: float, pids: list[int]) -> Taken:
    before = machine.cpu_s(pids)
    load = client.hammer(port, requests, seconds)
    return Taken(load, 1e6 * (machine.cpu_s(pids) - before) / max(1, load.answered))


@contextlib.contextmanager
def running(command: Sequence[str], settings: config.Settings | None, port: int) -> Iterator[int]:
    """Run a server until the block ends; gives its process id when it listens."""
    given = config.environment(settings) if settings else {}
    process = subprocess.Popen(
        command, env=processes.environment(os.environ, given), stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for(lambda: _listens(port) or process.poll() is not None, READY_S)
        if process.poll() is not None:
            raise RuntimeError(f"{' '.join(command)} ended at once")
        yield process.pid
    finally:
        process.terminate()
        process.wait(30)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
