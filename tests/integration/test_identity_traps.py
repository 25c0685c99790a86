"""Identity's known traps, one test each: what must not join two persons, or must not bring one back."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.laws import orders
from tests.reading import Reading, people, persons
from tests.tables import holds
from tests.telling import (
    KEY,
    TEN_MS,
    Fact,
    Workspace,
    at,
    call,
    contact,
    erase,
    hit,
    identify,
    lead,
    lease,
    link,
    same,
    split,
)
from tracker import config, embedded, hitlog, wire
from tracker.core.times import DAY_MS
from tracker.store.sites import StaticNumber
from worker import drain, rebuild

DAY = 24 * 60
ANN, BOB, CAT = "ann@acme.com", "bob@beta.io", "cat@home.net"
LINE, POOLED, STATIC = "+447700900001", "+442071830001", "+442079460000"


@pytest.fixture
def workspace(settings: config.Settings, client: redis.Redis) -> Workspace:
    """Give an empty workspace of two sites."""
    return Workspace(settings, client)


def refusals(workspace: Workspace) -> set[str]:
    """Read why evidence was refused."""
    return Reading(workspace).refusals()


PLACEHOLDERS = (
    "null", "undefined", "anonymous", "guest", "0", "0000", "-1", "true", "false", "NaN", "[object Object]",
    "none", "None", " null ", "UNDEFINED",
)  # fmt: skip


@pytest.mark.parametrize("word", PLACEHOLDERS)
def test_a_placeholder_for_a_user_id_names_nobody(workspace: Workspace, word: str) -> None:
    """What a page writes when it knows no user joins no two browsers, and is no person."""
    workspace.tell(identify(0, user_id=word), identify(1, visitor_id="v2", user_id=word), hit("h1"))
    assert persons(workspace) == people("visitor:v1", "visitor:v2")


@pytest.mark.parametrize("nothing", [None, "", "   "], ids=["null", "empty", "blank"])
def test_an_identify_without_a_name_is_refused(workspace: Workspace, nothing: object) -> None:
    """Identify(null) is no fact: it is kept among the rejects and joins nobody."""
    totals = workspace.tell(hit("h1"), identify(1, user_id=nothing), identify(1, email=nothing))
    assert (totals.added, totals.rejected) == (1, 2)
    assert persons(workspace) == people("visitor:v1")


@pytest.mark.parametrize(
    "address",
    ["test@acme.com", "noreply@acme.com", "info@acme.com", "ann@example.org", "ann@mailinator.com",
     "undefined", "null@null", "ann@acme"],
)  # fmt: skip
def test_an_address_that_is_nobodys_joins_nobody(workspace: Workspace, address: str) -> None:
    """Tests, robots, role mailboxes, examples, disposable and broken addresses are kept and link nothing."""
    workspace.tell(
        lead("L1", 1, visitor_id="v1", email=address), lead("L2", 2, visitor_id="v2", email=address),
        lead("L3", 3, email=address),
    )  # fmt: skip
    assert persons(workspace) == people("visitor:v1", "visitor:v2")
    assert [row["email"] for row in workspace.export("leads")] == [address] * 3
    assert [row["person_id"] is None for row in workspace.export("leads")] == [False, False, True]


@pytest.mark.parametrize(
    "number", ["anonymous", "withheld", "Private", "0000", "12", "+44 909 879 0001", "266696687"]
)
def test_a_number_that_is_nobodys_joins_nobody(workspace: Workspace, number: str) -> None:
    """Withheld, premium and impossible numbers are kept and link nothing."""
    workspace.tell(
        lead("L1", 1, visitor_id="v1", phone=number), lead("L2", 2, visitor_id="v2", phone=number),
        call("L3", 3, phone=number),
    )  # fmt: skip
    assert persons(workspace) == people("visitor:v1", "visitor:v2")
    assert [row["match_rule"] for row in workspace.export("leads")] == ["M1", "M1", "unmatched"]


def test_our_own_numbers_are_no_callers(client: redis.Redis, tmp_path: Path) -> None:
    """A tracking number given as a caller's is a forwarded call's: it links nobody, in any order."""
    facts = [
        lead("L1", 1, visitor_id="v1", phone=POOLED), lead("L2", 2, email=ANN, phone=POOLED),
        lease(POOLED, 0, 60, visitor_id="v9"), call("L3", 3, phone=POOLED, tracking_number=POOLED),
    ]  # fmt: skip
    for number, order in enumerate(orders(facts, 12)):
        own = Workspace(config.load({}, data=tmp_path / str(number)), client)
        for fact in order:
            own.tell(fact)
            assert own.verify() == [], order
        assert persons(own) == people("visitor:v1", f"email:{ANN}", "visitor:v9"), order


def test_a_number_that_becomes_ours_is_nobodys_any_more(workspace: Workspace) -> None:
    """Once a number stands for a leaflet it links nobody, and what it linked is taken back."""
    workspace.tell(lead("L1", 1, visitor_id="v1", phone=STATIC), lead("L2", 2, email=ANN, phone=STATIC))
    assert persons(workspace) == people(f"visitor:v1 email:{ANN} phone:{STATIC}")
    workspace.static_number(StaticNumber(STATIC, "leaflet", "print"))
    assert persons(workspace) == people("visitor:v1", f"email:{ANN}")


def test_an_address_typed_by_somebody_else_is_undone_by_one_split(
    workspace: Workspace, tmp_path: Path
) -> None:
    """Whoever types Ann's address becomes Ann until an operator says otherwise; then it is as never typed."""
    ann = (hit("h1"), lead("L1", 5, visitor_id="v1", email=ANN), lead("L3", 90, email=ANN))
    typed = (hit("h2", 60, visitor_id="v2"), lead("L2", 70, visitor_id="v2", email=ANN))
    workspace.tell(*ann, *typed)
    assert persons(workspace) == people(f"visitor:v1 visitor:v2 email:{ANN}")
    before = workspace.everything()
    workspace.tell(split("visitor:v2", f"email:{ANN}", 100))
    assert persons(workspace) == people(f"visitor:v1 email:{ANN}", "visitor:v2")
    holds(Reading(workspace).leads(), """
        provider_id  visitor_id  match_rule  person      journey
        L1           v1          M1          visitor:v1  h1
        L2           v2          M1          visitor:v2  h2
        L3           v1          M5          visitor:v1  h1
    """)  # fmt: skip
    workspace.tell(split("visitor:v2", f"email:{ANN}", 110, undo=True))
    assert persons(workspace) == people(f"visitor:v1 visitor:v2 email:{ANN}")
    after = workspace.everything()
    after["decisions"] = [row for row in after["decisions"] if row["rule"] != "split"]
    assert after == before


