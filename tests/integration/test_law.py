"""The law of the house: the views depend on the set of facts alone.

Random histories of a few people on two sites are told in any order, in any batches, twice over and with
drains in between. What comes out must be the same, `verify` must find nothing at any time, and a word
taken back was never said.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from tests import histories
from tests.histories import batches
from tests.laws import tried
from tests.telling import KEY, SITES, Fact, Row, Workspace, at, consent
from tracker import config, embedded
from tracker.core.times import DAY_MS, MINUTE_MS
from tracker.store.db import open_store
from tracker.store.sites import StaticNumber, match_pages
from worker import rebuild

YEAR = 365 * DAY_MS // MINUTE_MS  # after anything that a history tells, in minutes
LIMITS: Mapping[str, Mapping[str, str]] = {
    "usual": {},
    "low": {
        "TOUCHLINE_PHONE_SHARED_EMAILS": "2",
        "TOUCHLINE_PHONE_SHARED_VISITORS": "3",
        "TOUCHLINE_EMAIL_SHARED_VISITORS": "3",
    },
    "merging": {"TOUCHLINE_SAME_DEVICE_EMAILS": "merge", "TOUCHLINE_PHONE_SHARED_VISITORS": "3"},
}
STRANGER = "v9"

limits = st.sampled_from(sorted(LIMITS))
many = tried(20)


class Workspaces:
    """Gives workspaces of two sites and a static number, copied from one for each set of limits."""

    def __init__(self, folder: Path, client: redis.Redis) -> None:
        self._folder = folder
        self._count = count()
        self._blank = {
            name: Workspace(config.load(told, data=folder / name), client) for name, told in LIMITS.items()
        }
        for each in self._blank.values():
            each.static_number(StaticNumber(histories.STATIC, "leaflet", "print"))
        with closing(open_store(folder / "low", write=True)) as db:
            match_pages(db, "shop", is_on=True)

    @contextmanager
    def fresh(self, limit: str) -> Iterator[Workspace]:
        """Give a workspace in which nothing has been told."""
        own = self._blank[limit].fork(self._folder / str(next(self._count)))
        yield own
        shutil.rmtree(own.settings.data)


@pytest.fixture(scope="module")
def workspaces(tmp_path_factory: pytest.TempPathFactory, redis_url: str) -> Iterator[Workspaces]:
    """Give workspaces to the tests of this module."""
    with embedded.connect(redis_url, blocking=False) as client:
        yield Workspaces(tmp_path_factory.mktemp("law"), client)


def outcome(own: Workspace, told: Sequence[Sequence[Fact]], but: Sequence[Fact] = ()) -> dict[str, list[Row]]:
    """Tell a history, compare the views with views made anew after each batch, and read them out.

    Args:
        but: an operator's words whose own decisions do not count.
    """
    for batch in told:
        own.tell(*batch)
        assert own.verify() == []
    found = own.everything()
    said = {(each["fact"], frozenset((each["a"], each["b"]))) for each in but}
    found["decisions"] = [
        row for row in found["decisions"] if (row["rule"], frozenset((row["a"], row["b"]))) not in said
    ]
    return found


@pytest.mark.slow
@many
@given(st.data(), histories.histories, limits)
def test_any_order_batching_and_repetition_gives_the_same_exports(
    workspaces: Workspaces, data: st.DataObject, history: list[Fact], limit: str
) -> None:
    """Shuffled, split, repeated and drained in between, the same facts give the same views."""
    with workspaces.fresh(limit) as one, workspaces.fresh(limit) as other:
        once = outcome(one, [history])
        again = outcome(other, data.draw(batches(history)))
        for what, rows in once.items():
            assert again[what] == rows, what
        assert rebuild.rebuild(other.settings, key=KEY, tell=print) == 0


@pytest.mark.slow
@many
@given(histories.histories, histories.words, limits)
def test_an_operators_word_taken_back_was_never_said(
    workspaces: Workspaces, history: list[Fact], word: dict[str, Any], limit: str
) -> None:
    """After the undo of a split or a same every export is what it was, but for the word itself."""
    word = {**word, "undo": False}
    pair = {word["a"], word["b"]}
    rest = [each for each in history if each["fact"] != word["fact"] or {each["a"], each["b"]} != pair]
    with workspaces.fresh(limit) as own:
        before = outcome(own, [rest])
        after = outcome(own, [[word], [{**word, "at": at(YEAR), "undo": True}]], but=[word])
        for what, rows in before.items():
            assert after[what] == rows, what


@pytest.mark.slow
@many
@given(st.data(), histories.histories, st.lists(histories.leads | histories.calls, min_size=1), limits)
def test_a_lead_that_was_a_test_was_never_told(
    workspaces: Workspaces, data: st.DataObject, history: list[Fact], versions: list[Fact], limit: str
) -> None:
    """Whatever a lead said and joined is gone once its provider says that it was a test."""
    own = {"site": "shop", "provider": "tester", "provider_id": "1"}
    tested = [{**each, **own} for each in versions]
    tested.append({**tested[0], "is_test": True, "version_at": at(YEAR)})
    with workspaces.fresh(limit) as one, workspaces.fresh(limit) as other:
        without = outcome(one, [history])
        taken_back = outcome(other, data.draw(batches([*history, *tested])))
        for what, rows in without.items():
            assert taken_back[what] == rows, what


@pytest.mark.slow
@many
@given(st.data(), histories.histories, st.lists(histories.said_by(STRANGER), min_size=1, max_size=6), limits)
def test_who_refused_before_all_else_says_nothing_of_anyone(
    workspaces: Workspaces, data: st.DataObject, history: list[Fact], refused: list[Fact], limit: str
) -> None:
    """What is told of a visitor after a refusal leaves everyone else as they are without it."""
    denied = [{**consent("denied", -YEAR, STRANGER), "site": site} for site in SITES]
    with workspaces.fresh(limit) as one, workspaces.fresh(limit) as other:
        without = outcome(one, [history])
        found = outcome(other, data.draw(batches([*history, *denied, *refused])))
        assert found["decisions"] == without["decisions"]
        assert [each for each in found["persons"] if each["visitors"] != [STRANGER]] == without["persons"]
        theirs = [row for row in found["leads"] if row["provider"] == f"desk of {STRANGER}"]
        assert {(row["visitor_id"], row["person_id"]) for row in theirs} <= {(None, None)}
