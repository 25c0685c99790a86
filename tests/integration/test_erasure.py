"""Erasure: what goes, what stays, what comes late, what is told of it, and what files still hold."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from itertools import permutations
from pathlib import Path
from random import Random
from typing import Any

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import short_folder
from tests.laws import often, tried
from tests.reading import Reading, name_id, people, persons
from tests.telling import (
    TEN_MS,
    Fact,
    Workspace,
    activity,
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
    status,
)
from tracker import config, hitlog, leases
from tracker.core.ids import lead_id
from tracker.model import Pool, SiteKey
from tracker.store.db import open_store
from tracker.store.tombstones import load_proofs

DAY = 24 * 60
ANN, BOB = "ann.leeds@acme.com", "bob@beta.io"
LINE, POOLED = "+447700900001", "+442071830001"


@pytest.fixture
def workspace(settings: config.Settings, client: redis.Redis) -> Workspace:
    """Give an empty workspace of two sites."""
    return Workspace(settings, client)


def everything_of(workspace: Workspace) -> dict[str, Any]:
    """Read every export, and the totals that stay."""
    totals = workspace.query("SELECT * FROM anonymous_total WHERE what <> 'sessions' ORDER BY 1, 2, 3")
    return {**workspace.everything(), "totals": totals}


def held(workspace: Workspace, *words: str) -> list[str]:
    """Say where in the store these words stand, in any table and column."""
    found = []
    for row in workspace.query("SELECT name FROM sqlite_schema WHERE type = 'table'"):
        for line in workspace.query(f"SELECT * FROM {row['name']}"):
            text = json.dumps(line, default=lambda value: value.decode("utf-8", "replace")).lower()
            found += [f"{row['name']}: {word}" for word in words if word in text]
    return sorted(set(found))


HISTORIES: Mapping[str, Sequence[Fact]] = {
    "a form, its browser and a bystander": (
        hit("h1"), lead("L1", 5, visitor_id="v1", email=ANN, phone=LINE), erase(100, email=ANN),
        hit("h2", visitor_id="v2"), lead("L2", 9, visitor_id="v2", email=BOB),
    ),
    "an erasure by the browser, whose owner is told elsewhere": (
        hit("h1"), erase(100, visitor_id="v1"), identify(5, email=ANN), hit("h2", 7, visitor_id="v2"),
        identify(6, email=ANN, visitor_id="v2"),
    ),
    "a call on a line that the person gave": (
        lead("L1", 5, visitor_id="v1", email=ANN, phone=LINE), call("L2", 20, phone=LINE), hit("h1"),
        erase(100, email=ANN), lead("L3", 30, email=BOB),
    ),
    "a new life after it": (
        hit("h1"), identify(5, email=ANN), erase(100, email=ANN), hit("h2", 200),
        identify(205, email=ANN, visitor_id="v1"),
    ),
    "a contact of a CRM": (
        contact("c1", 1, emails=[ANN], phones=[LINE]), identify(5, email=ANN), hit("h1"),
        erase(100, crm_id="hub:c1"), contact("c2", 2, emails=[BOB]),
    ),
    "a second visit of the same browser, an erasure twice, and by a lead": (
        hit("h1"), hit("h2", 2 * DAY), lead("L1", 2 * DAY + 1, visitor_id="v1", email=ANN),
        erase(3 * DAY, lead_id=lead_id("shop", "desk", "L1")), erase(3 * DAY, email=ANN),
    ),
    "two erasures to different times, the later by a name that only an erased fact ties": (
        erase(90, visitor_id="v1"), lead("L1", 1_441, email=ANN), erase(31, email=ANN),
        lead("L2", 1, visitor_id="v1", email=ANN), identify(90, email=ANN), lead("L5", visitor_id="v1"),
    ),
    "two erasures to different times by names that only what comes last ties": (
        erase(31, visitor_id="v1"), erase(3_000, email=ANN), identify(1, email=ANN), hit("h1", 90),
        lead("L1", 1_441, visitor_id="v1"), hit("h2", 4_000),
    ),
    "three erasures to different times, by a contact and by two browsers": (
        erase(31, visitor_id="v1"), erase(90, crm_id="hub:c1"), erase(3_000, visitor_id="v2"),
        hit("h1", 1_441),
        contact("c1", 1, emails=[ANN]), identify(5, email=ANN),
        identify(20, email=ANN, visitor_id="v2"),
        hit("h2", 1_441, visitor_id="v2"), activity("A1", 200, email=ANN),
    ),
    "an erasure by a lead whose person was erased before to an earlier time": (
        erase(3_000, lead_id=lead_id("shop", "desk", "L1")), erase(31, email=ANN), lead("L1", 5, email=ANN),
        identify(1, email=ANN), hit("h1", 90),
    ),
    "a lead of which one version names the person and another the browser": (
        erase(3_000, email=ANN), lead("L1", 5, email=ANN), hit("h1", 3, visitor_id="v9"),
        lead("L1", 5, visitor_id="v9", version_at=at(6)), lead("L2", 10, visitor_id="v9"),
    ),
    "a lead of which a version was told on somebody else's browser": (
        erase(3_000, email=ANN), lead("L1", 5, email=ANN), lead("L1", 5, visitor_id="v9", version_at=at(6)),
        identify(0, visitor_id="v9", email=BOB), identify(2_000, visitor_id="v8", email=BOB),
    ),
    "a refusal, another on the other site, and a life after the erasure": (
        identify(5, email=ANN), consent("granted", 1), consent("denied", 10), erase(100, visitor_id="v1"),
        identify(200, email=BOB), hit("h1", 201), lead("L1", 202, visitor_id="v1", email=BOB),
        consent("granted", 300), lead("L2", 310, visitor_id="v1", email=BOB),
    ),
    "an erasure by a former id, a link and a refusal": (
        hit("h1"), hit("h2", 1, visitor_id="v2", link=link("n1", 0)), hit("h3", visitor_id="v3"),
        erase(100, person_id=name_id("visitor:v1")), consent("denied", 3, visitor_id="v2"),
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("facts", HISTORIES.values(), ids=HISTORIES)
def test_an_erasure_means_the_same_in_any_order(
    client: redis.Redis, tmp_path: Path, facts: Sequence[Fact]
) -> None:
    """Whatever arrives first, in whatever batches and however often, the same is gone and the same stays."""
    random = Random(7)
    orders = list(permutations(facts))
    outcomes = []
    for number, order in enumerate([tuple(facts), *random.sample(orders, often(7))]):
        own = Workspace(config.load({}, data=tmp_path / str(number)), client)
        told = [*order, *random.sample(order, 2)]
        while told:
            size = random.randint(1, 3)
            own.tell(*told[:size])
            told = told[size:]
        assert own.verify() == []
        outcomes.append(everything_of(own))
    for outcome in outcomes[1:]:
        assert outcome == outcomes[0]


MINUTES = (0, 1, 31, 90, 1_441, 3_000)
HOME = "ann@home.test"
OWNERS = {"v1": ANN, "v2": ANN, "v3": BOB, "v4": None, "v6": HOME}
"""Whose each browser is. `v5` is everybody's in turn."""