LINKS: dict[str, tuple[dict[str, Any], bool]] = {
    "at once, on the browser it was made on": ({"minute": 60.1}, True),
    "at the last moment": ({"minute": 62}, True),
    "a moment too late": ({"minute": 62 + 1 / 60_000}, False),
    "copied to another browser": ({"minute": 60.1, "browser": "b2"}, False),
    "where nobody knows the browser": ({"minute": 60.1, "browser": None}, False),
}


@pytest.mark.parametrize(("arrival", "joins"), LINKS.values(), ids=LINKS)
def test_a_link_to_another_domain_joins(workspace: Workspace, arrival: dict[str, Any], joins: bool) -> None:
    """A link joins two cookies within 120 seconds on one browser; whoever it is copied to is no one's."""
    reached = {"browser": "b1", **arrival}
    workspace.tell(
        hit("h1", 59, browser="b1"),
        hit("h2", reached.pop("minute"), visitor_id="v2", site="blog", link=link("n1", 60), **reached),
    )  # fmt: skip
    assert persons(workspace) == people(
        *(["visitor:v1 visitor:v2"] if joins else ["visitor:v1", "visitor:v2"])
    )


def test_a_link_is_for_the_first_who_follows_it(client: redis.Redis, tmp_path: Path) -> None:
    """Used twice, a link joins the earlier arrival alone, whichever is told first."""
    facts = [
        hit("h1", 0, browser="b1"),
        hit("h2", 0.5, visitor_id="v2", site="blog", browser="b1", link=link("n1", 0.2)),
        hit("h3", 0.9, visitor_id="v3", site="blog", browser="b1", link=link("n1", 0.2)),
    ]
    for number, order in enumerate(orders(facts, 24)):
        own = Workspace(config.load({}, data=tmp_path / str(number)), client)
        for fact in order:
            own.tell(fact)
        assert persons(own) == people("visitor:v1 visitor:v2", "visitor:v3")


