"""The rule set: who sends visitors, who only passes them on, and the deviations from Google's channels.

One value holds all that may differ between installations and sites, and names its version, so that a
decision can be repeated. How the tables are used is decided in `tracker.core.sources` and
`tracker.core.channels`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, field
from fnmatch import translate
from functools import lru_cache
from typing import Literal, cast, get_args

from tracker.core.hosttable import HostTable
from tracker.core.tables import Row, fingerprint, read_table
from tracker.core.words import fold

Category = Literal["ai", "email", "shopping", "video", "social", "search", "referral"]

MEDIUMS: Mapping[Category, str] = {
    "ai": "ai-assistant",
    "email": "email",
    "shopping": "shopping",
    "video": "video",
    "social": "social",
    "search": "organic",
    "referral": "referral",
}
"""The medium of a referrer or bare name of each category; the order is the precedence."""

DEVIATIONS: Mapping[str, str] = {
    "paid_click_ids": "1. A click id that only ads carry makes the visit paid.",
    "fbclid_is_social": "2. fbclid alone is Organic Social: Facebook adds it to every link.",
    "srsltid_is_shopping": "3. srsltid is Organic Shopping: a free listing of Google Shopping.",
    "gad_source_is_search": "4. gad_source=1 is Paid Search.",
    "ads_sources_are_paid": "5. A source called `...-ads` or adwords is paid.",
    "synonyms": "6. newsletter is Email; affiliates and partner are Affiliates.",
    "unknown_is_referral": "7. Parameters of no channel are Referral where there is an external referrer.",
    "embeds_are_not_sources": "8. Booking and form embeds send nobody.",
}
"""Where Touchline departs from Google's default channel group; each can be switched off."""

TABLES = ("sources", "not_sources", "click_ids", "campaign_params", "mediums")
CODE_EDITION = 1
"""Raised with every change of the code that may decide a visit otherwise."""


@dataclass(frozen=True, slots=True)
class Family:
    """Who sends: the name of the source, what kind of site it is, and the company behind it."""

    source: str
    category: Category
    company: str

    @property
    def medium(self) -> str:
        """The medium of a visit that this family's site alone explains."""
        return MEDIUMS[self.category]


@dataclass(frozen=True, slots=True)
class OwnRule:
    """A site's own rule, tried before the defaults: patterns with `*`, case ignored, all must match."""

    name: str
    channel: str
    source: str = "*"
    medium: str = "*"
    campaign: str = "*"
    referrer_host: str = "*"


@dataclass(frozen=True, eq=False)
class RuleSet:
    """All that a decision rests on besides the visit itself."""

    version: str
    senders: HostTable[Family] = field(repr=False)
    passages: HostTable[str] = field(repr=False)
    apps: Mapping[str, Family] = field(repr=False)
    names: Mapping[str, Family] = field(repr=False)
    deviations: frozenset[str]
    own_rules: tuple[OwnRule, ...] = ()


def build_rules(
    *,
    overlay_rows: Iterable[Row] = (),
    own_rows: Iterable[Row] = (),
    own_rules: Iterable[OwnRule] = (),
    switched_off: Iterable[str] = (),
) -> RuleSet:
    """Build a rule set from the package's tables and what an operator adds.

    Args:
        overlay_rows: rows with the columns of sources.csv. They add hosts; one that the package knows
            changes only to a kind of site that takes precedence.
        own_rows: the same, of the operator's own making: they count before the package's.
        own_rules: tried in order before the default channels.
        switched_off: names of deviations that shall not apply.
    """
    overlay, own, listed = tuple(overlay_rows), tuple(own_rules), tuple(own_rows)
    deviations = frozenset(DEVIATIONS) - frozenset(switched_off)
    tables = _Tables(HostTable(), {}, {})
    for row in read_table("sources"):
        tables.enter(row, _family(row), replace=False)
    for row in overlay:
        tables.lay_over(row, _family(row))
    for row in listed:
        tables.enter(row, _family(row), replace=True)
    return RuleSet(
        _version(overlay + listed, own, deviations), tables.senders, _passages(deviations), tables.apps,
        tables.names, deviations, own,
    )  # fmt: skip


def _family(row: Row) -> Family:
    if row["category"] not in get_args(Category):
        raise ValueError(
            f"{row['source']}: {row['category']!r} is not one of {', '.join(get_args(Category))}"
        )
    return Family(row["source"], cast(Category, row["category"]), row["company"] or row["source"])


@dataclass(frozen=True, slots=True)
class _Tables:
    """The tables of senders while they are filled."""

    senders: HostTable[Family]
    apps: dict[str, Family]
    names: dict[str, Family]

    def enter(self, row: Row, family: Family, *, replace: bool) -> None:
        """Enter a row's hosts, apps and names, over what is there or only beside it."""
        for host in row["hosts"].split():
            self.senders.add(host, family, below=True, replace=replace)
        for words, table in ((row["apps"].split(), self.apps), (_names(row), self.names)):
            for word in words:
                if replace or word not in table:
                    table[word] = family

    def lay_over(self, row: Row, family: Family) -> None:
        """Enter what is unknown, and what takes precedence over what is known."""
        for host in row["hosts"].split():
            name, slash, path = host.partition("/")
            known = self.senders.find(name.removeprefix("."), slash + path)
            if known is None or _outranks(family, known):
                self.senders.add(host, family, below=True, replace=True)
        for app in row["apps"].split():
            if app not in self.apps or _outranks(family, self.apps[app]):
                self.apps[app] = family
        for name in _names(row):
            self.names.setdefault(name, family)


def _names(row: Row) -> list[str]:
    return [fold(name) for name in (row["source"], *row["names"].split())]


def _outranks(family: Family, known: Family) -> bool:
    order = tuple(MEDIUMS)
    return order.index(family.category) < order.index(known.category)


def _passages(deviations: frozenset[str]) -> HostTable[str]:
    table: HostTable[str] = HostTable()
    for row in read_table("not_sources"):
        if row["kind"] == "embed" and "embeds_are_not_sources" not in deviations:
            continue
        for host in row["hosts"].split():
            table.add(host, row["kind"])
        for label in row["first_labels"].split():
            table.add_first_label(label, row["kind"])
    return table


def _version(overlay: tuple[Row, ...], own: tuple[OwnRule, ...], deviations: frozenset[str]) -> str:
    base = f"{CODE_EDITION}-{fingerprint(*TABLES)}"
    if not overlay and not own and len(deviations) == len(DEVIATIONS):
        return base
    changes = json.dumps([overlay, [astuple(rule) for rule in own], sorted(deviations)], sort_keys=True)
    return f"{base}-{hashlib.sha256(changes.encode()).hexdigest()[:8]}"


@lru_cache(maxsize=1_024)
def glob(pattern: str) -> re.Pattern[str]:
    """Compile a pattern with `*` and `?`, case ignored."""
    return re.compile(translate(pattern), re.IGNORECASE)


DEFAULT_RULES = build_rules()
RULES_VERSION = DEFAULT_RULES.version
