"""The verbs of alerts and of the outbox, run as an operator runs them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result
from standardwebhooks import Webhook

from tests.receivers import Receiver, http_receiver
from tests.running import Run as Running
from tests.running import free_port
from tests.waiting import wait_for
from tracker import config, embedded
from tracker.cli import main
from tracker.store.db import FILE, open_store

Run = Callable[..., Result]


@pytest.fixture
def run(data: Path) -> Iterator[Run]:
    """Give `touchline` over a data directory with the site shop, which may send to this machine."""
    (data / "touchline.toml").write_text("allow_private_destinations = true\n")
    settings = config.load({}, data=data)

    def call(*words: str | Path, stdin: bytes | None = None) -> Result:
        return CliRunner().invoke(main, ["--data", str(data), *map(str, words)], input=stdin)

    with embedded.hold(settings):
        assert call("site", "add", "shop", "--domain", "shop.test").exit_code == 0
        yield call
    embedded.dismiss(settings)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Give a real HTTP server."""
    with http_receiver() as server:
        yield server


def told(result: Result) -> Any:
    """Read the JSON of a successful run."""
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def leave(run: Run, provider_id: str, **fields: Any) -> None:
    """Have a lead come in now."""
    now = datetime.now(UTC).isoformat()
    fact = {"fact": "lead", "site": "shop", "kind": "form", "provider": "desk", "provider_id": provider_id}
    line = json.dumps({**fact, "at": now, **fields}).encode()
    assert run("load", "-", "--drain", stdin=line).exit_code == 0


def test_an_alert_is_added_tested_and_removed(run: Run, receiver: Receiver) -> None:
    """The secret is shown once; the test is signed with it; what is listed opens nothing."""
    added = told(run("alert", "add", "shop", "--to", receiver.url("/in?token=s3cret"), "--on", "lead"))
    assert added["on"] == ["lead"]
    assert told(run("alert", "test", added["id"])) == {"result": "delivered", "code": 204, "answer": ""}
    (got,) = receiver.got
    assert got.path == "/in?token=s3cret"
    assert Webhook(added["secret"]).verify(got.body, got.headers)["type"] == "test"
    listed = run("alert", "list", "--format", "json")
    assert json.loads(listed.stdout)["tries"] == {"delivered": 1}
    assert "s3cret" not in listed.stdout + run("outbox", "list").stdout
    assert run("alert", "remove", added["id"]).exit_code == 0
    assert run("alert", "list").stdout == ""
    assert run("alert", "test", added["id"]).exit_code == 2


def test_a_secret_is_not_in_the_file(run: Run, receiver: Receiver, data: Path) -> None:
    """Addresses and secrets are sealed with the workspace's key."""
    added = told(run("alert", "add", "shop", "--to", receiver.url("/very-secret-path")))
    content = b"".join(path.read_bytes() for path in data.glob(f"{FILE}*"))
    assert b"very-secret-path" not in content
    assert added["secret"].encode() not in content


def test_a_failed_test_says_why_and_exits_with_1(run: Run, receiver: Receiver) -> None:
    """What the receiver answered is printed."""
    receiver.answer(403, body=b"who are you?")
    own = told(run("alert", "add", "shop", "--to", f"slack:{receiver.url()}"))["id"]
    result = run("alert", "test", own)
    assert result.exit_code == 1
    assert json.loads(result.stdout)["answer"] == "who are you?"


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["shop", "--to", "ftp://example.com"], id="an address of no kind"),
        pytest.param(["shop", "--to", "mailto:nobody"], id="no e-mail address"),
        pytest.param(["shop", "--to", "https://a:b@example.com/"], id="a password in the address"),
        pytest.param(["shop", "--to", "https://[example.com/"], id="an address that cannot be read"),
        pytest.param(["shop", "--to", "slack:https://example.com:99999/"], id="a port that there is not"),
        pytest.param(["shop", "--to", "https://example.com/", "--on", "led"], id="a word that is not told"),
        pytest.param(["nowhere", "--to", "https://example.com/"], id="no such site"),
    ],
)
def test_what_cannot_be_told_is_refused(run: Run, words: list[str]) -> None:
    """Exit code 2, and nothing is added."""
    assert run("alert", "add", *words).exit_code == 2
    assert run("alert", "list").stdout == ""


