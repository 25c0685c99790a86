"""Click ids: the tokens that ad networks, affiliate networks and mail senders add to a landing URL.

The table says who adds each, what it proves and whether one value names one click. Of several, the one
that proves most stands first: paid before both, organic, affiliate and mail; one that names the click
before one that only names the network.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast, get_args

from tracker.core.tables import read_table
from tracker.model import ClickId, ClickKind


@dataclass(frozen=True, slots=True)
class ClickIdRule:
    """One row of the table: `source` and `medium` are what the id alone says of a session.

    `rare`: one value names no one click, but few visitors arrive with it.
    """

    name: str
    network: str
    source: str
    medium: str
    kind: ClickKind
    per_click: bool
    personal: bool
    rare: bool


def _rule(row: dict[str, str]) -> ClickIdRule:
    if row["kind"] not in get_args(ClickKind):
        raise ValueError(f"click_ids.csv: {row['name']} has the unknown kind {row['kind']!r}")
    return ClickIdRule(
        row["name"], row["network"], row["source"], row["medium"], cast(ClickKind, row["kind"]),
        row["per_click"] == "yes", row["personal"] == "yes", row["rare"] == "yes",
    )  # fmt: skip


CLICK_RULES = {row["name"].lower(): _rule(row) for row in read_table("click_ids")}
"""The rule of each click id, by its name in lower case."""

CLICK_NAMES = frozenset(CLICK_RULES)
TELLING_NAMES = frozenset(rule.name for rule in CLICK_RULES.values() if rule.per_click or rule.rare)
"""Official names of click ids of which one value may tell a visitor from all others."""
PERSONAL_NAMES = frozenset(name for name, rule in CLICK_RULES.items() if rule.personal)

_KINDS = get_args(ClickKind)
_ORDER = {
    name: (_KINDS.index(rule.kind), not rule.per_click, at)
    for at, (name, rule) in enumerate(CLICK_RULES.items())
}


def find_click_ids(tags: Iterable[tuple[str, str]]) -> tuple[ClickId, ...]:
    """Pick the click ids out of a page's tags.

    Args:
        tags: pairs of name (any case) and value.

    Returns:
        Each click id once, under its official spelling, the one that proves most first.
    """
    found: dict[str, str] = {}
    for name, value in tags:
        lower = name.lower()
        if value and lower in CLICK_RULES:
            found.setdefault(lower, value)
    return tuple(_click_id(name, found[name]) for name in sorted(found, key=_ORDER.__getitem__))


def _click_id(name: str, value: str) -> ClickId:
    rule = CLICK_RULES[name]
    return ClickId(rule.name, value, rule.network, rule.kind, rule.per_click)
