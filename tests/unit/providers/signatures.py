"""Cases that every signature over a raw body must pass: what proves a sender, and what does not."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import pytest

from tests.unit.providers.deliveries import RECEIVED_AT, delivery
from tracker.providers import load_adapter
from tracker.providers.adapter import Unproved

Sign = Callable[[bytes, str], Mapping[str, str]]
"""Given body and secret, the headers that a provider sends along."""


def is_proved(provider: str, body: bytes, headers: Mapping[str, str], *, at: str = RECEIVED_AT) -> bool:
    """Tell whether an adapter takes a delivery for proved by the secret `spoon`."""
    verify = load_adapter(provider).verify
    assert verify is not None
    try:
        verify(delivery(body, headers, received_at=at), "spoon")
    except Unproved:
        return False
    return True


def check_signature(provider: str, body: bytes, sign: Sign) -> None:
    """Check the rules: right, wrong, missing, empty, another body, a body written anew."""
    right = sign(body, "spoon")
    assert is_proved(provider, body, right)
    wrong = {
        "another secret": (body, sign(body, "fork")),
        "nothing": (body, {}),
        "another body": (body + b"\n", right),
        "a body written anew": (json.dumps(json.loads(body), indent=1).encode(), right),
    }
    for name in right:
        wrong[f"no {name}"] = (body, {each: value for each, value in right.items() if each != name})
        wrong[f"an empty {name}"] = (body, {**right, name: ""})
    for what, (given, headers) in wrong.items():
        if is_proved(provider, given, headers):
            pytest.fail(f"{provider} takes {what} for a proof")
