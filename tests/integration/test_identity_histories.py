"""Histories of persons: who they are, whose their leads and journeys are, in whatever order it is told.

Each history is told as it stands, in its order of arrival, and then in random orders, batched at
random and with some facts told twice. A person goes by its oldest identifier, whose hash is its id. A
journey is told by the events that opened its sessions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
import redis

from tests.laws import often
from tests.reading import Reading
from tests.tables import holds
from tests.telling import Fact, Workspace, call, hit, lead, lease, on, split
from tracker import config, embedded

ORDERS = often(50)
POOLED = "+442071830001"
ANN, BOB, HOME, GMAIL = "ann@acme.com", "bob@beta.io", "al@home.net", "ann.lee@gmail.com"
CALLER = "+447700900001"


@dataclass(frozen=True)
class History:
    """Facts in their order of arrival, and the tables that must come of them."""

    facts: Sequence[Fact]
    persons: str
    leads: str
    owners: str = "visitor_id"
    rows: int | None = None

    def check(self, workspace: Workspace) -> Reading:
        """Compare what came out, and the views with views made anew."""
        found = Reading(workspace)
        holds(found.persons(), self.persons)
        holds(found.leads(), self.leads)
        holds(found.owners(), self.owners)
        assert self.rows is None or len(found.decisions()) == self.rows
        assert workspace.verify() == []
        return found


TWO_DEVICES = (
    hit("h1", on(2, "09:00"), url="https://shop.test/?utm_source=google&utm_medium=cpc"),
    lead("L1", on(2, "09:10"), visitor_id="v1", email=ANN, name="Ann Lee"),
    hit("h2", on(5, "09:00"), visitor_id="v2", referrer="https://www.linkedin.com/"),
    lead("L2", on(5, "09:05"), visitor_id="v2", email=ANN),
)
OVERLAP = (
    hit("h1", on(2, "10:00")),
    lease(POOLED, on(2, "10:00")),
    hit("h2", on(2, "10:05"), visitor_id="v2"),
    lease(POOLED, on(2, "10:05"), visitor_id="v2"),
)
OVERLAPPED = call("L1", on(2, "10:08"), phone=CALLER, tracking_number=POOLED)
ONCE = call("L1", on(2, "09:05"), phone=CALLER, tracking_number=POOLED)
SPLIT_LEAD = lead("L2", on(9, "09:00"), visitor_id="v1", email=HOME, name="Ann Lee")

HISTORIES = {
    "an equal address joins two devices, and the later lead sees both": History(
        TWO_DEVICES,
        persons="""
            person      visitors  emails
            visitor:v1  v1,v2     ann@acme.com
        """,
        leads="""
            provider_id  visitor_id  match_rule  person      journey
            L1           v1          M1          visitor:v1  h1
            L2           v2          M1          visitor:v1  h1,h2
        """,
    ),
    "two addresses with two names on one device are two persons, one after the other": History(
        (
            hit("h1", on(2, "09:00")),
            lead("L1", on(2, "09:10"), visitor_id="v1", email=ANN, name="Ann Lee"),
            hit("h2", on(4, "09:00")),
            lead("L2", on(4, "09:20"), visitor_id="v1", email=BOB, name="Bob Roy"),
            hit("h3", on(6, "09:00")),
        ),
        persons="""
            person             visitors  emails
            email:bob@beta.io  []        bob@beta.io
            visitor:v1         []        ann@acme.com
        """,
        leads="""
            provider_id  visitor_id  match_rule  person             journey
            L1           v1          M1          visitor:v1         h1
            L2           v1          M1          email:bob@beta.io  h2
        """,
        owners="""
            visitor_id  from_at                   to_at                     person
            v1          -                         2026-03-04T09:00:00.000Z  visitor:v1
            v1          2026-03-04T09:00:00.000Z  -                         email:bob@beta.io
        """,
    ),
    "two addresses with one full name on one device are one person": History(
        (
            hit("h1", on(2, "09:00")),
            lead("L1", on(2, "09:10"), visitor_id="v1", email=ANN, name="Ann  LEE"),
            lead("L2", on(9, "09:00"), visitor_id="v1", email=GMAIL, name="ann lee"),
        ),
        persons="""
            person      visitors  emails
            visitor:v1  v1        ann@acme.com,annlee@gmail.com
        """,
        leads="""
            provider_id  visitor_id  match_rule  person      journey
            L1           v1          M1          visitor:v1  h1
            L2           v1          M1          visitor:v1  h1
        """,
    ),
    "a number shown to two visitors leaves a call between them": History(
        (*OVERLAP, OVERLAPPED),
        persons="""
            person               visitors  phones
            phone:+447700900001  []        +447700900001
            visitor:v1           v1        []
            visitor:v2           v2        []
        """,
        leads="""
            provider_id  visitor_id  match_rule  among  person               journey
            L1           -           ambiguous   v1,v2  phone:+447700900001  []
        """,
    ),
    "of two who saw the number the one who clicked on it called": History(
        (
            *OVERLAP,
            hit("k1", on(2, "10:07:40"), type="event", name="tel_click", props={"number": POOLED}),
            OVERLAPPED,
        ),
        persons="""
            person      visitors  phones
            visitor:v1  v1        +447700900001
            visitor:v2  v2        []
        """,
        leads="""
            provider_id  visitor_id  match_rule  person      journey
            L1           v1          M3          visitor:v1  h1
        """,
    ),
    "of two who saw the number the one whose line it is called": History(
        (
            hit("h0", on(1, "09:00")),
            lead("L0", on(1, "09:05"), visitor_id="v1", email=ANN, phone="07700 900001"),
            *OVERLAP,
            OVERLAPPED,
        ),
        persons="""
            person      visitors  emails        phones
            visitor:v1  v1        ann@acme.com  +447700900001
            visitor:v2  v2        []            []
        """,
        leads="""
            provider_id  visitor_id  match_rule  person      journey
            L0           v1          M1          visitor:v1  h0
            L1           v1          M4          visitor:v1  h0,h1
        """,
    ),
    "a caller whose line is known is its person, on the browser they used last": History(
        (
            hit("h1", on(2, "09:00")),
            lead("L1", on(2, "09:10"), visitor_id="v1", email=ANN, phone="+44 7700 900001"),
            call("L2", on(20, "09:00"), phone=CALLER, tracking_number="+442079460000"),
        ),
        persons="""
            person      visitors  emails        phones
            visitor:v1  v1        ann@acme.com  +447700900001
        """,
        leads="""
            provider_id  visitor_id  match_rule  person      journey
            L1           v1          M1          visitor:v1  h1
            L2           v1          M5          visitor:v1  h1
        """,
    ),
    "a hit that comes late is in the journey all the same": History(
        (
            hit("h2", on(2, "09:05")),
            lead("L1", on(2, "09:10"), visitor_id="v1", email=ANN),
            hit("h1", on(1, "09:00"), url="https://shop.test/?utm_source=google&utm_medium=cpc"),
        ),
        persons="""
            person      visitors  emails
            visitor:v1  v1        ann@acme.com
        """,
        leads="""
            provider_id  visitor_id  match_rule  person      journey
            L1           v1          M1          visitor:v1  h1,h2
        """,
    ),
    "everything told backwards is the same": History(
        TWO_DEVICES[::-1],
        persons="""
            person      visitors  emails
            visitor:v1  v1,v2     ann@acme.com
        """,
        leads="""
            provider_id  visitor_id  match_rule  person      journey
            L1           v1          M1          visitor:v1  h1
            L2           v2          M1          visitor:v1  h1,h2
        """,
    ),
    "case, quotes and spaces make no other address, and at Google neither dots nor tags": History(
        (
            lead("L1", on(2, "09:00"), visitor_id="v1", email="John.Doe+promo@GMail.com"),
            lead("L2", on(3, "09:00"), visitor_id="v2", email="johndoe@googlemail.com"),
            lead("L3", on(4, "09:00"), visitor_id="v3", email="J.Doe@Acme.com"),
            lead("L4", on(5, "09:00"), visitor_id="v4", email="j.doe@acme.com"),
            lead("L5", on(6, "09:00"), visitor_id="v5", email="jdoe@acme.com"),
            lead("L6", on(7, "09:00"), visitor_id="v6", email=' "j.doe"@acme.com '),
        ),
        persons="""
            person                   visitors  emails
            email:j.doe@acme.com     v3,v4,v6  j.doe@acme.com
            email:jdoe@acme.com      v5        jdoe@acme.com
            email:johndoe@gmail.com  v1,v2     johndoe@gmail.com
        """,
        leads="""
            provider_id  visitor_id  match_rule  person                   journey
            L1           v1          M1          email:johndoe@gmail.com  []
            L2           v2          M1          email:johndoe@gmail.com  []
            L3           v3          M1          email:j.doe@acme.com     []
            L4           v4          M1          email:j.doe@acme.com     []
            L5           v5          M1          email:jdoe@acme.com      []
            L6           v6          M1          email:j.doe@acme.com     []
        """,
    ),
    "a call is one lead and one piece of evidence however often it is delivered": History(
        (
            hit("h1", on(2, "09:00")), lease(POOLED, on(2, "09:00")),
            ONCE, ONCE, {**ONCE, "duration_s": 65},
        ),
        persons="""
            person      visitors  phones
            visitor:v1  v1        +447700900001
        """,
        leads="""
            provider_id  visitor_id  match_rule  duration_s  person      journey
            L1           v1          M2          65          visitor:v1  h1
        """,
        rows=1,
    ),
    "a split outlives new evidence and redelivery": History(
        (
            hit("h1", on(2, "09:00")),
            lead("L1", on(2, "09:10"), visitor_id="v1", email=ANN, name="Ann Lee"),
            SPLIT_LEAD,
            split(f"email:{ANN}", f"email:{HOME}", on(10, "09:00"), by="operator"),
            lead("L3", on(11, "09:00"), visitor_id="v1", email=HOME, name="Ann Lee"),
            SPLIT_LEAD,
        ),
        persons="""
            person             visitors  emails
            email:al@home.net  []        al@home.net
            visitor:v1         []        ann@acme.com
        """,
        leads="""
            provider_id  visitor_id  match_rule  person             journey
            L1           v1          M1          visitor:v1         h1
            L2           v1          M1          email:al@home.net  []
            L3           v1          M1          email:al@home.net  []
        """,
        owners="""
            visitor_id  from_at                   to_at                     person
            v1          -                         2026-03-09T09:00:00.000Z  visitor:v1
            v1          2026-03-09T09:00:00.000Z  -                         email:al@home.net
        """,
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def blank(tmp_path_factory: pytest.TempPathFactory, redis_url: str) -> Iterator[Workspace]:
    """Make an empty workspace once, for others to be copied from; it is told nothing itself."""
    with embedded.connect(redis_url, blocking=False) as client:
        yield Workspace(config.load({}, data=tmp_path_factory.mktemp("blank")), client)


@pytest.mark.parametrize("history", HISTORIES.values(), ids=HISTORIES)
def test_told_as_it_arrived(blank: Workspace, client: redis.Redis, tmp_path: Path, history: History) -> None:
    """Told fact by fact, and looked into after each, a history ends in these persons and journeys."""
    own = blank.fork(tmp_path / "own")
    for fact in history.facts:
        own.tell(fact)
        assert own.verify() == [], fact
    history.check(own)


@pytest.mark.slow
@pytest.mark.parametrize("history", HISTORIES.values(), ids=HISTORIES)
def test_told_in_any_order(blank: Workspace, client: redis.Redis, tmp_path: Path, history: History) -> None:
    """Random orders, batched and repeated at random, end in the same persons, ids and exports."""
    told = blank.fork(tmp_path / "told")
    told.tell(*history.facts)
    history.check(told)
    expected = told.everything()
    for number in range(ORDERS):
        own = blank.fork(tmp_path / str(number))
        for batch in shuffled(history.facts, Random(number)):
            own.tell(*batch)
        assert own.everything() == expected, f"order {number}"
        assert own.verify() == [], f"order {number}"


def shuffled(facts: Sequence[Fact], chance: Random) -> list[list[Fact]]:
    """Put facts in another order, some of them twice, and cut them into batches."""
    told = [*facts, *chance.choices(facts, k=chance.randint(0, 3))]
    chance.shuffle(told)
    cuts = sorted({0, len(told), *chance.choices(range(len(told)), k=chance.randint(0, len(told)))})
    return [told[start:end] for start, end in pairwise(cuts)]


def test_one_person_until_an_operator_splits_them(
    blank: Workspace, client: redis.Redis, tmp_path: Path
) -> None:
    """Equal names join two addresses on a device; after the split each keeps what is its own, ids too."""
    history = HISTORIES["a split outlives new evidence and redelivery"]
    own = blank.fork(tmp_path / "own")
    own.tell(*history.facts[:3])
    together = Reading(own)
    holds(together.persons(), """
        person      visitors  emails
        visitor:v1  v1        al@home.net,ann@acme.com
    """)  # fmt: skip
    own.tell(*history.facts[3:])
    apart = history.check(own)
    assert {row["person_id"] for row in together.persons()} < {row["person_id"] for row in apart.persons()}
