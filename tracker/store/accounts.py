"""Accounts in the store: their parts, what facts say of them, and which parts are one account.

A component is read by leaps over its indexes, so that it costs by its parts, not by its people or facts.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tracker.core.accounts import Account, Joint, Part, company_domain
from tracker.core.ids import identifier_id
from tracker.store.db import key_list
from tracker.store.marks import Pass

NOBODY = 0


class WordRow(NamedTuple):
    """One row of what a fact says of an account; numbers of parts are 0 where none is given."""

    fact: str
    reason: str
    at_ms: int
    crm_no: int
    domain_no: int
    part_no: int
    name: str | None


class Moved(NamedTuple):
    """Parts, and identifiers of people, whose accounts may have moved."""

    parts: set[int]
    people: set[int]


@dataclass(frozen=True, slots=True)
class Parts:
    """A component of parts: their numbers, when each was first seen in ms, and what joins them."""

    numbers: Mapping[Part, int]
    first_ms: Mapping[Part, int]
    joints: frozenset[Joint]


def part_number(db: sqlite3.Connection, part: Part, *, key: bytes) -> int:
    """Give a part's number, a new one at first sight; alone until its account is resolved."""
    found = db.execute("SELECT part_no FROM account_part WHERE kind = ? AND value = ?", part).fetchone()
    if found:
        return int(found[0])
    cursor = db.execute(
        """INSERT INTO account_part (part_no, account_no, kind, value, part_id, moved_no, changed_no)
        SELECT number, number, ?, ?, ?, 0, 0
        FROM (SELECT coalesce(max(part_no), 0) + 1 AS number FROM account_part)""",
        [*part, identifier_id(key, part.kind, part.value)],
    )
    return int(cursor.lastrowid or 0)


def find_account(db: sqlite3.Connection, text: str) -> int | None:
    """Find the oldest part of the account that has this id, or ever had, or this CRM's id or domain."""
    found = db.execute(
        """SELECT account_no FROM account_part
        WHERE part_id = ?1 OR kind = 'account' AND value = ?1 OR kind = 'domain' AND value = ?2
        ORDER BY part_id = ?1 DESC, kind LIMIT 1""",
        [text, company_domain(text)],
    ).fetchone()
    return None if found is None else int(found[0])


