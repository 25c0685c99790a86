"""`touchline explain person`: what holds a person together, what was refused, and what would be without."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import replace
from typing import Any

import pytest
import redis
from click.testing import CliRunner, Result

from tests.telling import KEY, Fact, Workspace, contact, hit, identify, lead, same, split
from tracker import config
from tracker.cli import main
from worker import rebuild

ANN, BOB, HOME = "email:ann@acme.com", "email:bob@beta.io", "email:ann@home.net"
LINE = "+44 7700 900001"
TYPED: tuple[Fact, ...] = (
    hit("e1", 0), identify(1, email="ann@acme.com", event_id="i1"),
    hit("e2", 2, visitor_id="v2"), identify(3, visitor_id="v2", email="ann@acme.com", event_id="i2"),
    hit("e3", 100), identify(101, email="bob@beta.io", event_id="i3"), hit("e4", 4, visitor_id="v9"),
)  # fmt: skip
TOLD: tuple[Fact, ...] = (
    lead("L1", 110, email="ann@acme.com", phone=LINE), lead("L2", 111, email="bob@beta.io", phone=LINE),
    contact("C1", 120, emails=["ann@acme.com"]), contact("C2", 121, emails=["ann@acme.com"]),
    lead("L3", 130, email="ann@home.net"), same(ANN, HOME, 200), split(ANN, "visitor:v2", 300),
)  # fmt: skip


@pytest.fixture
def workspace(settings: config.Settings, client: redis.Redis) -> Workspace:
    """Give a workspace with a shared browser, a contested number, two contacts and an operator."""
    own = Workspace(settings, client)
    own.tell(*TYPED, origin="script")
    own.tell(*TOLD)
    return own


def touchline(workspace: Workspace, url: str, *words: str) -> Result:
    """Run a verb over the workspace."""
    runner = CliRunner(env={"REDIS_URL": url})
    result = runner.invoke(main, ["--data", str(workspace.settings.data), *words])
    assert result.exit_code == 0, result.stderr
    return result


def explain(workspace: Workspace, id_: str, *words: str) -> str:
    """Explain a person in words; ids become dots."""
    text = touchline(workspace, "", "explain", "person", id_, *words).stdout
    return re.sub(r"\b[0-9a-f]{20}\b", "...", text)


def told(workspace: Workspace, id_: str, *words: str) -> dict[str, Any]:
    """Explain a person as JSON, contacts in full."""
    words = ("explain", "person", id_, "--format", "json", "--pii", *words)
    found: dict[str, Any] = json.loads(touchline(workspace, "", *words).stdout)
    return found


BOBS = """\
Person ...: 1 identifier
  email bob@beta.io, first seen 2026-03-01T11:41:00.000Z, named by 2 facts  (the one asked for)
  Not joined:
    2026-03-01T11:41:00.000Z  email bob@beta.io and visitor v1: R2, it was given on this browser
      told by identify i3, only typed into a page; not with person ...
      because both sides have an e-mail address or user id of their own, and a shared browser or number is \
not enough to make them one person
      to join them all the same: touchline same email:bob@beta.io email:ann@acme.com
    2026-03-01T11:51:00.000Z  email bob@beta.io and phone +447700900001: \
R4, the number or chat was given with it
      told by lead desk L2, verified; not with person ...
      because several people gave this number or chat of late; it stands for none of them alone
      to join them all the same: touchline same email:bob@beta.io phone:+447700900001
  Browsers that several persons used in turn:
    visitor v1
      from the beginning: person ..., by email ann@acme.com
      from 2026-03-01T11:40:00.000Z: this person, by email bob@beta.io
  Standing for nobody alone:
    phone +447700900001, named by 2 facts: several people gave this number or chat of late; \
