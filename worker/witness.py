"""What facts say of who is who, as evidence: the identifiers that they name, and what ties those together."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tracker.core.evidence import Evidence
from tracker.core.groups import Identifier
from tracker.core.testimony import Testimony, testify
from tracker.model import Site
from tracker.store.evidence import Link, Mention, Testified, put_testimony
from tracker.store.marks import Pass
from tracker.store.persons import Identifiers, Seen
from tracker.store.strings import Visitors


@dataclass(frozen=True, slots=True)
class MergedFact:
    """One fact, merged: `name` names it in the evidence."""

    kind: str
    name: str
    site_no: int
    site: Site
    fields: Mapping[str, Any]
    is_withheld: bool
    is_from_page: bool
    because: str


class Witness:
    """Keeps what facts say of who is who, with the writer's lock."""

    def __init__(self, db: sqlite3.Connection, visitors: Visitors, *, key: bytes) -> None:
        self._db = db
        self._visitors = visitors
        self._identifiers = Identifiers(db, key)

    def hear(self, fact: MergedFact, run: Pass) -> Mapping[Identifier, int]:
        """Make this what a fact says, and mark whom it concerns; returns the numbers of those it names."""
        said = Testimony()
        if not fact.is_withheld:
            said = testify(fact.kind, fact.fields, key=fact.name, region=fact.site.region)
        numbers = self._identifiers.numbers(
            {one: Seen(at_ms, self._visitor_no(one)) for one, at_ms in said.named.items()}
        )
        is_verified = fact.kind == "mail" or not fact.is_from_page
        links = [_link(each, numbers, is_verified=is_verified) for each in said.evidence]
        mentions = [Mention(numbers[one], at_ms, said.name) for one, at_ms in said.named.items()]
        put_testimony(self._db, Testified(fact.name, mentions, links), run, because=fact.because)
        return numbers

    def _visitor_no(self, one: Identifier) -> int | None:
        return self._visitors.number(one.value) if one.kind == "visitor" else None


def _link(each: Evidence, numbers: Mapping[Identifier, int], *, is_verified: bool) -> Link:
    on_no = None if each.on is None else numbers[each.on]
    return Link(
        each.rule, numbers[each.a], numbers[each.b], each.at_ms, on_no, each.once, each.flaw,
        int(each.is_undo), int(is_verified),
    )  # fmt: skip
