"""A person's explanation in words: what `touchline explain person` prints to be believed, and pasted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

Found = dict[str, Any]

SHOWN = 20
"""Pieces of evidence that would change nothing, and refused ones, are told up to this many; JSON has all."""
_VERDICTS = {"joined": "joined them", "redundant": "they were joined already"}


def person_words(person: Found) -> Iterator[str]:
    """Tell who a person is and why, line by line."""
    count = len(person["identifiers"])
    yield f"Person {person['person_id']}: {count} {'identifier' if count == 1 else 'identifiers'}"
    for each in person["identifiers"]:
        yield f"  {_identifier(each)}"
    if person["is_stale"]:
        yield "  The limits were changed since the exports were made; this is by the new ones."
        yield "    `touchline verify` shows what would differ, `touchline rebuild` applies it"
    yield from _chain(person["evidence"])
    yield from _refusals("Kept apart by an operator:", person["apart_by_word"])
    yield from _refusals("Not joined:", person["refused"])
    yield from _devices(person["devices"])
    if person["shared"]:
        yield "  Standing for nobody alone:"
    for each in person["shared"]:
        yield f"    {_plain(each['identifier'])}, named by {_facts(each['facts'])}: {each['because']}"


def _identifier(each: Found) -> str:
    seen = f"first seen {each['first_seen_at']}" if each["first_seen_at"] else "never seen in a fact"
    words = f"{each['kind']} {each['value']}, {seen}"
    words += f", named by {_facts(each['facts'])}" if each["facts"] else ""
    return words + (f"  (id {each['identifier_id']})" if not each["is_asked"] else "  (the one asked for)")


def _chain(chain: Sequence[Found]) -> Iterator[str]:
    """Tell what holds the person together; what joined comes first."""
    if chain:
        yield "  Held together by:"
    joined = [each for each in chain if each["verdict"] == "joined"]
    rest = chain[len(joined) :]
    for each in [*joined, *rest[:SHOWN]]:
        yield from _told(each, _VERDICTS[each["verdict"]])
        if "without" in each:
            yield f"      without it: {_people(each['without'])}"
            if each["once_undone"] != each["without"]:
                yield f"      once undone: {_people(each['once_undone'])}"
        yield f"      to undo it: {each['undo']}"
    yield from _more(rest)


def _refusals(title: str, refused: Sequence[Found]) -> Iterator[str]:
    if refused:
        yield f"  {title}"
    for each in refused[:SHOWN]:
        if each["why"] == "undone":
            yield from _told(each, "no longer counts")
            continue
        yield from _told(each, f"not with person {each['other_person_id']}")
        label = "to take that back" if each["undo"].endswith(" --undo") else "to join them all the same"
        yield f"      {label}: {each['undo']}"
    yield from _more(refused)


def _told(each: Found, verdict: str) -> Iterator[str]:
    source = "verified" if each["is_verified"] else "only typed into a page"
    yield f"    {each['at']}  {_plain(each['a'])} and {_plain(each['b'])}: {each['says']}"
    yield f"      told by {each['told_by']}, {source}; {verdict}"
    if each["because"]:
        yield f"      because {each['because']}"


def _devices(devices: Sequence[Found]) -> Iterator[str]:
    if devices:
        yield "  Browsers that several persons used in turn:"
    for device in devices:
        yield f"    {_plain(device['visitor'])}"
        for each in device["stretches"]:
            since = f"from {each['from_at']}" if each["from_at"] else "from the beginning"
            who = "this person" if each["is_own"] else f"person {each['person_id']}"
            yield f"      {since}: {who}, by {_plain(each['by'])}"


def _people(groups: list[list[str]]) -> str:
    if len(groups) == 1:
        return "still one person, by the other evidence"
    return f"{len(groups)} persons: " + "; ".join(" + ".join(map(_plain, group)) for group in groups)


def _more(told: Sequence[Found]) -> Iterator[str]:
    if len(told) > SHOWN:
        yield f"    ... and {len(told) - SHOWN:,} more; `--format json` has all"


def _plain(identifier: str) -> str:
    return identifier.replace(":", " ", 1)


def _facts(count: int) -> str:
    return f"{count:,} {'fact' if count == 1 else 'facts'}"