def replace_word(db: sqlite3.Connection, fact: str, row: WordRow | None, people: Iterable[int]) -> Moved:
    """Make this what a fact says of an account, and these the identifiers of whom it says so."""
    found = db.execute("SELECT * FROM account_word WHERE fact = ?", [fact]).fetchone()
    old = None if found is None else WordRow(*found)
    had = {each[0] for each in db.execute("SELECT identifier_no FROM account_people WHERE fact = ?", [fact])}
    now = set(people) if row is not None else set()
    if (old, had) == (row, now):
        return Moved(set(), set())
    db.execute("DELETE FROM account_word WHERE fact = ?", [fact])
    db.execute("DELETE FROM account_people WHERE fact = ?", [fact])
    if row is not None:
        db.execute("INSERT INTO account_word VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    db.executemany("INSERT INTO account_people VALUES (?, ?)", [(number, fact) for number in now])
    parts = {number for each in (old, row) if each is not None for number in (each.crm_no, each.domain_no)}
    return Moved(parts - {NOBODY}, had | now)


def load_parts(db: sqlite3.Connection, seed: int) -> Parts:
    """Load the parts that facts connect with this one, as far as somebody names them."""
    known: dict[int, Part] = {}
    first_ms: dict[Part, int] = {}
    tied: set[tuple[int, str, int, int]] = set()
    waiting = [seed]
    while waiting:
        number = waiting.pop()
        found = db.execute("SELECT kind, value FROM account_part WHERE part_no = ?", [number]).fetchone()
        if number in known or found is None:
            continue
        part = known[number] = Part(*found)
        seen = [] if part.kind == "account" else _addresses_since(db, number)
        for other, at_ms, fact in _leaps(db, number, part):
            seen.append(at_ms)
            if other != NOBODY:
                ends = (number, other) if part.kind == "account" else (other, number)
                tied.add((at_ms, fact, *ends))
                waiting.append(other)
        if seen:
            first_ms[part] = min(seen)
    joints = frozenset(Joint(at_ms, fact, known[crm], known[domain]) for at_ms, fact, crm, domain in tied)
    return Parts({part: number for number, part in known.items()}, first_ms, joints)


def _leaps(db: sqlite3.Connection, number: int, part: Part) -> Iterator[tuple[int, int, str]]:
    """Find each part named together with this one, and the first fact that does so; 0: named alone."""
    own, other = ("crm_no", "domain_no") if part.kind == "account" else ("domain_no", "crm_no")
    query = f"""SELECT {other}, at_ms, fact FROM account_word WHERE {own} = ? AND {other} > ?
      ORDER BY {other}, at_ms, fact LIMIT 1"""
    last = -1
    while found := db.execute(query, [number, last]).fetchone():
        yield found
        last = found[0]


def _addresses_since(db: sqlite3.Connection, number: int) -> list[int]:
    """Find when a domain was first seen in somebody's e-mail address."""
    query = """SELECT from_ms FROM membership WHERE part_no = ? AND reason = 'email_domain'
      ORDER BY from_ms LIMIT 1"""
    return [row[0] for row in db.execute(query, [number])]


def put_accounts(db: sqlite3.Connection, parts: Parts, accounts: Sequence[Account], run: Pass) -> None:
    """Write which parts are one account, and its name."""
    numbers = parts.numbers
    rows: list[tuple[int | None, str | None, int, int, int, int, int]] = []
    for account in accounts:
        oldest = numbers[account.oldest]
        name = _newest_name(db, [numbers[part] for part in account.parts])
        for part in account.parts:
            own_name = name if part == account.oldest else None
            rows.append(
                (parts.first_ms[part], own_name, oldest, run.number, oldest, run.number, numbers[part])
            )
    unnamed = [number for part, number in numbers.items() if part not in parts.first_ms]
    rows += [(None, None, number, run.number, number, run.number, number) for number in unnamed]
    db.executemany(
        """UPDATE account_part SET first_ms = ?, name = ?,
          moved_no = CASE WHEN account_no = ? THEN moved_no ELSE ? END, account_no = ?, changed_no = ?
        WHERE part_no = ?""",
        rows,
    )


def load_accounts(db: sqlite3.Connection, numbers: Iterable[int]) -> dict[str, list[str]]:
    """Load the ids of the parts of the accounts that these parts are in, by the account's id."""
    rows = db.execute(
        """SELECT DISTINCT account.part_id, own.part_id FROM json_each(?) AS wanted
        JOIN account_part AS part ON part.part_no = wanted.value
        JOIN account_part AS account ON account.part_no = part.account_no
        JOIN account_part AS own ON own.account_no = part.account_no
        WHERE own.first_ms IS NOT NULL ORDER BY own.part_id""",
        [key_list(numbers)],
    )
    found: dict[str, list[str]] = {}
    for account_id, part_id in rows:
        found.setdefault(account_id, []).append(part_id)
    return found


def forget_unnamed(db: sqlite3.Connection, numbers: Iterable[int]) -> None:
    """Drop those of these parts that nothing refers to any more."""
    db.executemany(
        """DELETE FROM account_part WHERE part_no = ?1 AND first_ms IS NULL
        AND NOT EXISTS (SELECT 1 FROM identifier WHERE domain_no = ?1)
        AND NOT EXISTS (SELECT 1 FROM account_word WHERE crm_no = ?1)
        AND NOT EXISTS (SELECT 1 FROM account_word WHERE domain_no = ?1)""",
        [(number,) for number in numbers],
    )


def _newest_name(db: sqlite3.Connection, numbers: Iterable[int]) -> str | None:
    """Find the name that the newest fact gives to one of these parts."""
    query = """SELECT at_ms, fact, name FROM account_word WHERE part_no = ? AND name IS NOT NULL
      ORDER BY at_ms DESC, fact DESC LIMIT 1"""
    found = [row for number in numbers for row in db.execute(query, [number])]
    return max(found)[2] if found else None