@st.composite
def shared(draw: st.DrawFn) -> list[Fact]:
    """Draw what keeps people apart: who used one browser in turn, and what an operator split.

    It is told first: what arrives only after an erasure can save nothing from it.
    """
    facts: list[Fact] = []
    for number in range(draw(st.integers(0, 5))):
        minute = draw(st.sampled_from(MINUTES))
        email, others = draw(st.sampled_from([ANN, BOB])), ["visitor:v2", "crm:hub:c1", f"email:{HOME}"]
        kinds = [
            hit(f"s{number}", minute, visitor_id="v5"), identify(minute, visitor_id="v5", email=email),
            split(f"email:{ANN}", draw(st.sampled_from(others)), minute),
            consent("denied", minute, draw(st.sampled_from(["v1", "v5"]))),
        ]  # fmt: skip
        facts.append(draw(st.sampled_from(kinds)))
    return facts


WORDS = (
    "hit", "identify", "lead", "lead of a browser", "lead by an address", "lead on everybody's browser",
    "status", "activity", "contact", "contact with two addresses", "erase the lead", "erase the contact",
    "erase everybody's browser",
)  # fmt: skip


NAMES: Sequence[Mapping[str, str]] = (
    {"visitor_id": "v1"}, {"email": ANN}, {"crm_id": "hub:c1"},
)  # fmt: skip
TIES: Sequence[Callable[[float], Fact]] = (
    lambda minute: identify(minute, email=ANN),
    lambda minute: lead("L0", minute, visitor_id="v1", email=ANN),
    lambda minute: contact("c1", minute, emails=[ANN, HOME]),
)
ALONE: Sequence[Callable[[int, float], Fact]] = (
    lambda number, minute: hit(f"h{number}", minute),
    lambda number, minute: lead(f"L{number}", minute, visitor_id="v1"),
    lambda number, minute: lead(f"L{number}", minute, email=ANN),
    lambda number, minute: activity(f"A{number}", minute, email=HOME),
)


