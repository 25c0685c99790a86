"""The keeper: a small process that owns the embedded server of one data directory.

It starts the server, starts it again when it dies, and stops it when nobody needs it any more. Who
needs the server holds a shared lock on `users.lock`; the kernel frees it however the holder ends.
Three locks, each freed by the kernel too, make every death harmless:

    users.lock    shared: somebody needs the server; exclusive: the keeper is closing it
    keeper.lock   one keeper at a time
    server.lock   held by the server's process alone: no second server writes the same log

With `everysec` the keeper syncs the log's file to disk each second, not the server. A server that
syncs by itself holds writes back in its memory while a slow disk is at it, though it has answered
them, and a kill would lose them; this one writes first and answers then, whatever the disk does.

`tracker.embedded` is the face of it. Only the standard library is imported here.
Source: flushAppendOnlyFile in aof.c of Redis 7.0 and Valkey 9.1 (the write is put off by up to 2 s).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

from tracker.place import LEAVE, Place, locked, read_fsync, server_fsync, state_of
from tracker.processes import die_with_parent

LINGER_S = 3.0
TICK_S = 0.5
ORPHAN_S = 1.0
STOP_S = 30.0
STEADY_S = 5.0
LONGEST_PAUSE_S = 5.0
SYNC_S = 1.0
_sync_data = getattr(os, "fdatasync", os.fsync)
LARGEST_LOG = 1_000_000


class Keeper:
    """One keeper at its post."""

    def __init__(self, place: Place, program: str) -> None:
        self.place = place
        self.program = program
        self.server: subprocess.Popen[bytes] | None = None
        self.started_at = 0.0
        self.pause_s = 0.0
        self.unused_since: float | None = None
        self.synced_at = 0.0
        self.synced: dict[Path, int] = {}
        self.is_leaving = False
        self.alarm = -1

    def keep(self) -> None:
        """Keep the server running until nobody needs it; then stop it cleanly."""
        self.alarm = _alarm()
        signal.signal(LEAVE, self._leave)
        signal.signal(signal.SIGCHLD, lambda *_signal: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with contextlib.ExitStack() as stack:
            while not self._is_unused(stack):
                self._tend()
                self._sync()
                _wait(self.alarm)
            self._stop()

    def _leave(self, *_signal: object) -> None:
        self.is_leaving = True

    def _is_unused(self, stack: contextlib.ExitStack) -> bool:
        """Try the users' lock; when it is free for long enough keep it, so that no user comes in between."""
        attempt = contextlib.ExitStack()
        users = attempt.enter_context(locked(self.place.file("users.lock"), fcntl.LOCK_EX | fcntl.LOCK_NB))
        now = time.monotonic()
        if users is None:
            self.unused_since, self.is_leaving = None, False
        elif self.unused_since is None:
            self.unused_since = now
        if users is not None and (self.is_leaving or now - (self.unused_since or now) > LINGER_S):
            stack.push(attempt)
            return True
        attempt.close()
        return False

    def _tend(self) -> None:
        """Start the server when it does not run; after a short life only after a pause."""
        if self.server is not None and self.server.poll() is None:
            return
        if self.server is not None:
            is_steady = time.monotonic() - self.started_at > STEADY_S
            self.pause_s = 0.0 if is_steady else min(2 * self.pause_s + 0.1, LONGEST_PAUSE_S)
            _say(self.place, f"the server ended ({self.server.returncode}); starting it again")
            self.server = None
        if time.monotonic() - self.started_at >= self.pause_s:
            self._start()

    def _sync(self) -> None:
        """Sync the log's files that grew, each second, where the server does not do it by itself."""
        if time.monotonic() - self.synced_at < SYNC_S or read_fsync(self.place) == "always":
            return
        sizes = {path: _size(path) for path in self.place.folder.glob("**/*.aof")}
        for path, size in sizes.items():
            if size != self.synced.get(path):
                _sync_file(path)
        self.synced, self.synced_at = sizes, time.monotonic()

    def _start(self) -> None:
        descriptor = self._take_over()
        if descriptor is None:
            return
        self.started_at = time.monotonic()
        path = self.place.choose_socket()
        self.place.note_socket(path)
        with open(self.place.file("server.log"), "ab") as log:
            self.server = subprocess.Popen(
                [self.program, *self._options(path)], cwd=self.place.folder, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, pass_fds=[descriptor], preexec_fn=die_with_parent,
            )  # fmt: skip
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(self.server.pid).encode(), 0)
        os.close(descriptor)

    def _take_over(self) -> int | None:
        """Take the server's lock; a server that outlived its keeper is stopped first."""
        descriptor = os.open(self.place.file("server.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        for number in (0, signal.SIGTERM, signal.SIGKILL):
            if number:
                _signal_holder(descriptor, number)
            if _flock_within(descriptor, ORPHAN_S if number == 0 else STOP_S):
                return descriptor
        os.close(descriptor)
        return None

    def _options(self, path: Path) -> list[str]:
        # Relative names, so that no path with a space in it reaches the server's option parser. The
        # log is kept in plain commands, so that another make of server can read it too.
        relative = "server.sock" if path.parent == self.place.folder else str(path)
        options = {
            "port": "0", "unixsocket": relative, "unixsocketperm": "700", "dir": ".", "daemonize": "no",
            "appendonly": "yes", "appendfsync": server_fsync(read_fsync(self.place)), "save": "",
            "aof-load-truncated": "yes", "aof-use-rdb-preamble": "no", "maxmemory-policy": "noeviction",
            "loglevel": "warning",
        }  # fmt: skip
        return [word for name, value in options.items() for word in (f"--{name}", value)]

    def _stop(self) -> None:
        if self.server is None:
            return
        self.server.terminate()
        try:
            self.server.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.server.kill()
            self.server.wait()


def _signal_holder(descriptor: int, number: int) -> None:
    with contextlib.suppress(ValueError, ProcessLookupError):
        os.kill(int(os.pread(descriptor, 20, 0)), number)


def _flock_within(descriptor: int, limit_s: float) -> bool:
    end = time.monotonic() + limit_s
    while True:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        if time.monotonic() > end:
            return False
        time.sleep(0.02)


def _size(path: Path) -> int:
    """Weigh a file of the log, nothing where the server has just written it anew under another name."""
    with contextlib.suppress(FileNotFoundError):
        return path.stat().st_size
    return 0


def _sync_file(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
        _sync_data(file.fileno())


def _alarm() -> int:
    """Open a pipe that every signal writes to, so that a wait ends at once when one comes."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    return reader


def _wait(alarm: int) -> None:
    if select.select([alarm], [], [], TICK_S)[0]:
        os.read(alarm, 4096)


def _say(place: Place, text: str) -> None:
    with open(place.file("server.log"), "a") as log:
        log.write(f"{os.getpid()}:K {time.strftime('%d %b %Y %H:%M:%S')} # {text}\n")


def main(folder: str, program: str) -> None:
    """Stand at the post of keeper unless another does and its server answers."""
    place = Place(Path(folder))
    with contextlib.suppress(OSError):
        if place.file("server.log").stat().st_size > LARGEST_LOG:
            place.file("server.log").unlink()
    end = time.monotonic() + STOP_S
    while time.monotonic() < end:
        with locked(place.file("keeper.lock"), fcntl.LOCK_EX | fcntl.LOCK_NB) as post:
            if post is not None:
                os.ftruncate(post, 0)
                os.pwrite(post, str(os.getpid()).encode(), 0)
                Keeper(place, program).keep()
                return
        if state_of(place.socket()) == "up":
            return
        time.sleep(0.05)


if __name__ == "__main__" and os.fork() == 0:
    # A child of nobody: whoever asked for the keeper has no process to wait for, and may die first.
    main(*sys.argv[1:3])
