"""How a test starts the machine's Chromium."""

from __future__ import annotations

import shutil
from typing import Any

from playwright.sync_api import Browser, Playwright

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
NO_ROBOT = "--disable-blink-features=AutomationControlled"
"""With it the browser does not declare itself to be driven by a program."""


def find_browser() -> str:
    """Find the machine's Chromium."""
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    assert path, "no Chromium was found: install the package chromium"
    return path


def flags(*origins: str) -> list[str]:
    """Make `*.test` hosts of this machine, and these origins a secure context as those of https are."""
    return [*FLAGS, f"--unsafely-treat-insecure-origin-as-secure={','.join(origins)}"]


def launch(playwright: Playwright, *args: str, **options: Any) -> Browser:
    """Start a Chromium with these arguments."""
    return playwright.chromium.launch(executable_path=find_browser(), args=list(args), **options)
