"""The verbs of a person's rights, run as an operator runs them, over a server of the data directory's own."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.telling import Fact, at, contact, hit, identify, lead
from tracker import config, embedded
from tracker.cli import main
from tracker.processes import command, environment
from tracker.store.db import open_store

ANN, LINE = "very.rare.name@acme.com", "07700 900123"
FACTS: Sequence[Fact] = (
    hit("h1", title="Her own page"), hit("h2", 1), hit("h9", visitor_id="v9"), hit("h1", name="told again"),
    lead("L1", 5, visitor_id="v1", email=ANN, phone=LINE, name="Rare Name"),
    identify(6, email=ANN, user_id="u1"), contact("c1", 7, emails=[ANN], phones=[LINE]),
    lead("L9", 8, visitor_id="v9", email="bob@beta.io"), lead("L2", 8, email=ANN, kind="fax"),
    {"fact": "split", "site": "shop", "at": at(9), "a": "user:u1", "b": "email:bob@beta.io"},
)  # fmt: skip

Run = Callable[..., Result]


@pytest.fixture
def run(data: Path) -> Iterator[Run]:
    """Give `touchline` over a data directory of its own, in which FACTS have been told to the site shop."""
    settings = config.load({}, data=data)

    def call(*words: str | Path, stdin: bytes | None = None) -> Result:
        return CliRunner().invoke(main, ["--data", str(data), *map(str, words)], input=stdin)

    with embedded.hold(settings):
        assert call("site", "add", "shop", "--domain", "shop.test", "--region", "GB").exit_code == 0
        told = b"".join(json.dumps(fact).encode() + b"\n" for fact in FACTS)
        assert call("load", "-", "--drain", stdin=told).exit_code == 0
        yield call
    embedded.dismiss(settings)


def said(result: Result) -> dict[str, Any]:
    """Read the document on a successful run's stdout."""
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def files_with(data: Path, word: bytes) -> list[str]:
    """Name the files that hold a word."""
    files = [path for path in data.rglob("*") if path.is_file()]
    return sorted(path.name for path in files if word in path.read_bytes())


def test_erase_prints_a_proof_and_leaves_no_byte(run: Run, data: Path) -> None:
    """The store's file, its journal and the server's file hold nothing of them afterwards."""
    assert files_with(data, ANN.encode()) != []
    result = run("erase", "--email", "Very.Rare.Name@ACME.com", "--site", "shop")
    proof = said(result)
    assert "to be erased: 1 contact facts, 2 hits, 1 identify facts, 1 lead facts, 1 rejects" in result.stderr
    assert proof["erased"]["hits"] == 2
    assert proof["erased"]["rejects"] == 1
    assert proof["found_afterwards"] is False
    assert proof["not_reached"]
    for word in (ANN.encode(), b"Rare Name", b"Her own page", b"900123"):
        assert files_with(data, word) == []
    assert run("verify").exit_code == 0
    assert ANN not in run("export", "persons", "--pii").stdout


NAMES = {
    "a national number and its site": ("--phone", LINE, "--site", "shop"),
    "a visitor": ("--visitor", "v1"),
    "a contact": ("--crm", "hub:c1"),
}


@pytest.mark.parametrize("words", NAMES.values(), ids=NAMES)
def test_erase_takes(run: Run, data: Path, words: tuple[str, ...]) -> None:
    """Whatever name of theirs is given, the same goes."""
    assert said(run("erase", *words))["erased"]["hits"] == 2
    assert files_with(data, ANN.encode()) == []


def test_erase_takes_the_ids_that_exports_show(run: Run) -> None:
    """A lead's id and a person's, as exported; afterwards neither is known."""
    leads = [json.loads(line) for line in run("export", "leads", "--format", "jsonl").stdout.splitlines()]
    own = {row["provider_id"]: row for row in leads}
    assert said(run("erase", "--lead", own["L1"]["lead_id"]))["erased"]["hits"] == 2
    assert said(run("erase", "--person", own["L9"]["person_id"]))["erased"]["hits"] == 1
    assert run("export", "hits", "--format", "jsonl").stdout == ""


MISUSES = {
    "nobody": ((), "exactly one of"),
    "two names": (("--email", ANN, "--visitor", "v1"), "exactly one of"),
    "no address": (("--email", "rare"), "no e-mail address"),
    "an unknown site": (("--phone", LINE, "--site", "nowhere"), "there is no site"),
}


