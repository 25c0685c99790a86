"""Tokens for mailed links: an address that only this workspace can read, made long before the click.

A token is the sealed list of address, send and Unix second of its making. Nobody else can read the
address from it or make one; who forwards the mail forwards the token, so who clicked first and when is
weighed where persons are resolved.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from tracker.sealed import Seal

PARAMETER = "tl_mail"
"""The query parameter that carries a token."""

LONGEST = 2_000
"""Characters of a token: those of the longest address and send, sealed."""

LONGEST_SEND_ID = 128


class Mailed(NamedTuple):
    """What a token says: whom the mail went to, in which send, made at which Unix second."""

    email: str
    send_id: str
    made_s: int


class MailSeal:
    """Makes and opens tokens with a key derived from the workspace's."""

    def __init__(self, key: bytes) -> None:
        self._seal = Seal(key, "mail")

    def seal(self, mailed: Mailed) -> str:
        """Make a token; the same content gives another one every time."""
        return self._seal.close(msgspec.json.encode(mailed).decode())

    def open(self, token: str) -> Mailed | None:
        """Read a token; None when it is not one that this workspace made."""
        text = self._seal.open(token) if len(token) <= LONGEST else None
        try:
            return None if text is None else msgspec.json.decode(text, type=Mailed)
        except msgspec.MsgspecError:
            return None
