"""Where identity's rules are exact: lines and their holders, contacts, consent, calls, trust, erasure."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import redis

from tests.laws import orders
from tests.reading import Reading, name_id, people, persons
from tests.tables import holds
from tests.telling import (
    KEY,
    Fact,
    Workspace,
    at,
    call,
    consent,
    contact,
    erase,
    hit,
    identify,
    lead,
    lease,
    link,
    split,
)
from tracker import config, hitlog
from tracker.core.ids import lead_id
from tracker.web.cookies import Signer

DAY = 24 * 60
ANN, BOB, GMAIL = "ann@acme.com", "bob@beta.io", "annlee@gmail.com"
LINE, POOLED, STATIC = "+447700900001", "+442071830001", "+442079460000"


@pytest.fixture
def workspace(settings: config.Settings, client: redis.Redis) -> Workspace:
    """Give an empty workspace of two sites."""
    return Workspace(settings, client)


# 1. Lines and their holders

GIVERS = {
    "the one who gave it": ((0,), (), f"email:{ANN} phone:{LINE}"),
    "the newest giver, once the other has been silent for more than 180 days": (
        (0,), (180 + 1 / DAY,), f"email:{BOB} phone:{LINE}",
    ),
    "neither, when the other gave it 180 days ago to the minute": ((0,), (180,), f"phone:{LINE}"),
    "neither, when both gave it within 180 days": ((0,), (100,), f"phone:{LINE}"),
    "neither, while each gives it again": ((0, 150), (100,), f"phone:{LINE}"),
    "the one who gives it still, not the one who came later and fell silent": (
        (0, 290), (100,), f"email:{ANN} phone:{LINE}",
    ),
    "the newest giver though the other gave it oftener": ((0, 10, 20), (201,), f"email:{BOB} phone:{LINE}"),
}  # fmt: skip


@pytest.mark.parametrize(("ann", "bob", "holder"), GIVERS.values(), ids=GIVERS)
def test_a_line_belongs_to(
    workspace: Workspace, ann: tuple[float, ...], bob: tuple[float, ...], holder: str
) -> None:
    """A phone is its fresh giver's, counted from each giver's newest sighting; of two fresh, no one's."""
    workspace.tell(
        *(lead(f"A{day}", day * DAY, email=ANN, phone=LINE) for day in ann),
        *(lead(f"B{day}", day * DAY, email=BOB, phone=LINE) for day in bob),
    )
    alone = [f"email:{each}" for each, days in ((ANN, ann), (BOB, bob)) if days and each not in holder]
    assert persons(workspace) == people(holder, *alone)


def test_a_call_from_a_line_of_two_is_between_them(workspace: Workspace) -> None:
    """Two fresh holders: the call names both browsers and is neither's."""
    workspace.tell(
        hit("h1"), hit("h2", visitor_id="v2"), lead("L1", 1, visitor_id="v1", email=ANN, phone=LINE),
        lead("L2", 2, visitor_id="v2", email=BOB, phone=LINE), call("L3", 60, phone=LINE),
    )  # fmt: skip
    assert persons(workspace) == people(f"visitor:v1 email:{ANN}", f"visitor:v2 email:{BOB}", f"phone:{LINE}")
    holds(Reading(workspace).leads()[2:], """
        provider_id  visitor_id  match_rule  match_confidence  among  person               journey
        L3           -           ambiguous   0.0               v1,v2  phone:+447700900001  []
    """)  # fmt: skip


def test_a_line_goes_to_the_address_that_gave_it_before_a_browser(workspace: Workspace) -> None:
    """Kept apart from the address, a browser that named the number earlier does not hold it."""
    workspace.tell(
        lead("L1", 0, visitor_id="v1", phone=LINE), lead("L2", 5, email=ANN, phone=LINE),
        split("visitor:v1", f"email:{ANN}", 9),
    )  # fmt: skip
    assert persons(workspace) == people("visitor:v1", f"email:{ANN} phone:{LINE}")


