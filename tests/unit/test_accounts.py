"""Accounts: domains are read one way, parts are joined by CRMs, and two accounts of one CRM stay two."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.core.accounts import (
    Joint,
    Part,
    Reason,
    Step,
    Tie,
    company_domain,
    domain_of,
    resolve_accounts,
    strongest,
    words_of,
    words_of_deal,
)
from tracker.core.groups import Identifier

ACME, BETA, CORP = DOMAINS = [Part("domain", name) for name in ("acme.com", "beta.io", "corp.io")]
HUB1, HUB2, DESK1 = ACCOUNTS = [Part("account", name) for name in ("hub:1", "hub:2", "desk:1")]

READ: dict[str, tuple[str, str | None]] = {
    "a domain is a company's": ("acme.com", "acme.com"),
    "a sub-domain counts for its domain": ("mail.acme.co.uk", "acme.co.uk"),
    "an address of the web is read too": ("https://www.acme.com/about?x=1", "acme.com"),
    "so is one without a scheme": ("//www.acme.com", "acme.com"),
    "a path and a port are no part of it": ("acme.com:8080/uk", "acme.com"),
    "case and space do not matter": ("  WWW.Acme.COM ", "acme.com"),
    "a dot at the end does not matter": ("acme.com.", "acme.com"),
    "letters of other scripts have one spelling": ("www.münchen.de", "xn--mnchen-3ya.de"),
    "an e-mail address has a domain": ("ann@mail.acme.com", "acme.com"),
    "a tenant of a platform is a company of its own": ("acme.myshopify.com", "acme.myshopify.com"),
    "a free mail service is no company": ("gmail.com", None),
    "nor is a sub-domain of one": ("mail.yahoo.com", None),
    "a throw-away mail service is no company": ("mailinator.com", None),
    "a public suffix is no company": ("co.uk", None),
    "an IP address is no company": ("10.0.0.1", None),
    "one's own machine is no company": ("localhost", None),
    "a name is no domain": ("Acme Ltd", None),
    "nothing is no domain": ("", None),
    "nonsense is no domain": ("http://[::1", None),
}


@pytest.mark.parametrize(("text", "domain"), READ.values(), ids=READ)
def test_a_company_is_known_by_its_registrable_domain(text: str, domain: str | None) -> None:
    """Whatever a CRM writes into the field, equal companies are spelled alike."""
    assert company_domain(text) == domain
    if domain is not None:
        assert domain_of(f"ann@{domain}") == Part("domain", domain)


def joint(account: Part, domain: Part, at_ms: int = 0, key: str = "k") -> Joint:
    """Write that a fact gave a CRM's account this domain."""
    return Joint(at_ms, key, account, domain)


