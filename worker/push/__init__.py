"""Outbound adapters, one file each: how a delivery is written for one kind of receiver, and sent.

An adapter sends what it is given and says of each delivery what came of it; whether and when it is tried
again is the outbox's business.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tracker.config import Settings
from tracker.core.outbox import Answer, Limits
from tracker.store.destinations import Kind, Target
from tracker.store.outbox import Delivery
from worker.push import mail, slack, webhook

Send = Callable[[Target, Sequence[Delivery], Settings, int], Sequence[Answer]]
"""Sends deliveries to a target at a time in ms; an answer for each, since a 200 can hide refused ones."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """How one kind of destination is sent to: `most` deliveries at once, within `limits`."""

    send: Send
    limits: Limits = Limits()
    most: int = 1


ADAPTERS: Mapping[Kind, Adapter] = {
    "webhook": Adapter(webhook.send),
    "slack": Adapter(slack.send),
    "mail": Adapter(mail.send),
}