def test_deliver_sends_what_is_due_and_the_outbox_tells(run: Run, receiver: Receiver) -> None:
    """A refusal is listed with its answer, exit code 1; a retry sends it under the same id."""
    own = told(run("alert", "add", "shop", "--to", receiver.url()))["id"]
    leave(run, "L1", email="ann@acme.com", name="Ann")
    assert "a***@acme.com" in run("deliver", "--dry-run").stdout
    assert receiver.got == []
    receiver.answer(404, 204, body=b"nothing here")
    refused = run("deliver")
    assert (refused.exit_code, json.loads(refused.stdout)) == (1, {"refused": 1})
    (row,) = [json.loads(line) for line in run("outbox", "list", "--format", "json").stdout.splitlines()]
    assert (row["state"], row["answer"]) == ("dead", "nothing here")
    shown = told(run("outbox", "show", row["delivery_id"]))
    assert shown["payload"]["data"]["email"] == "a***@acme.com"
    assert "1 would be" in run("outbox", "retry", "--dead", "--dry-run").stderr
    assert run("outbox", "retry", "--dead", "--to", own).exit_code == 0
    assert told(run("deliver")) == {"delivered": 1}
    assert len({each.headers["webhook-id"] for each in receiver.got}) == 1
    assert told(run("deliver")) == {}


def test_a_receiver_cannot_command_the_terminal(run: Run, receiver: Receiver) -> None:
    """What would move the cursor is left out of the list, in the answer and in the lead's name."""
    run("alert", "add", "shop", "--to", receiver.url())
    leave(run, "L1", email="ann@acme.com", name="Ann \x9b2J")
    receiver.answer(404, body=b"go \x1b[2J\x07 away")
    run("deliver")
    listed = run("outbox", "list").stdout
    assert listed.count("\n") == 1 and "go [2J away" in listed
    assert not [each for each in listed if each not in "\t\n" and not each.isprintable()]


def test_what_is_not_in_the_outbox_is_said(run: Run) -> None:
    """An id that names no delivery, and one that names no alert: exit code 2, and where to look."""
    for words in (
        ("retry", "msg_0"),
        ("show", "msg_0"),
        ("list", "--to", "0"),
        ("retry", "--dead", "--to", "0"),
    ):
        done = run("outbox", *words)
        assert (done.exit_code, done.stdout) == (2, "")
        assert "there is no" in done.stderr


def test_an_erased_person_goes_from_the_outbox_too(run: Run, receiver: Receiver, data: Path) -> None:
    """What was told of them and every answer that names them goes; `access` hands it over before."""
    run("alert", "add", "shop", "--to", receiver.url(), "--pii")
    leave(run, "L1", email="very.rare.name@acme.com", name="Rare Name")
    leave(run, "L2", email="bob@beta.io", name="Bob")
    receiver.answer(500, body=b"no room for very.rare.name@acme.com")
    run("deliver")
    (held,) = told(run("access", "--email", "very.rare.name@acme.com"))["deliveries"]
    assert "Rare Name" in json.dumps(held)
    proof = told(run("erase", "--email", "very.rare.name@acme.com", "--yes"))
    assert proof["erased"]["deliveries"] == 1
    assert proof["found_afterwards"] is False
    files = [path for path in data.rglob("*") if path.is_file()]
    assert [path.name for path in files if b"very.rare.name" in path.read_bytes()] == []
    with closing(open_store(data)) as db:
        assert db.execute("SELECT count(*) FROM delivery").fetchone() == (1,)
    receiver.answer(204)
    assert run("outbox", "retry", "--dead").exit_code == 0
    run("deliver")
    assert "very.rare.name" not in b"".join(each.body for each in receiver.got[2:]).decode()


def test_a_password_is_not_shown(run: Run) -> None:
    """`touchline config` says that there is one."""
    result = CliRunner().invoke(main, ["config"], env={"TOUCHLINE_SMTP_PASSWORD": "s3cret"})
    assert "s3cret" not in result.output
    assert "***" in result.output


def test_a_lead_is_told_while_touchline_runs(data: Path, receiver: Receiver) -> None:
    """A lead that is posted reaches its receiver by itself; the first page says that all is sent."""
    (data / "touchline.toml").write_text("allow_private_destinations = true\n")
    started = Running.start(config.load({}, data=data, port=free_port()))
    try:
        started.wait_until_ready()

        def call(*words: str) -> str:
            result = CliRunner().invoke(main, ["--data", str(data), *words])
            assert result.exit_code == 0, result.output
            return result.stdout.strip()

        call("site", "add", "shop", "--domain", "shop.test")
        call("alert", "add", "shop", "--to", receiver.url())
        token = call("site", "token", "shop", "--purpose", "leads")
        lead = {"provider": "desk", "provider_id": "L1", "kind": "form", "email": "ann@acme.com"}
        body = json.dumps({**lead, "at": datetime.now(UTC).isoformat()})
        headers = {"authorization": f"Bearer {token}"}
        url = f"http://127.0.0.1:{started.settings.port}/api/leads"
        wait_for(lambda: httpx.post(url, content=body, headers=headers).status_code == 202)
        wait_for(lambda: receiver.got)
        assert receiver.titles == ["New lead on shop: a***@acme.com"]
        wait_for(lambda: b"All is sent." in started.fetch("/")[1])
    finally:
        started.stop()
