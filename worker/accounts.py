"""Stitch, fifth part: the accounts that CRMs and e-mail addresses speak of.

A fact's word joins parts and counts people among them; people are placed where persons are resolved.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tracker.core.accounts import Part, Step, Word, resolve_accounts, words_of, words_of_deal
from tracker.store.accounts import (
    NOBODY,
    Moved,
    Parts,
    WordRow,
    forget_unnamed,
    load_accounts,
    load_parts,
    part_number,
    put_accounts,
    replace_word,
)
from tracker.store.changes import Change, log_change
from tracker.store.marks import Mark, Pass
from tracker.store.persons import Identifiers, Seen


class AccountStitcher:
    """Hears what facts say of accounts and resolves them, over one connection with the writer's lock."""

    def __init__(self, db: sqlite3.Connection, *, key: bytes) -> None:
        self._db = db
        self._key = key
        self._identifiers = Identifiers(db, key)

    def hear(self, kind: str, fact: Mapping[str, Any], *, key: str) -> Moved:
        """Keep what a contact of a CRM says of its account."""
        words = words_of(kind, fact, key=key)
        return self._put(key, words[0] if words else None)

    def forget(self, fact: str) -> Moved:
        """Take back what a fact said of an account."""
        return self._put(fact, None)

    def hear_deal(self, steps: Iterable[Step]) -> Moved:
        """Keep what a deal says of its account, all of its steps."""
        by_key = {step.key: step for step in steps}
        said = {word.key: word for word in words_of_deal(by_key.values())}
        moved = [self._put(name, said.get(name)) for name in by_key]
        return Moved(
            {number for each in moved for number in each.parts},
            {number for each in moved for number in each.people},
        )

    def _put(self, fact: str, word: Word | None) -> Moved:
        if word is None:
            return replace_word(self._db, fact, None, ())
        people = [self._identifiers.number(each, Seen(word.at_ms)) for each in word.people]
        crm_no, domain_no = self._number(word.account), self._number(word.domain)
        row = WordRow(fact, word.reason, word.at_ms, crm_no, domain_no, crm_no or domain_no, word.name)
        return replace_word(self._db, fact, row, people)

    def _number(self, part: Part | None) -> int:
        return NOBODY if part is None else part_number(self._db, part, key=self._key)

    def resolve(self, dirty: Sequence[Mark], run: Pass) -> None:
        """Resolve the accounts of these parts, each component once."""
        because = dirty[0].because
        components: list[Parts] = []
        reached: set[int] = set()
        for mark in dirty:
            if mark.key not in reached:
                components.append(load_parts(self._db, int(mark.key)))
                reached.update(components[-1].numbers.values())
        was = load_accounts(self._db, reached)
        for parts in components:
            put_accounts(self._db, parts, resolve_accounts(parts.first_ms, parts.joints)[0], run)
        now = load_accounts(self._db, reached)
        for account_id in sorted({*was, *now}):
            before, after = (
                None if (own := each.get(account_id)) is None else {"parts": own} for each in (was, now)
            )
            if before != after:
                log_change(self._db, Change("account", account_id, before, after, because), run)
        forget_unnamed(self._db, reached)
