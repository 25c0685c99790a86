"""What became of persons when identifiers moved between them: who is new, who merged, who was split.

It compares two partitions of the same identifiers and knows nothing of why they differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

What = Literal["created", "merged", "split", "moved", "gone"]
Partition = Mapping[str, Iterable[str]]


@dataclass(frozen=True, slots=True)
class PersonMove:
    """What became of one person; `before` and `after` are its identifiers, none where it is not there.

    `came_from`: persons who had some of what it has now. `went_to`: persons who have some of what it had.
    """

    what: What
    person_id: str
    before: tuple[str, ...] | None
    after: tuple[str, ...] | None
    came_from: tuple[str, ...] = ()
    went_to: tuple[str, ...] = ()


def person_moves(was: Partition, now: Partition) -> list[PersonMove]:
    """Tell what became of each person whose identifiers are others than before.

    Created: it is new, and nobody who is still there had what it has. Merged: one took another in, or was
    taken in. Split: what was one person is several. Gone: nothing of it is left. Moved: identifiers came or
    went, and the person is the same.

    Args:
        was: ids of identifiers by the id of their person.
    """
    old, new = ({each: tuple(sorted(own)) for each, own in part.items()} for part in (was, now))
    owners = {one: each for each, own in old.items() for one in own}
    heirs = {one: each for each, own in new.items() for one in own}
    moves = []
    for each in sorted({*old, *new}):
        before, after = old.get(each), new.get(each)
        if before != after:
            sources = _others(after or (), owners, each)
            heirs_of = {one: _others(old[one], heirs, one) for one in sources}
            went_to = _others(before or (), heirs, each)
            what = _what(each, old, new, heirs_of, went_to)
            moves.append(PersonMove(what, each, before, after, tuple(sources), tuple(went_to)))
    return moves


def _others(identifiers: Iterable[str], persons: Mapping[str, str], own: str) -> list[str]:
    return sorted({persons[one] for one in identifiers if one in persons} - {own})


def _what(
    each: str,
    old: Mapping[str, tuple[str, ...]],
    new: Mapping[str, tuple[str, ...]],
    heirs_of: Mapping[str, list[str]],
    went_to: list[str],
) -> What:
    if each not in new:
        return "split" if len(went_to) > 1 else "merged" if went_to else "gone"
    if each not in old:
        is_split = any(one in new or len(heirs) > 1 for one, heirs in heirs_of.items())
        return "split" if is_split else "created"
    if any(one not in new and heirs == [each] for one, heirs in heirs_of.items()):
        return "merged"
    return "split" if any(one not in old for one in went_to) else "moved"
