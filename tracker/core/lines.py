"""Lines: whose a phone number or a chat's visitor is.

A line belongs to whoever gave it. Given by several, it belongs to the one whose newest sighting is fresh;
fresh ones who may not be one person leave it to neither. A giver is an e-mail address, a contact, or the
owner of the browser on which it was given. Browsers that a call was tied to count where no giver is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tracker.core.groups import Groups, Identifier


class Sighting(NamedTuple):
    """A line was seen together with someone: at what time in ms, and any identifier of their group."""

    at_ms: int
    who: Identifier


def fresh_holders(groups: Groups, seen: Sequence[Sighting], *, since_ms: int) -> list[Identifier]:
    """Name one identifier of each group that was seen with a line since an instant."""
    return groups.first_of_each(each.who for each in seen if each.at_ms >= since_ms)
