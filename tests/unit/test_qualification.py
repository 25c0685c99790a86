"""What a lead is worth: the default rules, a site's own, words on its status, and their history."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.core.contacts import normalise_email
from tracker.core.qualification import (
    DEFAULTS,
    STATUSES,
    Ruling,
    Word,
    decide,
    history,
    read_status,
    told_words,
)
from tracker.core.qualityrules import build_quality, check_quality
from tracker.core.tables import read_table
from tracker.core.traits import email_class, is_placeholder, read_traits
from tracker.core.versions import Version
from tracker.errors import BadRequest

FORM = {"kind": "form", "provider": "desk"}
CALL = {"kind": "call", "provider": "calls"}


def rule_of(fact: dict[str, Any], rules: str = "", **seen: Any) -> str | None:
    """Name the rule that decides a lead."""
    traits = read_traits(fact, phone=fact.get("phone"), **seen)
    return decide(traits, build_quality(check_quality(tomllib.loads(rules)), region="GB")).rule


BY_DEFAULT = {
    "a plain form is new": ({**FORM, "email": "ann@acme.com", "name": "Ann Lee"}, None),
    "a call of nine seconds is junk": ({**CALL, "duration_s": 9}, "short_call"),
    "a call of ten seconds is none": ({**CALL, "duration_s": 10}, None),
    "a call that has not ended is none": ({**CALL, "answered": True}, None),
    "a chat of nine seconds is none": ({"kind": "chat", "provider": "desk", "duration_s": 9}, None),
    "a disposable address": ({**FORM, "email": "ann@mailinator.com"}, "disposable_email"),
    "a test's address": ({**FORM, "email": "test@acme.com"}, "placeholder"),
    "a team's address is none": ({**FORM, "email": "info@acme.com"}, None),
    "a mistyped address is none": ({**FORM, "email": "ann@"}, None),
    "a placeholder for a name": ({**FORM, "name": "Test Test"}, "placeholder"),
    "a placeholder for a message": ({**FORM, "fields": {"Your message": "asdf"}}, "placeholder"),
    "a placeholder in a list of fields": (
        {**FORM, "fields": [{"label": "Comments", "value": "this is a test"}]}, "placeholder",
    ),
    "a list of fields with a thing for a name": (
        {**FORM, "fields": [{"name": {"en": "Words"}, "label": "Message", "value": "asdf"}]}, "placeholder",
    ),
    "a list of fields without any name": ({**FORM, "fields": [{"name": [1], "value": "asdf"}]}, None),
    "a placeholder elsewhere is none": ({**FORM, "fields": {"Company type": "test"}}, None),
    "a premium number": ({**CALL, "phone": "+449098790000"}, "blocked_number"),
    "a withheld number is none": ({**CALL, "phone": None, "duration_s": 60}, None),
}  # fmt: skip


@pytest.mark.parametrize(("fact", "rule"), BY_DEFAULT.values(), ids=BY_DEFAULT)
def test_by_default(fact: dict[str, Any], rule: str | None) -> None:
    """What is certainly no enquiry is junk; the rest is new."""
    assert rule_of(fact) == rule
    ruling = decide(read_traits(fact, phone=fact.get("phone")))
    assert (ruling.status, ruling.is_junk) == (("disqualified", True) if rule else ("new", False))
    assert bool(ruling.reason) == bool(rule)


TEXTS = {
    "test": True, "TEST!": True, "testing 123": True, "this is just a test, please ignore": True,
    "asdfasdf": True, "qwerty": True, "Lorem ipsum dolor sit amet, consectetur": True, "aaaa": True,
    "xxx": True,
    "": False, "12345678": False, "123": False, "hello": False, "We need a test drive": False,
    "Ann Tester": False, "I would like to test your product": False, "Hello, my name is": False,
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), TEXTS.items(), ids=TEXTS)
def test_a_placeholder_is_a_text_of_nothing_else(text: str, expected: bool) -> None:
    """One such word among what means something is no placeholder."""
    assert is_placeholder(text) is expected


CLASSES = {
    "ann@gmail.com": "free", "ann@acme.com": "company", "ann@mailinator.com": "disposable",
    "sales@acme.com": "role", "noreply@acme.com": "role", "ann@example.com": "invalid", "ann": "invalid",
    "": "invalid",
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CLASSES.items(), ids=lambda text: text or "nothing")
def test_an_address_is_of_one_class(text: str, expected: str) -> None:
    """Free, a company's, disposable, a team's, or none."""
    assert email_class(normalise_email(text)) == expected


OWN = """
blocked = ["020 7946 0999", "Spam@Acme.com", "@spam.test"]
switched_off = ["disposable_email"]

[[rule]]
name = "a long call"
status = "SQL"
kind = "call"
answered = true
duration_s = { at_least = 120, below = 3600 }

[[rule]]
name = "asks for work"
status = "junk"
words = ["vacanc*", "my CV"]

[[rule]]
name = "reads a lot"
status = "MQL"
kind = ["form", "chat"]
email = "company"
pages = { at_least = 5 }

