"""Evidence and what becomes of it: the words in which persons are resolved.

What a rule or a guard does is decided in `tracker.core.identity`; its docstring says what each means.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from tracker.core.groups import Identifier
from tracker.core.owners import Stretch
from tracker.core.times import DAY_MS
from tracker.core.whys import Why

Rule = Literal["same", "split", "merge", "R1", "R2", "R3", "R4", "R5", "R6"]
Verdict = Literal["joined", "redundant", "refused"]
RULE_ORDER: tuple[Rule, ...] = ("split", "same", "merge", "R1", "R2", "R3", "R4", "R5", "R6")
_RANK = {rule: rank for rank, rule in enumerate(RULE_ORDER)}
DROPPED_FIRST: tuple[Rule, ...] = ("R6", "R5", "R4", "R3", "R2")


@dataclass(frozen=True, slots=True)
class Guards:
    """How much is too much; counts of 0 turn a limit off."""

    line_emails: int = 3
    line_visitors: int = 6
    email_visitors: int = 21
    window_ms: int = 90 * DAY_MS
    fresh_ms: int = 180 * DAY_MS
    person_identifiers: int = 200
    device_emails_may_meet: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """One observation that two identifiers belong together; `key` names the fact behind it.

    `a` is the stronger of the two; of R5 the browser that the link led from. `since_ms`: start of the
    session in which it was given. `on`: the browser on which a line was given beside an address. `once`:
    a mailing or a link that only the first browser may use. `flaw`: why it never counts.
    """

    rule: Rule
    a: Identifier
    b: Identifier
    at_ms: int
    key: str
    since_ms: int | None = None
    on: Identifier | None = None
    once: str | None = None
    flaw: Why | None = None
    is_undo: bool = False

    def __hash__(self) -> int:
        """Hash by the fact, which is nearly unique and cheap."""
        return hash(self.key)


@dataclass(frozen=True, slots=True)
class Component:
    """Identifiers that evidence connects.

    `first_ms`: when each was first seen. `names`: full names, folded, that were given with each. `apart`:
    those known to link nobody, and why; their other evidence need not be here.
    """

    first_ms: Mapping[Identifier, int]
    evidence: tuple[Evidence, ...] = ()
    names: Mapping[Identifier, frozenset[str]] = field(default_factory=dict)
    apart: Mapping[Identifier, Why] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Person:
    """One human's identifiers, sorted, each with its first time in ms; `oldest` lends the person its id.

    A shared device is among the identifiers of its first owner.
    """

    oldest: Identifier
    identifiers: tuple[tuple[Identifier, int], ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """What came of one piece of evidence, and why where it did not join."""

    evidence: Evidence
    verdict: Verdict
    why: Why | None = None


@dataclass(frozen=True, slots=True)
class Resolution:
    """A component cut into persons, and what was decided on the way.

    `apart`: identifiers that link nobody, with the reason. `owners`: devices that several persons own in
    turn.
    """

    persons: tuple[Person, ...]
    decisions: tuple[Decision, ...]
    apart: Mapping[Identifier, Why] = field(default_factory=dict)
    owners: Mapping[Identifier, tuple[Stretch, ...]] = field(default_factory=dict)


def strength(each: Evidence) -> tuple[int, int, str, bool, Identifier, Identifier]:
    """Say in which order evidence is heard: strongest rule first, then by time, then by key."""
    return _RANK[each.rule], each.at_ms, each.key, each.b.kind == "visitor", each.a, each.b
