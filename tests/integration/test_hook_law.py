"""The law of the house on the road of webhooks: what deliveries give depends on their set alone.

Payloads of all providers come as raw messages among all else that is told: in any order, in any batches,
twice over, with replays and erasures in between.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from tests import deliveries, histories
from tests.deliveries import Told, connect
from tests.laws import tried
from tests.telling import KEY, TEN_MS, Row, Workspace, at, erase, lead
from tracker import config, embedded, hitlog, wire
from tracker.core.times import MINUTE_MS
from tracker.store.db import open_store
from tracker.store.hooks import remove_hook
from worker import hooks

JSON = "application/json"
FORM = b'{"data": {"email": "ann@acme.com", "name": "Ann"}}'
many = tried(20)


class Copies:
    """Gives workspaces with a hook source of every provider, copied from one."""

    def __init__(self, folder: Path, client: redis.Redis) -> None:
        self._folder = folder
        self._count = count()
        self._blank = connect(Workspace(config.load({}, data=folder / "blank"), client))

    def fresh(self) -> Workspace:
        """Give a workspace to which nothing has been told."""
        return self._blank.fork(self._folder / str(next(self._count)))


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory, redis_url: str) -> Iterator[Copies]:
    """Give workspaces to the tests of this module."""
    with embedded.connect(redis_url, blocking=False) as client:
        yield Copies(tmp_path_factory.mktemp("hook-law"), client)


@pytest.fixture
def workspace(data: Path, client: redis.Redis) -> Workspace:
    """Give a workspace of its own, with a hook source of every provider."""
    return connect(Workspace(config.load({}, data=data), client))


def outcome(
    own: Workspace, told: Sequence[Sequence[Told]], *, replayed: bool = False
) -> dict[str, list[Row]]:
    """Tell batch by batch, see that views stand up and that a replay changes nothing; read all exports."""
    for batch in told:
        assert own.append(*map(deliveries.packed, batch)).entries == len(batch)
        assert own.verify() == []
        if replayed:
            done = hooks.replay(own.settings, key=KEY, site=None, provider=None)
            assert (done.added, done.gone) == (0, 0)
            assert own.verify() == []
    found = own.everything()
    shutil.rmtree(own.settings.data)
    return found


@pytest.mark.slow
@many
@given(st.data(), st.lists(deliveries.deliveries | histories.anything, min_size=1, max_size=14))
def test_deliveries_in_any_order_batching_and_repetition_give_the_same(
    copies: Copies, data: st.DataObject, history: list[Told]
) -> None:
    """Shuffled, split, repeated, replayed and drained in between, the exports are the same."""
    once = outcome(copies.fresh(), [history])
    again = outcome(copies.fresh(), data.draw(histories.batches(history)), replayed=True)
    for what, rows in once.items():
        assert again[what] == rows, what


def told_at(minute: float, provider: str = "generic", body: bytes = FORM) -> wire.HookEntry:
    """Make a delivery that was received at a minute."""
    received_ms = TEN_MS + round(minute * MINUTE_MS)
    return wire.HookEntry(received_ms, deliveries.number_of(provider), body, {"content-type": JSON})


@pytest.mark.parametrize("minutes", [(5, 1, 9), (9, 5, 1), (1, 5, 9)], ids=str)
def test_of_equal_deliveries_the_earliest_receipt_counts(
    workspace: Workspace, minutes: Sequence[float]
) -> None:
    """A sender's retry that is drained first gives way to what was received before it, in whatever order."""
    for minute in minutes:
        workspace.append(wire.encode(told_at(minute)))
        assert workspace.verify() == []
    (row,) = workspace.export("leads")
    assert row["at"] == at(1)
    (raw,) = workspace.query("SELECT received_ms FROM raw_message")
    assert raw["received_ms"] == TEN_MS + MINUTE_MS
    assert len(workspace.query("SELECT 1 FROM fact WHERE kind = 'lead'")) == 1


def test_a_version_that_another_road_told_too_outlives_the_delivery(workspace: Workspace) -> None:
    """What a file or the API told stays told when the delivery that said the same is read anew."""
    workspace.append(wire.encode(told_at(5)))
    (row,) = workspace.query("SELECT content FROM fact WHERE kind = 'lead'")
    workspace.tell({"fact": "lead", **json.loads(row["content"])})
    workspace.append(wire.encode(told_at(1)))
    assert len(workspace.query("SELECT 1 FROM fact WHERE kind = 'lead'")) == 2
    assert workspace.verify() == []


