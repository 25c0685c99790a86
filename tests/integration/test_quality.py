"""What leads are worth, from facts to exports: statuses, junk, repeats, activities, first responses."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import permutations
from pathlib import Path
from random import Random
from typing import Any

import pytest
import redis

from tests.tables import holds
from tests.telling import (
    Fact,
    Row,
    Workspace,
    activity,
    at,
    call,
    contact,
    erase,
    hit,
    identify,
    lead,
    same,
    split,
    status,
)
from tracker import config
from tracker.core.ids import lead_id
from tracker.store import exports
from tracker.store.db import open_store

DAY = 24 * 60
ANN, BOB, LINE = "ann@acme.com", "bob@beta.io", "+447700900001"


@pytest.fixture
def workspace(settings: config.Settings, client: redis.Redis) -> Workspace:
    """Give an empty workspace of two sites."""
    return Workspace(settings, client)


def leads_of(workspace: Workspace) -> list[Row]:
    """Read the leads by their provider's id; a repeat names the provider's id of what it repeats."""
    rows = workspace.export("leads")
    names = {row["lead_id"]: row["provider_id"] for row in rows}
    for row in rows:
        row["repeats"] = names.get(row["duplicate_of"])
    return sorted(rows, key=lambda row: str(row["provider_id"]))


HISTORIES: Mapping[str, tuple[Sequence[Fact], str]] = {
    "a lead that nobody judged is new": (
        [lead("1", 0, email=ANN)],
        """provider_id  status  is_junk  status_by
           1            new     no       rule""",
    ),
    "a short call is junk until somebody says otherwise": (
        [call("1", 0, duration_s=4), call("2", 0, duration_s=4), status("2", 9, "SQL", by="Sue",
                                                                        provider="calls")],
        """provider_id  status           is_junk  status_by  status_rule
           1            disqualified     yes      rule       short_call
           2            sales_qualified  no       Sue        -""",
    ),
    "a provider's word is history at its version's time": (
        [lead("1", 0), lead("1", 0, status="good_lead", version_at=at(50)), status("1", 20, "disqualified")],
        """provider_id  status     status_at                 status_by
           1            qualified  2026-03-01T10:50:00.000Z  desk""",
    ),
    "the same kind within a month is a repeat, whichever browser or line it comes by": (
        [lead("1", 0, email=ANN, visitor_id="v1"), lead("2", 29 * DAY, email=ANN, visitor_id="v2"),
         lead("3", 31 * DAY, email=ANN), lead("4", 5, email=BOB)],
        """provider_id  repeats
           1            -
           2            1
           3            -
           4            -""",
    ),
    "a call and a form within ten minutes are one enquiry": (
        [lead("1", 0, email=ANN, phone=LINE), call("2", 9, phone=LINE), call("3", 70, phone=LINE)],
        """provider_id  repeats
           1            -
           2            1
           3            1""",
    ),
    "junk neither counts nor makes others repeats": (
        [call("1", 0, phone=LINE, duration_s=3), call("2", 5, phone=LINE, duration_s=60)],
        """provider_id  is_junk  repeats
           1            yes      -
           2            no       -""",
    ),
    "an operator's word joins two whose leads repeat one another then": (
        [lead("1", 0, email=ANN), lead("2", 60, email=BOB), same(f"email:{ANN}", f"email:{BOB}", 90)],
        """provider_id  repeats
           1            -
           2            1""",
    ),
    "the first call of sales answers a lead": (
        [lead("1", 0, email=ANN), activity("A2", 45, email=ANN, owner="Tim"),
         activity("A1", 30, email="Ann@ACME.com", owner="Sue"),
         activity("A0", 10, "email_opened", email=ANN), activity("A3", -5, email=ANN)],
        """provider_id  response_s  response_owner
           1            1800        Sue""",
    ),
    "a call that was answered is its own response": (
        [call("1", 0, phone=LINE, answered=True), call("2", 0, phone="+447700900002", answered=False)],
        """provider_id  response_s
           1            0
           2            -""",
    ),
    "an activity waits until its address is known": (
        [lead("1", 0, visitor_id="v1"), activity("A1", 30, email=ANN), identify(60, email=ANN)],
        """provider_id  response_s
           1            1800""",
    ),
    "an activity with a contact of the CRM": (
        [lead("1", 0, email=ANN), activity("A1", 30, "meeting", crm_id="c1"),
         contact("c1", 60, emails=[ANN])],
        """provider_id  response_s
           1            1800""",
    ),
    "an activity is with the one whom its surest known name means": (
        [lead("1", 0, email=ANN), lead("2", 0, email=BOB, phone=LINE),
         activity("A1", 30, email=ANN, phone=LINE)],
        """provider_id  response_s
           1            1800
           2            -""",
    ),
    "an activity moves when a surer name of it becomes known": (
        [lead("2", 0, email=BOB, phone=LINE), activity("A1", 30, email=ANN, phone=LINE),
         lead("1", 1, email=ANN)],
        """provider_id  response_s
           1            1740
           2            -""",
    ),
    "who are two again wait for themselves": (
        [lead("1", 0, visitor_id="v1"), identify(1, email=ANN), activity("A1", 30, email=ANN),
         split("visitor:v1", f"email:{ANN}", 90)],
        """provider_id  response_s
           1            -""",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("facts", "expected"), HISTORIES.values(), ids=HISTORIES)
def test_in_any_order(client: redis.Redis, tmp_path: Path, facts: Sequence[Fact], expected: str) -> None:
    """Whatever arrives first, alone or together, the outcome is the same and a rebuild agrees."""
    random = Random(5)
    orders = [tuple(facts), *random.sample(list(permutations(facts)), min(3, len(facts)))]
    for number, order in enumerate(orders):
        own = Workspace(config.load({}, data=tmp_path / str(number)), client)
        while order:
            size = random.randint(1, len(order))
            own.tell(*order[:size])
            order = order[size:]
        holds(leads_of(own), expected)
        assert own.verify() == []


def test_a_history_says_who_when_and_why(workspace: Workspace) -> None:
    """What the rules say comes first, then each word that changed the status."""
    workspace.tell(
        call("1", 0, duration_s=4),
        status("1", 10, "MQL", provider="calls", by="Sue", reason="wants a quote"),
        {"fact": "status", "site": "shop", "lead_id": lead_id("shop", "calls", "1"), "at": at(20),
         "status": "customer", "by": "Tim"},
    )  # fmt: skip
    holds(
        workspace.export("statuses"),
        """at                        status        is_junk  said_by  reason
           2026-03-01T10:00:00.000Z  disqualified  yes      rule     the call lasted less than 10 seconds
           2026-03-01T10:10:00.000Z  qualified     no       Sue      wants a quote
           2026-03-01T10:20:00.000Z  customer      no       Tim      -""",
    )


def test_a_word_on_a_lead_of_another_site_says_nothing(workspace: Workspace) -> None:
    """The lead is named by its id; the site that the word is of must be its own."""
    own = lead_id("shop", "desk", "1")
    word = {"fact": "status", "site": "blog", "lead_id": own, "at": at(5), "status": "customer"}
    workspace.tell(lead("1", 0), word)
    assert [row["status"] for row in leads_of(workspace)] == ["new"]


REFUSED = {
    "no lead is named": {"provider_id": None},
    "the status is none": {"status": "hot"},
    "no status is given": {"status": None},
}


@pytest.mark.parametrize("change", REFUSED.values(), ids=REFUSED)
def test_a_word_is_refused_when(workspace: Workspace, change: dict[str, Any]) -> None:
    """A word that means nothing is no fact."""
    assert workspace.tell({**status("1", 5, "new"), **change}).rejected == 1


def test_pages_seen_are_those_of_the_journey(workspace: Workspace) -> None:
    """A page more moves the status by a rule on pages, though no journey's path moved."""
    with open_store(workspace.settings.data, write=True) as db:
        rule = {"name": "reads", "status": "qualified", "tests": {"pages": {"at_least": 2}}}
        db.execute("UPDATE site SET quality = ?", [json.dumps({"rules": [rule]})])
    db.close()
    workspace.tell(hit("h1", 0), lead("1", 5, visitor_id="v1"))
    assert [row["status"] for row in leads_of(workspace)] == ["new"]
    workspace.tell(hit("h2", 3))
    assert [row["status"] for row in leads_of(workspace)] == ["qualified"]
    assert workspace.verify() == []