[[rule]]
name = "paid abroad"
status = "disqualified"
channel = "Paid*"
country = ["US", "CA"]

[[rule]]
name = "scored"
status = "qualified"
score = { at_least = 50 }

[[rule]]
name = "a partner's"
status = "qualified"
source = "partner*"
provider = "desk"
"""
BY_OWN = {
    "an answered call of two minutes": ({**CALL, "answered": True, "duration_s": 120}, {}, "a long call"),
    "an hour is too long": ({**CALL, "answered": True, "duration_s": 3600}, {}, None),
    "one that was missed": ({**CALL, "answered": False, "duration_s": 120}, {}, None),
    "one of unknown length": ({**CALL, "answered": True}, {}, None),
    "a word that begins so": ({**FORM, "fields": {"q": "Any VACANCIES?"}}, {}, "asks for work"),
    "a phrase in a transcript": ({**CALL, "transcript": "I sent my  CV"}, {}, "asks for work"),
    "not a part of a word": ({**FORM, "fields": {"q": "gummy cvs"}}, {}, None),
    "all conditions together": ({**FORM, "email": "ann@acme.com"}, {"pages": 5}, "reads a lot"),
    "one is not met": ({**FORM, "email": "ann@gmail.com"}, {"pages": 5}, None),
    "channel and country": (FORM, {"channel": "Paid Search", "country": "US"}, "paid abroad"),
    "a country by the number": ({**FORM, "phone": "+14155550132"}, {"channel": "Paid Social"}, "paid abroad"),
    "a country that the form gives": (
        {**FORM, "fields": {"Country": "ca"}}, {"channel": "Paid Other"}, "paid abroad",
    ),
    "a country that is not known": (FORM, {"channel": "Paid Search"}, None),
    "a score": ({**FORM, "fields": {"lead_score": "50"}}, {}, "scored"),
    "a score that is none": ({**FORM, "fields": {"score": "high"}}, {}, None),
    "a source": (FORM, {"source": "Partner A"}, "a partner's"),
    "a source of another provider": (CALL, {"source": "partner"}, None),
    "a blocked number, as it is written here": ({**CALL, "phone": "+442079460999"}, {}, "blocked"),
    "a blocked address": ({**FORM, "email": "spam@acme.com"}, {}, "blocked"),
    "a blocked domain": ({**FORM, "email": "x@spam.test"}, {}, "blocked"),
    "a default that is switched off": ({**FORM, "email": "a@mailinator.com"}, {}, None),
    "a default that is not": ({**CALL, "duration_s": 1, "transcript": "vacancy"}, {}, "short_call"),
}  # fmt: skip


@pytest.mark.parametrize(("fact", "seen", "rule"), BY_OWN.values(), ids=BY_OWN)
def test_by_a_sites_own_rules(fact: dict[str, Any], seen: dict[str, Any], rule: str | None) -> None:
    """The first that applies wins; what is not known meets no condition."""
    assert rule_of(fact, OWN, **seen) == rule


REFUSED = {
    "an unknown part": ("[[rules]]\nname = 'x'", "rules"),
    "an unknown default": ("switched_off = ['x']", "switched_off"),
    "a rule without a name": ("[[rule]]\nstatus = 'new'", "rule[0].name"),
    "a rule without a status": ("[[rule]]\nname = 'x'", "rule[0].status"),
    "a status that is none": ("[[rule]]\nname = 'x'\nstatus = 'hot'", "rule[0].status"),
    "an unknown condition": ("[[rule]]\nname = 'x'\nstatus = 'new'\nage = 3", "rule[0].age"),
    "a number without bounds": ("[[rule]]\nname = 'x'\nstatus = 'new'\npages = 3", "rule[0].pages"),
    "a bound that is no number": (
        "[[rule]]\nname = 'x'\nstatus = 'new'\npages = { below = 'x' }", "rule[0].pages",
    ),
    "a truth that is a text": ("[[rule]]\nname = 'x'\nstatus = 'new'\nanswered = 'yes'", "rule[0].answered"),
    "a class of addresses that is none": (
        "[[rule]]\nname = 'x'\nstatus = 'new'\nemail = 'nice'", "rule[0].email",
    ),
    "no words": ("[[rule]]\nname = 'x'\nstatus = 'new'\nwords = []", "rule[0].words"),
    "rules that are no tables": ("rule = ['x']", "rule[0]"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "place"), REFUSED.values(), ids=REFUSED)
def test_rules_are_refused_with_their_place(text: str, place: str) -> None:
    """Whoever writes rules is told which part is wrong."""
    with pytest.raises(BadRequest) as caught:
        check_quality(tomllib.loads(text))
    assert caught.value.place == place


WORDS = {
    "MQL": ("qualified", False),
    "sql": ("sales_qualified", False),
    "Sales Qualified": ("sales_qualified", False),
    "good_lead": ("qualified", False),
    "not_a_lead": ("disqualified", False),
    "Junk Lead": ("disqualified", True),
    "marketingqualifiedlead": ("qualified", False),
    "UNQUALIFIED": ("disqualified", False),
    "spam": ("disqualified", True),
    "Open - Not Contacted": ("new", False),
    "Customer": ("customer", False),
    "warm": None,
    "": None,
}


@pytest.mark.parametrize(("text", "expected"), WORDS.items(), ids=lambda text: str(text) or "nothing")
def test_a_status_is_read_as_people_write_it(text: str, expected: tuple[str, bool] | None) -> None:
    """Our words, MQL and SQL, and providers'; a word that nobody knows says nothing."""
    assert read_status(text) == expected


