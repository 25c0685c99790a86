"""How a test runs all of Touchline: a real `touchline up` on a free port, and its processes."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import sqlite3
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.waiting import wait_for
from tracker import config, processes
from tracker.place import Place
from tracker.store import exports
from tracker.store.db import open_store
from tracker.store.watching import is_behind

READY_S = 180.0
VERB_S = 240.0
STOPPED_S = 2 * processes.GRACE_S


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Run:
    """One `touchline up`, its words, and its processes."""

    settings: config.Settings
    process: subprocess.Popen[str]
    words: list[str] = field(default_factory=list)
    listener: threading.Thread = field(default_factory=threading.Thread)

    @classmethod
    def start(
        cls,
        settings: config.Settings,
        *,
        command: Sequence[str] = (),
        environ: Mapping[str, str] | None = None,
    ) -> Run:
        """Start it without waiting; `command` is another installation's `touchline`."""
        options = ["--data", str(settings.data), "up", "--port", str(settings.port)]
        process = subprocess.Popen(
            [*(command or processes.command("tracker")), *options],
            env=processes.environment(os.environ) if environ is None else environ,
            cwd=settings.data,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        run = cls(settings, process)
        run.listener = threading.Thread(target=run._listen, daemon=True)
        run.listener.start()
        return run

    def _listen(self) -> None:
        assert self.process.stderr is not None
        with contextlib.suppress(ValueError):
            for line in self.process.stderr:
                self.words.append(line)

    def said(self, words: str) -> bool:
        """Say whether it has said so on stderr."""
        return words in "".join(self.words)

    def wait_until_ready(self) -> Run:
        """Wait for the greeting."""
        wait_for(lambda: self.said("First page") or self.process.poll() is not None, READY_S)
        assert self.process.poll() is None, "".join(self.words)
        return self

    def fetch(self, path: str) -> tuple[int, bytes]:
        """Fetch a page: its status and body, or 0 when nobody answers."""
        line = http.client.HTTPConnection("127.0.0.1", self.settings.port, timeout=30)
        try:
            line.request("GET", path)
            answer = line.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            return 0, b""
        finally:
            line.close()

    def get(self, path: str) -> int:
        """Fetch a page for its status alone."""
        return self.fetch(path)[0]

    @contextmanager
    def still(self) -> Iterator[sqlite3.Connection]:
        """Give the store as of a moment at which all that is in it was stitched."""
        db = open_store(self.settings.data)
        try:
            wait_for(lambda: _is_still(db))
            yield db
        finally:
            db.close()

    def rows(self, what: str, **wanted: str) -> list[dict[str, Any]]:
        """Read an export's rows that have these values, as of such a moment."""
        with self.still() as db:
            found = list(exports.rows(db, what, pii=True))
        return [row for row in found if all(row[name] == value for name, value in wanted.items())]

    def parts(self) -> dict[str, int]:
        """Find its processes: each part's verb, `keeper` and `server`."""
        found = {}
        for pid in children(self.process.pid):
            with contextlib.suppress(OSError):
                words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
                if len(words) > 1:  # a dead one has none
                    found[words[-2]] = pid
        place = Place.of(self.settings.data)
        for name in ("keeper", "server"):
            with contextlib.suppress(OSError, ValueError):
                found[name] = int(place.file(f"{name}.lock").read_bytes())
        return found

    def stop(self) -> int:
        """Stop it as Ctrl-C does, and see that nothing outlives it."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        code = self.process.wait(180)
        assert self.process.stdout is not None and self.process.stderr is not None
        self.listener.join(STOPPED_S)  # its end of the line is open as long as a part's is
        assert not self.listener.is_alive(), f"a part outlived `up`: {speakers(self.process.stderr.fileno())}"
        self.process.stdout.close()
        self.process.stderr.close()
        return code


@contextmanager
def running(
    settings: config.Settings, *, command: Sequence[str] = (), environ: Mapping[str, str] | None = None
) -> Iterator[Run]:
    """Run everything until the block ends, however it ends."""
    run = Run.start(settings, command=command, environ=environ)
    try:
        yield run.wait_until_ready()
    finally:
        run.stop()


def _is_still(db: sqlite3.Connection) -> bool:
    """Stay at this moment if no view is behind at it."""
    db.execute("BEGIN")
    if is_behind(db):
        db.execute("ROLLBACK")
    return db.in_transaction


def children(pid: int) -> list[int]:
    """List the children of a process."""
    with contextlib.suppress(OSError):
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def is_alive(pid: int) -> bool:
    """Say whether a process runs; a dead one that nobody has fetched does not."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def speakers(descriptor: int) -> list[str]:
    """List the commands of the other processes that hold this pipe."""
    pipe, own = os.readlink(f"/proc/self/fd/{descriptor}"), f"/proc/{os.getpid()}/"
    found = []
    for each in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            if os.readlink(each) == pipe and not str(each).startswith(own):
                found.append((each.parents[1] / "cmdline").read_text().replace("\0", " "))
    return found


class Owner:
    """Who starts Touchline again when all of it was killed."""

    def __init__(self, settings: config.Settings) -> None:
        self.run = Run.start(settings).wait_until_ready()

    def kill(self, victim: str) -> None:
        """Kill one process without warning; a killed `up` is started again, as systemd would."""
        if victim == "up":
            self.run.process.kill()
            self.run.stop()
            self.run = Run.start(self.run.settings)
            return
        wait_for(lambda: victim in self.run.parts())
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.run.parts()[victim], signal.SIGKILL)


def touchline(data: Path, *words: str) -> str:
    """Run a verb: what it wrote to stdout."""
    done = subprocess.run(
        [*processes.command("tracker"), "--data", str(data), *words],
        env=processes.environment(os.environ),
        capture_output=True,
        text=True,
        timeout=VERB_S,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
