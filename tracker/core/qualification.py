"""Qualification: what a lead is worth, by rule until somebody says so.

Rules are an ordered table over what is known of a lead; the first that applies wins, and a lead that none
applies to is new. Words on its status, a person's or a provider's, are history: the newest counts. Who is
who and which leads repeat one another is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

from tracker.core.contacts import blocked_email, blocked_phone
from tracker.core.tables import read_table
from tracker.core.traits import Traits, is_placeholder
from tracker.core.versions import Version
from tracker.core.words import fold

Status = Literal["new", "qualified", "sales_qualified", "disqualified", "customer"]

STATUSES: tuple[Status, ...] = get_args(Status)
SHORT_CALL_S = 10
RULE = "rule"
"""By whom a status was decided that nobody said."""

_MEANINGS: Mapping[str, tuple[Status, bool]] = {
    word: (row["status"], row["is_junk"] == "yes")  # type: ignore[misc]  # the table's test sees to it
    for row in read_table("lead_statuses")
    for word in row["words"].split()
}


class Ruling(NamedTuple):
    """What the rules say of a lead: its status, and the name and reason of the rule that applied."""

    status: Status
    is_junk: bool = False
    rule: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table: a name, what it makes of a lead, why, and to which leads it applies."""

    name: str
    status: Status
    is_junk: bool
    reason: str
    applies: Callable[[Traits], bool]


def _is_short(lead: Traits) -> bool:
    return lead.kind == "call" and lead.duration_s is not None and lead.duration_s < SHORT_CALL_S


def _is_placeholder(lead: Traits) -> bool:
    is_test = lead.email is not None and blocked_email(lead.email) == "test"
    return is_test or any(map(is_placeholder, lead.texts))


def _is_premium(lead: Traits) -> bool:
    return lead.phone is not None and blocked_phone(lead.phone) is not None


DEFAULTS: tuple[Rule, ...] = (
    Rule("blocked_number", "disqualified", True, "the number is a premium-rate service's", _is_premium),
    Rule("short_call", "disqualified", True, f"the call lasted less than {SHORT_CALL_S} seconds", _is_short),
    Rule("placeholder", "disqualified", True, "somebody was trying it out: placeholder text",
         _is_placeholder),
    Rule("disposable_email", "disqualified", True, "the address is of a disposable mail service",
         lambda lead: lead.email_class == "disposable"),
)  # fmt: skip
"""The rules of a site that has none of its own, in order."""


def decide(lead: Traits, rules: Iterable[Rule] = DEFAULTS) -> Ruling:
    """Say what the rules make of a lead; new where none applies."""
    for rule in rules:
        if rule.applies(lead):
            return Ruling(rule.status, rule.is_junk, rule.name, rule.reason)
    return Ruling("new")


def read_status(text: str) -> tuple[Status, bool] | None:
    """Read a word on a lead's status: ours, MQL and SQL, or a provider's.

    Returns:
        The status, and whether the word calls the lead junk; none for a word that says neither.
    """
    return _MEANINGS.get(fold(text))


class Word(NamedTuple):
    """What somebody said of a lead's status, in the order in which such words count."""

    at_ms: int
    is_by_hand: bool
    fact: str
    status: Status
    is_junk: bool
    by: str | None = None
    reason: str | None = None


def told_words(versions: Iterable[Version], *, by: str, fact: str) -> Iterator[Word]:
    """Read a provider's words off the versions of a lead: each time when it says another than before.

    A later version that repeats the status, because a transcript was added, is no new word.
    """
    before: tuple[Status, bool] | None = None
    for each in sorted(versions, key=lambda each: (each.version_ms, each.digest)):
        text = each.content.get("status")
        meaning = read_status(text) if isinstance(text, str) else None
        if meaning is not None and meaning != before:
            yield Word(each.version_ms, False, fact, *meaning, by=by)
            before = meaning


class Step(NamedTuple):
    """One step of a lead's status: since when, by whose word, and why."""

    at_ms: int
    status: Status
    is_junk: bool
    by: str
    reason: str | None
    rule: str | None = None


def history(ruling: Ruling, words: Iterable[Word], *, at_ms: int) -> list[Step]:
    """Put a lead's statuses in order: what the rules say, then each word that changed it.

    A provider's `new` says that nobody has decided there: what people said last stands, else the rules.

    Args:
        at_ms: when the lead came about.
    """
    standing = Step(at_ms, ruling.status, ruling.is_junk, RULE, ruling.reason, ruling.rule)
    steps = [standing]
    for word in sorted(words):
        step = Step(word.at_ms, word.status, word.is_junk, word.by or "unknown", word.reason)
        if word.is_by_hand:
            standing = step
        elif word.status == "new":
            step = standing._replace(at_ms=word.at_ms)
        if word.is_by_hand or step[1:3] != steps[-1][1:3]:
            steps.append(step)
    return steps


def said_by_hand(fact: Mapping[str, Any], *, at_ms: int, name: str) -> Word | None:
    """Read a `status` fact, merged; none where it says no status that is known."""
    meaning = read_status(str(fact.get("status", "")))
    if meaning is None:
        return None
    return Word(at_ms, True, name, *meaning, by=fact.get("by"), reason=fact.get("reason"))
