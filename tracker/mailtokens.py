"""Tokens for mailed links: an address that only this workspace can read, made long before the click.

A token is base64url of a version, a random nonce and the sealed (AES-256-GCM) list of address, send and
Unix second of its making. Nobody else can read the address from it or make one; who forwards the mail
forwards the token, so who clicked first and when is weighed where persons are resolved.

Source: https://www.rfc-editor.org/rfc/rfc5116 (authenticated encryption).
"""

from __future__ import annotations

import base64
import os
from typing import NamedTuple

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tracker.keys import derive

PARAMETER = "tl_mail"
"""The query parameter that carries a token."""

LONGEST = 2_000
"""Characters of a token: those of the longest address and send, sealed."""

LONGEST_SEND_ID = 128

_VERSION = b"\x01"
_NONCE_BYTES = 12


class Mailed(NamedTuple):
    """What a token says: whom the mail went to, in which send, made at which Unix second."""

    email: str
    send_id: str
    made_s: int


class MailSeal:
    """Makes and opens tokens with a key derived from the workspace's."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(derive(key, "mail"))

    def seal(self, mailed: Mailed) -> str:
        """Make a token; the same content gives another one every time."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, msgspec.json.encode(mailed), _VERSION)
        return base64.urlsafe_b64encode(_VERSION + nonce + sealed).rstrip(b"=").decode()

    def open(self, token: str) -> Mailed | None:
        """Read a token; None when it is not one that this workspace made."""
        if len(token) > LONGEST or not token.isascii():
            return None
        try:
            packed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
            head, sealed = packed[: 1 + _NONCE_BYTES], packed[1 + _NONCE_BYTES :]
            return msgspec.json.decode(self._cipher.decrypt(head[1:], sealed, head[:1]), type=Mailed)
        except (ValueError, InvalidTag, msgspec.MsgspecError):
            return None
