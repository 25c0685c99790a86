"""Visitors of one hit by their crowd: those of one site, network and browser in one hour of the clock.

A crowd that has reached its limit is a burst. That rests on the set of facts alone: the rows name who
is in which crowd, and a crowd that anyone joins, or a burst that anyone leaves, is judged anew. No crowd
is counted beyond its limit, and its members are touched only when the judgement turns, so that a burst
of a hundred thousand costs each of its hits no more than a burst of a hundred.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass
from typing import NamedTuple

from tracker.store.db import key_list


class Crowd(NamedTuple):
    """What one-hit visitors of a crowd have in common; `hour` counts hours since 1970, UTC."""

    client_no: int
    prefix_no: int
    hour: int
    site_no: int


@dataclass(frozen=True, slots=True)
class Bursts:
    """Who of some visitors is in a burst; `moved` are others who have come into one or out of one."""

    visitor_nos: Set[int]
    moved: Set[int]


_OF_CROWD = " AND ".join(f"{name} = ?" for name in Crowd._fields)


def replace_lone(
    db: sqlite3.Connection, crowds: Mapping[int, Crowd | None], limit: Callable[[Crowd], int]
) -> Bursts:
    """Make these the crowds of these visitors, and judge the crowds that they join and leave.

    Args:
        crowds: none for a visitor who is in no crowd.
        limit: the number of visitors from which on a crowd is a burst; 0: never.
    """
    old = _load(db, crowds)
    changed = {number for number, crowd in crowds.items() if old.get(number, (None,))[0] != crowd}
    left = [(number,) for number in changed if number in old]
    db.executemany("DELETE FROM lone WHERE visitor_no = ?", left)
    joined = [(number, *crowd) for number in changed if (crowd := crowds[number]) is not None]
    db.executemany("INSERT INTO lone VALUES (?, ?, ?, ?, ?, 0)", joined)
    in_burst = {number for number, (_, is_burst) in old.items() if is_burst} - changed
    moved: set[int] = set()
    bursts_left = {old[number][0] for (number,) in left if old[number][1]}
    for crowd in bursts_left.union(Crowd._make(row[1:]) for row in joined):
        is_burst, turned = _judge(db, crowd, limit(crowd))
        (in_burst.update if is_burst else in_burst.difference_update)(turned)
        moved |= turned
    return Bursts(in_burst & crowds.keys(), moved - crowds.keys())


def named_visitors(db: sqlite3.Connection, visitor_nos: Iterable[int]) -> set[int]:
    """Pick the visitors whom a lead or an identify names."""
    found = db.execute(
        """SELECT identifier.visitor_no FROM json_each(?) AS wanted
        JOIN identifier ON identifier.visitor_no = wanted.value
        WHERE EXISTS (SELECT 1 FROM mention WHERE mention.identifier_no = identifier.identifier_no)""",
        [key_list(visitor_nos)],
    )
    return {row[0] for row in found}


def visitors_to_settle(db: sqlite3.Connection, identifier_nos: Iterable[int]) -> list[int]:
    """Find whom being named takes out of a crowd, and who may be back in one, being named no more."""
    found = db.execute(
        """SELECT identifier.visitor_no FROM json_each(?) AS wanted
        JOIN identifier ON identifier.identifier_no = wanted.value
        WHERE identifier.visitor_no IS NOT NULL
          AND EXISTS (SELECT 1 FROM mention WHERE mention.identifier_no = identifier.identifier_no)
            = EXISTS (SELECT 1 FROM lone WHERE lone.visitor_no = identifier.visitor_no)""",
        [key_list(identifier_nos)],
    )
    return [row[0] for row in found]


def crowd_size(db: sqlite3.Connection, hit_no: int) -> int:
    """Count the visitors in the crowd of a hit's visitor, that one among them."""
    found = db.execute(
        """SELECT count(*) FROM hit JOIN lone AS own USING (visitor_no)
        JOIN lone USING (client_no, prefix_no, hour, site_no) WHERE hit.hit_no = ?""",
        [hit_no],
    )
    return int(found.fetchone()[0])


def _load(db: sqlite3.Connection, visitor_nos: Iterable[int]) -> dict[int, tuple[Crowd, int]]:
    found = db.execute(
        f"""SELECT visitor_no, is_burst, {", ".join(Crowd._fields)}
        FROM json_each(?) AS wanted JOIN lone ON visitor_no = wanted.value""",
        [key_list(visitor_nos)],
    )
    return {number: (Crowd._make(crowd), is_burst) for number, is_burst, *crowd in found}


def _judge(db: sqlite3.Connection, crowd: Crowd, limit: int) -> tuple[bool, Set[int]]:
    """Say whether a crowd is a burst, and for which of its members that is news."""
    size, most = db.execute(
        f"""SELECT count(*), max(is_burst) FROM (
          SELECT is_burst FROM lone WHERE {_OF_CROWD} ORDER BY is_burst DESC LIMIT ?)""",
        [*crowd, max(limit, 1)],
    ).fetchone()
    is_burst = 0 < limit <= size
    if not is_burst and not most:
        return False, frozenset()
    turned = db.execute(
        f"UPDATE lone SET is_burst = ? WHERE {_OF_CROWD} AND is_burst = ? RETURNING visitor_no",
        [int(is_burst), *crowd, int(not is_burst)],
    )
    return is_burst, {row[0] for row in turned}