def test_every_status_reads_as_itself() -> None:
    """The table knows all five and no other."""
    assert {read_status(each) for each in STATUSES} == {(each, False) for each in STATUSES}
    assert {row["status"] for row in read_table("lead_statuses")} == set(STATUSES)
    assert len({rule.name for rule in DEFAULTS}) == len(DEFAULTS)


def version(at_ms: int, status: str | None) -> Version:
    """Write one version of a lead."""
    content = {"kind": "form"} if status is None else {"kind": "form", "status": status}
    return Version(at_ms, f"{at_ms}".encode(), content)


def said(at_ms: int, status: Any, by: str = "Sue") -> Word:
    """Write what somebody said."""
    return Word(at_ms, True, f"fact {at_ms}", status, status == "junk", by)


NEW, SHORT = Ruling("new"), Ruling("disqualified", True, "short_call", "too short")
HISTORIES = {
    "nobody said anything": (NEW, [], [], "0 new rule"),
    "a rule": (SHORT, [], [], "0 disqualified rule"),
    "a word beats the rule": (SHORT, [], [said(5, "qualified")], "0 disqualified rule, 5 qualified Sue"),
    "the newest word counts": (
        NEW, [], [said(9, "customer"), said(5, "qualified")],
        "0 new rule, 5 qualified Sue, 9 customer Sue",
    ),
    "a provider's word": (NEW, [version(5, "good_lead")], [], "0 new rule, 5 qualified desk"),
    "a provider that repeats itself": (
        NEW, [version(5, "good_lead"), version(7, None), version(9, "good_lead")], [said(6, "disqualified")],
        "0 new rule, 5 qualified desk, 6 disqualified Sue",
    ),
    "a provider that changes its mind": (
        NEW, [version(5, "good_lead"), version(9, "not_a_lead")], [],
        "0 new rule, 5 qualified desk, 9 disqualified desk",
    ),
    "a provider's new leaves it to the rules": (SHORT, [version(5, "new")], [], "0 disqualified rule"),
    "a provider that takes its word back": (
        SHORT, [version(5, "good_lead"), version(9, "new")], [],
        "0 disqualified rule, 5 qualified desk, 9 disqualified rule",
    ),
    "a provider's new leaves a person's word alone": (
        NEW, [version(9, "new")], [said(5, "qualified")], "0 new rule, 5 qualified Sue",
    ),
    "a provider that takes its word back leaves what a person said": (
        NEW, [version(6, "not_a_lead"), version(9, "new")], [said(5, "qualified")],
        "0 new rule, 5 qualified Sue, 6 disqualified desk, 9 qualified Sue",
    ),
    "a person's new counts": (SHORT, [], [said(5, "new")], "0 disqualified rule, 5 new Sue"),
    "a word that nobody knows": (NEW, [version(5, "warm")], [], "0 new rule"),
    "of two at one time the person's counts": (
        NEW, [version(5, "not_a_lead")], [said(5, "qualified")],
        "0 new rule, 5 disqualified desk, 5 qualified Sue",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("ruling", "versions", "words", "expected"), HISTORIES.values(), ids=HISTORIES)
def test_the_history_of_a_status(
    ruling: Ruling, versions: list[Version], words: list[Word], expected: str
) -> None:
    """The rules first, then each word that changed it, the newest last."""
    told = [*told_words(versions, by="desk", fact="lead"), *words]
    steps = history(ruling, told, at_ms=0)
    assert ", ".join(f"{step.at_ms} {step.status} {step.by}" for step in steps) == expected


@given(
    st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["MQL", "junk", "new", None])), max_size=6),
    st.lists(
        st.tuples(st.integers(0, 5), st.sampled_from(STATUSES)), max_size=4, unique_by=lambda each: each[0]
    ),
    st.randoms(),
)
def test_a_history_does_not_depend_on_order(
    versions: list[tuple[int, str | None]], words: list[tuple[int, Any]], random: Any
) -> None:
    """Whatever is told first, the steps are the same."""
    told = [Version(at_ms, bytes([i]), {"status": text}) for i, (at_ms, text) in enumerate(versions)]
    spoken = [said(*each) for each in words]
    once = history(SHORT, [*told_words(told, by="desk", fact="lead"), *spoken], at_ms=0)
    random.shuffle(told)
    random.shuffle(spoken)
    assert history(SHORT, [*spoken, *told_words(told, by="desk", fact="lead")], at_ms=0) == once