RESOLVED: dict[str, tuple[list[Joint], list[set[Part]], list[Joint]]] = {
    "a CRM's account and its domain are one": ([joint(HUB1, ACME)], [{HUB1, ACME}], []),
    "one account may have two domains": ([joint(HUB1, ACME), joint(HUB1, BETA)], [{HUB1, ACME, BETA}], []),
    "accounts of two CRMs meet by their domain": (
        [joint(HUB1, ACME), joint(DESK1, ACME)], [{HUB1, DESK1, ACME}], [],
    ),
    "of two accounts of one CRM the first by time keeps the domain": (
        [joint(HUB1, ACME, 2), joint(HUB2, ACME, 1)], [{HUB1}, {HUB2, ACME}], [joint(HUB1, ACME, 2)],
    ),
    "of those of one time, the first by key": (
        [joint(HUB1, ACME, 1, "b"), joint(HUB2, ACME, 1, "a")], [{HUB1}, {HUB2, ACME}],
        [joint(HUB1, ACME, 1, "b")],
    ),
    "they do not meet by way of another CRM either": (
        [joint(HUB1, ACME, 1), joint(DESK1, ACME, 2), joint(DESK1, BETA, 3), joint(HUB2, BETA, 4)],
        [{HUB1, DESK1, ACME, BETA}, {HUB2}], [joint(HUB2, BETA, 4)],
    ),
    "whoever was refused one domain keeps the others": (
        [joint(HUB1, ACME, 1), joint(HUB2, ACME, 2), joint(HUB2, CORP, 3)], [{HUB1, ACME}, {HUB2, CORP}],
        [joint(HUB2, ACME, 2)],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("joints", "expected", "refused"), RESOLVED.values(), ids=RESOLVED)
def test_accounts_are_joined_by_what_crms_say(
    joints: list[Joint], expected: list[set[Part]], refused: list[Joint]
) -> None:
    """A CRM's account and its domain are one account, unless its CRM holds it to be two."""
    first_ms = {part: each.at_ms for each in joints for part in (each.account, each.domain)}
    accounts, rulings = resolve_accounts(first_ms, joints)
    assert sorted(map(sorted, expected)) == sorted(list(each.parts) for each in accounts)
    assert [each.joint for each in rulings if each.why] == refused


def test_an_account_is_named_by_its_oldest_part() -> None:
    """First by time, then by kind, then by value."""
    named = {
        tuple(times): resolve_accounts(dict(zip((HUB1, ACME), times, strict=True)), [joint(HUB1, ACME)])
        for times in ((1, 2), (2, 1), (1, 1))
    }
    assert [accounts[0].oldest for accounts, _ in named.values()] == [HUB1, ACME, HUB1]


joints = st.lists(
    st.builds(
        Joint, st.integers(0, 3), st.sampled_from("abc"), st.sampled_from(ACCOUNTS), st.sampled_from(DOMAINS)
    ),
    max_size=9,
)
first_times = st.fixed_dictionaries({part: st.integers(0, 2) for part in (*DOMAINS, *ACCOUNTS)})


@given(joints, first_times, st.data())
def test_the_order_of_what_crms_say_decides_nothing(
    told: list[Joint], first_ms: dict[Part, int], data: st.DataObject
) -> None:
    """In any order and told again, the same joints give the same accounts."""
    again = data.draw(st.permutations(told * 2))
    shuffled = dict(data.draw(st.permutations(list(first_ms.items()))))
    assert resolve_accounts(shuffled, again) == resolve_accounts(first_ms, told)


@given(joints, first_times)
def test_two_accounts_of_one_crm_are_never_one(told: list[Joint], first_ms: dict[Part, int]) -> None:
    """Every part is in one account, and an account holds at most one of each CRM."""
    accounts, _ = resolve_accounts(first_ms, told)
    assert sorted(part for each in accounts for part in each.parts) == sorted(first_ms)
    for each in accounts:
        systems = [part.value.partition(":")[0] for part in each.parts if part.kind == "account"]
        assert len(systems) == len(set(systems))


@given(joints.map(lambda told: [each for each in told if each.account != HUB2]), first_times)
def test_where_no_crm_has_two_accounts_they_are_the_connected_parts(
    told: list[Joint], first_ms: dict[Part, int]
) -> None:
    """Without the guard, an account is a connected component."""
    accounts, rulings = resolve_accounts(first_ms, told)
    wholes = {part: {part} for part in first_ms}
    for each in told * len(first_ms):  # until nothing grows any more
        wholes[each.account] |= wholes[each.domain]
        wholes[each.domain] |= wholes[each.account]
    assert {frozenset(each.parts) for each in accounts} == {frozenset(each) for each in wholes.values()}
    assert not any(each.why for each in rulings)


def test_without_the_guard_two_accounts_would_meet() -> None:
    """The case that the guard is for: each alone has the domain, and both together do not share it."""
    first_ms = {HUB1: 0, HUB2: 0, ACME: 0}
    for own in (HUB1, HUB2):
        assert [each.parts for each in resolve_accounts(first_ms, [joint(own, ACME)])[0]].count((own, ACME))
    accounts, _ = resolve_accounts(first_ms, [joint(HUB1, ACME), joint(HUB2, ACME, 1)])
    assert [each.parts for each in accounts] == [(HUB1, ACME), (HUB2,)]


def tie(reason: Reason, last_ms: int, id_: str) -> Tie:
    """Write why somebody belongs to an account."""
    return Tie(reason, 0, last_ms, id_)


SHOWN: dict[str, list[Tie]] = {
    "the CRM's own word before a deal": [tie("crm", 1, "b"), tie("deal", 2, "a")],
    "a deal before the address": [tie("deal", 1, "b"), tie("email_domain", 2, "a")],
    "the newest of equal reasons": [tie("crm", 2, "b"), tie("crm", 1, "a")],
    "the first by id of equal times": [tie("crm", 1, "a"), tie("crm", 1, "b")],
}


@pytest.mark.parametrize("ties", SHOWN.values(), ids=SHOWN)
def test_of_several_accounts_one_is_shown(ties: list[Tie]) -> None:
    """What a CRM says counts most, then what is newest."""
    assert strongest(ties) == strongest(ties[::-1]) == ties[0]


def contact(**fields: Any) -> dict[str, Any]:
    """Write a contact of the CRM hub."""
    return {"provider": "hub", "provider_id": "7", "at": "2026-03-01T10:00:00Z", **fields}


TOLD: dict[str, tuple[Any, Part | None, Part | None, str | None]] = {
    "all three": ({"name": " Acme ", "domain": "www.acme.com", "crm_id": "1"}, HUB1, ACME, "Acme"),
    "a number for an id": ({"crm_id": 1}, HUB1, None, None),
    "an id that names its system": ({"crm_id": "desk:1"}, DESK1, None, None),
    "a domain alone": ({"domain": "acme.com"}, None, ACME, None),
    "a text, which is a domain": ("acme.com", None, ACME, None),
    "an id beside a free mail service": ({"domain": "gmail.com", "crm_id": "1"}, HUB1, None, None),
}


@pytest.mark.parametrize(("account", "crm", "domain", "name"), TOLD.values(), ids=TOLD)
def test_a_contact_tells_of_its_account(
    account: Any, crm: Part | None, domain: Part | None, name: str | None
) -> None:
    """As CRMs write it; the contact is one of its people."""
    (word,) = words_of("contact", contact(account=account), key="k")
    assert (word.reason, word.at_ms) == ("crm", 1_772_359_200_000)
    assert (word.account, word.domain, word.name) == (crm, domain, name)
    assert word.people == (Identifier("crm", "hub:7"),)


NOTHING: dict[str, tuple[str, dict[str, Any]]] = {
    "a company's name is no evidence": ("contact", {"account": {"name": "Acme"}}),
    "a free mail service is no account": ("contact", {"account": {"domain": "gmail.com"}}),
    "an empty id is none": ("contact", {"account": {"crm_id": "undefined"}}),
    "no account says nothing": ("contact", {}),
    "a list is no account": ("contact", {"account": ["acme.com"]}),
    "a lead's company is text": ("lead", {"company": "acme.com", "account": {"domain": "acme.com"}}),
}


@pytest.mark.parametrize(("kind", "fields"), NOTHING.values(), ids=NOTHING)
def test_what_names_no_account_says_nothing(kind: str, fields: dict[str, Any]) -> None:
    """A name, a mail service, a placeholder: no account comes of them."""
    assert words_of(kind, contact(**fields), key="k") == ()


def step(minute: int, **fields: Any) -> Step:
    """Write a step of a deal."""
    return Step(f"s{minute}", {"provider": "hub", "at": f"2026-03-01T10:{minute:02}:00Z", **fields}, "GB")


def test_a_deal_carries_its_account_and_its_people_from_step_to_step() -> None:
    """A step says what is new; what it leaves out stays, and a name is only its own step's."""
    ann, bob = {"email": "Ann@Acme.com"}, {"crm_id": "7", "phone": "020 7946 0001"}
    told = words_of_deal([
        step(3, contacts=[ann, bob]), step(1, account={"crm_id": "1", "name": "Acme"}),
        step(0, contacts=[ann]), step(4, account={"crm_id": "2"}),
    ])  # fmt: skip
    people = (Identifier("email", "ann@acme.com"),)
    both = (*people, Identifier("crm", "hub:7"), Identifier("phone", "+442079460001"))
    assert [(each.key, each.account, each.name, each.people) for each in told] == [
        ("s1", HUB1, "Acme", people), ("s3", HUB1, None, both), ("s4", HUB2, None, both),
    ]  # fmt: skip
