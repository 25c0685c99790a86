"""Our own webhooks: JSON, signed the way of Standard Webhooks with a secret per destination.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping, Sequence

from tracker import __version__
from tracker.config import Settings
from tracker.core.outbox import Answer
from tracker.providers.signing import base64_mac
from tracker.store.destinations import Target
from tracker.store.outbox import Delivery
from worker.outside import Request, post

PREFIX = "whsec_"
SECRET_BYTES = 24


def new_secret() -> str:
    """Make a destination's secret, as receivers' libraries take it."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signed_headers(secret: str, id_: str, timestamp_s: int, body: bytes) -> dict[str, str]:
    """Write the headers by which a receiver knows us, the message, and when it was sent.

    Args:
        secret: `whsec_` and base64.
        id_: the message's, the same in every repeat.
    """
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signature = base64_mac(key, b"%s.%d.%s" % (id_.encode(), timestamp_s, body))
    return {
        "webhook-id": id_,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": f"v1,{signature}",
    }


def send(target: Target, deliveries: Sequence[Delivery], settings: Settings, now_ms: int) -> list[Answer]:
    """Post each delivery's payload."""
    return [_send(target, each, settings, now_ms) for each in deliveries]


def _send(target: Target, delivery: Delivery, settings: Settings, now_ms: int) -> Answer:
    body = json.dumps(delivery.payload, ensure_ascii=False, separators=(",", ":")).encode()
    headers: Mapping[str, str] = {
        "content-type": "application/json",
        "user-agent": f"Touchline/{__version__}",
        **signed_headers(target.secret, delivery.id, now_ms // 1_000, body),
    }
    return post(Request(target.address, body, headers), may_be_private=settings.allow_private_destinations)
