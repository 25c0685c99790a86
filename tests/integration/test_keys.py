"""The workspace's key: made once, kept private, the same for all processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tracker import keys, processes
from tracker.errors import Permanent


def test_it_is_made_once_and_readable_by_its_owner_alone(data: Path) -> None:
    """The first use writes the file with mode 0600; later ones read it."""
    key = keys.workspace_key(data / "new", {})
    assert len(key) == 32
    assert (data / "new" / "workspace.key").stat().st_mode & 0o777 == 0o600
    assert keys.workspace_key(data / "new", {}) == key
    assert [path.name for path in (data / "new").iterdir()] == ["workspace.key"]


def test_the_variable_wins_and_no_file_is_made(data: Path) -> None:
    """TOUCHLINE_KEY makes the same key on every machine that has it."""
    environ = {"TOUCHLINE_KEY": "correct horse battery staple again"}
    assert keys.workspace_key(data, environ) == keys.workspace_key(data, environ)
    assert list(data.iterdir()) == []


def test_a_short_variable_is_refused_and_not_repeated(data: Path) -> None:
    """A guessable key is refused; the error does not print it."""
    with pytest.raises(Permanent, match="openssl rand") as caught:
        keys.workspace_key(data, {"TOUCHLINE_KEY": "hunter2"})
    assert "hunter2" not in str(caught.value)


def test_a_file_that_others_may_read_is_refused(data: Path) -> None:
    """The error says which command makes it private again."""
    keys.workspace_key(data, {})
    (data / "workspace.key").chmod(0o644)
    with pytest.raises(Permanent, match="chmod 600"):
        keys.workspace_key(data, {})


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="an empty file"),
        pytest.param(b"abcd", id="a short one"),
        pytest.param(b"\xff" * 64, id="no text"),
    ],
)
def test_a_damaged_file_is_never_replaced(data: Path, content: bytes) -> None:
    """A new key would void every cookie, so the operator must say so."""
    path = data / "workspace.key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(Permanent, match="restore it"):
        keys.workspace_key(data, {})
    assert path.read_bytes() == content


def test_processes_that_race_get_one_key(data: Path) -> None:
    """Six processes that make the first key at once agree on it."""
    code = (
        "import sys; from pathlib import Path; from tracker import keys; sys.stdin.read();"
        "print(keys.workspace_key(Path(sys.argv[1]), {}).hex())"
    )
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(data / "new")],
            env=processes.environment(os.environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(6)
    ]
    assert len({racer.communicate("")[0] for racer in racers}) == 1


def test_each_purpose_has_a_key_of_its_own() -> None:
    """HMAC-SHA256 of the purpose (the figure is openssl's): another key or purpose gives another."""
    expected = "f3cb8266a208320e3f834e39003c0bb49c21915ea2cc758ad96b7aeb81ffd095"
    assert keys.derive(b"k", "cookie").hex() == expected
    assert keys.derive(b"k", "cookie") != keys.derive(b"k", "page")
    assert keys.derive(b"k", "cookie") != keys.derive(b"l", "cookie")


def test_a_store_is_held_to_the_key_it_was_written_with(data: Path) -> None:
    """Where the key was lost or changed, the work stops with a word before anything is told by a new one."""
    up = [sys.executable, "-m", "tracker", "--data", str(data)]
    environ = processes.environment({**os.environ, "TOUCHLINE_KEY": "correct horse battery staple again"})
    assert subprocess.run([*up, "verify"], env=environ, capture_output=True).returncode == 0
    other = {**environ, "TOUCHLINE_KEY": "correct horse battery staple other"}
    for verb in ("verify", "rebuild", "work", "up"):
        refused = subprocess.run([*up, verb], env=other, capture_output=True, text=True, timeout=60)
        assert (refused.returncode, "written with another key" in refused.stderr) == (1, True)
    assert subprocess.run([*up, "verify"], env=environ, capture_output=True).returncode == 0
