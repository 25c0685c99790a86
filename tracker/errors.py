"""Every exception that Touchline raises on purpose.

    TouchlineError
    ├── BadRequest    the caller sent something wrong: say what to change, do not retry
    │   ├── BadUrl    a URL that cannot be read
    │   └── BadFact   a fact with a missing field or a value of the wrong type
    ├── Retryable     the outside world failed for now: the same call may succeed later
    └── Permanent     it will not work until an operator changes something

Expected outcomes (a dropped hit, an unmatched lead) are values, not exceptions.
"""


class TouchlineError(Exception):
    """Root of the tree; its text is written for the person who must act on it."""


class BadRequest(TouchlineError):
    """The caller sent something wrong.

    Args:
        code: one word of the closed set of the collector's codes.
        message: what is wrong and what to send instead.
        place: where in the message, such as `hits[3].at`; empty for the whole of it.
    """

    def __init__(self, code: str, message: str, place: str = "") -> None:
        super().__init__(f"{place}: {message}" if place else message)
        self.code = code
        self.message = message
        self.place = place


class BadUrl(BadRequest):
    """A URL that cannot be read."""

    def __init__(self, message: str, place: str = "url") -> None:
        super().__init__("bad_url", message, place)


class BadFact(BadRequest):
    """A fact with a missing field or a value of the wrong type."""


class Retryable(TouchlineError):
    """The outside world failed for now."""


class Permanent(TouchlineError):
    """It will not work until an operator changes something."""
