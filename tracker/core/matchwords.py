"""Words in which a match says why: what a lead is known by, and how long something was before it."""

from __future__ import annotations

from collections.abc import Iterator

from tracker.core.contacts import blocked_email, normalise_email
from tracker.core.times import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS

KINDS = {
    "email": "e-mail address", "user": "user id", "crm": "contact's id", "phone": "number", "chat": "chat",
}  # fmt: skip
"""What each kind of identifier is called before a reader."""

_UNITS = ((DAY_MS, "day"), (HOUR_MS, "hour"), (MINUTE_MS, "minute"), (SECOND_MS, "second"))


def span_words(span_ms: int) -> str:
    """Say a length of time in the largest unit of which it has two, such as `41 minutes`."""
    unit_ms, unit = next(((ms, unit) for ms, unit in _UNITS if span_ms >= 2 * ms), _UNITS[-1])
    if span_ms < 2 * SECOND_MS:
        return "a moment"
    return f"{span_ms // unit_ms} {unit}s"


_BLOCKED = {
    "test": "it is made up for a test", "noreply": "nobody reads it", "role": "it is a whole team's mailbox",
    "example": "it is an example", "disposable": "it was made to be thrown away", None: "it cannot be one",
}  # fmt: skip


def aside_words(*, email: str | None, phone: str | None) -> Iterator[str]:
    """Say why contact details that came with a lead name nobody, without spelling them.

    Args:
        email: an address that names nobody, as given.
        phone: a number that names nobody, as given.
    """
    if email:
        spelled = normalise_email(email)
        reason = blocked_email(spelled) if spelled else None
        yield f"the e-mail address names nobody: {_BLOCKED[reason]}"
    if phone:
        yield "the number names nobody: it is withheld, or no one's own"