it stands for none of them alone
"""


def test_what_was_refused_is_told_with_its_reason_and_its_remedy(workspace: Workspace) -> None:
    """The whole story of one who shares a browser and a number with another."""
    assert explain(workspace, BOB, "--pii") == BOBS


def test_each_piece_of_the_chain_says_what_would_be_without_it(workspace: Workspace) -> None:
    """The same rules hear the evidence without that row."""
    rows = {(row["rule"], row["told_by"].split()[0]): row for row in told(workspace, ANN)["evidence"]}
    typed = rows["R2", "identify"]
    assert (typed["verdict"], typed["is_verified"], typed["fact"]) == ("joined", False, "identify:shop:i1")
    assert typed["without"] == [["crm:hub:C1", ANN, HOME], [BOB, "visitor:v1"]]
    assert rows["R1", "contact"]["without"] == [["crm:hub:C1"], ["crm:hub:C2", ANN, HOME, "visitor:v1"]]
    assert rows["same", "same"]["without"] == [["crm:hub:C1", ANN, "visitor:v1"], [HOME]]
    assert rows["same", "same"]["undo"] == f"touchline same {ANN} {HOME} --undo"


def test_what_many_facts_say_does_not_rest_on_one(workspace: Workspace) -> None:
    """Without one of two equal sightings it is still one person; a split parts them all the same."""
    workspace.tell(identify(2, email="ann@acme.com", event_id="i9"))
    for row in told(workspace, ANN)["evidence"]:
        if row["rule"] == "R2":
            assert len(row["without"]) == 1
            assert len(row["once_undone"]) == 2
    text = explain(workspace, ANN)
    assert "      without it: still one person, by the other evidence\n      once undone: 2 persons: " in text


def test_the_undo_that_is_printed_does_what_was_promised(workspace: Workspace, redis_url: str) -> None:
    """Pasted as it stands, for each piece of the chain; its own undo restores what was."""
    before = workspace.export("persons")
    for row in told(workspace, ANN)["evidence"]:
        words = shlex.split(row["undo"])[1:]
        touchline(workspace, redis_url, *words)
        for group in row["once_undone"]:
            own = told(workspace, group[0])["identifiers"]
            assert {f"{each['kind']}:{each['value']}" for each in own} == set(group)
        back = [word for word in words if word != "--undo"] if "--undo" in words else [*words, "--undo"]
        touchline(workspace, redis_url, *back)
        assert workspace.export("persons") == before


def test_a_commands_ids_need_no_contact_details(workspace: Workspace, redis_url: str) -> None:
    """Masked by default, in lists and commands alike, and the commands still work."""
    text = touchline(workspace, "", "explain", "person", ANN).stdout
    assert "ann@" not in text
    assert "7700" not in text
    assert "email a***@acme.com" in text
    command = next(line for line in text.splitlines() if "touchline split" in line and "visitor:v1" in line)
    touchline(workspace, redis_url, *shlex.split(command.partition("touchline ")[2]))
    assert told(workspace, "v1")["person_id"] != told(workspace, ANN)["person_id"]


def test_an_operators_word_is_told_with_how_to_take_it_back(workspace: Workspace) -> None:
    """Both where it stands, and where it refused something."""
    found = told(workspace, "v2")
    command = f"touchline split {ANN} visitor:v2 --undo"
    assert [row["undo"] for row in found["apart_by_word"] + found["refused"]] == [command, command]
    assert found["refused"][0]["why"] == "split"
    assert found["evidence"] == []


def test_two_contacts_of_one_crm_are_queued_with_their_reason(workspace: Workspace) -> None:
    """The second contact with the same address stays out, and both sides say why."""
    for asked in (ANN, "crm:hub:C2"):
        assert "two_contacts" in {row["why"] for row in told(workspace, asked)["refused"]}
    assert "one person would have two contacts of the same CRM" in explain(workspace, ANN)


def test_any_id_will_do(workspace: Workspace) -> None:
    """A person's id, a former one, an alias, a bare visitor, a lead."""
    one = told(workspace, ANN)["person_id"]
    own = next(row for row in workspace.export("persons") if row["person_id"] == one)
    leads = [row["lead_id"] for row in workspace.export("leads") if row["person_id"] == one]
    assert len(leads) == 2
    for id_ in [one, *own["aliases"], "v1", *leads]:
        assert told(workspace, id_)["person_id"] == one


def test_a_visitor_who_only_browsed_is_explained(workspace: Workspace) -> None:
    """There is nothing that holds them together, and nothing else to say."""
    first, second = explain(workspace, "v9").splitlines()
    assert first == "Person ...: 1 identifier"
    assert second == "  visitor v9, first seen 2026-03-01T10:04:00.000Z  (the one asked for)"


def test_an_address_that_too_many_use_stands_for_nobody(workspace: Workspace) -> None:
    """A number given with three addresses says so, with how often it was named."""
    workspace.tell(lead("L4", 140, email="cat@home.net", phone=LINE))
    (row,) = told(workspace, f"phone:{LINE}")["shared"]
    assert (row["apart"], row["facts"]) == ("shared", 3)
    assert "it stands for nobody" in explain(workspace, f"phone:{LINE}")


def test_a_changed_limit_is_told_until_the_views_are_made_anew(workspace: Workspace, redis_url: str) -> None:
    """Explanations are by the limits of today; what the exports still say otherwise is pointed out."""
    workspace.settings = replace(workspace.settings, same_device_emails="merge")
    runner = CliRunner(env={"TOUCHLINE_SAME_DEVICE_EMAILS": "merge"})
    asked = ["--data", str(workspace.settings.data), "explain", "person", BOB]
    assert "The limits were changed since" in runner.invoke(main, asked).stdout
    rebuild.rebuild(workspace.settings, key=KEY, tell=lambda _: None)
    assert "The limits were changed since" not in runner.invoke(main, asked).stdout
