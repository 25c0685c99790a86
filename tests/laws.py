"""How often a law is tried where each try is work: a share of what the profile says, many more on request.

`pytest --hypothesis-profile=long` tries every law ten times as often.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from random import Random
from typing import TypeVar

import hypothesis

Each = TypeVar("Each")

HOUSE = 100
LONG = 1_000


def often(times: int) -> int:
    """Count so many in the everyday profile, and in proportion in another."""
    return times * hypothesis.settings().max_examples // HOUSE


def orders(told: Sequence[Each], most: int) -> list[tuple[Each, ...]]:
    """Give all orders of what is told, or where they are more than `most`, so many, always the same.

    The first is the one given.
    """
    every = list(permutations(told))
    return every[:1] + Random(7).sample(every[1:], min(often(most), len(every)) - 1)


def tried(times: int) -> hypothesis.settings:
    """Try a law so often in the everyday profile, and in proportion in another."""
    return hypothesis.settings(max_examples=often(times))
