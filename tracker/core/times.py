"""Instants on the wire and inside: ISO 8601 text outside, integer milliseconds UTC inside."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from tracker.errors import BadFact

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

EARLIEST_MS = 788_918_400_000  # 1995-01-01: nothing on the web is older
LATEST_MS = 4_102_444_800_000  # 2100-01-01

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OFFSET = re.compile(r"(?:Z|z|[+-]\d{2}:?\d{2}|[Tt ]\d.*[+-]\d{2})$")  # minutes only where a time stands


def parse_instant(text: object, *, place: str = "at") -> int:
    """Read an ISO 8601 instant with an offset or Z.

    Returns:
        Milliseconds since 1970, UTC; what is finer than a millisecond is cut.

    Raises:
        BadFact: not an instant, no offset, or a year that cannot be meant.
    """
    if not isinstance(text, str) or len(text) > 40 or not _OFFSET.search(text):
        raise BadFact(
            "bad_time", "write an instant with an offset or Z, such as 2026-03-01T10:00:00.000Z", place
        )
    try:
        delta = datetime.fromisoformat(text.upper()) - _EPOCH
    except (ValueError, OverflowError, TypeError):  # TypeError: read as a time of day without an offset
        raise BadFact("bad_time", f"{text!r} is not an ISO 8601 instant", place) from None
    instant_ms = (delta.days * 86_400 + delta.seconds) * 1_000 + delta.microseconds // 1_000
    if not EARLIEST_MS <= instant_ms < LATEST_MS:
        raise BadFact("bad_time", f"{text!r} lies before 1995 or after 2099", place)
    return instant_ms


def format_instant(instant_ms: int) -> str:
    """Write an instant as ISO 8601 in UTC with milliseconds."""
    seconds, millis = divmod(instant_ms, 1_000)
    moment = datetime.fromtimestamp(seconds, UTC).isoformat()
    return f"{moment[:19]}.{millis:03d}Z"


def corrected_ms(at_ms: int, *, sent_ms: int | None, received_ms: int) -> int:
    """Correct a client's time by the error of its clock.

    The error is what lies between sending and receiving, rounded to the minute (half a minute up), and
    counts only above 60 seconds: below, it is the network's.
    """
    if sent_ms is None or abs(received_ms - sent_ms) <= MINUTE_MS:
        return at_ms
    return at_ms + (received_ms - sent_ms + MINUTE_MS // 2) // MINUTE_MS * MINUTE_MS
