"""Crowds: which lines and addresses too many people use for them to say who anyone is.

An office's phone and a mailbox of the whole team link strangers. How many are too many is counted over
all evidence of the identifier, within any span of time as long as the window.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence

from tracker.core.evidence import Evidence, Guards
from tracker.core.groups import LINES, PERSONAL, Identifier
from tracker.core.whys import Why


def is_crowded(sightings: Iterable[tuple[int, Hashable]], *, most: int, window_ms: int) -> bool:
    """Tell whether some span of time saw at least `most` different companions of an identifier.

    Args:
        sightings: time in ms, and who was seen together with the identifier.
        most: this many are too many; 0: never.
        window_ms: length of the span; both ends count.
    """
    found = list(sightings)
    if not most or len(found) < most:
        return False
    found.sort(key=lambda sighting: sighting[0])
    inside: dict[Hashable, int] = {}
    start = 0
    for at_ms, who in found:
        inside[who] = inside.get(who, 0) + 1
        while found[start][0] < at_ms - window_ms:
            gone = found[start][1]
            inside[gone] -= 1
            if not inside[gone]:
                del inside[gone]
            start += 1
        if len(inside) >= most:
            return True
    return False


def crowded(evidence: Sequence[Evidence], guards: Guards) -> dict[Identifier, Why]:
    """Find what too many people use, of all that this evidence names, strongest first (G2)."""
    if not _may_crowd(len(evidence), guards):
        return {}
    emails: dict[Identifier, list[tuple[int, Identifier]]] = {}
    visitors: dict[Identifier, list[tuple[int, Identifier]]] = {}
    for each in _countable(evidence):
        for one, other in ((each.a, each.b), (each.b, each.a)):
            if one.kind in LINES and other.kind in PERSONAL:
                emails.setdefault(one, []).append((each.at_ms, other))
            if other.kind == "visitor":
                visitors.setdefault(one, []).append((each.at_ms, other))
            if each.on is not None and one.kind in LINES:
                visitors.setdefault(one, []).append((each.at_ms, each.on))
    crowded = {
        one for one, seen in emails.items()
        if is_crowded(seen, most=guards.line_emails, window_ms=guards.window_ms)
    } | {
        one for one, seen in visitors.items()
        if is_crowded(seen, most=_most_visitors(one, guards), window_ms=guards.window_ms)
    }  # fmt: skip
    return dict.fromkeys(crowded, "shared")


def _may_crowd(count: int, guards: Guards) -> bool:
    """Tell whether so little evidence can show a crowd: each piece shows one address, or two visitors."""
    emails, visitors = guards.line_emails, (guards.line_visitors, guards.email_visitors)
    return 0 < emails <= count or any(0 < most <= 2 * count for most in visitors)


def _countable(evidence: Iterable[Evidence]) -> Iterator[Evidence]:
    """Pick the sightings that count: of a mailing only the browser that opened it first."""
    opened: set[tuple[Identifier, str | None]] = set()
    for each in evidence:
        if each.flaw is None and each.rule in ("R2", "R3", "R4", "R6"):
            if each.rule == "R3" and (each.a, each.once) in opened:
                continue
            opened.add((each.a, each.once))
            yield each


def _most_visitors(identifier: Identifier, guards: Guards) -> int:
    if identifier.kind in LINES:
        return guards.line_visitors
    return guards.email_visitors if identifier.kind in ("email", "user") else 0
