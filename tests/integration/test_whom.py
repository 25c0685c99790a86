"""Whom an id names: every id that was ever given out leads to a person."""

from __future__ import annotations

from contextlib import closing

import pytest
import redis

from tests.telling import Workspace, at, hit, identify, lead, split
from tracker import config
from tracker.errors import BadRequest
from tracker.store.db import open_store
from tracker.store.whom import Whom, resolve_id


@pytest.fixture
def workspace(settings: config.Settings, client: redis.Redis) -> Workspace:
    """Give a workspace where Ann has two browsers, and a third visitor is nobody yet."""
    own = Workspace(settings, client)
    own.tell(
        hit("e1", 0), identify(1, email="ann@acme.com"),
        hit("e2", 2, visitor_id="v2"), identify(3, visitor_id="v2", email="Ann@Acme.com"),
        hit("e3", 4, visitor_id="v3"), lead("L1", 5, phone="+44 20 7946 0001"),
    )  # fmt: skip
    return own


def whom(workspace: Workspace, text: str) -> Whom:
    """Resolve an id."""
    with closing(open_store(workspace.settings.data)) as db:
        return resolve_id(db, text)


def person_of(workspace: Workspace, visitor: str) -> str:
    """Find a visitor's person in the export."""
    return next(str(row["person_id"]) for row in workspace.export("persons") if visitor in row["visitors"])


@pytest.mark.parametrize("text", ["v2", "visitor:v2", "email:ann@acme.com", " email:ANN@acme.com "])
def test_a_visitor_and_an_identifier_name_their_person(workspace: Workspace, text: str) -> None:
    """By the bare visitor id, or as `kind:value`, in whatever spelling."""
    assert whom(workspace, text).person_id == person_of(workspace, "v1")


def test_every_id_of_a_person_names_it(workspace: Workspace) -> None:
    """Its own id and every alias, each of which stands for the identifier whose id it is."""
    row = next(row for row in workspace.export("persons") if "v1" in row["visitors"])
    found = [whom(workspace, each) for each in [row["person_id"], *row["aliases"]]]
    assert {each.person_id for each in found} == {row["person_id"]}
    assert {str(each.identifier) for each in found} == {"visitor:v1", "visitor:v2", "email:ann@acme.com"}


def test_a_visitor_who_only_browsed_is_a_person(workspace: Workspace) -> None:
    """Nothing but hits is known, and both of its ids name it."""
    own = person_of(workspace, "v3")
    assert whom(workspace, "v3") == whom(workspace, own)
    assert (whom(workspace, own).identifier_no, whom(workspace, own).person_id) == (None, own)


def test_a_lead_names_its_person(workspace: Workspace) -> None:
    """Through the identifier that the lead's person is known by."""
    row = workspace.export("leads")[0]
    found = whom(workspace, row["lead_id"])
    assert (str(found.identifier), found.person_id) == ("phone:+442079460001", row["person_id"])


def test_an_id_outlives_a_split(workspace: Workspace) -> None:
    """It is an identifier's: it names whoever has that identifier now."""
    before = whom(workspace, "v2").identifier_id
    workspace.tell(split("email:ann@acme.com", "visitor:v2", 10))
    assert whom(workspace, before).person_id == person_of(workspace, "v2") != person_of(workspace, "v1")


def test_an_id_outlives_its_identifier(workspace: Workspace) -> None:
    """A lead's address is corrected: the id of the mistaken one leads to who had it."""
    workspace.tell(lead("L2", 6, email="old@acme.com", phone="+44 20 7946 0002"))
    mistaken = whom(workspace, "email:old@acme.com")
    workspace.tell(lead("L2", 6, email="new@acme.com", phone="+44 20 7946 0002", version_at=at(60)))
    assert whom(workspace, mistaken.person_id).person_id == whom(workspace, "email:new@acme.com").person_id


UNKNOWN = ("nobody", "email:zoe@corp.io", "email:noreply@corp.io", "phone:12", "0" * 20)


@pytest.mark.parametrize("text", UNKNOWN)
def test_who_is_unknown_is_wrong_use(workspace: Workspace, text: str) -> None:
    """An id that was never given out, an address that no fact names, one that names nobody."""
    with pytest.raises(BadRequest):
        whom(workspace, text)