@st.composite
def told(draw: st.DrawFn) -> list[Fact]:
    """Draw facts of a few kinds about a few people, and erasures by any of their names to any time."""
    visitors = draw(st.sets(st.sampled_from(sorted(OWNERS)), min_size=1, max_size=2))
    words = {*draw(st.sets(st.sampled_from(WORDS), min_size=2, max_size=6)), "erase", "erase the browser"}
    return [
        draw(_told(number, draw(st.sampled_from(sorted(visitors))), draw(st.sampled_from(sorted(words)))))
        for number in range(draw(st.integers(4, 12)))
    ]


@st.composite
def of_one(draw: st.DrawFn) -> list[Fact]:
    """Draw erasures of one person by several names, what was told under each, and what ties the names."""
    early, late = st.sampled_from(MINUTES[:2]), st.sampled_from(MINUTES)
    ties = st.builds(lambda tie, minute: tie(minute), st.sampled_from(TIES), early)
    alone = st.builds(lambda say, number, minute: say(number, minute), st.sampled_from(ALONE),
                      st.integers(1, 99), late)  # fmt: skip
    erasures = st.builds(lambda who, minute: erase(minute, **who), st.sampled_from(NAMES), late)
    return [
        *draw(st.lists(erasures, min_size=2, max_size=3)), *draw(st.lists(ties, min_size=1, max_size=2)),
        *draw(st.lists(alone, min_size=2, max_size=4)),
    ]  # fmt: skip


@st.composite
def _told(draw: st.DrawFn, number: int, visitor: str, word: str) -> Fact:
    minute, email = draw(st.sampled_from(MINUTES)), OWNERS[visitor]
    given = {"visitor_id": visitor} | ({"email": email} if email else {})
    address = email or ANN
    earlier = f"L{draw(st.integers(0, number))}"
    page = draw(st.sampled_from(["", "", "?utm_source=news&utm_medium=email", "?gclid=G1"]))
    kinds: Mapping[str, Fact] = {
        "hit": hit(f"h{number}", minute, visitor_id=visitor, url=f"https://shop.test/{page}"),
        "identify": identify(minute, **given, **({} if email else {"user_id": "u4"})),
        "lead": lead(f"L{number}", minute, **given),
        "lead of a browser": lead(f"L{number}", minute, visitor_id=visitor),
        "lead by an address": lead(f"L{number}", minute, email=address),
        "lead on everybody's browser": lead(f"L{number}", minute, visitor_id="v5"),
        "status": status(earlier, minute, "MQL"),
        "activity": activity(f"A{number}", minute, email=address),
        "contact": contact("c1" if address == ANN else address[:3], minute, emails=[address]),
        "contact with two addresses": contact("c1", minute, emails=[ANN, HOME]),
        "erase": erase(minute, email=address),
        "erase the browser": erase(minute, visitor_id=visitor),
        "erase the lead": erase(minute, lead_id=lead_id("shop", "desk", earlier)),
        "erase the contact": erase(minute, crm_id="hub:c1"),
        "erase everybody's browser": erase(minute, visitor_id="v5"),
    }
    return kinds[word]


