"""What is sealed at rest: only this workspace, for the same purpose, reads it again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.errors import Permanent
from tracker.sealed import Seal, seal, unseal

KEY = b"k" * 32
PURPOSE = "source 7"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@given(st.text(max_size=200))
def test_what_is_sealed_is_opened(text: str) -> None:
    """Any text comes back as it was."""
    assert unseal(KEY, PURPOSE, seal(KEY, PURPOSE, text)) == text


def test_a_seal_says_nothing_to_others() -> None:
    """Neither the text nor that two seals hold the same one can be seen."""
    one, two = seal(KEY, PURPOSE, SECRET), seal(KEY, PURPOSE, SECRET)
    assert one != two
    assert SECRET not in one


@pytest.mark.parametrize(
    ("key", "purpose"),
    [
        pytest.param(b"x" * 32, PURPOSE, id="another workspace cannot open it"),
        pytest.param(KEY, "source 8", id="a secret copied to another row does not open"),
    ],
)
def test_another_key_or_purpose_opens_nothing(key: bytes, purpose: str) -> None:
    """A refusal says what to do, and not the secret."""
    with pytest.raises(Permanent, match=r"workspace\.key") as refused:
        unseal(key, purpose, seal(KEY, PURPOSE, SECRET))
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("position", [0, 1, 20, -1])
def test_what_was_tampered_with_does_not_open(position: int) -> None:
    """Every character counts: version, nonce, content and proof."""
    characters = list(seal(KEY, PURPOSE, SECRET))
    characters[position] = "A" if characters[position] != "A" else "Q"
    assert Seal(KEY, PURPOSE).open("".join(characters)) is None


@given(st.text(max_size=200))
def test_no_text_breaks_a_seal(text: str) -> None:
    """Anything that stands in the store is read or is none."""
    assert Seal(KEY, PURPOSE).open(text) is None
