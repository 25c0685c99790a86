"""What one more fact moves: all views that rest on it, and no row that a rebuild would write otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from pathlib import Path

import pytest
import redis

from tests.reading import Reading
from tests.tables import holds
from tests.telling import Fact, Workspace, at, call, consent, contact, hit, identify, lead, lease, split
from tracker import config
from tracker.core.times import DAY_MS, MINUTE_MS
from tracker.store.sites import StaticNumber

DAY = DAY_MS // MINUTE_MS
ANN, BOB = "ann@acme.com", "bob@beta.io"
LINE, OTHER = "+447700900001", "+447700900002"
POOLED, STATIC = "+442071830001", "+442079460000"
LOW = {
    "TOUCHLINE_EMAIL_SHARED_VISITORS": "3",
    "TOUCHLINE_PHONE_SHARED_EMAILS": "3",
    "TOUCHLINE_PHONE_SHARED_VISITORS": "3",
}


def mail(event_id: str, minute: float, visitor_id: str) -> Fact:
    """Write the arrival of a visitor by the link in the mailing m1 to Ann."""
    return hit(event_id, minute, visitor_id=visitor_id, mail={"email": ANN, "send_id": "m1"})


M4 = (
    lead("L0", 1, visitor_id="v1", email=ANN, phone=LINE),
    hit("h1", 170 * DAY), lease(POOLED, 170 * DAY), lease(POOLED, 170 * DAY + 1, visitor_id="v2"),
    call("L1", 170 * DAY + 5, phone=LINE, tracking_number=POOLED),
    *(call(f"L{n}", 340 * DAY, phone=LINE, tracking_number=STATIC) for n in range(2, 8)),
)  # fmt: skip
MOVES: dict[str, tuple[Sequence[Fact], Sequence[Fact]]] = {
    "a mailing turns out to have been opened long before by another": (
        (mail("h3", 200 * DAY, "v3"), identify(199 * DAY, email=ANN),
         identify(199 * DAY, visitor_id="v2", email=ANN)),
        (mail("h1", 0, "v1"),),
    ),
    "a number that everybody gives comes with an address that everybody gives": (
        [lead(f"L{n}", n, visitor_id=f"v{n}", email=ANN, phone=LINE) for n in range(3)],
        (lead("L4", 4, email=ANN, phone=LINE),),
    ),
    "a call that a line told apart came from a withheld number": (
        M4, (call("L1", 170 * DAY + 5, phone="anonymous", tracking_number=POOLED, version_at=at(171 * DAY)),),
    ),
    "a call that a line told apart came from another number": (
        M4, (call("L1", 170 * DAY + 5, phone=OTHER, tracking_number=POOLED, version_at=at(171 * DAY)),),
    ),
    "a call that a line told apart was a test": (
        M4, (call("L1", 170 * DAY + 5, is_test=True, version_at=at(171 * DAY)),),
    ),
    "a call that was hers turns out to be one of two others'": (
        (hit("h1"), lead("L0", 1, visitor_id="v1", email=ANN, phone=LINE),
         call("L1", 10, phone=LINE, tracking_number=POOLED, utm_source="partner"),
         lead("L2", 20, email=ANN)),
        (lease(POOLED, 8, visitor_id="v2"), lease(POOLED, 9, visitor_id="v3")),
    ),
    "a call that was one of two others' turns out to be hers": (
        (hit("h1"), lead("L0", 1, visitor_id="v1", email=ANN, phone=LINE),
         call("L1", 10, phone=LINE, tracking_number=POOLED, utm_source="partner"),
         lead("L2", 20, email=ANN), lease(POOLED, 8, visitor_id="v2"), lease(POOLED, 9, visitor_id="v3")),
        (consent("denied", 7, visitor_id="v2"), consent("denied", 7, visitor_id="v3")),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("before", "more"), MOVES.values(), ids=MOVES)
def test_nothing_stays_as_it_was_when(
    client: redis.Redis, tmp_path: Path, before: Sequence[Fact], more: Sequence[Fact]
) -> None:
    """What is told moves what rests on it, whether it is told later or in one batch with all others."""
    alone, together = (
        Workspace(config.load(LOW, data=tmp_path / name), client) for name in ("alone", "together")
    )
    for own in (alone, together):
        own.static_number(StaticNumber(STATIC, "leaflet", "print"))
    for each in before:
        alone.tell(each)
    assert alone.verify() == []
    alone.tell(*more)
    assert alone.verify() == []
    together.tell(*before, *more)
    assert alone.everything() == together.everything()


def test_after_a_refusal_a_call_is_nobodys(client: redis.Redis, tmp_path: Path) -> None:
    """Whoever withdraws consent and then calls the number that was shown before is not recognised by it."""
    told = (
        hit("h1"), lease(POOLED, 0, 5), call("L1", 2, phone=LINE, tracking_number=POOLED),
        consent("denied", 6), call("L2", 8, phone=OTHER, tracking_number=POOLED),
    )  # fmt: skip
    for number, order in enumerate(permutations(told)):
        if number % 8:
            continue
        own = Workspace(config.load({}, data=tmp_path / str(number)), client)
        for fact in order:
            own.tell(fact)
        holds(Reading(own).leads(), """
            provider_id  visitor_id  match_rule  person      journey
            L1           v1          M2          visitor:v1  h1
            L2           -           unmatched   -           []
        """)  # fmt: skip
        assert [row["b"] for row in own.export("decisions")] == [f"phone:{LINE}"]
        assert own.verify() == []


@pytest.fixture
def workspace(settings: config.Settings, client: redis.Redis) -> Workspace:
    """Give a workspace of two sites without a history."""
    return Workspace(settings, client)


def test_a_contact_may_have_one_number_twice(workspace: Workspace) -> None:
    """A contact whose phone and mobile are one number, however they are spelled, has that number once."""
    workspace.tell(contact("c1", emails=[ANN, ANN], phones=[LINE, "07700 900001", LINE]))
    (person,) = Reading(workspace).persons()
    assert (person["emails"], person["phones"]) == ([ANN], [LINE])


def test_whom_a_fact_came_from_does_not_rest_on_who_came_first(client: redis.Redis, tmp_path: Path) -> None:
    """What a page's script told and a trusted sender confirmed word for word is verified, in either order."""
    fact = identify(0, email=ANN, event_id="i1")
    for number, origins in enumerate((("script", "api"), ("api", "script"))):
        own = Workspace(config.load({}, data=tmp_path / str(number)), client)
        for origin in origins:
            own.tell(fact, origin=origin)
        assert [row["is_verified"] for row in own.export("decisions")] == [True]
        assert own.verify() == []


def test_a_number_that_is_not_hers_leaves_a_lead_hers(workspace: Workspace) -> None:
    """An operator's word that a line is not Ann's takes the line from her, not the leads she gave it in."""
    workspace.tell(
        hit("h1"), lead("L0", 5, visitor_id="v1", email=ANN), lead("L1", 6, email=ANN, phone=LINE),
        split(f"email:{ANN}", f"phone:{LINE}", 10),
    )  # fmt: skip
    holds(Reading(workspace).leads(), """
        provider_id  visitor_id  person      journey
        L0           v1          visitor:v1  h1
        L1           v1          visitor:v1  h1
    """)  # fmt: skip
