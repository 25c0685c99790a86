"""Owners of a shared device: whose it was when.

The first to identify on a device owns its whole anonymous past. Each next, different person owns it from
the start of the session in which they identified. What comes later and is anonymous belongs to the last.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from tracker.core.groups import Groups, Identifier


class Claim(NamedTuple):
    """Someone identified on a device: at what time, and since when that makes it theirs, in ms."""

    at_ms: int
    key: str
    since_ms: int
    by: Identifier


class Stretch(NamedTuple):
    """A device belongs to the person of `by` from an instant in ms on; None: from the beginning."""

    from_ms: int | None
    by: Identifier


class Owners:
    """Who identified on which device since when; the groups say who is who by now."""

    def __init__(self, groups: Groups) -> None:
        self._groups = groups
        self._claims: dict[Identifier, list[Claim]] = {}
        self._since: dict[Identifier, list[int]] = {}

    def claim(self, visitor: Identifier, claim: Claim) -> None:
        """Note that someone identified on a device; claims come in the order of time."""
        since = self._since.setdefault(visitor, [])
        since.append(max(since[-1], claim.since_ms) if since else claim.since_ms)
        self._claims.setdefault(visitor, []).append(claim)

    def claims(self) -> Iterable[list[Claim]]:
        """List the claims of each device."""
        return self._claims.values()

    def has_any(self, visitor: Identifier) -> bool:
        """Tell whether anyone identified on a device."""
        return visitor in self._claims

    def at(self, visitor: Identifier, at_ms: int) -> Identifier:
        """Name someone of the group that a device belonged to at an instant; itself if nobody's."""
        if visitor not in self._claims:
            return visitor
        last = bisect_right(self._since[visitor], at_ms) - 1
        return self._claims[visitor][max(last, 0)].by

    def stretches(self, visitor: Identifier) -> tuple[Stretch, ...]:
        """Cut a device's time into stretches of one owner each; none where nobody identified on it."""
        stretches: list[Stretch] = []
        for claim, since_ms in zip(self._claims.get(visitor, ()), self._since.get(visitor, ()), strict=True):
            if not stretches:
                stretches.append(Stretch(None, claim.by))
            elif not self._groups.are_one(stretches[-1].by, claim.by):
                if stretches[-1].from_ms == since_ms:
                    stretches.pop()
                if not self._groups.are_one(stretches[-1].by, claim.by):
                    stretches.append(Stretch(since_ms, claim.by))
        return tuple(stretches)

    def shared(self) -> Mapping[Identifier, tuple[Stretch, ...]]:
        """Give the stretches of the devices that several persons own in turn."""
        found = {visitor: self.stretches(visitor) for visitor in self._claims}
        return {visitor: stretches for visitor, stretches in found.items() if len(stretches) > 1}
