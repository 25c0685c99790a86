"""Fixtures of the browser's tests: one driver for the whole run (one per worker of pytest-xdist)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Playwright, sync_playwright


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """Run the driver."""
    with sync_playwright() as driver:
        yield driver