def test_a_link_joins_no_two_addresses(workspace: Workspace) -> None:
    """Two known persons who pass through one browser's link stay two."""
    workspace.tell(
        identify(0, email=ANN), identify(0, visitor_id="v2", email=BOB),
        hit("h2", 0.5, visitor_id="v2", site="blog", browser="b1", link=link("n1", 0.2)),
    )  # fmt: skip
    assert persons(workspace) == people(f"visitor:v1 email:{ANN}", f"visitor:v2 email:{BOB}")
    assert "R5 device_between_emails" in refusals(workspace)


def mail(event_id: str, minute: float, visitor_id: str, **fields: Any) -> Fact:
    """Write the arrival of a visitor by a link in the mailing m1 to Ann."""
    sent = {"email": ANN, "send_id": "m1", **fields}
    return hit(event_id, minute, visitor_id=visitor_id, browser=f"browser of {visitor_id}", mail=sent)


def test_a_forwarded_mail_joins_the_first_browser_alone(client: redis.Redis, tmp_path: Path) -> None:
    """Ann opens her mail, then forwards it: a colleague's browser is not hers, in any order."""
    facts = [
        mail("h1", 0, "v1"),
        mail("h2", 60, "v2"),
        mail("h3", 120, "v1"),
        mail("h4", 90, "v2", send_id="m2"),
    ]
    for number, order in enumerate(orders(facts[:3], 24)):
        own = Workspace(config.load({}, data=tmp_path / str(number)), client)
        for fact in order:
            own.tell(fact)
        assert persons(own) == people(f"visitor:v1 email:{ANN}", "visitor:v2")


def test_a_mail_opened_on_somebodys_browser_joins_nobody(workspace: Workspace) -> None:
    """A device that is known to be Bob's does not become Ann's by her mail, before or after he identified."""
    workspace.tell(
        mail("h1", 0, "v2"), identify(5, visitor_id="v2", email=BOB), mail("h2", 9, "v2", send_id="m2"),
    )  # fmt: skip
    assert persons(workspace) == people(f"visitor:v2 email:{BOB}", f"email:{ANN}")


def test_a_cookie_that_a_script_brings_back_stays_a_browser_of_its_own(workspace: Workspace) -> None:
    """Ids that take turns on one machine are told apart until the same address is given with both."""
    facts = [
        hit("h1", 0, visitor_id="old"), identify(1, visitor_id="old", email=ANN),
        hit("h2", 10 * DAY, visitor_id="new"), hit("h3", 11 * DAY, visitor_id="old"),
        hit("h4", 12 * DAY, visitor_id="new"), identify(13 * DAY, visitor_id="new", email=BOB),
        hit("h5", 14 * DAY, visitor_id="old"),
    ]  # fmt: skip
    workspace.tell(*facts)
    assert persons(workspace) == people(f"visitor:old email:{ANN}", f"visitor:new email:{BOB}")
    holds(Reading(workspace).sessions(), """
        opened  person
        h1      visitor:old
        h2      visitor:new
        h3      visitor:old
        h4      visitor:new
        h5      visitor:old
    """)  # fmt: skip


@pytest.mark.slow
def test_one_address_for_500_contacts_makes_no_giant(workspace: Workspace) -> None:
    """An import that gives everybody one address gives it to one contact, and joins no two."""
    workspace.tell(*(contact(f"{number:03}", number, emails=["boss@acme.com"]) for number in range(500)))
    found = persons(workspace)
    assert len(found) == 500
    assert {sum(each.startswith("crm:") for each in person) for person in found} == {1}
    assert [person for person in found if "email:boss@acme.com" in person] in (
        [], [frozenset({"email:boss@acme.com", "crm:hub:000"})],
    )  # fmt: skip


