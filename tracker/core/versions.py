"""Many versions of one fact: which value of each field counts.

The same key may be told again with other content. Field by field, the value of the newest version
that has one counts: a later version fills or corrects and never blanks. Newest is by the version's
own time, equal times by the greater hash of the content, so the order of arrival does not matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tracker.core.times import parse_instant

_LATEST = {"lease": frozenset({"to"})}
_KEYED = frozenset({"extra", "fields"})


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a fact; `digest` is the hash of its content, `is_hearsay` that only a page told it."""

    version_ms: int
    digest: bytes
    content: Mapping[str, Any]
    is_hearsay: bool = False


def is_blank(value: object) -> bool:
    """Tell whether a field's value says nothing: null, empty text, empty list or object."""
    return value is None or value == "" or value == [] or value == {}


def merge(versions: Iterable[Version], *, kind: str = "") -> dict[str, Any]:
    """Merge the versions of one fact into what counts.

    Args:
        kind: the fact's name; a lease's `to` is the latest one seen, and a lead's `at` the earliest of its
            events' where no version says when it began (`is_at_of_event`).

    Returns:
        The fields that have a value in some version; those under `extra`, and a form's answers under
        `fields`, are fields like others. Nothing for a lead of which there are only additions
        (`is_addition`): a recording or a transcript alone does not say that the call was a lead. Where pages
        alone name a lead's visitor, and not the same one, it has none.
    """
    merged: dict[str, Any] = {}
    latest = _LATEST.get(kind, frozenset())
    in_order = sorted(versions, key=lambda each: (each.version_ms, each.digest))
    for version in _of_lead(in_order) if kind == "lead" else in_order:
        for name, value in version.content.items():
            if is_blank(value):
                continue
            if name in _KEYED and isinstance(value, Mapping):
                kept = merged.get(name)
                said = {key: each for key, each in value.items() if not is_blank(each)}
                value = {**kept, **said} if isinstance(kept, Mapping) else said
            elif name in latest and name in merged:
                value = max(merged[name], value, key=parse_instant)
            merged[name] = value
    if kind == "lead" and _is_contested(in_order):
        merged.pop("visitor_id", None)
    return merged


def _of_lead(versions: list[Version]) -> list[Version]:
    """Give the versions that make up a lead, none where they only add to one that nobody told of."""
    if all(each.content.get("is_addition") for each in versions):
        return []
    return [_without(each, "is_addition") for each in _with_begin(_with_opening(versions))]


def _with_opening(versions: list[Version]) -> list[Version]:
    """Of messages that are told one by one, leave the one that was written first."""
    told = [each for each in versions if _message(each) is not None]
    if len(told) < 2:
        return versions
    opening = min(told, key=lambda each: (parse_instant(each.content["at"]), each.digest))
    later = [each for each in told if each.content.get("is_at_of_event") and each != opening]
    return [_without_message(each) if each in later else each for each in versions]


def _message(version: Version) -> Any:
    fields = version.content.get("fields")
    return fields.get("message") if isinstance(fields, Mapping) else None


def _without_message(version: Version) -> Version:
    fields = {name: value for name, value in version.content["fields"].items() if name != "message"}
    return replace(version, content={**version.content, "fields": fields})


def _with_begin(versions: list[Version]) -> list[Version]:
    """Leave out the times of events where a version says when the lead began, else all but the first.

    What only adds to a lead may be older than it, such as a page that was seen before the chat.
    """
    of_events = [each for each in versions if each.content.get("is_at_of_event")]
    if not of_events:
        return versions
    begins = [each for each in versions if not each.content.get("is_at_of_event")]
    told = [each.content["at"] for each in of_events if not each.content.get("is_addition")]
    first_at = None if begins else min(told, key=parse_instant)
    return [_begun(each, first_at) if each in of_events else each for each in versions]


def _begun(version: Version, at: str | None) -> Version:
    told = _without(version, "at", "is_at_of_event")
    return told if at is None else replace(told, content={**told.content, "at": at})


def _without(version: Version, *names: str) -> Version:
    if version.content.keys().isdisjoint(names):
        return version
    return replace(version, content={key: each for key, each in version.content.items() if key not in names})


def _is_contested(versions: Sequence[Version]) -> bool:
    """Tell whether pages of several visitors claim one lead, and nobody who is trusted says whose it is."""
    said = [(each.is_hearsay, each.content.get("visitor_id")) for each in versions]
    named = {who for _, who in said if not is_blank(who)}
    return len(named) > 1 and all(is_hearsay for is_hearsay, who in said if not is_blank(who))