@pytest.mark.slow
@tried(30)
@given(first=shared(), history=st.one_of(told(), of_one()), data=st.data())
def test_any_order_batching_and_repetition_erases_the_same(
    client: redis.Redis, first: list[Fact], history: list[Fact], data: st.DataObject
) -> None:
    """Shuffled, split, repeated and drained in between: the same exports, and views that stand up."""
    order = data.draw(st.permutations(history))
    if data.draw(st.booleans()):
        order.sort(key=lambda fact: fact["fact"] != "erase")
    order += data.draw(st.lists(st.sampled_from(history), max_size=3))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(order)), max_size=4)))
    batches = [order[a:b] for a, b in zip([0, *cuts], [*cuts, len(order)], strict=True)]
    outcomes = []
    for parts in ([first + history], [first, *batches]):
        folder = short_folder()
        own = Workspace(config.load({}, data=folder), client)
        for part in parts:
            own.tell(*part)
        assert own.verify() == []
        outcomes.append(everything_of(own))
        shutil.rmtree(folder)
    assert outcomes[0] == outcomes[1]


def test_a_refusal_outlives_who_refused(workspace: Workspace) -> None:
    """What the browser does after its erasure is told without consent, until it consents again."""
    refusal = consent("denied", 10)
    workspace.tell(hit("h1"), identify(5, email=ANN), refusal)
    for facts in ((erase(100, email=ANN),), (refusal,), (lead("L1", 200, visitor_id="v1", email=BOB),)):
        workspace.tell(*facts)
    assert persons(workspace) == set()
    assert [(row["visitor_id"], row["person_id"]) for row in workspace.export("leads")] == [(None, None)]
    assert workspace.query("SELECT 1 FROM fact WHERE kind IN ('consent', 'identify')") == []
    workspace.tell(consent("granted", 300), lead("L2", 310, visitor_id="v1", email=BOB))
    assert persons(workspace) == people(f"visitor:v1 email:{BOB}")


def test_of_a_shared_device_only_their_own_time_goes(workspace: Workspace) -> None:
    """The sessions and hits of the one who is erased go; the other's stay, and nothing comes back."""
    facts = (
        hit("h1"), identify(5, email=ANN), hit("h2", DAY), identify(DAY + 5, email=BOB), hit("h3", 2 * DAY),
    )  # fmt: skip
    workspace.tell(*facts)
    workspace.tell(erase(10 * DAY, email=ANN))
    for _ in range(2):
        assert persons(workspace) == people(f"visitor:v1 email:{BOB}")
        assert [row["event_id"] for row in workspace.export("hits")] == ["h2", "h3"]
        workspace.tell(*facts)


def test_others_are_as_if_it_had_never_been_told(client: redis.Redis, tmp_path: Path) -> None:
    """A call between two who saw the number becomes the other's when one of them is erased."""
    bob = (
        hit("h2", visitor_id="v2"), lease(POOLED, 1, visitor_id="v2"),
        call("L1", 5, phone=LINE, tracking_number=POOLED), identify(2, visitor_id="v2", email=BOB),
    )  # fmt: skip
    ann = (hit("h1"), lease(POOLED, 0), identify(3, email=ANN), lead("L2", 4, visitor_id="v1", email=ANN))
    never, erased = (Workspace(config.load({}, data=tmp_path / name), client) for name in ("never", "erased"))
    never.tell(*bob)
    erased.tell(*bob, *ann)
    assert [row["match_rule"] for row in Reading(erased).leads()] == ["ambiguous", "M1"]
    erased.tell(erase(100, email=ANN))
    assert erased.everything() == never.everything()
    assert erased.verify() == []


