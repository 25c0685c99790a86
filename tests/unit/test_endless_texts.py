"""Texts made to keep a pattern busy: what a stranger writes is read in a moment, whatever it says."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tracker.core.contacts import normalise_email
from tracker.providers.answers import Answer
from tracker.providers.guess import form_lead
from tracker.providers.talk import plain

LONG = 20_000
MOST_S = 2.0  # of work; read in squares of their lengths they take several times as long


def addresses(_: str) -> None:
    """Read addresses whose angle bracket is never closed."""
    for length in range(600, 620):
        normalise_email(f"<{' ' * length}a")


READERS: dict[str, tuple[Callable[[str], object], str]] = {
    "scripts that never end": (plain, "<script" * LONG),
    "breaks that never end": (plain, "<br " * LONG),
    "spaces of print": (plain, "a" + "\u2003" * 2 * LONG + "b"),
    "addresses that never end": (addresses, ""),
    "an address of dots": (lambda said: form_lead([Answer("email", said)], provider_id="1"), "." * LONG),
}


@pytest.mark.parametrize(("read", "said"), READERS.values(), ids=READERS)
def test_a_text_without_end_is_read_in_a_moment(read: Callable[[str], object], said: str) -> None:
    """No pattern tries every place of a text against every other."""
    began = time.process_time()
    read(said)
    assert time.process_time() - began < MOST_S
