"""Rejected messages, kept for replay: the reason, a hash, the masked sender and the first 4 KB.

At most so many a second are kept in one process, so that a flood of nonsense does not fill the log;
all are counted.
"""

from __future__ import annotations

import hashlib
import threading
import time
from typing import Protocol

import msgspec

from tracker.web.caller import Caller
from tracker.wire import RejectEntry, encode

KEPT_BYTES = 4_096
KEPT_PER_S = 10


class Quota:
    """Lets so many through in a second."""

    def __init__(self, per_s: int = KEPT_PER_S) -> None:
        self._per_s = per_s
        self._lock = threading.Lock()
        self._second = 0
        self._taken = 0

    def take(self) -> bool:
        """Tell whether one more may go through now."""
        second = int(time.monotonic())
        with self._lock:
            if second != self._second:
                self._second, self._taken = second, 0
            self._taken += 1
            return self._taken <= self._per_s


class Reason(Protocol):
    """Why a message was refused: a code, and words for a human."""

    @property
    def code(self) -> str: ...

    @property
    def message(self) -> str: ...


def reject_entry(body: bytes, why: Reason, caller: Caller, *, site: str | None = None) -> bytes:
    """Write the log's entry for a message that was refused at the door."""
    return encode(_entry(body, why, caller, site))


def fact_reject_entry(
    body: bytes, why: Reason, caller: Caller, *, site: str, is_let_in: bool = False
) -> bytes:
    """Write the log's entry for a fact that the API refused.

    Args:
        is_let_in: its sender may say such facts, so that it may be taken again as it stands.
    """
    entry = _entry(body, why, caller, site)
    return encode(msgspec.structs.replace(entry, origin="api", is_let_in=is_let_in))


def _entry(body: bytes, why: Reason, caller: Caller, site: str | None) -> RejectEntry:
    return RejectEntry(
        received_ms=caller.received_ms,
        code=why.code,
        message=why.message,
        body=body[:KEPT_BYTES].decode("utf-8", "replace").replace("\0", "\ufffd"),
        hash=hashlib.sha256(body).hexdigest(),
        site=site,
        ip=caller.ip,
    )


def as_bytes(value: object) -> bytes:
    """Write what was refused as JSON; what cannot be written (nested without end) as far as it goes."""
    try:
        return msgspec.json.encode(value)
    except (TypeError, ValueError, RecursionError):
        return msgspec.json.encode({"unwritable": type(value).__name__})