def test_the_server_forgets_which_number_they_held(workspace: Workspace, client: redis.Redis) -> None:
    """No key of the embedded server names them, and nobody gets their number before its time."""
    pool, pipe = Pool("main", (POOLED,), "+442079460000"), hitlog.Pipe(client)

    def ask(visitor: str) -> str:
        command = leases.packed_lease(SiteKey("shop"), pool, leases.Ask(visitor, now_ms=TEN_MS))
        return leases.read_reply(pipe.run([command])[0]).why

    assert ask("ann-browser") == "new"
    workspace.tell(identify(0, visitor_id="ann-browser", email=ANN), hit("h1", visitor_id="ann-browser"))
    workspace.tell(erase(100, email=ANN))
    kept = {key: client.dump(key) for key in client.scan_iter()}
    assert not [key for key, value in kept.items() if b"ann-browser" in key + (value or b"")]
    assert ask("bob-browser") == "exhausted"
    workspace.tell()
    assert [row["visitor_id"] for row in workspace.export("sessions")] == []
    pipe.close()


def test_nothing_of_them_is_left_in_any_table(workspace: Workspace) -> None:
    """Leads, versions, texts, changes, rejects, links on others' hits, withheld and test leads: all go."""
    words = ("ann-", "ann.", "ann1", "ann'", "ann ", "leeds", "carl@")
    workspace.tell(
        hit("ann-hit", title="Ann's page", visitor_id="ann-browser",
            url="https://shop.test/ann-secret?gclid=ANN1"),
        hit("other", 1, visitor_id="v2", link=link("n1", 0, "ann-browser")),
        lead("ann-lead", 5, visitor_id="ann-browser", email=ANN, name="Ann Leeds"),
        lead("ann-lead", 5, name="Ann B Leeds", version_at=at(8)),
        lead("ann-test", 6, email="Ann.Leeds@ACME.com", is_test=True), consent("denied", 10, "ann-browser"),
        lead("ann-late", 20, visitor_id="ann-browser", email=ANN), lead("ann-bad", 7, email=ANN, kind="fax"),
        {"fact": "activity", "site": "shop", "provider": "hub", "provider_id": "ann-mail", "at": at(3),
         "kind": "email_sent", "email": ANN},
        split(f"email:{ANN}", "email:carl@corp.io", 30), split(f"email:{ANN}", "nobody", 31),
    )  # fmt: skip
    workspace.tell(erase(100, email=ANN))
    assert held(workspace, *words) == []
    assert [row["event_id"] for row in workspace.export("hits")] == ["other"]
    assert workspace.verify() == []
    workspace.tell(lead("ann-bad", 7, email=ANN, kind="fax"), hit("ann-hit", visitor_id="ann-browser"))
    assert held(workspace, *words) == []


def test_a_deal_stays_without_them(workspace: Workspace) -> None:
    """What a deal is worth is the company's; its contacts and its title are theirs."""
    deal = {
        "fact": "deal", "site": "shop", "provider": "hub", "provider_id": "d1", "at": at(3), "stage": "new",
        "amount": "1200", "currency": "GBP", "name": "Ann Leeds: kitchen",
        "contacts": [{"email": "Ann.Leeds@acme.com"}, {"email": BOB}],
    }  # fmt: skip
    workspace.tell(deal, identify(0, email=ANN))
    for fact in (erase(100, email=ANN), deal):
        workspace.tell(fact)
        (row,) = workspace.query("SELECT content FROM fact WHERE kind = 'deal'")
        told = json.loads(row["content"])
        assert (told["amount"], told["contacts"]) == ("1200", [{"email": BOB}])
        assert held(workspace, "leeds") == []


def test_what_another_told_of_a_shared_line_stays(workspace: Workspace) -> None:
    """A number that two gave is nobody's alone: the other's lead keeps it."""
    bob = lead("L2", 6, email=BOB, phone=LINE)
    workspace.tell(lead("L1", 5, email=ANN, phone=LINE), bob)
    workspace.tell(erase(100, email=ANN))
    assert persons(workspace) == people(f"email:{BOB} phone:{LINE}")
    workspace.tell(bob, lead("L1", 5, email=ANN, phone=LINE))
    assert persons(workspace) == people(f"email:{BOB} phone:{LINE}")


