"""Fixtures that every test may use: a data directory, settings, a real server, and a leak detector.

The embedded server is the real one, one for the whole run (one per worker of pytest-xdist); `client`
hands it over empty. A test that kills servers starts its own in its own data directory.
"""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import hypothesis
import pytest
import redis

from tests.laws import HOUSE, LONG
from tracker import config, embedded

# Neither a machine that is busy with other things nor an unlucky draw makes a rule false.
_patient = hypothesis.settings(deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
hypothesis.settings.register_profile("house", _patient, max_examples=HOUSE)
hypothesis.settings.register_profile("long", _patient, max_examples=LONG)
hypothesis.settings.load_profile("house")

for _name in [name for name in os.environ if name.startswith("TOUCHLINE_")] + ["REDIS_URL"]:
    os.environ.pop(_name, None)


def short_folder() -> Path:
    """Make a directory whose path leaves room for a unix socket's."""
    return Path(tempfile.mkdtemp(prefix="tl-", dir="/tmp"))


@contextmanager
def own_folder() -> Iterator[Path]:
    """Make such a directory, and remove it in the end."""
    folder = short_folder()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def data() -> Iterator[Path]:
    """Give a data directory of the test's own."""
    with own_folder() as folder:
        yield folder


@pytest.fixture
def settings(data: Path) -> config.Settings:
    """Give the default settings over the test's own data directory."""
    return config.load({}, data=data)


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """Run one embedded server for the whole session."""
    with own_folder() as folder:
        settings = config.load({}, data=folder)
        with embedded.hold(settings) as url:
            yield url
        embedded.dismiss(settings)


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    """Give a connection to the session's server, emptied before and after."""
    with embedded.connect(redis_url, blocking=False) as connection:
        connection.flushall()
        yield connection
        connection.flushall()


@pytest.fixture(autouse=True)
def leak_detector() -> Iterator[None]:
    """Fail a test that leaves a child process, a thread or a variable of the environment behind."""
    environ, threads, children = _environ(), set(threading.enumerate()), _children()
    yield
    assert _environ() == environ, "the test left the environment changed"
    left = _settle(lambda: {t for t in threading.enumerate() if not t.daemon} - threads)
    assert not left, f"the test left threads behind: {left}"
    left = _settle(lambda: _children() - children)
    assert not left, f"the test left child processes behind: {left}"


def _environ() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}


def _settle(count, limit_s: float = 20.0) -> set:
    end = time.monotonic() + limit_s
    while (left := count()) and time.monotonic() < end:
        gc.collect()  # not before: over a whole run it would take minutes
        time.sleep(0.01)
    return left


def _children() -> set[int]:
    """List this process's children, where the kernel tells."""
    found: set[int] = set()
    for task in Path("/proc/self/task").glob("*/children"):
        try:
            found.update(int(pid) for pid in task.read_text().split())
        except FileNotFoundError:
            continue
    return found
