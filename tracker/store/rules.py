"""A site's own rules: tried before the defaults, stored with the site, one rule set for each site.

Rules are configuration, not facts: changed rules say something else of the same history, so whoever
changes them has the views made anew.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, NamedTuple, get_args

from tracker.core.qualification import Rule
from tracker.core.qualityrules import build_quality, check_quality
from tracker.core.rules import DEVIATIONS, Category, OwnRule, RuleSet, build_rules
from tracker.core.tables import Row
from tracker.errors import BadRequest
from tracker.model import SiteKey
from tracker.store.sites import raise_version, site_no

_RULE = ("name", "channel", "source", "medium", "campaign", "referrer_host")
_SOURCE = ("source", "category", "company", "hosts", "apps", "names")


Column = Literal["rules", "quality"]
"""What a site may have rules of its own for: where visits come from, and what leads are worth."""


@dataclass(frozen=True, slots=True)
class RuleChange:
    """Rules that a site is to have, as `check_rules` or `check_quality_rules` spells them."""

    site: SiteKey
    kept: str
    is_dry_run: bool = False
    column: Column = "rules"


def check_rules(raw: Mapping[str, Any]) -> str:
    """Read a site's rules as an operator writes them, and spell them as they are kept.

    Args:
        raw: `rule`, a list of tables with a name, a channel and patterns; `source`, a list of tables with
            a source, a category and hosts; `switched_off`, names of deviations.

    Raises:
        BadRequest: says which part is wrong and what to write.
    """
    unknown = raw.keys() - {"rule", "source", "switched_off"}
    if unknown:
        raise BadRequest("bad_fact", "write [[rule]], [[source]] and switched_off", min(unknown))
    off = raw.get("switched_off", [])
    if not isinstance(off, list) or any(each not in [*DEVIATIONS] for each in off):
        raise BadRequest("bad_fact", f"write names out of {', '.join(DEVIATIONS)}", "switched_off")
    rules = [
        _table(each, _RULE, ("name", "channel"), f"rule[{i}]") for i, each in enumerate(_listed(raw, "rule"))
    ]
    sources = [
        _table(each, _SOURCE, ("source", "category"), f"source[{i}]")
        for i, each in enumerate(_listed(raw, "source"))
    ]
    for number, each in enumerate(sources):
        if each["category"] not in get_args(Category):
            words = ", ".join(get_args(Category))
            raise BadRequest("bad_fact", f"write one of {words}", f"source[{number}].category")
    kept = {"rules": rules, "sources": sources, "switched_off": sorted(off)}
    return json.dumps({name: value for name, value in kept.items() if value}, sort_keys=True)


def check_quality_rules(raw: Mapping[str, Any]) -> str:
    """Read a site's rules of what leads are worth, and spell them as they are kept.

    Raises:
        BadRequest: says which part is wrong and what to write.
    """
    return json.dumps(check_quality(raw), sort_keys=True)


def put_rules(db: sqlite3.Connection, change: RuleChange) -> None:
    """Give a site its rules, inside the caller's transaction; the views must be made anew by them."""
    db.execute(f"UPDATE main.site SET {change.column} = ? WHERE key = ?", [change.kept, change.site])
    raise_version(db)


def lay_rules_beside(db: sqlite3.Connection, change: RuleChange) -> None:
    """Let this connection alone see a site with other rules.

    Raises:
        BadRequest: no such site.
    """
    number = site_no(db, change.site)
    db.execute("CREATE TEMP TABLE site AS SELECT * FROM main.site")
    db.execute(f"UPDATE temp.site SET {change.column} = ? WHERE site_no = ?", [change.kept, number])


def load_rule_sets(db: sqlite3.Connection, overlay: tuple[Row, ...] = ()) -> dict[int, RuleSet]:
    """Load the rule set of each site by the store's number.

    Args:
        overlay: rows of the operator's own copy of public lists.
    """
    packed = json.dumps(overlay, sort_keys=True)
    return {number: _rule_set(kept, packed) for number, kept in db.execute("SELECT site_no, rules FROM site")}


class QualityRules(NamedTuple):
    """What a site makes of its leads, in order, and the region by which their numbers are read."""

    rules: tuple[Rule, ...]
    region: str


def load_quality_rules(db: sqlite3.Connection) -> dict[int, QualityRules]:
    """Load each site's rules of what leads are worth, by the store's number."""
    rows = db.execute("SELECT site_no, quality, region FROM site")
    return {
        number: QualityRules(build_quality(json.loads(kept), region=region), region)
        for number, kept, region in rows
    }


@lru_cache(maxsize=256)
def _rule_set(kept: str, overlay: str) -> RuleSet:
    own = json.loads(kept)
    rows = [{**dict.fromkeys(_SOURCE, ""), **row} for row in own.get("sources", [])]
    return build_rules(
        overlay_rows=json.loads(overlay),
        own_rows=rows,
        own_rules=[OwnRule(**rule) for rule in own.get("rules", [])],
        switched_off=own.get("switched_off", []),
    )


def _listed(raw: Mapping[str, Any], name: str) -> list[Any]:
    tables = raw.get(name, [])
    if not isinstance(tables, list):
        raise BadRequest("bad_fact", f"write [[{name}]] before each", name)
    return tables


def _table(raw: Any, known: tuple[str, ...], required: tuple[str, ...], place: str) -> dict[str, str]:
    if not isinstance(raw, Mapping):
        raise BadRequest("bad_fact", "write a table", place)
    table: dict[str, str] = {}
    for name, value in raw.items():
        text = _joined(value) if isinstance(value, list) else value
        if name not in known or not isinstance(text, str):
            raise BadRequest("bad_fact", f"write texts under {', '.join(known)}", f"{place}.{name}")
        table[name] = text
    for name in required:
        if not table.get(name):
            raise BadRequest("bad_fact", "is required and missing", f"{place}.{name}")
    return table


def _joined(words: list[Any]) -> str | None:
    return " ".join(words) if all(isinstance(each, str) for each in words) else None