def test_a_call_centres_number_joins_nobody(workspace: Workspace) -> None:
    """Given with three addresses a number is nobody's; what it joined before is taken back."""
    first = (
        hit("h1"), lead("L1", 1, visitor_id="v1", email=ANN), lead("L2", 2, visitor_id="v1", phone=LINE),
        call("L3", 3, phone=LINE),
    )  # fmt: skip
    workspace.tell(*first)
    assert persons(workspace) == people(f"visitor:v1 email:{ANN} phone:{LINE}")
    assert Reading(workspace).leads()[2]["match_rule"] == "M5"
    givers = (ANN, BOB, CAT)
    workspace.tell(*(lead(f"M{n}", 10 + n, email=email, phone=LINE) for n, email in enumerate(givers)))
    assert persons(workspace) == people(f"visitor:v1 email:{ANN}", f"email:{BOB}", f"email:{CAT}")
    holds(Reading(workspace).leads()[:3], """
        provider_id  visitor_id  match_rule  person      journey
        L1           v1          M1          visitor:v1  h1
        L2           v1          M1          visitor:v1  h1
        L3           -           unmatched   -           []
    """)  # fmt: skip


def test_three_addresses_over_a_longer_time_share_no_line(workspace: Workspace) -> None:
    """Degrees are counted within 90 days: a line that was passed on is not shared, it belongs to the last."""
    workspace.tell(
        lead("L1", 0, email=ANN, phone=LINE), lead("L2", 200 * DAY, email=BOB, phone=LINE),
        lead("L3", 400 * DAY, email=CAT, phone=LINE),
    )  # fmt: skip
    assert persons(workspace) == people(f"email:{ANN}", f"email:{BOB}", f"email:{CAT} phone:{LINE}")


@pytest.mark.slow
def test_an_office_phone_joins_none_of_fifty_visitors(workspace: Workspace) -> None:
    """From six visitors in 90 days on a line links nobody; a caller from there is nobody that is known."""
    workspace.tell(*(lead(f"L{n}", n, visitor_id=f"v{n}", phone=LINE) for n in range(5)))
    assert persons(workspace) == people(" ".join([f"phone:{LINE}", *(f"visitor:v{n}" for n in range(5))]))
    workspace.tell(*(lead(f"L{n}", n, visitor_id=f"v{n}", phone=LINE) for n in range(5, 50)))
    workspace.tell(hit("h1", -1), call("call", 60, phone=LINE))
    assert persons(workspace) == people(*(f"visitor:v{n}" for n in range(50)))
    (called,) = [row for row in workspace.export("leads") if row["kind"] == "call"]
    assert (called["match_rule"], called["person_id"]) == ("unmatched", None)


def test_a_lowered_limit_applies_to_old_evidence(workspace: Workspace) -> None:
    """Lowered, a limit changes nothing at once: verify shows what it would, rebuild does it."""
    workspace.tell(*(lead(f"L{n}", n, visitor_id=f"v{n}", phone=LINE) for n in range(4)))
    joined = people(" ".join([f"phone:{LINE}", *(f"visitor:v{n}" for n in range(4))]))
    assert persons(workspace) == joined
    workspace.settings = replace(workspace.settings, phone_shared_visitors=4)
    assert workspace.verify() != []
    assert Reading(workspace).partition() == joined
    rebuild.rebuild(workspace.settings, key=KEY, tell=lambda each: None)
    assert persons(workspace) == people(*(f"visitor:v{n}" for n in range(4)))
    workspace.settings = replace(workspace.settings, phone_shared_visitors=5)
    rebuild.rebuild(workspace.settings, key=KEY, tell=lambda each: None)
    assert persons(workspace) == joined


def test_an_address_of_more_than_twenty_visitors_is_shared(workspace: Workspace) -> None:
    """Twenty browsers may be one busy person's; at the twenty-first the address links none of them."""
    workspace.tell(*(identify(n, visitor_id=f"v{n}", email=ANN) for n in range(20)))
    assert persons(workspace) == people(" ".join([f"email:{ANN}", *(f"visitor:v{n}" for n in range(20))]))
    workspace.tell(identify(20, visitor_id="v20", email=ANN))
    assert persons(workspace) == people(*(f"visitor:v{n}" for n in range(21)))


