"""Which visitor a lead belongs to, by which rule, and what was ruled out.

Rules are tried in order and the first that applies wins; nothing is guessed. M1: the signed cookie
or token came with the lead. M5: the lead's e-mail address belongs to a person whose browsers are
known. M7: the called number stands for one source, so the source is known and the visitor is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

MatchRule = Literal["M1", "M5", "M7", "unmatched"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A visitor who might have made the lead; `last_ms` is their last hit at or before it, if any."""

    visitor_no: int
    visitor_id: str
    last_ms: int | None


@dataclass(frozen=True, slots=True)
class Match:
    """The decision: rule, confidence from 0 to 1, visitor if one is known, and why in words."""

    rule: MatchRule
    confidence: float
    visitor_no: int | None
    why: str
    candidates: tuple[Candidate, ...] = ()


def match_lead(
    *, proved: Candidate | None, email: str | None, by_email: Sequence[Candidate], static_number: str | None
) -> Match:
    """Decide which visitor a lead belongs to.

    Args:
        proved: the visitor whose signed cookie or token came with the lead.
        email: the lead's normalised address.
        by_email: the visitors of the one person who has that address.
        static_number: the number that was called, if it stands for a source.
    """
    if proved is not None:
        return Match("M1", 1.0, proved.visitor_no, "the visitor's signed id came with the lead", (proved,))
    seen = [(each.last_ms, each.visitor_id, each) for each in by_email if each.last_ms is not None]
    candidates = tuple(sorted(by_email, key=lambda each: each.visitor_id))
    if email and seen:
        _, _, latest = max(seen, key=lambda each: each[:2])
        why = "the e-mail address is this person's, and this browser of theirs was seen last before the lead"
        return Match("M5", 0.9, latest.visitor_no, why, candidates)
    if static_number is not None:
        why = f"the number {static_number} stands for one source; who called is not known"
        return Match("M7", 0.0, None, why, candidates)
    return Match("unmatched", 0.0, None, _why_unmatched(email, by_email), candidates)


def _why_unmatched(email: str | None, by_email: Sequence[Candidate]) -> str:
    if not email:
        return "neither a signed visitor id nor an e-mail address that names a person came with the lead"
    if by_email:
        return "the e-mail address is known, but no browser of this person was seen before the lead"
    return "no browser is known for this e-mail address"
