"""How a test waits for another process: until something is so, never for a fixed time."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait_for(is_so: Callable[[], object], limit_s: float = 30.0) -> None:
    """Wait until something is so.

    Raises:
        AssertionError: it was not so within `limit_s`.
    """
    end = time.monotonic() + limit_s
    while not is_so():
        assert time.monotonic() < end, f"it did not happen within {limit_s} s"
        time.sleep(0.02)
