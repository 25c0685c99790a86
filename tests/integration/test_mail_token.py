"""`touchline mail-token`: what it prints proves, on a landing page, to whom the mail went."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import redis
from click.testing import CliRunner, Result

from tests.telling import Workspace, hit
from tracker import config
from tracker.cli import main

Run = Callable[..., Result]


@pytest.fixture
def workspace(settings: config.Settings, client: redis.Redis) -> Workspace:
    """Give an empty workspace of two sites, whose key the verb finds there."""
    return Workspace(settings, client)


@pytest.fixture
def run(data: Path) -> Run:
    """Give the verb over the test's own data directory."""

    def call(*words: str, stdin: str | None = None) -> Result:
        return CliRunner().invoke(main, ["--data", str(data), "mail-token", *words], input=stdin)

    return call


def arrive(workspace: Workspace, token: str) -> list[tuple[str, str]]:
    """Tell a hit that arrived by a token now, and give the addresses and sends of the mail facts."""
    now = datetime.now(UTC).isoformat()
    workspace.tell(hit(token[-20:], at=now, url=f"https://shop.test/?a=1&tl_mail={token}"))
    found = workspace.query("SELECT content FROM fact WHERE kind = 'mail' ORDER BY rowid")
    return [(fact["email"], fact["send_id"]) for fact in (json.loads(row["content"]) for row in found)]


def test_a_token_leads_back_to_the_address(workspace: Workspace, run: Run) -> None:
    """stdout is the token alone, stderr says where it goes; the store keeps neither in an address."""
    told = run("Ann@acme.com", "--send-id", "spring")
    assert told.exit_code == 0 and "?tl_mail=TOKEN" in told.stderr
    assert arrive(workspace, told.stdout.strip()) == [("Ann@acme.com", "spring")]
    assert [row["url"] for row in workspace.export("hits")] == ["https://shop.test/?a=1"]
    assert workspace.verify() == []


def test_one_mailing_to_many(workspace: Workspace, run: Run) -> None:
    """Addresses from stdin share a send of chance; what is no address is told and fails at the end."""
    told = run("-", "--format", "jsonl", stdin="ann@acme.com\n\nnobody\nbob@beta.io\n")
    assert told.exit_code == 1 and "'nobody' is no e-mail address" in told.stderr
    rows = [json.loads(line) for line in told.stdout.splitlines()]
    assert [row["email"] for row in rows] == ["ann@acme.com", "bob@beta.io"]
    assert len({row["send_id"] for row in rows}) == 1
    assert len({row["token"] for row in rows}) == 2
    for row in rows:
        assert arrive(workspace, row["token"])[-1] == (row["email"], row["send_id"])


def test_a_send_has_a_name_of_some_length(run: Run, data: Path) -> None:
    """Wrong use is exit code 2."""
    assert run("ann@acme.com", "--send-id", "x" * 129).exit_code == 2
