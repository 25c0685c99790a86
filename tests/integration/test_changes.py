"""The feed of changes: what became of each person, and because of which fact."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from typing import Any

import pytest
import redis
from click.testing import CliRunner, Result

from tests.telling import KEY, Row, Workspace, at, hit, identify, lead, split
from tracker import config
from tracker.cli import main
from worker import rebuild


@pytest.fixture
def workspace(settings: config.Settings, client: redis.Redis) -> Workspace:
    """Give a workspace of two visitors, of whom one has left an address."""
    own = Workspace(settings, client)
    own.tell(hit("e1", 0), hit("e2", 2, visitor_id="v2"))
    own.tell(identify(1, email="ann@acme.com", event_id="i1"))
    return own


def export(workspace: Workspace, *words: str) -> Result:
    """Run `touchline export changes`."""
    result = CliRunner().invoke(main, ["--data", str(workspace.settings.data), "export", "changes", *words])
    assert result.exit_code == 0, result.stderr
    return result


def news(workspace: Workspace, since: int = 0) -> list[Row]:
    """Read what became of persons after a cursor."""
    words = ["--noun", "person", "--since", str(since), "--format", "jsonl"]
    return [json.loads(line) for line in export(workspace, *words).stdout.splitlines()]


def cursor(workspace: Workspace) -> int:
    """Read the cursor that stands for now."""
    return int(export(workspace).stderr.removeprefix("cursor: "))


def person_of(workspace: Workspace, visitor: str) -> str:
    """Find a visitor's person."""
    return next(str(row["person_id"]) for row in workspace.export("persons") if visitor in row["visitors"])


def told(rows: list[Row]) -> dict[str, tuple[Any, ...]]:
    """Tell of each person what became of it, whom it came from, whom it went to, and why."""
    return {
        row["id"]: (
            row["what"], (row["after"] or {}).get("from"), (row["after"] or {}).get("to"), row["because"]
        )
        for row in rows
    }  # fmt: skip


def test_a_merge_and_a_split_tell_both_sides(workspace: Workspace) -> None:
    """Whoever keeps a copy knows where each identifier went, and the ids before stand in `before`."""
    since, one, two = cursor(workspace), person_of(workspace, "v1"), person_of(workspace, "v2")
    workspace.tell(identify(3, visitor_id="v2", email="ann@acme.com", event_id="i2"))
    assert told(news(workspace, since)) == {
        one: ("merged", [two], None, "identify i2"), two: ("merged", None, [one], "identify i2"),
    }  # fmt: skip
    since = cursor(workspace)
    workspace.tell(split("email:ann@acme.com", "visitor:v2", 10))
    rows = news(workspace, since)
    (because,) = {row["because"] for row in rows}
    assert because.startswith("split ")
    assert "ann" not in because
    assert told(rows) == {one: ("split", None, [two], because), two: ("split", [one], None, because)}
    assert {row["id"]: row["before"] and len(row["before"]["identifiers"]) for row in rows} == {
        one: 3, two: None,
    }  # fmt: skip


def test_who_is_new_and_who_is_gone_is_told(workspace: Workspace) -> None:
    """A lead's address makes a person; with the lead's correction nothing is left of it."""
    since = cursor(workspace)
    workspace.tell(lead("L1", 5, email="zoe@corp.io"))
    (made,) = news(workspace, since)
    assert (made["what"], made["before"], made["because"]) == ("created", None, "lead desk L1")
    since = cursor(workspace)
    workspace.tell(lead("L1", 5, is_test=True, version_at=at(60)))
    (gone,) = news(workspace, since)
    assert (gone["id"], gone["what"], gone["after"]) == (made["id"], "gone", None)


def test_each_change_names_its_own_fact(workspace: Workspace) -> None:
    """Also where many facts came at once."""
    since = cursor(workspace)
    workspace.tell(*(lead(f"L{n}", n, email=f"zoe{n}@corp.io") for n in range(5)))
    assert {row["because"] for row in news(workspace, since)} == {f"lead desk L{n}" for n in range(5)}


def test_the_feed_has_no_end_and_no_row_that_goes(workspace: Workspace) -> None:
    """The columns are the same with a cursor, which is `change_no`; what a noun chooses stays."""
    names = ["change_no", "recorded_at", "noun", "id", "what", "before", "after", "because"]
    workspace.tell(lead("L1", 5, visitor_id="v1"))
    rows = list(csv.DictReader(io.StringIO(export(workspace, "--since", "0").stdout)))
    assert [list(row) for row in rows] == [names] * len(rows)
    assert {row["noun"] for row in rows} == {"person", "account", "lead", "journey"}
    assert all(int(row["change_no"]) <= cursor(workspace) for row in rows)
    leads = csv.DictReader(io.StringIO(export(workspace, "--noun", "lead").stdout))
    assert {(row["noun"], row["what"]) for row in leads} == {("lead", "created")}


def test_a_noun_is_for_the_log_alone(workspace: Workspace) -> None:
    """Other exports have none: wrong use."""
    words = ["--data", str(workspace.settings.data), "export", "leads", "--noun", "lead"]
    result = CliRunner().invoke(main, words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "leads have no noun; leave --noun out" in result.stderr


def test_a_rebuild_tells_what_it_put_right(workspace: Workspace) -> None:
    """A limit that was lowered splits persons: the feed says so, because of the rebuild."""
    workspace.tell(
        identify(3, visitor_id="v2", email="ann@acme.com"), identify(4, visitor_id="v3", email="ann@acme.com")
    )
    since, one = cursor(workspace), person_of(workspace, "v1")
    lowered = replace(workspace.settings, email_shared_visitors=3)
    rebuild.rebuild(lowered, key=KEY, tell=lambda _: None)
    found = told(news(workspace, since))
    assert found[one][0] == "split"
    assert {each[-1] for each in found.values()} == {"rebuild"}
