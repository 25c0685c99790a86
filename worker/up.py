"""`touchline up`: everything on one machine, started in order, kept running, stopped in order.

The parts are processes of their own. One that dies is started again after a pause that doubles;
all of them die with this one, however it dies. They stop in the order of a hit's road: first the
collector, which answers what it has accepted, then the schedule, then the workers, which finish
their jobs, and at last the server.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import http.client
import logging
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import click

from tracker import config, embedded, keys, processes
from tracker.address import LOCK, address_of, note_address, own_host
from tracker.config import Settings
from tracker.errors import Permanent
from tracker.model import Site, SiteKey
from tracker.place import locked
from tracker.store import sites
from tracker.store.db import open_store
from tracker.store.ownkey import check_key

TICK_S = 0.2
STEADY_S = 30.0
FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 30.0
STARTS_BEFORE_READY = 4
# After a kill of all, the last collector may still hold the port while it answers what it accepted.
HANDOVER_S = 20.0
REVIVE_S = 1.0
TRYOUT = Site(SiteKey("tryout"), ("localhost", "127.0.0.1"))

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Part:
    """One process of the whole; `limit_s` is how long it may take to stop."""

    verb: str
    limit_s: float
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    starts: int = 0
    pause_s: float = FIRST_PAUSE_S
    due_at: float = 0.0

    def tend(self, settings: Settings) -> None:
        """Start the process when it does not run and its pause is over."""
        now = time.monotonic()
        if self.process is not None and self.process.poll() is not None:
            self._note_death(self.process.returncode, now)
        if self.process is None and now >= self.due_at:
            self.started_at, self.starts = now, self.starts + 1
            self.process = start_part(self.verb, settings)

    def _note_death(self, code: int, now: float) -> None:
        is_steady = now - self.started_at > STEADY_S
        self.pause_s = FIRST_PAUSE_S if is_steady else min(2 * self.pause_s, LONGEST_PAUSE_S)
        self.due_at, self.process = now + self.pause_s, None
        _log.warning("`%s` ended (%s); starting it again in %.1f s", self.verb, code, self.pause_s)

    def stop(self, is_hurried: Callable[[], bool]) -> None:
        """Ask the process to finish, and wait for that; kill it when it takes too long."""
        if self.process is None:
            return
        self.process.terminate()
        end = time.monotonic() + self.limit_s
        while self.process.poll() is None and time.monotonic() < end and not is_hurried():
            time.sleep(0.02)
        self.process.kill()
        self.process.wait()
        self.process = None


def start_part(verb: str, settings: Settings) -> subprocess.Popen[bytes]:
    """Start `touchline VERB` with these settings; it dies with this process.

    It stands in a process group of its own, so that Ctrl-C reaches this process alone.
    """
    extra = {**config.environment(settings), processes.PARENT: str(os.getpid())}
    return subprocess.Popen(
        processes.command("tracker", *verb.split()),
        env=processes.environment(os.environ, extra),
        stdin=subprocess.DEVNULL,
        process_group=0,
    )


class Supervisor:
    """Everything that `up` runs, and the signals that end it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.serve = Part("serve", limit_s=20.0)
        self.parts = (
            self.serve, Part("schedule", limit_s=5.0), Part("work", limit_s=60.0),
            Part("work deliver", limit_s=30.0),
        )  # fmt: skip
        self.signals = 0
        self.is_ready = False
        self.revived_at = 0.0

    def run(self) -> None:
        """Run until SIGTERM, SIGHUP or Ctrl-C.

        Raises:
            Permanent: the collector does not come up.
        """
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._note_signal)
        try:
            while not self.signals:
                self._tend()
                time.sleep(TICK_S if self.is_ready else TICK_S / 10)
        finally:
            for part in self.parts:
                part.stop(lambda: self.signals > 1)

    def _note_signal(self, *_signal: object) -> None:
        self.signals += 1

    def _tend(self) -> None:
        for part in self.parts:
            part.tend(self.settings)
        now = time.monotonic()
        if now - self.revived_at > REVIVE_S:
            embedded.revive(self.settings)
            self.revived_at = now
        if not self.is_ready and self.serve.process is not None and is_ready(self.settings):
            self.is_ready = True
            greet(self.settings)
        if not self.is_ready and self.serve.starts > STARTS_BEFORE_READY:
            raise Permanent("The collector does not come up; the lines above say why.")


def up(settings: Settings) -> None:
    """Run everything on this machine until told to stop.

    Raises:
        Permanent: the port is taken, the data directory is in use, the workspace's key is not the store's, or
            a part cannot run here.
    """
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = keys.workspace_key(settings.data, os.environ)  # a bad one is said once, not by each part
    with _alone(settings) as was_killed:
        check_key(settings.data, key)
        _wait_for_port(settings, HANDOVER_S if was_killed else 0.0)
        make_tryout(settings)
        with embedded.hold(settings):
            Supervisor(settings).run()
        embedded.dismiss(settings)


@contextlib.contextmanager
def _alone(settings: Settings) -> Iterator[bool]:
    """Be the only `up` of the data directory; gives whether the last one ended without a goodbye."""
    with locked(settings.data / LOCK, fcntl.LOCK_EX | fcntl.LOCK_NB) as lock:
        if lock is None:
            raise Permanent(f"Touchline runs already on {settings.data}; stop it, or name another --data.")
        was_killed = bool(os.fstat(lock).st_size)
        note_address(lock, settings)
        try:
            yield was_killed
        finally:
            os.ftruncate(lock, 0)


def _wait_for_port(settings: Settings, limit_s: float) -> None:
    end = time.monotonic() + limit_s
    while True:
        try:
            return processes.try_address(settings.host, settings.port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise Permanent(f"Cannot listen on {settings.host}: {error.strerror}.") from error
        if time.monotonic() > end:
            raise Permanent(
                f"Port {settings.port} on {settings.host} is taken by another program; "
                f"choose another one, such as `touchline up --port {settings.port + 1}`."
            )
        time.sleep(0.1)


def make_tryout(settings: Settings) -> None:
    """Make the site of the try-out pages, at the first start."""
    db = open_store(settings.data, write=True)
    try:
        if settings.tryout and TRYOUT.key not in sites.load_sites(db):
            sites.add_site(db, TRYOUT)
    finally:
        db.close()


def is_ready(settings: Settings) -> bool:
    """Ask the collector whether it takes hits."""
    line = http.client.HTTPConnection(own_host(settings.host), settings.port, timeout=2)
    try:
        line.request("GET", "/ready")
        return line.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        line.close()


def greet(settings: Settings) -> None:
    """Tell who started it where to go next."""
    address = address_of(settings).replace("//127.0.0.1:", "//localhost:")
    click.echo(
        f"\nTouchline is running.\n\n"
        f"  First page  {address}/\n"
        f"  Your data   {settings.data}\n"
        f"  Stop        Ctrl-C\n",
        err=True,
    )
