"""`touchline split` and `same`: an operator's word, by the road of all facts, and its undo."""

from __future__ import annotations

import json

import pytest
import redis
from click.testing import Result

from tests.integration.conftest import Touchline
from tests.telling import Row, Workspace, at, hit, identify, lead
from tracker import config

ANN, HOME = "email:ann@acme.com", "email:ann@home.net"


@pytest.fixture
def workspace(settings: config.Settings, client: redis.Redis) -> Workspace:
    """Give a workspace where two browsers gave Ann's address, and a lead gave another one."""
    own = Workspace(settings, client)
    own.tell(
        hit("e1", 0), identify(1, email="ann@acme.com"), hit("e2", 2, visitor_id="v2"),
        identify(3, visitor_id="v2", email="ann@acme.com"), lead("L1", 5, email="ann@home.net"),
    )  # fmt: skip
    return own


def told(result: Result) -> list[Row]:
    """Read the rows off stdout."""
    assert result.exit_code == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def groups(workspace: Workspace) -> set[frozenset[str]]:
    """Cut visitors and addresses into persons."""
    return {frozenset(row["visitors"] + row["emails"]) for row in workspace.export("persons")}


JOINED = {frozenset({"v1", "v2", "ann@acme.com"}), frozenset({"ann@home.net"})}
CUT = {frozenset({"v1", "ann@acme.com"}), frozenset({"v2"}), frozenset({"ann@home.net"})}
ALL = {frozenset({"v1", "v2", "ann@acme.com", "ann@home.net"})}


def test_a_split_and_its_undo_are_exact(workspace: Workspace, touchline: Touchline) -> None:
    """What changed is printed as persons before and after; the undo restores the former export."""
    before = workspace.export("persons")
    result = touchline("split", ANN, "visitor:v2")
    assert {(row["what"], bool(row["before"])) for row in told(result)} == {("split", True), ("split", False)}
    assert groups(workspace) == CUT
    assert "to take it back: touchline split email:ann@acme.com visitor:v2 --undo" in result.stderr
    undone = told(touchline("split", ANN, "visitor:v2", "--undo"))
    assert [row["what"] for row in undone] == ["merged", "merged"]
    assert workspace.export("persons") == before
    assert workspace.verify() == []


def test_same_joins_what_the_guards_keep_apart(workspace: Workspace, touchline: Touchline) -> None:
    """Two addresses are one person's because somebody says so, until they take it back."""
    assert groups(workspace) == JOINED
    assert {row["what"] for row in told(touchline("same", ANN, HOME))} == {"merged"}
    assert groups(workspace) == ALL
    told(touchline("same", HOME, ANN, "--undo"))
    assert groups(workspace) == JOINED


def test_a_national_number_is_read_as_at_the_site(workspace: Workspace, touchline: Touchline) -> None:
    """A number of the site's country needs no code, and is kept with it."""
    result = touchline("same", ANN, "phone:07700 900001", "--site", "shop")
    assert "email:ann@acme.com and phone:+447700900001" in result.stderr


def test_a_split_beats_same_and_says_so(workspace: Workspace, touchline: Touchline) -> None:
    """A refused word is kept, and told on stderr."""
    told(touchline("split", ANN, HOME))
    result = touchline("same", ANN, HOME)
    assert told(result) == []
    assert "refused: an operator said that these are not one person" in result.stderr
    assert groups(workspace) == JOINED


def test_repeating_is_harmless(workspace: Workspace, touchline: Touchline) -> None:
    """The same word again, at the same time or later, changes nobody."""
    told(touchline("split", ANN, "visitor:v2", "--at", at(60)))
    views = workspace.everything()
    for _ in range(2):
        again = touchline("split", ANN, "visitor:v2", "--at", at(60))
        assert told(again) == []
        assert "nobody changed" in again.stderr
        assert workspace.everything() == views
    told(touchline("split", "visitor:v2", ANN))
    assert groups(workspace) == CUT


def test_the_last_of_two_words_of_one_time_counts(workspace: Workspace, touchline: Touchline) -> None:
    """Undone and said again under one `--at`: it is one fact, and its newest version counts."""
    for words, outcome in (((), CUT), (("--undo",), JOINED), ((), CUT)):
        told(touchline("split", ANN, "visitor:v2", "--at", at(60), *words))
        assert groups(workspace) == outcome


def test_ids_stand_for_the_identifiers_that_they_name(workspace: Workspace, touchline: Touchline) -> None:
    """A bare visitor, a person's or former person's id, a lead: stderr tells which identifier is meant."""
    one = next(row for row in workspace.export("persons") if "v1" in row["visitors"])
    (own,) = workspace.export("leads")
    result = touchline("split", "v2", one["person_id"])
    told(result)
    assert "split: visitor:v2 and visitor:v1; 2 persons changed" in result.stderr
    result = touchline("same", own["lead_id"], "visitor:v2")
    told(result)
    assert f"same: {HOME} and visitor:v2; 2 persons changed" in result.stderr
    assert groups(workspace) == {frozenset({"v1", "ann@acme.com"}), frozenset({"v2", "ann@home.net"})}


UNREADABLE = {
    "nobody's id": ("nobody", "names nobody; write KIND:VALUE"),
    "no kind": ("mail:ann@acme.com", "names nobody; write KIND:VALUE"),
    "a blocked value": ("email:noreply@acme.com", "names nobody: the value is blocked"),
    "itself": (ANN, "are the same identifier"),
}


@pytest.mark.parametrize("verb", ["split", "same"])
@pytest.mark.parametrize(("text", "message"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read_is_wrong_use(touchline: Touchline, verb: str, text: str, message: str) -> None:
    """Exit code 2, a message that says what to write, nothing on stdout, no fact."""
    result = touchline(verb, ANN, text)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr


def test_the_site_and_the_time_must_be_real(touchline: Touchline) -> None:
    """Wrong ones are wrong use."""
    assert touchline("split", ANN, HOME, "--site", "nowhere").exit_code == 2
    assert touchline("split", ANN, HOME, "--at", "yesterday").exit_code == 2
