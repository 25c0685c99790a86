"""An operator's word on who is who, by the road of all facts, and what came of it."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Any, Literal

import redis

from tracker import hitlog, wire
from tracker.core.facts import fact_name, read_fact
from tracker.core.groups import Identifier
from tracker.core.testimony import read_identifier
from tracker.core.times import format_instant
from tracker.core.whys import Why
from tracker.errors import BadRequest
from tracker.store.evidence import load_verdict
from tracker.store.exports import rows
from tracker.store.sites import numbered_sites, site_no, site_numbers
from tracker.store.whom import find_id, is_spelled

ORIGIN = "operator"


@dataclass(frozen=True, slots=True)
class Word:
    """What an operator says of two identifiers; `is_undo` takes it back. `said_ms`: when it was typed in."""

    kind: Literal["split", "same"]
    a: Identifier
    b: Identifier
    site: str
    at_ms: int
    said_ms: int
    is_undo: bool = False

    @property
    def fact(self) -> dict[str, Any]:
        """The fact, as it goes onto the log."""
        return {
            "fact": self.kind, "site": self.site, "at": format_instant(self.at_ms), "a": str(self.a),
            "b": str(self.b), "undo": self.is_undo, "version_at": format_instant(self.said_ms),
        }  # fmt: skip


def name_identifier(db: sqlite3.Connection, text: str, *, site: str) -> Identifier:
    """Read whom an operator means: `kind:value`, or any id, which stands for the identifier it names.

    Args:
        site: the key of the one by whose region a national phone number is read.

    Raises:
        BadRequest: it can be read as neither.
    """
    if is_spelled(text.strip()):
        (region,) = (each.region for each in numbered_sites(db).values() if each.key == site)
        return read_identifier(text, region=region)
    found = find_id(db, text.strip())
    if found is None:
        words = f"{text!r} names nobody; write KIND:VALUE, such as email:ann@acme.com, or the id of a person"
        raise BadRequest("bad_fact", f"{words}, visitor or lead that an export lists")
    return found.identifier


def pick_site(db: sqlite3.Connection, given: str | None) -> str:
    """Find the site under which a word is kept: the one that is named, else the oldest.

    Raises:
        BadRequest: there is no such site, or none at all.
    """
    numbers = site_numbers(db)
    site = given or min(numbers, key=lambda key: numbers[key], default="")
    site_no(db, site)
    return site


def append_word(client: redis.Redis, word: Word) -> None:
    """Put an operator's word onto the log."""
    append_fact(client, word.fact, said_ms=word.said_ms)


def append_fact(client: redis.Redis, fact: dict[str, Any], *, said_ms: int) -> None:
    """Put a fact that an operator tells onto the log."""
    hitlog.prepare(client)
    entry = wire.FactsEntry(received_ms=said_ms, origin=ORIGIN, facts=[fact])
    hitlog.append(client, [wire.encode(entry)])


def outcome(db: sqlite3.Connection, word: Word, since: int) -> tuple[list[dict[str, Any]], Why | None]:
    """Tell what came of a word that has been drained.

    Args:
        since: the cursor of the log of changes before it.

    Returns:
        The persons that it changed, as the log of changes tells them, and why it was refused, if it was.
    """
    read = read_fact(word.fact)
    name = fact_name(read.kind, "", read.key)
    ids = {one for each in (word.a, word.b) if (one := find_id(db, str(each)))}
    concerned = {one.person_id for one in ids} | {one.identifier_id for one in ids}
    moved = [
        row
        for row in rows(db, "changes", only={"noun": "person"}, since=since)
        if concerned & {row["id"], *_named(row["before"]), *_named(row["after"])}
    ]
    verdict = load_verdict(db, name)
    return moved, verdict[1] if verdict is not None and verdict[0] == "refused" else None


def _named(side: dict[str, Any] | None) -> list[str]:
    return [each for name in ("identifiers", "from", "to") for each in (side or {}).get(name, ())]
