"""Proofs of senders, tried from all sides: right, of another secret, missing, of another body, old."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tracker.core.times import DAY_MS
from tracker.providers import load_adapter
from tracker.providers.adapter import Delivery, Unproved

Signer = Callable[[bytes, str, int], dict[str, str]]
"""Gives the headers that prove a body with a secret, sent at a time in ms."""

SECRET = "the source's own secret"


def demand_proof(provider: str, given: Delivery, sign: Signer, *, is_dated: bool = False) -> None:
    """Check that only a delivery of who knows the secret is taken, as it was sent and when it was sent."""
    verify = load_adapter(provider).verify
    assert verify is not None
    headers = sign(given.body, SECRET, given.received_ms)

    def sent(**changes: object) -> Delivery:
        changed = {"headers": {**given.headers, **headers}, **changes}
        return replace(given, **changed)  # type: ignore[arg-type]

    verify(sent(), SECRET)
    wrong = {
        "another secret": sent(headers={**given.headers, **sign(given.body, "another", given.received_ms)}),
        "no header": sent(headers=dict(given.headers)),
        "an empty header": sent(headers={**given.headers, **dict.fromkeys(headers, "")}),
        "a header of nonsense": sent(headers={**given.headers, **dict.fromkeys(headers, "é=,;v1=")}),
        "one more newline": sent(body=given.body + b"\n"),
        "a body written anew": sent(body=given.body.replace(b'": ', b'":', 1)),
    }
    if is_dated:
        wrong["a day late"] = sent(received_ms=given.received_ms + DAY_MS)
    for what, each in wrong.items():
        with pytest.raises(Unproved):
            verify(each, SECRET)
            pytest.fail(f"taken with {what}")
