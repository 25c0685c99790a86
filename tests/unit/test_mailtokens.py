"""Tokens for mailed links: only the workspace makes and reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.mailtokens import LONGEST, Mailed, MailSeal

SEAL = MailSeal(b"k" * 32)
MAILED = Mailed("ann@acme.com", "spring", 1_772_355_600)


def test_what_is_sealed_is_opened() -> None:
    """Address, send and time come back."""
    assert SEAL.open(SEAL.seal(MAILED)) == MAILED


def test_a_token_says_nothing_to_others() -> None:
    """Neither the address nor that two tokens are for one address can be seen."""
    one, two = SEAL.seal(MAILED), SEAL.seal(MAILED)
    assert one != two
    assert one.replace("-", "").replace("_", "").isalnum()
    assert MailSeal(b"x" * 32).open(one) is None


@pytest.mark.parametrize("position", [0, 1, 20, -1])
def test_a_token_that_was_tampered_with_is_none(position: int) -> None:
    """Every character counts: version, nonce, content and seal."""
    characters = list(SEAL.seal(MAILED))
    characters[position] = "A" if characters[position] != "A" else "Q"
    assert SEAL.open("".join(characters)) is None


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda raw: raw.hex()))
def test_no_text_breaks_the_seal(text: str) -> None:
    """Anything that stands in an address is read or is none."""
    assert SEAL.open(text) is None
    assert SEAL.open(text + "A" * LONGEST) is None