def test_totals_stay_and_name_nobody(workspace: Workspace) -> None:
    """What reports counted before is counted still, by site and day; once, however often it comes again."""
    facts = (hit("h1"), hit("h2", 1), hit("h3", DAY), lead("L1", 5, visitor_id="v1", email=ANN))
    workspace.tell(*facts)
    workspace.tell(erase(9 * DAY, email=ANN))
    workspace.tell(*facts)
    rows = workspace.query("SELECT counted_on, what, count FROM anonymous_total ORDER BY 1, 2")
    assert [tuple(row.values()) for row in rows] == [
        ("2026-03-01", "hits", 2), ("2026-03-01", "leads", 1), ("2026-03-01", "sessions", 1),
        ("2026-03-02", "hits", 1), ("2026-03-02", "sessions", 1),
    ]  # fmt: skip


def test_the_proof_says_what_went_and_names_nobody(workspace: Workspace) -> None:
    """Counts, hashes and the look that was taken afterwards; the fact keeps a hash for the address."""
    workspace.tell(hit("h1"), lead("L1", 5, visitor_id="v1", email=ANN))
    workspace.tell(erase(100, email=" Ann.Leeds@Acme.COM", reason="asked by Ann Leeds"))
    (fact,) = workspace.query("SELECT key, content FROM fact WHERE kind = 'erase'")
    assert json.loads(fact["content"]) == {"at": at(100), "email": name_id(f"email:{ANN}")}
    with open_store(workspace.settings.data) as db:
        (proof,) = load_proofs(db, fact["key"])
    db.close()
    assert proof["until"] == at(100)
    assert proof["found_afterwards"] is False
    assert proof["erased"] == {"hits": 1, "lead facts": 1, "sessions": 1, "texts": 2}
    assert name_id("visitor:v1") in proof["tombstones"]


def test_a_copy_kept_by_cursors_hears_of_an_erasure(workspace: Workspace) -> None:
    """Whoever follows the exports is told which rows are no more."""
    from tracker.store import exports

    workspace.tell(hit("h1"), hit("h2", visitor_id="v2"), lead("L1", 5, visitor_id="v1", email=ANN))
    with open_store(workspace.settings.data) as db:
        since = exports.cursor_now(db, "leads")
        had = {what: {row[exports.EXPORTS[what].key] for row in exports.rows(db, what)}
               for what in ("leads", "journeys", "sessions", "persons")}  # fmt: skip
    db.close()
    workspace.tell(erase(100, email=ANN), erase(100, visitor_id="v2"))
    with open_store(workspace.settings.data) as db:
        for what, ids in had.items():
            assert set(exports.gone(db, what, since)) == ids, what
    db.close()


def test_hits_told_after_an_erasure_follow_the_cursor(workspace: Workspace) -> None:
    """A number of a hit that was erased is never given again, or a follower would miss the next hit."""
    from tracker.store import exports

    workspace.tell(hit("h1"), hit("h2", visitor_id="v2"))
    with open_store(workspace.settings.data) as db:
        since = exports.cursor_now(db, "hits")
    db.close()
    workspace.tell(erase(100, visitor_id="v2"), erase(100, visitor_id="v1"))
    workspace.tell(hit("h3", visitor_id="v3"))
    assert [row["event_id"] for row in workspace.export("hits", since=since)] == ["h3"]


REFUSED = {
    "nobody is named": {},
    "two names are given": {"email": ANN, "phone": LINE},
    "it is no address": {"email": "ann"},
    "it is no number": {"phone": "12"},
}


@pytest.mark.parametrize("who", REFUSED.values(), ids=REFUSED)
def test_an_erasure_is_refused_when(workspace: Workspace, who: dict[str, str]) -> None:
    """Whom it means must be clear; nothing is erased on a guess."""
    workspace.tell(identify(0, email=ANN))
    assert workspace.tell(erase(100, **who)).rejected == 1
    assert persons(workspace) == people(f"visitor:v1 email:{ANN}")


def test_an_erasure_of_tomorrow_is_refused(workspace: Workspace) -> None:
    """It would erase what has not been done yet."""
    assert workspace.tell(erase(400 * DAY, email=ANN)).rejected == 1
