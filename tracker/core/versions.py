"""Many versions of one fact: which value of each field counts.

The same key may be told again with other content. Field by field, the value of the newest version
that has one counts: a later version fills or corrects and never blanks. Newest is by the version's
own time, equal times by the greater hash of the content, so the order of arrival does not matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_GREATEST = {"lease": frozenset({"to"})}


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a fact; `digest` is the hash of its content."""

    version_ms: int
    digest: bytes
    content: Mapping[str, Any]


def is_blank(value: object) -> bool:
    """Tell whether a field's value says nothing: null, empty text, empty list or object."""
    return value is None or value == "" or value == [] or value == {}


def merge(versions: Iterable[Version], *, kind: str = "") -> dict[str, Any]:
    """Merge the versions of one fact into what counts.

    Args:
        kind: the fact's name; a lease's `to` is the greatest one seen.

    Returns:
        The fields that have a value in some version.
    """
    merged: dict[str, Any] = {}
    greatest = _GREATEST.get(kind, frozenset())
    for version in sorted(versions, key=lambda each: (each.version_ms, each.digest)):
        for name, value in version.content.items():
            if is_blank(value):
                continue
            merged[name] = max(merged.get(name, value), value) if name in greatest else value
    return merged