def test_a_copy_kept_by_cursors_hears_of_every_change(workspace: Workspace) -> None:
    """Status, repeat and response each bring the lead's row again."""
    workspace.tell(lead("1", 60, email=ANN))
    for fact in (status("1", 70, "MQL"), activity("A1", 90, email=ANN), lead("0", 0, email=ANN)):
        with open_store(workspace.settings.data) as db:
            since = exports.cursor_now(db, "leads")
        db.close()
        workspace.tell(fact)
        assert "1" in [row["provider_id"] for row in workspace.export("leads", since=since)]


def test_the_log_tells_what_a_status_was(workspace: Workspace) -> None:
    """The feed of changes names the fact that moved a status or made a repeat."""
    workspace.tell(lead("1", 60, email=ANN))
    workspace.tell(status("1", 70, "MQL"))
    workspace.tell(lead("0", 0, email=ANN))
    own = lead_id("shop", "desk", "1")
    moves = [row for row in workspace.export("changes") if row["id"] == own and row["what"] == "moved"]
    told = [(row["before"]["status"], row["after"]["status"], row["after"]["duplicate_of"]) for row in moves]
    assert told == [("new", "qualified", None), ("qualified", "qualified", lead_id("shop", "desk", "0"))]
    assert moves[0]["because"].startswith("status ")


