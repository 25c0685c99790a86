"""`touchline up`: everything starts, dies, comes back and stops as one."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from click.testing import CliRunner

from tests.conftest import own_folder
from tests.running import Run, children, free_port, is_alive, running
from tests.waiting import wait_for
from tracker import config, keys, processes
from tracker.address import load_address
from tracker.cli import main
from worker import up

fault = pytest.mark.fault
PARTS = {"serve", "work", "deliver", "schedule", "keeper", "server"}


def is_whole(run: Run) -> bool:
    """Say whether all its parts are there and the collector takes hits."""
    return set(run.parts()) == PARTS and run.get("/ready") == 200


def of_port(data: Path) -> config.Settings:
    """Give settings over a data directory, with a port that is free."""
    return config.load({}, data=data, port=free_port())


@pytest.fixture
def run(data: Path) -> Iterator[Run]:
    """Run everything for the test alone, which stops it."""
    with running(of_port(data)) as started:
        wait_for(lambda: is_whole(started))
        yield started


@pytest.fixture(scope="module")
def lasting() -> Iterator[Run]:
    """Run everything for the tests that it survives."""
    with own_folder() as folder, running(of_port(folder)) as started:
        wait_for(lambda: is_whole(started))
        yield started


def test_everything_starts_and_says_where_to_go(lasting: Run) -> None:
    """The first page, the health page and the script answer; stderr names the first page and the data."""
    assert lasting.said(f"http://localhost:{lasting.settings.port}/")
    assert lasting.said(str(lasting.settings.data))
    assert [lasting.get(path) for path in ("/", "/health", "/ready", "/tracker.js")] == [200] * 4
    assert set(lasting.parts()) == PARTS


def test_verbs_tell_the_address_that_runs(lasting: Run) -> None:
    """`snippet` and `source add` name the port that `up` was given, which stands in no setting of theirs."""
    data, port = str(lasting.settings.data), lasting.settings.port
    tag = CliRunner().invoke(main, ["--data", data, "snippet", "tryout"])
    assert f'src="http://127.0.0.1:{port}/' in tag.stdout
    assert "--url" in tag.stderr
    hook = CliRunner().invoke(main, ["--data", data, "source", "add", "tryout", "jotform"])
    assert hook.stdout.startswith(f"http://127.0.0.1:{port}/hooks/")


def test_ctrl_c_stops_everything_and_leaves_nothing(run: Run) -> None:
    """Exit code 0, no process left, the port free, stdout empty, and nothing went wrong on the way."""
    pids = run.parts()
    run.process.send_signal(signal.SIGINT)
    assert run.process.wait(180) == 0
    assert load_address(config.load({}, data=run.settings.data)) == "http://127.0.0.1:8000"
    assert {name for name, pid in pids.items() if is_alive(pid)} == set()
    assert run.get("/health") == 0
    assert run.process.stdout is not None and run.process.stdout.read() == ""
    assert not run.said("Traceback")


def test_a_second_one_on_the_same_data_is_refused(lasting: Run) -> None:
    """Two supervisors would fight; the error says what to do, exit code 1."""
    second = Run.start(of_port(lasting.settings.data))
    assert second.process.wait(180) == 1
    wait_for(lambda: second.said("runs already on"))
    second.stop()


def test_a_taken_port_is_said_at_once(data: Path) -> None:
    """The error names the port and the option, within seconds, exit code 1."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        run = Run.start(config.load({}, data=data, port=port))
        assert run.process.wait(180) == 1
        wait_for(lambda: run.said(f"Port {port} on 127.0.0.1 is taken") and run.said("--port"))
        run.stop()


def test_an_outside_server_is_used_where_one_is_named(
    data: Path, redis_url: str, client: redis.Redis
) -> None:
    """With REDIS_URL everything runs on that server, and no embedded one is started."""
    environ = processes.environment(os.environ, {"REDIS_URL": redis_url})
    with running(of_port(data), environ=environ) as run:
        assert run.get("/ready") == 200
        wait_for(lambda: client.exists("rq:workers"))
        wait_for(lambda: set(run.parts()) == PARTS - {"keeper", "server"})
        assert not (data / "redis").exists()
        assert run.stop() == 0


