"""Messages kept as they came: taken again when asked, and gone when their time is over."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
import redis
from click.testing import CliRunner

from tests.telling import KEY, TEN_MS, Workspace, at, hit, lead
from tracker import config, hitlog, wire
from tracker.cli import main
from tracker.core.times import DAY_MS
from tracker.model import Site, SiteKey
from tracker.store.db import atomic, open_store
from tracker.store.hooks import HookSource, RawMessage, Secrets, add_hook, add_raw, put_given
from tracker.store.sites import add_site
from worker.again import replay_rejects
from worker.retention import tidy, tidy_if_due


@pytest.fixture
def workspace(settings: config.Settings, client: redis.Redis) -> Workspace:
    """Give two empty sites."""
    return Workspace(settings, client)


def test_what_was_refused_for_want_of_a_site_comes_in_once_the_site_is_there(workspace: Workspace) -> None:
    """Hits and facts of an unknown site are kept whole, and count as if they had come in order."""
    workspace.tell(hit("h1", site="later"), lead("L1", 5, site="later", visitor_id="v1"))
    assert workspace.export("leads") == []
    with closing(open_store(workspace.settings.data, write=True)) as db:
        add_site(db, Site(SiteKey("later"), ("later.test",)))
    assert replay_rejects(workspace.settings, workspace.client).again == 2
    workspace.tell()
    (found,) = workspace.export("leads")
    assert (found["site"], found["match_rule"], found["session_id"] is None) == ("later", "M1", False)
    assert workspace.query("SELECT count(*) AS n FROM reject") == [{"n": 0}]
    assert workspace.verify() == []


def test_what_is_refused_again_comes_back_with_its_reason(workspace: Workspace) -> None:
    """A replay loses nothing, however often it is asked for."""
    workspace.tell(lead("L1", site="nowhere"), {"fact": "lead", "site": "shop"})
    before = workspace.query("SELECT code, message, body FROM reject ORDER BY body")
    for _ in range(3):
        assert replay_rejects(workspace.settings, workspace.client).again == 2
        workspace.tell()
    assert workspace.query("SELECT code, message, body FROM reject ORDER BY body") == before


def test_a_page_s_word_that_was_refused_stays_a_page_s_word(workspace: Workspace) -> None:
    """What a page said and drain refused is hearsay, when it is taken again as before."""
    odd = {"from": "v2", "nonce": "n1", "made_at": "noon", "browser": "b1"}
    workspace.tell(hit("h1", link=odd))
    told = [{"code": "bad_time", "origin": "script"}]
    assert workspace.query("SELECT code, origin FROM reject") == told
    assert replay_rejects(workspace.settings, workspace.client).again == 1
    workspace.tell()
    assert workspace.query("SELECT code, origin FROM reject") == told


def test_what_is_kept_in_part_stays(workspace: Workspace) -> None:
    """A message that is no JSON, or says nothing of what it is, is left for a reader."""
    workspace.append(b"\\xff nonsense")
    with closing(open_store(workspace.settings.data, write=True)) as db, atomic(db):
        db.execute(
            """INSERT INTO reject (received_ms, code, message, origin, hash, body)
            VALUES (1, 'too_long', 'cut', 'collect', '', '{"url": "https://sho')"""
        )
    replayed = replay_rejects(workspace.settings, workspace.client)
    assert (replayed.again, replayed.left) == (0, 2)
    assert hitlog.length(workspace.client) == 0


def test_what_cannot_be_written_down_again_holds_up_no_other(workspace: Workspace, tmp_path: Path) -> None:
    """A line with half a surrogate pair that was refused stays; what was refused beside it is taken again."""
    lines = tmp_path / "facts.jsonl"
    lines.write_text('{"fact": "wish", "text": "\\ud83d"}\n' + json.dumps(lead("L1", site="nowhere")))
    data = str(workspace.settings.data)
    assert CliRunner().invoke(main, ["--data", data, "load", str(lines), "--drain"]).exit_code == 0
    workspace.tell()
    assert workspace.query("SELECT count(*) AS n FROM reject") == [{"n": 2}]
    replayed = replay_rejects(workspace.settings, workspace.client)
    assert (replayed.again, replayed.left) == (1, 1)


FORGED: dict[str, Any] = {
    "a fact": lead("L9", site="shop"),
    "an order to forget somebody": {"fact": "erase", "at": at(100), "email": "ann@acme.com"},
    "facts as they stand on the log": msgspec.to_builtins(wire.FactsEntry(1, "api", [dict(lead("L9"))])),
    "hits as they stand on the log": msgspec.to_builtins(
        wire.HitsEntry("shop", 1, "v1", [wire.HitOnLog("h9", TEN_MS, "https://shop.test/")])
    ),
}  # fmt: skip


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)
def test_what_was_refused_at_the_door_is_never_taken(workspace: Workspace, forged: Any) -> None:
    """Anyone can post anything to the collector: a reject is no way around its locks."""
    workspace.tell(hit("h1"), lead("L1", 5, email="ann@acme.com"))
    before = workspace.everything()
    body = json.dumps(forged)
    workspace.append(wire.encode(wire.RejectEntry(TEN_MS, "bad_body", "send a list of hits", body, "")))
    replayed = replay_rejects(workspace.settings, workspace.client)
    assert (replayed.again, replayed.left) == (0, 1)
    workspace.tell()
    assert workspace.everything() == before


def test_a_line_that_was_loaded_is_taken_again(workspace: Workspace, tmp_path: Path) -> None:
    """Who loads files may say everything, such as a fact that only a later version knows."""
    (tmp_path / "facts.jsonl").write_text(json.dumps({"fact": "wish", "site": "shop"}))
    told = ["--data", str(workspace.settings.data), "load", str(tmp_path / "facts.jsonl"), "--drain"]
    assert CliRunner().invoke(main, told).exit_code == 0
    assert replay_rejects(workspace.settings, workspace.client).again == 1


def test_a_field_of_a_fact_does_not_make_it_something_else(workspace: Workspace) -> None:
    """A fact that drain refuses is taken again as that fact, whatever its sender calls its fields."""
    forged = msgspec.to_builtins(
        wire.FactsEntry(1, "api", [{"fact": "erase", "at": at(100), "email": "a@b.io"}])
    )
    workspace.tell({**lead("L1", site="nowhere"), **forged})
    assert replay_rejects(workspace.settings, workspace.client).again == 1
    workspace.tell()
    assert workspace.query("SELECT code FROM reject") == [{"code": "no_site"}]
    assert workspace.query("SELECT count(*) AS n FROM fact") == [{"n": 0}]


def test_the_verb_tells_what_came_of_it(data: Path) -> None:
    """`touchline replay rejects` prints counts as JSON."""
    run = CliRunner().invoke(main, ["--data", str(data), "replay", "rejects"])
    assert run.exit_code == 0, run.output
    assert json.loads(run.stdout)["again"] == 0


def test_messages_go_when_their_time_is_over_and_facts_stay(workspace: Workspace) -> None:
    """Deliveries after raw_days, rejects after reject_days; what they gave stays as it is."""
    workspace.tell(lead("L1"), lead("L2", site="nowhere"))
    source = HookSource(0, SiteKey("shop"), "typeform", "UTC", "")
    with closing(open_store(workspace.settings.data, write=True)) as db:
        made, _ = add_hook(db, source, Secrets(""), key=KEY, now_ms=0)
        with atomic(db):
            for day in (0, 80):
                raw = RawMessage(0, TEN_MS + day * DAY_MS, {}, b"{}")
                number = add_raw(db, made.source_no, b"%d" % day, raw)
                assert number is not None
                put_given(db, number, [("lead", 1, f"{day}", b"d")], None)
            db.execute("UPDATE reject SET received_ms = ?", [TEN_MS])
    settings = replace(workspace.settings, raw_days=90, reject_days=120)
    assert tidy(settings, now_ms=TEN_MS + 100 * DAY_MS) == 1
    assert workspace.query("SELECT received_ms FROM raw_message") == [{"received_ms": TEN_MS + 80 * DAY_MS}]
    assert len(workspace.query("SELECT * FROM raw_fact")) == 1
    assert tidy(settings, now_ms=TEN_MS + 121 * DAY_MS) == 1
    assert workspace.query("SELECT count(*) AS n FROM reject") == [{"n": 0}]
    assert len(workspace.export("leads")) == 1
    assert workspace.verify() == []


def test_it_is_tidied_once_an_hour(workspace: Workspace) -> None:
    """Many workers ask; the first that asks does it."""
    asked = [tidy_if_due(workspace.settings, workspace.client) for _ in range(3)]
    assert asked == [True, False, False]