def test_a_kiosk_belongs_to_one_person_after_the_other(workspace: Workspace) -> None:
    """Twelve people identify on one device: twelve persons, each with the sessions of their own turn."""
    for n in range(12):
        workspace.tell(hit(f"h{n:02}", n * 60), identify(n * 60 + 5, email=f"guest{n:02}@acme.com"))
    assert persons(workspace) == people(*(f"email:guest{n:02}@acme.com" for n in range(12)))
    owners = Reading(workspace).owners()
    assert [(row["from_at"], row["to_at"]) for row in owners] == [
        (None if n == 0 else at(n * 60), None if n == 11 else at(n * 60 + 60)) for n in range(12)
    ]
    sessions = Reading(workspace).sessions()
    assert [row["person_id"] for row in sessions] == [row["person_id"] for row in owners]


def test_what_was_erased_does_not_come_back(workspace: Workspace) -> None:
    """After an erasure the same facts delivered again bring nobody back; a newer one starts anew."""
    facts = (
        hit("h1"), lead("L1", 5, visitor_id="v1", email=ANN, phone=LINE, name="Ann Lee"),
        contact("c1", 6, emails=[ANN]), lead("L2", 7, email=ANN),
    )  # fmt: skip
    workspace.tell(*facts, lead("L3", 8, visitor_id="v2", email=BOB))
    workspace.tell(erase(100, email=ANN))
    bob = people(f"visitor:v2 email:{BOB}")
    assert persons(workspace) == bob
    for fact in facts:
        workspace.tell(fact)
        assert persons(workspace) == bob
    workspace.tell(identify(200, visitor_id="v3", email=ANN))
    assert persons(workspace) == {*bob, *people(f"visitor:v3 email:{ANN}")}


def test_an_erasure_may_come_before_what_it_erases(client: redis.Redis, tmp_path: Path) -> None:
    """Whatever comes first, the address, its browser, their hits and leads are gone in the end."""
    facts = [
        hit("h1"), lead("L1", 5, visitor_id="v1", email=ANN), erase(100, email=ANN),
        lead("L2", 9, visitor_id="v2", email=BOB),
    ]  # fmt: skip
    for number, order in enumerate(orders(facts, 24)):
        own = Workspace(config.load({}, data=tmp_path / str(number)), client)
        for fact in order:
            own.tell(fact)
        assert persons(own) == people(f"visitor:v2 email:{BOB}"), order
        assert own.export("sessions") == []


def test_redelivery_after_a_split_joins_nobody(workspace: Workspace) -> None:
    """An operator's no outlives whatever says yes again, and yields to a later undo alone."""
    lines = (identify(0, email=ANN), identify(5, visitor_id="v2", email=ANN))
    workspace.tell(*lines, split("visitor:v2", f"email:{ANN}", 10))
    apart = people(f"visitor:v1 email:{ANN}", "visitor:v2")
    assert persons(workspace) == apart
    workspace.tell(*lines)
    workspace.tell(identify(20, visitor_id="v2", email=ANN), same("visitor:v2", f"email:{ANN}", 30))
    assert persons(workspace) == apart
    workspace.tell(split("visitor:v2", f"email:{ANN}", 40, undo=True))
    assert persons(workspace) == people(f"visitor:v1 visitor:v2 email:{ANN}")


SPELLINGS = {
    "an e-mail address in another case": ({"email": "ANN@ACME.COM"}, {"email": "ann@acme.com"}),
    "an address with a name around it": ({"email": "Ann Lee <ann@acme.com>"}, {"email": "ann@acme.com"}),
    "an address in quotes": ({"email": '"ann@acme.com"'}, {"email": "ann@acme.com"}),
    "an address in a printer's quotes": ({"email": "\u201cann@acme.com\u201d"}, {"email": "ann@acme.com"}),
    "dots and a tag at Google": ({"email": "a.n.n+shop@gmail.com"}, {"email": "ann@googlemail.com"}),
    "a domain in its own script": ({"email": "ann@münchen-bau.de"}, {"email": "ann@xn--mnchen-bau-9db.de"}),
    "a national number": ({"phone": "07700 900001"}, {"phone": "+44 7700 900001"}),
    "a number dialled abroad": ({"phone": "0044 7700 900001"}, {"phone": "+447700900001"}),
    "a number with brackets": ({"phone": "(07700) 900-001"}, {"phone": "447700900001"}),
    "a number with an extension": ({"phone": "+442079460001 ext. 12"}, {"phone": "020 7946 0001"}),
}