def test_what_moved_a_response_is_named_for_its_own_person(workspace: Workspace) -> None:
    """Of facts that come together, each person's leads name their own."""
    workspace.tell(activity("A1", 30, email=ANN), activity("A2", 30, email=BOB))
    workspace.tell(
        lead("1", 0, email=ANN), lead("2", 0, email=BOB), lead("3", 60, email=ANN), lead("4", 60, email=BOB)
    )
    causes = {row["id"]: row["because"] for row in workspace.export("changes") if row["what"] == "moved"}
    of = {own: lead_id("shop", "desk", own) for own in "1234"}
    assert causes[of["3"]] in ("lead desk 1", "lead desk 3")
    assert causes[of["4"]] in ("lead desk 2", "lead desk 4")


def test_nothing_of_an_erased_person_is_left(workspace: Workspace) -> None:
    """Words on their leads' statuses and activities with them go, and do not come back."""
    facts = (
        lead("1", 0, email=ANN, phone=LINE), call("2", 5, phone=LINE, duration_s=3), lead("3", 5, email=BOB),
        status("1", 10, "MQL", by="Sue", reason="Ann Leeds is nice"),
        status("3", 10, "MQL", by="Sue", reason="Bob too"),
        activity("A1", 30, email=ANN, title="Call with Ann Leeds"), activity("A2", 30, crm_id="c1"),
        activity("A3", 30, email=BOB), contact("c1", 1, emails=[ANN]),
    )  # fmt: skip
    workspace.tell(*facts)
    workspace.tell(erase(100, email=ANN))
    for _ in range(2):
        assert [row["provider_id"] for row in leads_of(workspace)] == ["3"]
        assert [row["reason"] for row in workspace.export("statuses")] == [None, "Bob too"]
        assert [row["provider_id"] for row in workspace.export("activities")] == ["A3"]
        kept = workspace.query("SELECT content FROM fact WHERE kind IN ('status', 'activity')")
        assert len(kept) == 2 and "Leeds" not in str(kept)
        assert workspace.verify() == []
        workspace.tell(*facts)
