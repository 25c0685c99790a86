"""Fixtures of the script's tests: one real Chromium and one recorder a module, a fresh profile a test."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.browser.script.pages import OpenPage
from tests.browser.script.recorder import Recorder, serve

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP *.test 127.0.0.1",
]


@pytest.fixture(scope="module")
def server() -> Iterator[Recorder]:
    """Run one recorder for the module."""
    recorder, stop = serve()
    yield recorder
    stop()


@pytest.fixture
def recorder(server: Recorder) -> Recorder:
    """Give the recorder as if new."""
    server.clear()
    return server


def find_browser() -> str:
    """Find the machine's Chromium."""
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    assert path, "no Chromium was found: install the package chromium"
    return path


def flags(recorder: Recorder) -> list[str]:
    """Make `*.test` hosts of the recorder, and its pages a secure context as those of https are."""
    return [*FLAGS, f"--unsafely-treat-insecure-origin-as-secure={recorder.url('')}"]


@pytest.fixture(scope="module")
def browser(server: Recorder) -> Iterator[Browser]:
    """Run one Chromium for the module; `*.test` are hosts of the recorder."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=find_browser(),
            args=flags(server),
            ignore_default_args=["--disable-back-forward-cache"],
        )
        yield launched
        launched.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """Give a browser profile of the test's own, in which no page may see an error of the script."""
    fresh = browser.new_context(locale="en-GB", timezone_id="Europe/London")
    errors: list[str] = []
    fresh.on("weberror", lambda error: errors.append(str(error.error)))
    yield fresh
    fresh.close()
    assert errors == []


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """Give a tab."""
    return context.new_page()


@pytest.fixture
def chromium(server: Recorder, tmp_path: Path) -> OpenPage:
    """Open a page in a Chromium without an automation tool, for what such a tool turns off."""

    @contextmanager
    def open_page(url: str) -> Iterator[None]:
        profile = f"--user-data-dir={tmp_path}"
        command = [find_browser(), "--headless", "--remote-debugging-port=0", profile, *flags(server), url]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            yield
        finally:
            process.terminate()
            process.wait(10)

    return open_page
