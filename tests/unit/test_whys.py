"""Words for evidence: whatever the code gives as a reason, a marketer can read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from hypothesis import given

from tests.unit.evidence import SMALL, components
from tracker.core.evidence import Component, Rule
from tracker.core.identity import resolve
from tracker.core.whatif import WhatIf, people
from tracker.core.whys import EVIDENCE, WHYS, Why

STORE = Path(__file__).parents[2] / "tracker" / "store"


def test_every_reason_has_words() -> None:
    """Whatever may be given as a reason is in the table; the type checker holds the code to the same list."""
    assert WHYS.keys() == set(get_args(Why))


def test_the_store_gives_no_other_reason() -> None:
    """What the store's queries set identifiers apart for, where no type checker looks."""
    queries = "".join((STORE / f"{name}.py").read_text("utf-8") for name in ("components", "evidence"))
    given = set(re.findall(r"(?:THEN|'redundant',) '(\w+)'", queries))
    assert {"own_number", "bot", "known_by_line"} <= given <= WHYS.keys()


def test_every_rule_has_words() -> None:
    """What a piece of evidence rests on is said for each of them."""
    assert EVIDENCE.keys() == set(get_args(Rule))


@given(components())
def test_what_is_decided_has_words(component: Component) -> None:
    """Whatever comes of random evidence is explained: each decision, each identifier set apart."""
    found = resolve(component, SMALL)
    assert {each.why for each in found.decisions} - {None} <= WHYS.keys()
    assert set(found.apart.values()) <= WHYS.keys()


@given(components(most=6))
def test_what_would_be_without_is_what_is_without(component: Component) -> None:
    """Taking one piece away gives the persons that would have been, had it never come."""
    whatif = WhatIf(component, SMALL, resolve(component, SMALL))
    for each in component.evidence:
        rest = tuple(other for other in component.evidence if other != each)
        never = resolve(Component(component.first_ms, rest, component.names), SMALL)
        assert whatif.without(each, component.first_ms) == people(never, component.first_ms)


@given(components(most=6))
def test_a_split_parts_whoever_it_names(component: Component) -> None:
    """What would be once undone: never the two in one person."""
    whatif = WhatIf(component, SMALL, resolve(component, SMALL))
    for each in component.evidence:
        a, b = whatif.standing_at(each)
        if a != b:
            assert not any({a, b} <= set(group) for group in whatif.after_split(a, b, component.first_ms))
