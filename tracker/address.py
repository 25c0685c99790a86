"""Where the collector of a data directory answers: noted by `touchline up`, read by verbs that tell it.

The note stands in the lock of `up`. It goes when `up` stops; what a killed one left is still the best guess.
"""

from __future__ import annotations

import contextlib
import os

from tracker.config import Settings

LOCK = "up.lock"
"""The file in the data directory that one `up` holds: its process on the first line, then the address."""


def own_host(host: str) -> str:
    """Name a host that reaches this machine when the one that is listened on means all its addresses."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)


def address_of(settings: Settings) -> str:
    """Write the address of the collector that these settings run, as this machine reaches it."""
    host = own_host(settings.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


def note_address(lock: int, settings: Settings) -> None:
    """Write into the lock whose it is, and where the collector will answer.

    Args:
        lock: the descriptor of the lock, which is held.
    """
    note = f"{os.getpid()}\n{address_of(settings)}\n".encode()
    os.pwrite(lock, note, 0)
    os.ftruncate(lock, len(note))


def load_address(settings: Settings) -> str:
    """Read where the collector answers that runs on the data directory; without one, where it would."""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        lines = (settings.data / LOCK).read_text("utf-8").splitlines()
        if len(lines) > 1 and lines[1].startswith("http://"):
            return lines[1]
    return address_of(settings)
