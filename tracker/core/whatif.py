"""What persons would be, had one piece of evidence not been given, or if an operator said a word.

Nothing is decided here: the same `resolve` hears the component with one row less or one row more.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from tracker.core.evidence import Component, Evidence, Guards, Resolution
from tracker.core.groups import Identifier
from tracker.core.identity import resolve

People = tuple[tuple[Identifier, ...], ...]
_LAST_MS = 2**62


@dataclass(frozen=True, slots=True)
class WhatIf:
    """A component as it is, to be asked what it would be; `now` is what it was resolved to."""

    component: Component
    guards: Guards
    now: Resolution

    def without(self, evidence: Evidence, among: Iterable[Identifier]) -> People:
        """Tell which persons would have these identifiers if a piece of evidence were not there."""
        rest = tuple(each for each in self.component.evidence if each != evidence)
        return people(resolve(replace(self.component, evidence=rest), self.guards), among)

    def after_split(self, a: Identifier, b: Identifier, among: Iterable[Identifier]) -> People:
        """Tell which persons would have these identifiers once an operator says that two are not one."""
        one, two = sorted((a, b))
        word = Evidence("split", one, two, _LAST_MS, "~")
        told = (*self.component.evidence, word)
        return people(resolve(replace(self.component, evidence=told), self.guards), among)

    def standing_at(self, evidence: Evidence) -> tuple[Identifier, Identifier]:
        """Name who stood at both ends: for a browser that several used in turn, who used it at the time."""
        if evidence.rule not in ("R4", "R5", "R6"):
            return evidence.a, evidence.b
        return self._owner(evidence.a, evidence.at_ms), self._owner(evidence.b, evidence.at_ms)

    def _owner(self, end: Identifier, at_ms: int) -> Identifier:
        stretches = self.now.owners.get(end, ())
        began = [each for each in stretches if each.from_ms is None or each.from_ms <= at_ms]
        return began[-1].by if began else end


def people(resolution: Resolution, among: Iterable[Identifier]) -> People:
    """List the persons who have any of these identifiers, each by all of theirs."""
    wanted = set(among)
    groups = (tuple(each for each, _ in person.identifiers) for person in resolution.persons)
    return tuple(sorted(group for group in groups if not wanted.isdisjoint(group)))
