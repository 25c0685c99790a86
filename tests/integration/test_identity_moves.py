"""What one more fact moves: all views that rest on it, and no row that a rebuild would write otherwise."""

from __future__ import annotations

from collections.abc import Sequence
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
LOW = {"TOUCHLINE_EMAIL_SHARED_VISITORS": "3"}


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