def test_a_delivery_of_an_unknown_source_is_refused_alone(workspace: Workspace) -> None:
    """A store that was put back knows no source of later: what it delivered waits with the rejects, whole."""
    stranger = wire.HookEntry(TEN_MS, 9_000, FORM, {"content-type": JSON})
    done = workspace.append(wire.encode(stranger), wire.encode(told_at(1)))
    assert (done.rejected, len(workspace.export("leads"))) == (1, 1)
    (row,) = workspace.query("SELECT code, origin, body FROM reject")
    assert (row["code"], row["origin"]) == ("no_source", "hook")
    assert wire.decode(row["body"].encode()) == stranger


def test_what_waits_on_the_log_of_a_removed_source_is_read(workspace: Workspace) -> None:
    """The sender was told that it is safe; that the address was closed meanwhile changes nothing."""
    number = deliveries.number_of("generic")
    with closing(open_store(workspace.settings.data, write=True)) as db:
        remove_hook(db, number, 1)
    workspace.append(wire.encode(told_at(1)))
    assert len(workspace.export("leads")) == 1


NAMELESS_CALL = b'{"event": "ping", "data": {"to": "Ann.Leeds@acme.com", "note": ""}}'
"""Gives no fact, as an event that the adapter does not know."""


@pytest.mark.parametrize("provider", ["aircall", "generic", "nobody"])
def test_deliveries_of_the_erased_are_not_kept_when_they_come_late(
    workspace: Workspace, provider: str
) -> None:
    """Whether they give facts, give none, or are refused; what another's delivery holds stays."""
    workspace.tell(lead("L1", 0, email="ann.leeds@acme.com"), erase(10, email="ann.leeds@acme.com"))
    workspace.append(wire.encode(told_at(5, provider, NAMELESS_CALL)), wire.encode(told_at(6)))
    for table in ("raw_message", "reject", "fact"):
        found = workspace.query(f"SELECT * FROM {table}")
        assert not [row for row in found if "leeds" in str(row).lower() or "TGVlZHM" in str(row)], table
    assert len(workspace.query("SELECT 1 FROM raw_message")) == 1
    workspace.append(wire.encode(told_at(12, provider, NAMELESS_CALL)))
    kept = workspace.query("SELECT 1 FROM raw_message UNION ALL SELECT 1 FROM reject")
    assert len(kept) == 2


def test_a_refused_delivery_goes_with_whom_it_names(workspace: Workspace) -> None:
    """It stands in the rejects as it stood on the log, where no name can be read as it is."""
    workspace.append(wire.encode(told_at(5, "nobody", NAMELESS_CALL)))
    workspace.tell(erase(10, email="ann.leeds@acme.com"))
    assert workspace.query("SELECT * FROM reject") == []


@pytest.mark.parametrize(
    ("shorts", "most"),
    [(0, 1), (20, hitlog.STEP)],
    ids=["long ones alone", "long ones behind short ones"],
)
def test_a_batch_is_bounded_by_its_bytes(workspace: Workspace, shorts: int, most: int) -> None:
    """However many deliveries wait, the worker holds a few long ones at once; none is left behind."""
    sizes = [2_000_000 * (number >= shorts) for number in range(shorts + 30)]
    bodies = [b'{"email": "buyer%d@firm.test", "note": "%s"}' % (number, b"x" * size)
              for number, size in enumerate(sizes)]  # fmt: skip
    hitlog.prepare(workspace.client)
    hitlog.append(workspace.client, [wire.encode(told_at(1, body=each)) for each in bodies])
    taken = hitlog.read(workspace.client, 1_000, again=False)
    assert 0 < sum(len(each.body) > 1_000_000 for each in taken) <= most
    assert hitlog.read(workspace.client, len(taken), again=True)[:1] == taken[:1]
    assert workspace.append(wire.encode(told_at(2))).entries == len(bodies) + 1
    assert len(workspace.export("leads")) == len(bodies) + 1
    assert hitlog.length(workspace.client) == 0