@pytest.mark.parametrize(("one", "other"), SPELLINGS.values(), ids=SPELLINGS)
def test_spelled_differently_it_is_the_same(
    workspace: Workspace, one: dict[str, str], other: dict[str, str]
) -> None:
    """One person whichever way an address or a number is written."""
    workspace.tell(lead("L1", 1, visitor_id="v1", **one), lead("L2", 2, visitor_id="v2", **other))
    (person,) = persons(workspace)
    assert len(person) == 3


def test_an_operators_number_is_read_as_at_the_words_site(workspace: Workspace) -> None:
    """A national number in a split or a same is that of the site's country, and its undo may spell it out."""
    workspace.tell(lead("L1", 1, email=ANN), lead("L2", 2, phone=LINE))
    workspace.tell(same(f"email:{ANN}", "phone: 07700 900001", 3))
    assert persons(workspace) == people(f"email:{ANN} phone:{LINE}")
    workspace.tell(split("phone:07700 900001", f"email:{ANN}", 4))
    assert persons(workspace) == people(f"email:{ANN}", f"phone:{LINE}")
    workspace.tell(split(f"email:{ANN}", f"phone:{LINE}", 5, undo=True))
    assert persons(workspace) == people(f"email:{ANN} phone:{LINE}")


def test_a_dot_elsewhere_is_another_address(workspace: Workspace) -> None:
    """Dots and tags mean nothing at Google alone."""
    workspace.tell(
        lead("L1", 1, visitor_id="v1", email="a.nn@acme.com"), lead("L2", 2, visitor_id="v2", email=ANN),
        lead("L3", 3, visitor_id="v3", email="ann+x@acme.com"),
    )  # fmt: skip
    assert len(persons(workspace)) == 3


def test_values_of_different_kinds_that_look_alike_are_strangers(workspace: Workspace) -> None:
    """A cookie, a user id, a chat and a contact spelled like an address or a number are not those."""
    workspace.tell(
        identify(0, visitor_id="v1", email=ANN), hit("h1", 1, visitor_id=ANN),
        identify(2, visitor_id="v2", user_id=ANN), identify(3, visitor_id="v3", chat_id=f"desk:{ANN}"),
        identify(4, visitor_id="v4", crm_id=f"hub:{ANN}"), lead("L1", 5, visitor_id="v5", phone=LINE),
        identify(6, visitor_id="v6", user_id=LINE), hit("h2", 7, visitor_id=LINE),
        identify(8, visitor_id="v7", chat_id=f"desk:{LINE}"), identify(9, visitor_id="v8", user_id="v1"),
    )  # fmt: skip
    visitors = [{each for each in person if each.startswith("visitor:")} for person in persons(workspace)]
    assert sorted(len(each) for each in visitors) == [1] * 10


def test_two_workers_on_one_component_make_one_person(
    settings: config.Settings, client: redis.Redis, redis_url: str
) -> None:
    """Facts about one person drained by two workers at once end as if one had drained them."""
    workspace = Workspace(settings, client)
    facts = [identify(n, visitor_id=f"v{n}", email=ANN) for n in range(15)]
    facts += [lead(f"L{n}", 20 + n, email=ANN, phone=f"+4477009000{n:02}") for n in range(10)]
    hitlog.append(
        client, [wire.encode(wire.FactsEntry(TEN_MS + DAY_MS, "test", [dict(each)])) for each in facts]
    )

    def work() -> None:
        with embedded.connect(redis_url, blocking=False) as own:
            drain.run(settings, own, key=KEY)

    workers = [threading.Thread(target=work) for _ in range(2)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    (person,) = persons(workspace)
    assert len(person) == 1 + 15 + 10