@pytest.mark.parametrize("verb", ["erase", "access"])
@pytest.mark.parametrize(("words", "why"), MISUSES.values(), ids=MISUSES)
def test_wrong_use_is_told(run: Run, verb: str, words: tuple[str, ...], why: str) -> None:
    """Exit code 2, and what to write."""
    result = run(verb, *words)
    assert result.exit_code == 2
    assert why in result.stderr


def test_erase_asks_on_a_terminal_alone(run: Run, data: Path) -> None:
    """Whoever sits there is shown what will go and may refuse; `--yes` and a pipe are not asked."""
    words = [*command("tracker"), "--data", str(data), "erase", "--email", ANN]
    ours, theirs = pty.openpty()
    with closing(os.fdopen(ours, "wb", buffering=0)) as terminal, closing(os.fdopen(theirs, "rb")) as stdin:
        terminal.write(b"n\n")
        done = subprocess.run(
            words,
            stdin=stdin,
            capture_output=True,
            text=True,
            env=environment(os.environ),
            timeout=240,
            check=False,
        )
        assert done.returncode == 1
        assert "hits" in done.stderr
        assert files_with(data, ANN.encode()) != []
        done = subprocess.run(
            [*words, "--yes"], stdin=stdin, capture_output=True, text=True, env=environment(os.environ),
            timeout=240, check=True,
        )  # fmt: skip
    assert json.loads(done.stdout)["erased"]["hits"] == 2


def test_access_gives_everything_and_nobody_elses(run: Run, tmp_path: Path) -> None:
    """Identifiers, visits, raw versions, evidence, refused messages; no other person's name."""
    out = tmp_path / "ann.json"
    assert run("access", "--email", ANN, "--out", out).exit_code == 0
    text = out.read_text("utf-8")
    found = json.loads(text)
    kinds = {(row["kind"], row["value"]) for row in found["identifiers"]}
    assert kinds == {
        ("email", ANN), ("phone", "+447700900123"), ("visitor", "v1"), ("user", "u1"), ("crm", "hub:c1"),
    }  # fmt: skip
    assert [row["event_id"] for row in found["hits"]] == ["h1", "h2"]
    assert len(found["hit_versions"]) == 2
    assert [row["hits"] for row in found["visitors"]] == [2]
    assert [row["hits"] for row in found["sessions"]] == [2]
    (own,) = found["leads"]
    assert own["journey"]["touch_count"] == 1
    assert own["versions"][0]["told"]["name"] == "Rare Name"
    assert sorted(row["fact"] for row in found["facts"]) == ["contact", "identify", "split"]
    assert {row["verdict"] for row in found["evidence"]} <= {"joined", "redundant", "refused"}
    assert len(found["rejects"]) == 1
    assert "v9" not in text
    assert "bob@beta.io" not in text


def test_access_of_nobody_is_empty(run: Run) -> None:
    """Of whom nothing is held, that is said."""
    found = said(run("access", "--email", "nobody@nowhere.io"))
    assert found["asked_for"] == {"email": "nobody@nowhere.io"}
    assert found["leads"] == found["hits"] == found["facts"] == found["rejects"] == []


@pytest.mark.fault
def test_an_erasure_that_is_killed_is_done_by_the_next_drain(run: Run, data: Path) -> None:
    """Killed at any moment, an accepted erasure is carried out in the end, to the last byte."""
    fact = {"fact": "erase", "at": at(100), "email": ANN}
    assert run("load", "-", stdin=json.dumps(fact).encode()).exit_code == 0
    script = "import os, signal, worker.{0} as m; m.{1} = lambda *a, **k: os.kill(os.getpid(), {2})\n"
    for place in (("erase", "put_proof"), ("drain", "sweep"), ("sweep", "note_swept")):
        code = script.format(*place, int(signal.SIGKILL))
        code += f"from tracker.cli import main; main(['--data', {str(data)!r}, 'drain'])"
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment(os.environ), timeout=240, check=False
        )
        assert done.returncode == -signal.SIGKILL, place
    assert run("drain").exit_code == 0
    assert files_with(data, ANN.encode()) == []
    assert run("verify").exit_code == 0
    with closing(open_store(data)) as db:
        assert db.execute("SELECT count(*), min(is_clean) FROM erasure").fetchone() == (1, 1)
