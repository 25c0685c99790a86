"""Processes of our own: how one is started, and how it dies with the one that started it.

Only the standard library is imported here: the keeper of the embedded server starts in the time
that a visitor would not notice.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import os
import queue
import signal
import socket
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

PARENT = "TOUCHLINE_PARENT"
_PR_SET_PDEATHSIG = 1
_POLL_S = 0.5
GRACE_S = 60.0
"""What may be finished once the parent is dead: as long as `touchline up` allows its slowest part."""


def command(module: str, *arguments: str) -> list[str]:
    """Write the command that runs a module of this installation, wherever the caller stands."""
    return [sys.executable, "-P", "-m", module, *arguments]


def environment(environ: Mapping[str, str], extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Write the environment for `command`: the caller's, with this installation first on the path."""
    home = str(Path(__file__).resolve().parents[1])
    path = [
        home,
        *(part for part in environ.get("PYTHONPATH", "").split(os.pathsep) if part not in ("", home)),
    ]
    return {**environ, "PYTHONPATH": os.pathsep.join(path), **(extra or {})}


class Stop:
    """Whether this process was asked to stop. A signal's handler may set it, whatever it interrupts.

    An `Event` may not be set there: where the handler interrupts the event's own `wait`, it waits for a
    lock that its thread holds.

    Source: https://docs.python.org/3/library/queue.html#simplequeue-objects (put is reentrant).
    """

    def __init__(self) -> None:
        self._asked: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._is_set = False

    def set(self) -> None:
        """Ask to stop."""
        self._is_set = True
        self._asked.put(None)

    def is_set(self) -> bool:
        """Say whether that was asked."""
        return self._is_set

    def wait(self, seconds: float) -> bool:
        """Wait until that is asked, or the time is over; says which."""
        with contextlib.suppress(queue.Empty):
            self._is_set or self._asked.get(timeout=seconds)
        return self._is_set


def die_with_parent() -> None:
    """Have the kernel send SIGTERM when the parent dies; nothing where the kernel cannot."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def follow(environ: Mapping[str, str], *, grace_s: float = GRACE_S) -> None:
    """Stop when the process named in `TOUCHLINE_PARENT` dies, however it dies.

    The kernel's signal covers Linux; the thread covers the moment before it was set, and the rest.
    There is one signal, not two: to some a second one means to drop everything. Who has not stopped
    after `grace_s` is ended, even if Python itself stands still: nobody else is left to do it, and an
    orphan would hold the port against those who come after it.
    """
    with contextlib.suppress(ValueError):
        parent = int(environ.get(PARENT, ""))
        die_with_parent()
        is_told = sys.platform == "linux" and os.getppid() == parent
        words = (parent, grace_s, is_told)
        threading.Thread(target=_watch, args=words, name="follow-parent", daemon=True).start()


def _watch(parent: int, grace_s: float, is_told: bool) -> None:
    while os.getppid() == parent:
        time.sleep(_POLL_S)
    faulthandler.dump_traceback_later(grace_s, exit=True, file=2)  # a thread that needs no interpreter
    if not is_told:
        os.kill(os.getpid(), signal.SIGTERM)


def try_address(host: str, port: int) -> None:
    """Find out whether an address can be listened on.

    Raises:
        OSError: it is taken, or no address of this machine.
    """
    family, kind, _, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    with socket.socket(family, kind) as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        attempt.bind(address)
        attempt.listen(1)