def test_a_line_of_two_with_one_full_name_joins_them(workspace: Workspace) -> None:
    """Both gave the number and go by the same name: one person with two addresses."""
    workspace.tell(
        lead("L1", 1, email=ANN, phone=LINE, name="Ann Lee"),
        lead("L2", 2, email=GMAIL, phone=LINE, name="ANN  lee"),
    )
    assert persons(workspace) == people(f"email:{ANN} email:{GMAIL} phone:{LINE}")


GAVE = (hit("h1"), lead("L1", 1, visitor_id="v1", email=ANN, phone=LINE))
GAVE_TOO = (hit("h2", visitor_id="v2"), lead("L2", 2, visitor_id="v2", email=BOB, phone=LINE))
GAVE_LATE = (hit("h2", visitor_id="v2"), lead("L2", 200 * DAY, visitor_id="v2", email=BOB, phone=LINE))


def not_of(email: str, minute: float = 90, *, undo: bool = False) -> Fact:
    """Say as an operator that the number is not this address's."""
    return split(f"phone:{LINE}", f"email:{email}", minute, **({"undo": True} if undo else {}))


SPLIT: dict[str, tuple[tuple[Fact, ...], str]] = {
    "its only giver": ((*GAVE, not_of(ANN)), "-           unmatched   []"),
    "one of two givers": ((*GAVE, *GAVE_TOO, not_of(ANN)), "v2          M5          []"),
    "both givers": ((*GAVE, *GAVE_TOO, not_of(ANN), not_of(BOB)), "-           unmatched   []"),
    "one, and the word was taken back": (
        (*GAVE, *GAVE_TOO, not_of(ANN), not_of(ANN, 95, undo=True)), "-           ambiguous   v1,v2",
    ),
    "a newer giver, before whom the other is stale": (
        (*GAVE, *GAVE_LATE, not_of(BOB)), "v1          M5          []",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("facts", "expected"), SPLIT.values(), ids=SPLIT)
def test_a_line_is_not_its_givers_of_whom_an_operator_says_so(
    client: redis.Redis, tmp_path: Path, facts: tuple[Fact, ...], expected: str
) -> None:
    """A split leaves the line to who else gave it, and a call from it names nobody else: in any order."""
    for number, order in enumerate(orders((*facts, call("L3", 60, phone=LINE)), 4)):
        own = Workspace(config.load({}, data=tmp_path / str(number)), client)
        for each in order:
            own.tell(each)
        assert own.verify() == []
        calls = [row for row in Reading(own).leads() if row["provider_id"] == "L3"]
        holds(calls, f"visitor_id  match_rule  among\n{expected}")


# 2. What G1 guards, and what R7 never joins


def test_a_contact_with_two_addresses_joins_them(workspace: Workspace) -> None:
    """A CRM may say that a person has two addresses; devices and lines may not."""
    workspace.tell(
        lead("L1", 1, visitor_id="v1", email=ANN), lead("L2", 2, visitor_id="v2", email=BOB),
        contact("c1", 3, emails=[ANN, BOB]),
    )  # fmt: skip
    assert persons(workspace) == people(f"visitor:v1 visitor:v2 email:{ANN} email:{BOB} crm:hub:c1")


def test_one_name_on_one_device_joins_no_two_contacts(workspace: Workspace) -> None:
    """Two contacts of one system stay two whatever device and name they share; of two systems they join."""
    workspace.tell(
        lead("L1", 1, visitor_id="v1", email=ANN, name="Ann Lee"),
        lead("L2", 2, visitor_id="v1", email=GMAIL, name="Ann Lee"),
        contact("c1", 3, emails=[ANN]),
    )
    assert persons(workspace) == people(f"visitor:v1 email:{ANN} email:{GMAIL} crm:hub:c1")
    before = workspace.fork(workspace.settings.data / "before")
    workspace.tell(contact("c2", 4, emails=[GMAIL]))
    assert persons(workspace) == people(f"email:{ANN} crm:hub:c1", f"email:{GMAIL} crm:hub:c2")
    before.tell(contact("c2", 4, emails=[GMAIL], provider="deals"))
    assert persons(before) == people(f"visitor:v1 email:{ANN} email:{GMAIL} crm:hub:c1 crm:deals:c2")


def test_a_contact_merged_by_its_crm_joins_the_other(workspace: Workspace) -> None:
    """A CRM's own merge makes two of its contacts one person."""
    workspace.tell(contact("c1", 1, emails=[ANN]), contact("c2", 2, emails=[BOB]))
    assert persons(workspace) == people(f"email:{ANN} crm:hub:c1", f"email:{BOB} crm:hub:c2")
    workspace.tell(contact("c2", 3, merged_into="c1"))
    assert persons(workspace) == people(f"email:{ANN} email:{BOB} crm:hub:c1 crm:hub:c2")


def test_one_address_may_go_with_two_user_ids(workspace: Workspace) -> None:
    """A user id that is given with an address is that person's, beside another that it has."""
    told = (
        hit("h1"), identify(1, user_id="u1", email=ANN), hit("h2", DAY), identify(DAY + 1, user_id="u2"),
        hit("h3", 2 * DAY), identify(2 * DAY + 1, user_id="u2", email=ANN),
    )  # fmt: skip
    workspace.tell(*told[:4])
    assert [row["from_at"] for row in Reading(workspace).owners()] == [None, at(DAY)]
    workspace.tell(*told[4:])
    assert persons(workspace) == people(f"visitor:v1 email:{ANN}")
    assert {row["person"] for row in Reading(workspace).sessions()} == {"visitor:v1"}
    assert Reading(workspace).owners() == []


# 3. Consent


def test_after_a_refusal_a_lead_is_nobodys(workspace: Workspace) -> None:
    """A lead after consent was withdrawn exists, without visitor, person evidence or journey."""
    told = (
        hit("h1"), lead("L1", 5, visitor_id="v1", email=ANN), consent("denied", 10),
        lead("L2", 20, visitor_id="v1", email=BOB, name="Bob Roy"), identify(25, email=BOB),
        lead("L3", 30, visitor_id="v2", email=ANN),
    )  # fmt: skip
    workspace.tell(*told)
    assert persons(workspace) == people(f"visitor:v1 visitor:v2 email:{ANN}")
    holds(Reading(workspace).leads(), """
        provider_id  visitor_id  match_rule  person      email         journey
        L1           v1          M1          visitor:v1  ann@acme.com  h1
        L2           -           unmatched   -           bob@beta.io   []
        L3           v2          M1          visitor:v1  ann@acme.com  h1
    """)  # fmt: skip


def test_without_the_guard_a_refusal_would_change_nothing(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G4 alone keeps back what a visitor says after a refusal: with it off, another person is born."""
    monkeypatch.setattr("worker.facts.is_withdrawn", lambda db, visitor_id, **_: False)
    workspace.tell(lead("L1", 5, visitor_id="v1", email=ANN), consent("denied", 10), identify(25, email=BOB))
    assert f"email:{BOB}" in {each for person in persons(workspace) for each in person}


def test_consent_given_again_counts_from_then_on(client: redis.Redis, tmp_path: Path) -> None:
    """What was said while consent was withdrawn never counts; what comes after a new consent does."""
    facts: list[Fact] = [
        consent("denied", 10), identify(20, email=BOB), consent("granted", 30), identify(40, email=ANN),
    ]  # fmt: skip
    for number, order in enumerate(orders(facts, 24)):
        own = Workspace(config.load({}, data=tmp_path / str(number)), client)
        for fact in order:
            own.tell(fact)
        assert persons(own) == people(f"visitor:v1 email:{ANN}")


@pytest.mark.parametrize("site", ["shop", "blog"])
@pytest.mark.parametrize(("refused", "joined"), [(5, False), (7, True)], ids=["before", "after"])
def test_a_link_is_no_evidence_after_whom_it_led_from_refused(
    client: redis.Redis, tmp_path: Path, site: str, refused: int, joined: bool
) -> None:
    """G4 holds for the browser at either end of a link, on whichever site it refused, in any order."""
    facts: list[Fact] = [
        hit("h1", site=site), {**consent("denied", refused), "site": site},
        hit("h2", 6, visitor_id="v2", browser="b1", link=link("n1", 5.5)),
    ]  # fmt: skip
    for number, order in enumerate(orders(facts, 6)):
        own = Workspace(config.load({}, data=tmp_path / str(number)), client)
        for fact in order:
            own.tell(fact)
        assert len(persons(own)) == (1 if joined else 2)


# 4. Calls as evidence, and firsts by event time


def test_a_call_told_apart_by_a_click_is_evidence(workspace: Workspace) -> None:
    """The line of a call matched by M3 belongs to that visitor: the next call needs no lease."""
    clicked = hit("k1", 4, type="event", name="tel_click", props={"number": POOLED})
    workspace.tell(
        hit("h1"), hit("h2", 1, visitor_id="v2"),
        lease(POOLED, 0, 4), lease(POOLED, 1, 5, visitor_id="v2"), clicked,
        call("L1", 5, phone=LINE, tracking_number=POOLED),
        call("L2", DAY, phone=LINE, tracking_number=STATIC),
    )  # fmt: skip
    assert persons(workspace) == people(f"visitor:v1 phone:{LINE}", "visitor:v2")
    holds(Reading(workspace).leads(), """
        provider_id  visitor_id  match_rule  person      journey
        L1           v1          M3          visitor:v1  h1
        L2           v1          M5          visitor:v1  h1
    """)  # fmt: skip


def test_a_call_told_apart_by_its_line_is_evidence(workspace: Workspace) -> None:
    """A call matched by M4 is one more sighting of the line: it stays fresh from then on."""
    workspace.tell(
        hit("h0"), lead("L0", 1, visitor_id="v1", email=ANN, phone=LINE),
        hit("h1", 170 * DAY), lease(POOLED, 170 * DAY), lease(POOLED, 170 * DAY + 1, visitor_id="v2"),
        call("L1", 170 * DAY + 5, phone=LINE, tracking_number=POOLED),
        call("L2", 340 * DAY, phone=LINE, tracking_number=STATIC),
    )  # fmt: skip
    assert [row["match_rule"] for row in Reading(workspace).leads()] == ["M1", "M4", "M5"]
    assert {row["rule"] for row in Reading(workspace).decisions()} >= {"R2", "R4", "R6"}
    assert workspace.verify() == []


def test_a_call_does_not_say_itself_whose_its_line_is(workspace: Workspace) -> None:
    """Once nothing but the call itself speaks for a line's owner, the call is nobody's again."""
    workspace.tell(
        hit("h1"), lease(POOLED, 0), lease(POOLED, 1, visitor_id="v2"),
        lead("L0", 1, visitor_id="v1", phone=LINE), call("L1", 5, phone=LINE, tracking_number=POOLED),
        call("L2", 6, phone=LINE, tracking_number=POOLED),
    )  # fmt: skip
    assert [row["match_rule"] for row in Reading(workspace).leads()] == ["M1", "M4", "M4"]
    workspace.tell(lead("L0", 1, visitor_id="v1", phone="+447700900002", version_at=at(9)))
    assert workspace.verify() == []
    holds(Reading(workspace).leads(), """
        provider_id  visitor_id  match_rule  among  person
        L0           v1          M1          []     visitor:v1
        L1           -           ambiguous   v1,v2  phone:+447700900001
        L2           -           ambiguous   v1,v2  phone:+447700900001
    """)  # fmt: skip


def test_a_call_that_makes_its_line_a_crowds_comes_to_rest(workspace: Workspace) -> None:
    """A call that is told apart by a line may be the sixth sighting of it: the views settle all the same."""
    workspace.tell(
        *(identify(n, visitor_id=f"v{n}", email=ANN) for n in range(1, 7)),
        *(lead(f"L{n}", n, visitor_id=f"v{n}", phone=LINE) for n in range(1, 6)),
        lease(POOLED, 10, visitor_id="v6"), lease(POOLED, 11, visitor_id="v9"),
        call("call", 12, phone=LINE, tracking_number=POOLED),
    )  # fmt: skip
    assert workspace.verify() == []


def test_the_first_to_use_a_link_is_told_by_the_clock(client: redis.Redis, tmp_path: Path) -> None:
    """An arrival that is told later and was earlier takes the link over."""
    made = link("n1", 0)
    facts = [
        hit("h3", 1.5, visitor_id="v3", browser="b1", link=made),
        hit("h2", 1, visitor_id="v2", browser="b1", link=made),
    ]
    for number, order in enumerate((facts, facts[::-1])):
        own = Workspace(config.load({}, data=tmp_path / str(number)), client)
        for fact in order:
            own.tell(fact)
        joined = [row for row in Reading(own).decisions() if row["verdict"] == "joined"]
        assert [{row["a"], row["b"]} for row in joined] == [{"visitor:v1", "visitor:v2"}]


# 5. Whom we believe


def test_a_visitor_of_a_trusted_fact_is_proved(workspace: Workspace) -> None:
    """A file's visitor id is as good as a cookie, and its times may be years old."""
    workspace.tell(hit("h1", -900 * DAY), lead("L1", -899 * DAY, visitor_id="v1", email=ANN))
    assert persons(workspace) == people(f"visitor:v1 email:{ANN}")
    assert [row["match_rule"] for row in workspace.export("leads")] == ["M1"]


def test_what_a_page_claims_is_a_hint(workspace: Workspace) -> None:
    """An unsigned visitor id in a form field is shown to a reader and joins nobody; a signed one does."""
    token = Signer(KEY).sign("v2", 1_772_359_200).token
    workspace.tell(
        hit("h1"), hit("h2", visitor_id="v2"), lead("L1", 5, email=ANN, fields={"tl_visitor": "v1"}),
        lead("L2", 6, email=BOB, fields={"tl_visitor": token}),
        lead("L3", 7, email=ANN, fields={"tl_visitor": token[:-1] + ("A" if token[-1] != "A" else "B")}),
    )  # fmt: skip
    assert persons(workspace) == people("visitor:v1", f"email:{ANN}", f"visitor:v2 email:{BOB}")
    assert [row["match_rule"] for row in Reading(workspace).leads()] == ["unmatched", "M1", "unmatched"]


# 6. Exports and the order of arrival


def test_no_export_tells_what_came_first(client: redis.Redis, tmp_path: Path) -> None:
    """Aliases, evidence lists, decisions and all else are the same, forwards and backwards, row by row."""
    facts: list[Fact] = [
        hit("h1"), hit("h2", 1, visitor_id="v2", browser="b1", link=link("n1", 0)),
        lead("L1", 2, visitor_id="v1", email=ANN, phone=LINE, name="Ann Lee"),
        lead("L2", 2, visitor_id="v1", email=GMAIL, phone=LINE, name="Ann Lee"),
        contact("c1", 2, emails=[ANN, GMAIL], phones=[LINE]), identify(2, user_id="u1", email=ANN),
        identify(2, visitor_id="v3", chat_id="desk:7", phone=LINE), lease(POOLED, 0, 3),
        lead("L3", 2, visitor_id="v1", email=BOB), call("L4", 4, phone=LINE, tracking_number=POOLED),
        contact("c2", 2, emails=[BOB], provider="deals", account={"name": "Beta", "domain": "beta.io"}),
        {"fact": "split", "site": "shop", "at": "2026-03-01T10:30:00Z", "a": "user:u1", "b": f"email:{BOB}"},
    ]  # fmt: skip
    outcomes = []
    for number, order in enumerate((facts, facts[::-1])):
        own = Workspace(config.load({}, data=tmp_path / str(number)), client)
        for fact in order:
            own.tell(fact)
        assert own.verify() == []
        outcomes.append(own.everything())
    assert outcomes[0] == outcomes[1]


# 7. Erasure

WAYS = {
    "an e-mail address": {"email": "Ann@Acme.com"},
    "a phone": {"phone": "07700 900001"},
    "a visitor": {"visitor_id": "v1"},
    "a lead": {"lead_id": lead_id("shop", "desk", "L1")},
    "a contact": {"crm_id": "hub:c1"},
    "a person": {"person_id": name_id("visitor:v1")},
    "a person's former id": {"person_id": name_id(f"email:{ANN}")},
}


@pytest.mark.parametrize("who", WAYS.values(), ids=WAYS)
def test_a_person_is_erased_by(workspace: Workspace, who: dict[str, str]) -> None:
    """All that is held of them goes, browsers, sessions and hits with it; nobody else loses anything."""
    bob = (hit("h9", visitor_id="v9"), lead("L9", 9, visitor_id="v9", email=BOB))
    workspace.tell(*bob)
    before = workspace.everything()
    workspace.tell(
        hit("h1", title="Ann Leeds's own page"), hit("h2", visitor_id="v2"),
        lead("L1", 5, visitor_id="v1", email=ANN, phone=LINE, name="Ann Leeds", company="Acme Rockets"),
        lead("L2", 6, visitor_id="v2", email=ANN, fields={"message": "Call me, Ann Leeds"}),
        contact("c1", 7, emails=[ANN], phones=[LINE], name="Ann Leeds"), call("L3", 8, phone=LINE),
        lead("L4", 8, visitor_id="v1", email=ANN, kind="fax"),
    )  # fmt: skip
    workspace.tell(erase(100, **who))
    assert workspace.verify() == []
    after = workspace.everything()
    for what in ("persons", "sessions", "ownership", "decisions"):
        assert after[what] == before[what], what
    assert held(workspace, "ann@acme", "ann leeds", "acme rockets", "7700900001", "07700 900001") == []


def held(workspace: Workspace, *words: str) -> list[str]:
    """Say where in the store these words stand, in any table and column."""
    found = []
    for row in workspace.query("SELECT name FROM sqlite_schema WHERE type = 'table'"):
        for line in workspace.query(f"SELECT * FROM {row['name']}"):
            text = json.dumps(line, default=lambda value: value.decode("utf-8", "replace")).lower()
            found += [f"{row['name']}: {word}" for word in words if word in text]
    return sorted(set(found))


def test_an_erased_persons_words_are_not_even_in_the_file(workspace: Workspace) -> None:
    """Freed pages of the store hold nothing of what was erased."""
    workspace.tell(lead("L1", 5, visitor_id="v1", email="very.rare.name@acme.com"))
    workspace.tell(erase(100, email="very.rare.name@acme.com"))
    files = [path for path in workspace.settings.data.rglob("*") if path.is_file()]
    assert [path.name for path in files if b"very.rare.name" in path.read_bytes()] == []
    assert hitlog.length(workspace.client) == 0


def test_an_erased_person_may_come_again(workspace: Workspace) -> None:
    """Facts after the erasure count as anybody's; the id is that of the newly seen."""
    workspace.tell(hit("h1"), identify(5, email=ANN), erase(100, email=ANN))
    workspace.tell(hit("h2", 200, visitor_id="v2"), identify(205, visitor_id="v2", email=ANN))
    holds(Reading(workspace).persons(), """
        person      visitors  emails
        visitor:v2  v2        ann@acme.com
    """)  # fmt: skip
    assert workspace.verify() == []
