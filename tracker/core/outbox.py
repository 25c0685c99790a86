"""Outbox: what an answer from outside means, and when a delivery is tried again.

A delivery is told until it is taken, refused for good, or its time is over; each pause between tries is
four times the one before, up to six hours, with chance mixed in so that many do not come back at once. What
a receiver asks for in `Retry-After` holds for everything that goes to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tracker.core.times import DAY_MS, HOUR_MS, SECOND_MS

Result = Literal["delivered", "retry", "refused", "gone"]

FIRST_PAUSE_MS = 5 * SECOND_MS
LONGEST_PAUSE_MS = 6 * HOUR_MS
LONGEST_HOLD_MS = 7 * DAY_MS
_AGAIN = frozenset({408, 421, 423, 425, 429})
_GONE = 410


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a destination is tried: so often at most, and not longer than this after it fell due."""

    tries: int = 12
    span_ms: int = DAY_MS


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one try.

    `code`: the protocol's own, 0 where nobody answered. `told`: the answer's words, cut. `wait_ms`: how
    long the receiver asks to be left alone.
    """

    result: Result
    code: int
    told: str
    wait_ms: int = 0

    @property
    def is_of_all(self) -> bool:
        """Whether it holds for all that goes there: nobody answered, or asked to be left alone."""
        return self.result == "gone" or self.result == "retry" and (not self.code or self.wait_ms > 0)


@dataclass(frozen=True, slots=True)
class Try:
    """One try: the how manieth, now, of what was first to leave at `since_ms`; `chance` from 0 up to 1."""

    number: int
    since_ms: int
    now_ms: int
    chance: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a delivery: `due_ms` is when it is tried again, none where it is not."""

    state: Literal["waiting", "delivered", "dead"]
    due_ms: int | None = None


def read_status(code: int) -> Result:
    """Say what an HTTP status means for a delivery.

    Returns:
        `retry` for what passes by itself; `gone` where the receiver wants nothing any more; `refused` for
        all else, redirects included, which are never followed.

    Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    """
    if 200 <= code < 300:
        return "delivered"
    if code in _AGAIN or code >= 500:
        return "retry"
    return "gone" if code == _GONE else "refused"


def judge(answer: Answer, last: Try, limits: Limits) -> Verdict:
    """Decide what becomes of a delivery after a try."""
    if answer.result == "delivered":
        return Verdict("delivered")
    if answer.result != "retry" or last.number >= limits.tries:
        return Verdict("dead")
    due_ms = last.now_ms + max(pause_ms(last.number, last.chance), answer.wait_ms)
    return Verdict("dead") if due_ms > last.since_ms + limits.span_ms else Verdict("waiting", due_ms)


def pause_ms(tries: int, chance: float) -> int:
    """Say how long to wait after this many tries: half of it is sure, half is chance."""
    whole = min(FIRST_PAUSE_MS * 4 ** (tries - 1), LONGEST_PAUSE_MS)
    return int(whole * (0.5 + chance / 2))
