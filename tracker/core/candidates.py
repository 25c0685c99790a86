"""What is known when a lead is to be matched, and what was decided: the words of `tracker.core.matching`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from tracker.core.times import DAY_MS, HOUR_MS, MINUTE_MS

MatchRule = Literal["M1", "M2", "M3", "M4", "M5", "M6", "M7", "M8", "ambiguous", "unmatched"]
Verdict = Literal["chosen", "possible", "ruled_out"]

EARLY_MS = MINUTE_MS
GRACE_MS = 30 * MINUTE_MS
NEAR_MS = 2 * HOUR_MS
"""Leases that ended or began so near to a call are told of, though they do not count."""
CLICK_MS = 2 * MINUTE_MS
PAGE_MS = 2 * MINUTE_MS
RETRY_MS = 72 * HOUR_MS

BY_TRACE = frozenset({"M2", "M3", "M4", "M6", "M8"})
"""Rules by which a lead is a visitor's through what the visitor did, not through what they said."""
OF_VISITOR = BY_TRACE | {"M1"}
"""Rules by which the visitor is known before the person is."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A visitor who might have made the lead; `last_ms` is their last hit at or before it, if any.

    `from_ms`, `until_ms`: the part of the visitor's time that is the person's, where others have the rest.
    """

    visitor_no: int
    visitor_id: str
    last_ms: int | None
    from_ms: int | None = None
    until_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Leased:
    """A visitor to whom the called number was shown at the time of the call.

    `seen_ms`: last seen with it. `has_clicked`: on a link to the number, in the last minutes before the
    call. `has_line`: the caller's number is the number of this visitor's person.
    """

    candidate: Candidate
    seen_ms: int
    has_clicked: bool
    has_line: bool = False


@dataclass(frozen=True, slots=True)
class Missed:
    """A visitor to whom the called number was shown near the call, but not at its time; in ms."""

    candidate: Candidate
    from_ms: int
    seen_ms: int


@dataclass(frozen=True, slots=True)
class Given:
    """What came with the lead and names one person, and that person's visitors."""

    kind: Literal["email", "user", "crm"]
    visitors: tuple[Candidate, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """What is known of the number or chat that a lead came from.

    `apart`: why it is nobody's alone. `seen_ms`: when it was last seen with its person, if ever. `visitors`:
    those of its person, or of everyone who holds it.
    """

    kind: Literal["phone", "chat"] = "phone"
    apart: str | None = None
    seen_ms: int | None = None
    visitors: tuple[Candidate, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """What is known when a lead is to be matched.

    `at_ms`: its time. `is_withheld`: consent had been withdrawn. `proved`: the visitor whose signed cookie
    or token came with it. `click_names`: the click ids that came with it; `clicked`: who arrived with them.
    `static_number`: the called number, if it stands for a source. `on_page`: who was on a chat's page.
    `fresh_ms`: how long a line says who calls. `aside`: what came with it and names nobody, in words.
    """

    at_ms: int
    is_withheld: bool = False
    proved: Candidate | None = None
    leased: tuple[Leased, ...] = ()
    missed: tuple[Missed, ...] = ()
    given: Given | None = None
    lines: tuple[Line, ...] = ()
    click_names: tuple[str, ...] = ()
    clicked: tuple[Candidate, ...] = ()
    static_number: str | None = None
    on_page: tuple[Candidate, ...] = ()
    fresh_ms: int = 180 * DAY_MS
    aside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ruling:
    """What was decided of one candidate, and why."""

    candidate: Candidate
    verdict: Verdict
    why: str


@dataclass(frozen=True, slots=True)
class Match:
    """The decision: rule, confidence from 0 to 1, visitor if one is known, and why in words.

    `rulings` are of those among whom it was decided; `beside` of others who had something to do with it;
    `notes` say what else came with the lead and why it says nothing.
    """

    rule: MatchRule
    confidence: float
    chosen: Candidate | None
    why: str
    rulings: tuple[Ruling, ...] = field(default=())
    beside: tuple[Ruling, ...] = field(default=())
    notes: tuple[str, ...] = field(default=())

    @property
    def visitor_no(self) -> int | None:
        """The number of the visitor."""
        return None if self.chosen is None else self.chosen.visitor_no
