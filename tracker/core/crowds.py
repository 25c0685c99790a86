"""Crowds: which lines and addresses too many people use for them to say who anyone is.

An office's phone and a mailbox of the whole team link strangers. How many are too many is counted over
all evidence of the identifier, within any span of time as long as the window.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable


def is_crowded(sightings: Iterable[tuple[int, Hashable]], *, most: int, window_ms: int) -> bool:
    """Tell whether some span of time saw at least `most` different companions of an identifier.

    Args:
        sightings: time in ms, and who was seen together with the identifier.
        most: this many are too many; 0: never.
        window_ms: length of the span; both ends count.
    """
    found = sorted(sightings, key=lambda sighting: sighting[0])
    if not most or len(found) < most:
        return False
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
