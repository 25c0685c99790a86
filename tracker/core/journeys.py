"""Journeys: a person's touchpoints up to a conversion.

A touch after the conversion is never in it. A lead that a session led to is represented by that
session, which counts as a touch at its start; a lead without one (a call to a leaflet's number, a
chat whose source only its provider knows) is a touch of its own, if its source is known.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from tracker.core.times import DAY_MS

TouchKind = Literal["session", "lead"]


class Touch(NamedTuple):
    """One contact in a journey; `source_no` is the caller's handle of its source."""

    at_ms: int
    touch_id: str
    kind: TouchKind
    source_no: int
    channel: str


@dataclass(frozen=True, slots=True)
class Journey:
    """The touches of a conversion in order; `days` are whole days from the first touch to it."""

    touches: tuple[Touch, ...]
    days: int


def journey(touches: Iterable[Touch], *, at_ms: int) -> Journey:
    """Put together the journey to a conversion at this instant."""
    kept = tuple(sorted(touch for touch in touches if touch.at_ms <= at_ms))
    return Journey(kept, (at_ms - kept[0].at_ms) // DAY_MS if kept else 0)
