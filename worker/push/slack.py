"""Incoming webhooks of Slack, and of what takes the same: Mattermost, Rocket.Chat, Discord's `/slack`.

What visitors typed is shown as text: it can neither hide a link behind words nor call all of a channel.

Source: https://docs.slack.dev/messaging/formatting-message-text (what is escaped),
https://docs.slack.dev/reference/block-kit/blocks/section-block (lengths).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from tracker.config import Settings
from tracker.core.outbox import Answer
from tracker.store.destinations import Target
from tracker.store.outbox import Delivery
from worker.outside import Request, post

LONGEST_TITLE = 150
LONGEST_TEXT = 2_900
_ALL = re.compile(r"@(?=(?:all|channel|everyone|here)\b)", re.IGNORECASE)
_LINK = re.compile(r"\](?=[(\[])")  # of Markdown, which the others read


def send(target: Target, deliveries: Sequence[Delivery], settings: Settings, _now_ms: int) -> list[Answer]:
    """Post each delivery's words."""
    is_open = settings.allow_private_destinations
    return [
        post(Request(target.address, json.dumps(message(each.payload)).encode()), may_be_private=is_open)
        for each in deliveries
    ]


def message(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Write a message: a heading, lines, and the same as plain text for notifications."""
    data = payload["data"]
    title, lines = str(data["title"]), "\n".join(data["lines"])
    text = escaped(lines)[:LONGEST_TEXT]
    blocks: list[dict[str, Any]] = [
        {
            "type": "header",
            "text": {"type": "plain_text", "text": _quiet(title)[:LONGEST_TITLE], "emoji": False},
        }
    ]
    if text:
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}})
    return {"text": f"{escaped(title)}\n{text}".strip(), "blocks": blocks}


def escaped(text: str) -> str:
    """Write a text so that nothing in it is read as markup, a link's end or a call to everybody."""
    return _quiet(text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))


def _quiet(text: str) -> str:
    return _LINK.sub("]\u200b", _ALL.sub("@\u200b", text))
