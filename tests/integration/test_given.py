"""Facts that hits give: on the road of every hit, once, in every version, and for people alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import permutations

import pytest
import redis

from tests.telling import Row, Workspace, at, hit, lead
from tracker import config

LINK = {"from": "v0", "nonce": "n1", "made_at": at(-1), "browser": "b0"}
MAIL = {"email": "ann@acme.com", "send_id": "s1"}


@pytest.fixture
def workspace(settings: config.Settings, client: redis.Redis) -> Workspace:
    """Give an empty workspace of two sites."""
    return Workspace(settings, client)


def facts(workspace: Workspace) -> list[Row]:
    """Read the facts in the store in the order of their arrival."""
    return workspace.query("SELECT kind, key, content, origin FROM fact ORDER BY rowid")


def test_loaded_hits_give_their_facts(workspace: Workspace) -> None:
    """A link, a mail and an identify on loaded hits are facts; no address stays on a hit."""
    workspace.tell(
        hit("e1", link=LINK, browser="b1"), hit("e2", 1, mail=MAIL),
        hit("e3", 2, type="event", name="identify", props={"email": "ann@acme.com"}),
    )  # fmt: skip
    told = [(row["kind"], row["key"], row["origin"], json.loads(row["content"])) for row in facts(workspace)]
    seen = {"site": "shop", "visitor_id": "v1"}
    assert told == [
        ("link", "e1", "script", {**seen, **LINK, "at": at(0), "event_id": "e1", "arrived_browser": "b1"}),
        ("mail", "e2", "script", {**seen, **MAIL, "at": at(1), "event_id": "e2"}),
        ("identify", "e3", "script", {**seen, "at": at(2), "event_id": "e3", "email": "ann@acme.com"}),
    ]
    assert "acme" not in json.dumps(workspace.query("SELECT extra FROM hit"))
    assert workspace.verify() == []


def test_a_hit_told_again_gives_another_version_of_the_same_fact(workspace: Workspace) -> None:
    """The event id names the fact; the same again has no effect."""
    later = hit("e1", mail=MAIL | {"send_id": "s2"}, version_at=at(60))
    workspace.tell(hit("e1", mail=MAIL), later, hit("e1", mail=MAIL))
    found = workspace.query("SELECT key, version_ms FROM fact WHERE kind = 'mail' ORDER BY version_ms")
    assert [row["key"] for row in found] == ["e1", "e1"]
    assert found[1]["version_ms"] - found[0]["version_ms"] == 60 * 60_000
    assert workspace.verify() == []


def test_a_robots_hit_gives_no_facts(workspace: Workspace) -> None:
    """Neither by its user agent nor by the sender's word."""
    workspace.tell(hit("e1", mail=MAIL, user_agent="curl/8.0"), hit("e2", mail=MAIL, is_bot=True))
    assert facts(workspace) == []


def test_a_link_that_lacks_what_it_needs_is_a_reject_beside_its_hit(workspace: Workspace) -> None:
    """The hit is kept, and the sender is told what to write."""
    totals = workspace.tell(hit("e1", link={"from": "v0"}))
    assert (totals.added, totals.rejected) == (1, 1)
    (reject,) = workspace.query("SELECT message, origin FROM reject")
    assert reject == {"message": "nonce: is required and missing", "origin": "script"}


def claim(visitor_id: str, again: str = "") -> Callable[[str], Row]:
    """Tell that a page of this visitor saw a Typeform being sent."""

    def told(key: str) -> Row:
        props = {"provider": "typeform", "provider_id": key, "form_id": "f1"}
        event_id = f"{key}-{visitor_id}{again}"
        return hit(event_id, type="event", name="form_submit", visitor_id=visitor_id, props=props)

    return told


def delivery(**proved: str) -> Callable[[str], Row]:
    """Tell what the provider delivered."""
    return lambda key: lead(key, 1, provider="typeform", email="ann@acme.com", **proved)


CLAIMS = {
    "of one visitor": ([claim("v1"), delivery()], ("v1", "M1", "ann@acme.com")),
    "of one visitor, twice": ([claim("v1"), claim("v1", "b"), delivery()], ("v1", "M1", "ann@acme.com")),
    "of two visitors": ([claim("v1"), claim("v2"), delivery()], (None, "unmatched", "ann@acme.com")),
    "against a proved one": ([claim("v1"), delivery(visitor_id="v2")], ("v2", "M1", "ann@acme.com")),
    "of what was not delivered": ([claim("v1")], ("v1", "M1", None)),
}


@pytest.mark.parametrize(("told", "expected"), CLAIMS.values(), ids=CLAIMS)
def test_a_pages_claim_and_a_delivery_make_one_lead_in_every_order(
    workspace: Workspace, told: list[Callable[[str], Row]], expected: tuple[str | None, ...]
) -> None:
    """The page names the visitor where nobody better does, and two pages that disagree name nobody."""
    orders = list(permutations(told))
    for number, order in enumerate(orders):
        for write in order:
            workspace.tell(write(f"r4nd0m-{number}"))
    query = "SELECT visitor_id, match_rule, email FROM lead LEFT JOIN visitor USING (visitor_no)"
    assert [tuple(row.values()) for row in workspace.query(query)] == [expected] * len(orders)
    assert workspace.verify() == []
