"""Persons: which visitors and addresses are the same human.

`resolve` is the only place that decides it: a pure function of one connected component of the
evidence. Here an equal e-mail address joins the visitors that gave it. Which hits a person has
follows from the visitors; no hit is ever re-pointed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

IdentifierKind = Literal["visitor", "email", "phone"]
Verdict = Literal["joined", "redundant"]

RULE_ORDER = ("R2",)
"""Rules of evidence, strongest first. R2: an e-mail address given with a proved visitor."""


class Identifier(NamedTuple):
    """A value that can link; `value` is normalised."""

    kind: IdentifierKind
    value: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """One observation that two identifiers belong together; `key` names the fact behind it."""

    rule: str
    a: Identifier
    b: Identifier
    at_ms: int
    key: str


@dataclass(frozen=True, slots=True)
class Component:
    """Identifiers that evidence connects. `first_ms`: when each was first seen, where that is known."""

    first_ms: Mapping[Identifier, int]
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Person:
    """One human's identifiers, sorted, each with its first time in ms; `oldest` lends the person its id."""

    oldest: Identifier
    identifiers: tuple[tuple[Identifier, int], ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """What came of one piece of evidence."""

    key: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Resolution:
    """A component cut into persons, and what was decided on the way."""

    persons: tuple[Person, ...]
    decisions: tuple[Decision, ...]


def resolve(component: Component) -> Resolution:
    """Cut a component into persons.

    The evidence is taken strongest rule first, then by its time, its key and its ends, so that the
    outcome rests on the set alone.
    """
    parent = {identifier: identifier for identifier in component.first_ms}
    decisions = []
    for evidence in sorted(component.evidence, key=_strength):
        a, b = _root(parent, evidence.a), _root(parent, evidence.b)
        decisions.append(Decision(evidence.key, "redundant" if a == b else "joined"))
        parent[max(a, b)] = min(a, b)
    groups: dict[Identifier, list[Identifier]] = {}
    for identifier in component.first_ms:
        groups.setdefault(_root(parent, identifier), []).append(identifier)
    persons = (_person(group, component.first_ms) for group in groups.values())
    return Resolution(tuple(sorted(persons, key=lambda person: person.oldest)), tuple(decisions))


def _strength(evidence: Evidence) -> tuple[int, int, str, Identifier, Identifier]:
    return RULE_ORDER.index(evidence.rule), evidence.at_ms, evidence.key, evidence.a, evidence.b


def _root(parent: dict[Identifier, Identifier], identifier: Identifier) -> Identifier:
    while parent.setdefault(identifier, identifier) != identifier:
        parent[identifier] = identifier = parent[parent[identifier]]
    return identifier


def _person(group: list[Identifier], first_ms: Mapping[Identifier, int]) -> Person:
    oldest = min(group, key=lambda identifier: (first_ms[identifier], identifier))
    return Person(oldest, tuple((each, first_ms[each]) for each in sorted(group)))
