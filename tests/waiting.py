"""How a test waits for another process: until something is so, never for a fixed time."""

from __future__ import annotations

import time
from collections.abc import Callable

LIMIT_S = 120.0
"""Long, since a busy machine makes no rule false; only a test that fails waits so long."""


def wait_for(is_so: Callable[[], object], limit_s: float = LIMIT_S) -> None:
    """Wait until something is so.

    Raises:
        AssertionError: it was not so within `limit_s`.
    """
    end = time.monotonic() + limit_s
    while not is_so():
        assert time.monotonic() < end, f"it did not happen within {limit_s} s"
        time.sleep(0.02)
