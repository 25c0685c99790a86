"""Fixtures of the script's tests: one real Chromium and one recorder for all, a fresh profile a test."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright

from tests.browser.launching import find_browser, flags, launch
from tests.browser.script.pages import OpenPage
from tests.browser.script.recorder import Recorder, serve


@pytest.fixture(scope="session")
def server() -> Iterator[Recorder]:
    """Run one recorder for all tests."""
    recorder, stop = serve()
    yield recorder
    stop()


@pytest.fixture
def recorder(server: Recorder) -> Recorder:
    """Give the recorder as if new."""
    server.clear()
    return server


@pytest.fixture(scope="session")
def browser(playwright: Playwright, server: Recorder) -> Iterator[Browser]:
    """Run one Chromium for all tests; `*.test` are hosts of the recorder."""
    ignored = ["--disable-back-forward-cache"]
    launched = launch(playwright, *flags(server.url("")), ignore_default_args=ignored)
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
        secure = flags(server.url(""))
        command = [find_browser(), "--headless", "--remote-debugging-port=0", profile, *secure, url]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            yield
        finally:
            process.terminate()
            process.wait(120)

    return open_page