@fault
@pytest.mark.slow
@pytest.mark.parametrize("part", sorted(PARTS))
def test_a_killed_part_comes_back(lasting: Run, part: str) -> None:
    """Whatever dies is replaced within seconds, and the collector takes hits again."""
    wait_for(lambda: is_whole(lasting))
    old = lasting.parts()[part]

    def is_replaced() -> bool:
        new = lasting.parts().get(part, old)
        return new != old and is_alive(new)

    os.kill(old, signal.SIGKILL)
    wait_for(is_replaced)
    wait_for(lambda: is_whole(lasting))
    assert lasting.process.poll() is None


@fault
@pytest.mark.slow
def test_parts_die_with_a_killed_up_and_it_starts_again_at_once(run: Run) -> None:
    """Nothing of the old one stands in the way of the new one, and no orphan is left."""
    pids = run.parts()
    run.process.kill()
    with running(run.settings) as second:
        assert second.get("/ready") == 200
        old = {pids[name] for name in ("serve", "work", "deliver", "schedule")}
        wait_for(lambda: not any(map(is_alive, old)))
        assert second.stop() == 0


@fault
@pytest.mark.slow
def test_it_starts_again_after_everything_was_killed(run: Run) -> None:
    """A machine that lost power starts without a manual step."""
    pids = run.parts()
    family = [run.process.pid, *pids.values(), *(pid for part in pids.values() for pid in children(part))]
    for pid in family:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    with running(run.settings) as second:
        assert second.get("/ready") == 200
        assert second.stop() == 0


STUBBORN = """
import os, signal, sys, time
from tracker import processes
signal.signal(signal.SIGTERM, lambda *_signal: print("asked", flush=True))
processes.follow(os.environ, grace_s=0.5)
print(os.getpid(), flush=True)
while True:
    time.sleep(1)
"""


@fault
def test_an_orphan_that_does_not_stop_when_asked_is_killed() -> None:
    """Nobody else would: it would hold the port for ever."""
    shell = subprocess.Popen(
        ["sh", "-c", f"{processes.PARENT}=$$ '{sys.executable}' -c '{STUBBORN}'; true"],
        env=processes.environment(os.environ), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert shell.stdout is not None
    orphan = int(shell.stdout.readline())
    shell.kill()
    assert shell.wait(120) == -signal.SIGKILL
    wait_for(lambda: not is_alive(orphan))
    assert set(shell.stdout.read().split()) == {"asked"}
    shell.stdout.close()


def test_a_part_that_cannot_live_is_given_up_before_the_first_page(data: Path) -> None:
    """A collector that never comes up is an error, not an endless restart; exit code 1."""
    (data / "touchline.db").write_bytes(b"no database" * 1000)
    run = Run.start(of_port(data))
    assert run.process.wait(180) == 1
    wait_for(lambda: run.said("Error:"))
    assert not run.said("Traceback")
    run.stop()


def test_a_damaged_key_is_said_once(data: Path) -> None:
    """No part can live without the key, so none is started; exit code 1."""
    (data / keys.FILE).touch(mode=0o600)
    run = Run.start(of_port(data))
    assert run.process.wait(180) == 1
    wait_for(lambda: run.said("is no key (64 hexadecimal digits); restore it from a backup"))
    assert not run.said("starting it again")
    run.stop()


def test_a_dead_part_waits_longer_each_time(
    settings: config.Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pause doubles while a part dies young, and is short again after a long life."""
    part = up.Part("false", limit_s=1.0)
    monkeypatch.setattr(up, "start_part", lambda _verb, _settings: subprocess.Popen(["false"]))
    pauses = []
    for _ in range(4):
        part.due_at = 0.0
        part.tend(settings)
        assert part.process is not None
        part.process.wait()
        part.tend(settings)
        pauses.append(part.pause_s)
    assert pauses == [0.4, 0.8, 1.6, 3.2]
    part.due_at = 0.0
    part.tend(settings)
    assert part.process is not None
    part.process.wait()
    part.started_at = time.monotonic() - up.STEADY_S - 1
    part.tend(settings)
    assert part.pause_s == up.FIRST_PAUSE_S
