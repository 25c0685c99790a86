"""A site's own rules of qualification: read from what an operator writes, checked, and put in order.

Junk is sorted out by the default rules first, each of which a site can switch off, and by its list of
blocked contacts; then its own rules are tried in their order. What rules look at and what follows is
decided in `tracker.core.qualification`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, get_args

from tracker.core.contacts import normalise_email, normalise_phone
from tracker.core.qualification import DEFAULTS, STATUSES, Rule, Status, read_status
from tracker.core.rules import glob
from tracker.core.traits import EmailClass, Traits
from tracker.errors import BadRequest

Kept = dict[str, Any]

PATTERNS = ("kind", "provider", "channel", "source", "country")
NUMBERS = ("duration_s", "score", "pages")
BOUNDS = ("at_least", "below")
TESTS = (*PATTERNS, *NUMBERS, "answered", "email", "words")
EMAILS: tuple[EmailClass, ...] = get_args(EmailClass)
JUNK = "junk"


def check_quality(raw: Mapping[str, Any]) -> Kept:
    """Read a site's rules as an operator writes them, and spell them as they are kept.

    Args:
        raw: `rule`, a list of tables with a name, a status and conditions; `blocked`, a list of e-mail
            addresses, `@domain`s and phone numbers; `switched_off`, names of default rules.

    Raises:
        BadRequest: says which part is wrong and what to write.
    """
    unknown = raw.keys() - {"rule", "blocked", "switched_off"}
    if unknown:
        raise BadRequest("bad_fact", "write [[rule]], blocked and switched_off", min(unknown))
    names = [rule.name for rule in DEFAULTS]
    off = _texts(raw.get("switched_off", []), "switched_off")
    if not set(off) <= set(names):
        raise BadRequest("bad_fact", f"write names out of {', '.join(names)}", "switched_off")
    rules = raw.get("rule", [])
    if not isinstance(rules, list):
        raise BadRequest("bad_fact", "write [[rule]] before each", "rule")
    kept = {
        "rules": [_rule(each, f"rule[{i}]") for i, each in enumerate(rules)],
        "blocked": sorted(set(_texts(raw.get("blocked", []), "blocked"))), "switched_off": sorted(off),
    }  # fmt: skip
    return {name: value for name, value in kept.items() if value}


def build_quality(kept: Mapping[str, Any], *, region: str) -> tuple[Rule, ...]:
    """Build the table of a site's rules, in the order in which they are tried.

    Args:
        kept: as `check_quality` spells them.
        region: ISO 3166 code by which national phone numbers are read.
    """
    off = frozenset(kept.get("switched_off", ()))
    blocked = _blocked(kept.get("blocked", ()), region)
    first = Rule("blocked", "disqualified", True, "the site blocks its address or number", blocked)
    own = (_built(each) for each in kept.get("rules", ()))
    return (first, *(rule for rule in DEFAULTS if rule.name not in off), *own)


def _rule(raw: Any, place: str) -> Kept:
    if not isinstance(raw, Mapping):
        raise BadRequest("bad_fact", "write a table", place)
    for name in raw:
        if name not in (*TESTS, "name", "status", "reason"):
            raise BadRequest("bad_fact", f"write conditions out of {', '.join(TESTS)}", f"{place}.{name}")
    for name in ("name", "status"):
        if not isinstance(raw.get(name), str) or not raw[name].strip():
            raise BadRequest("bad_fact", "is required and missing", f"{place}.{name}")
    status = read_status(raw["status"])
    if status is None:
        words = ", ".join((*STATUSES, JUNK))
        raise BadRequest("bad_fact", f"write one of {words}", f"{place}.status")
    kept = {"name": raw["name"].strip(), "status": JUNK if status[1] else status[0]}
    if "reason" in raw:
        kept["reason"] = _text(raw["reason"], f"{place}.reason")
    tests = {name: _test(name, raw[name], f"{place}.{name}") for name in TESTS if name in raw}
    return {**kept, "tests": tests}


def _test(name: str, value: Any, place: str) -> Any:
    if name == "answered":
        if not isinstance(value, bool):
            raise BadRequest("bad_fact", "write true or false", place)
        return value
    if name in NUMBERS:
        return _bounds(value, place)
    found = _texts([value] if isinstance(value, str) else value, place)
    if name == "email" and not set(found) <= set(EMAILS):
        raise BadRequest("bad_fact", f"write one of {', '.join(EMAILS)}", place)
    if not found:
        raise BadRequest("bad_fact", "write at least one text", place)
    return found


def _bounds(value: Any, place: str) -> dict[str, float]:
    if not isinstance(value, Mapping) or not value or not value.keys() <= set(BOUNDS):
        raise BadRequest("bad_fact", "write { at_least = 60 }, { below = 600 } or both", place)
    for each in value.values():
        if isinstance(each, bool) or not isinstance(each, int | float):
            raise BadRequest("bad_fact", "write a number", place)
    return dict(value)


def _texts(value: Any, place: str) -> list[str]:
    if not isinstance(value, list):
        raise BadRequest("bad_fact", "write a text or a list of texts", place)
    return [_text(each, place) for each in value]


def _text(value: Any, place: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise BadRequest("bad_fact", "write a text", place)
    return value.strip()


def _built(kept: Mapping[str, Any]) -> Rule:
    tests = [_condition(name, value) for name, value in kept["tests"].items()]
    is_junk = kept["status"] == JUNK
    status: Status = "disqualified" if is_junk else kept["status"]
    reason = kept.get("reason") or f"the site's rule {kept['name']}"
    return Rule(kept["name"], status, is_junk, reason, lambda lead: all(test(lead) for test in tests))


def _condition(name: str, value: Any) -> Callable[[Traits], bool]:
    """Make the test of one condition; what is not known of a lead meets none."""
    if name in NUMBERS:
        return partial(_is_within, name, value.get("at_least"), value.get("below"))
    if name == "answered":
        return lambda lead: lead.answered is value
    if name == "email":
        return lambda lead: lead.email_class in value
    if name == "words":
        pattern = phrases(value)
        return lambda lead: pattern.search(lead.words.casefold()) is not None
    return partial(_is_like, name, [glob(each) for each in value])


def _is_within(name: str, least: float | None, below: float | None, lead: Traits) -> bool:
    value = getattr(lead, name)
    return value is not None and (least is None or value >= least) and (below is None or value < below)


def _is_like(name: str, patterns: Iterable[re.Pattern[str]], lead: Traits) -> bool:
    value = getattr(lead, name)
    return value is not None and any(each.match(value) for each in patterns)


def phrases(given: Iterable[str]) -> re.Pattern[str]:
    """Compile words and phrases to look for: whole words, case ignored; `*` stands for the rest of one."""
    parts = (
        r"\s+".join(re.escape(word).replace(r"\*", r"\w*") for word in each.casefold().split())
        for each in given
    )
    return re.compile(rf"(?<!\w)(?:{'|'.join(parts)})(?!\w)")


def _blocked(given: Iterable[str], region: str) -> Callable[[Traits], bool]:
    """Make the test for who is on a list of addresses, `@domain`s and numbers."""
    emails, domains, phones = set(), set(), set()
    for each in given:
        if each.startswith("@"):
            domains.add(each[1:].casefold())
        elif "@" in each:
            emails.add(normalise_email(each) or each.casefold())
        else:
            phones.add(normalise_phone(each, region) or each)

    def applies(lead: Traits) -> bool:
        domain = None if lead.email is None else lead.email.rpartition("@")[2]
        return lead.phone in phones or lead.email in emails or domain in domains

    return applies
