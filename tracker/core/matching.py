"""Which visitor a lead belongs to, by which rule, and what was ruled out.

Rules are tried in order and the first that applies wins; several candidates are listed, never guessed
from. M1: the signed cookie or token came with the lead. M2 to M4: the called number was shown to visitors
at the time, and one of them it was. M5: the lead's e-mail address or line belongs to a person whose
browsers are known. M7: the called number stands for one source, so the source is known and the visitor
is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from tracker.core.times import DAY_MS, MINUTE_MS

MatchRule = Literal["M1", "M2", "M3", "M4", "M5", "M7", "ambiguous", "unmatched"]

EARLY_MS = MINUTE_MS
GRACE_MS = 30 * MINUTE_MS
CLICK_MS = 2 * MINUTE_MS
LEASE_BEST, LEASE_LEAST = 0.95, 0.6

BY_LEASE = frozenset({"M2", "M3", "M4"})
"""Rules by which a call is a visitor's to whom the number was shown."""
OF_VISITOR = BY_LEASE | {"M1"}
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
class Line:
    """What is known of the number or chat that a lead came from.

    `apart`: why it is nobody's alone. `seen_ms`: when it was last seen with its person, if ever. `visitors`:
    those of its person, or of everyone who holds it.
    """

    apart: str | None = None
    seen_ms: int | None = None
    visitors: tuple[Candidate, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """What is known when a lead is to be matched.

    `at_ms`: its time. `is_withheld`: consent had been withdrawn. `proved`: the visitor whose signed cookie
    or token came with it. `email`: its address, if that names a person; `by_email`: the person's visitors.
    `static_number`: the called number, if it stands for a source. `fresh_ms`: how long a line says who calls.
    """

    at_ms: int
    is_withheld: bool = False
    proved: Candidate | None = None
    leased: tuple[Leased, ...] = ()
    email: str | None = None
    by_email: tuple[Candidate, ...] = ()
    line: Line | None = None
    static_number: str | None = None
    fresh_ms: int = 180 * DAY_MS


@dataclass(frozen=True, slots=True)
class Match:
    """The decision: rule, confidence from 0 to 1, visitor if one is known, and why in words."""

    rule: MatchRule
    confidence: float
    chosen: Candidate | None
    why: str
    candidates: tuple[Candidate, ...] = field(default=())

    @property
    def visitor_no(self) -> int | None:
        """The number of the visitor."""
        return None if self.chosen is None else self.chosen.visitor_no


def match_lead(asked: Asked) -> Match:
    """Decide which visitor a lead belongs to."""
    if asked.is_withheld:
        return Match("unmatched", 0.0, None, "the visitor had withdrawn consent before the lead")
    if asked.proved is not None:
        why = "the visitor's signed id came with the lead"
        return Match("M1", 1.0, asked.proved, why, (asked.proved,))
    if asked.leased:
        return match_leases(asked.leased, at_ms=asked.at_ms)
    by_person = _by_email(asked) or _by_line(asked)
    if by_person is not None:
        return by_person
    candidates = _in_order({*asked.by_email, *(asked.line.visitors if asked.line else ())})
    if asked.static_number is not None:
        why = f"the number {asked.static_number} stands for one source; who called is not known"
        return Match("M7", 0.0, None, why, candidates)
    return Match("unmatched", 0.0, None, _why_unmatched(asked), candidates)


def match_leases(leased: Sequence[Leased], *, at_ms: int) -> Match:
    """Decide whose call it was, of those to whom the number was shown at the time."""
    candidates = _in_order({each.candidate for each in leased})
    if len(leased) == 1:
        (only,) = leased
        why = "the called number was shown to this visitor alone at the time of the call"
        return Match("M2", _lease_confidence(at_ms - only.seen_ms), only.candidate, why, candidates)
    clicked = [each for each in leased if each.has_clicked]
    if len(clicked) == 1:
        why = f"of {len(leased)} visitors who saw the number, this one clicked on it right before the call"
        return Match("M3", 0.9, clicked[0].candidate, why, candidates)
    known = [each for each in leased if each.has_line]
    if len(known) == 1:
        why = f"of {len(leased)} visitors who saw the number, the caller's own number is this one's"
        return Match("M4", 0.9, known[0].candidate, why, candidates)
    why = f"{len(leased)} visitors saw the called number at the time, and nothing tells them apart"
    return Match("ambiguous", 0.0, None, why, candidates)


def _lease_confidence(since_ms: int) -> float:
    """Fall from the best to the least across the time that a number is still good for after the visit."""
    share = min(max(since_ms, 0) / GRACE_MS, 1.0)
    return round(LEASE_BEST - (LEASE_BEST - LEASE_LEAST) * share, 4)


def _by_email(asked: Asked) -> Match | None:
    latest = _latest(asked.by_email)
    if not asked.email or latest is None:
        return None
    why = "the e-mail address is this person's, and this browser of theirs was seen last before the lead"
    return Match("M5", 0.9, latest, why, _in_order(asked.by_email))


def _by_line(asked: Asked) -> Match | None:
    """Match by the number or chat: fresh, of one person, whose address the lead does not gainsay."""
    line = asked.line
    if line is None or asked.email:
        return None
    if line.apart == "contested_line":
        why = "the number was given by several people of late, and nothing tells them apart"
        return Match("ambiguous", 0.0, None, why, _in_order(line.visitors))
    latest = _latest(line.visitors)
    if line.apart is not None or latest is None or not _is_fresh(line, asked):
        return None
    why = "the number is this person's, and this browser of theirs was seen last before the lead"
    return Match("M5", 0.8, latest, why, _in_order(line.visitors))


def _is_fresh(line: Line, asked: Asked) -> bool:
    return line.seen_ms is not None and asked.at_ms - line.seen_ms <= asked.fresh_ms


def _latest(candidates: Sequence[Candidate]) -> Candidate | None:
    seen = [each for each in candidates if each.last_ms is not None]
    return max(seen, key=lambda each: (each.last_ms, each.visitor_id), default=None)


def _in_order(candidates: Sequence[Candidate] | set[Candidate]) -> tuple[Candidate, ...]:
    return tuple(sorted(candidates, key=lambda each: (each.visitor_id, each.from_ms or 0)))


def _why_unmatched(asked: Asked) -> str:
    if asked.email:
        if asked.by_email:
            return "the e-mail address is known, but no browser of this person was seen before the lead"
        return "no browser is known for this e-mail address"
    if asked.line is None:
        return (
            "neither a signed visitor id, nor an e-mail address or a number that names a person, came with it"
        )
    if asked.line.apart is not None:
        return "the number is used by too many people, or is one of our own, and says nothing of who called"
    if asked.line.visitors and not _is_fresh(asked.line, asked):
        return "the number is this person's of old; it was not seen with them for too long to be sure"
    return "no browser is known for this number"
