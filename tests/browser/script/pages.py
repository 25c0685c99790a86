"""What the script's tests do to a page, beside what a visitor does."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager

from playwright.sync_api import Page

from tests.browser.script.recorder import Recorder
from tests.waiting import wait_for

OpenPage = Callable[[str], AbstractContextManager[None]]

STORAGE_DENIED = """
const denied = () => { throw new DOMException("denied", "SecurityError"); };
Object.defineProperty(Document.prototype, "cookie", { get: denied, set: denied });
Object.defineProperty(window, "localStorage", { get: denied });
Object.defineProperty(window, "sessionStorage", { get: denied });
"""


def set_hidden(page: Page, hidden: bool, *, after: str = "") -> None:
    """Make the page believe that it went to the background, or came back, right after it did something."""
    page.evaluate(
        f"""(state) => {{
          {after};
          Object.defineProperty(document, "visibilityState", {{ value: state, configurable: true }});
          document.dispatchEvent(new Event("visibilitychange", {{ bubbles: true }}));
        }}""",
        "hidden" if hidden else "visible",
    )


def stop_clock(page: Page) -> None:
    """Stop the page's clock: time passes only as the test lets it, however slow the machine is."""
    now = time.time()
    page.clock.install(time=now - 60)  # it cannot be stopped at what has passed by then
    page.clock.pause_at(now)


def run_until(page: Page, is_so: Callable[[], object], *, step_ms: int = 10) -> None:
    """Let a stopped clock run in small steps until something is so."""
    wait_for(lambda: page.clock.run_for(step_ms) or is_so())


def stored(page: Page) -> dict[str, str]:
    """List what the page keeps in the browser's storage."""
    return page.evaluate("() => ({ ...localStorage, ...sessionStorage })")


def settle(page: Page, recorder: Recorder) -> None:
    """Wait until all that the script has to say of the page so far has arrived."""
    count = len(recorder.find("settled"))
    page.evaluate(
        """async () => {
          await new Promise((next) => setTimeout(next, 60));
          touchline("event", "settled");
          dispatchEvent(new Event("online")); // what waits goes at once
        }"""
    )
    recorder.wait("settled", count + 1)
