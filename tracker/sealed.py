"""Seals: texts that only this workspace can read, such as a provider's secret kept in the store.

What is sealed is base64url of a version, a random nonce and the text under AES-256-GCM, with a key derived
from the workspace's for one purpose: what was sealed for one purpose opens for no other. The version is
part of what is proved, so that a later one cannot be taken for this.

Source: https://www.rfc-editor.org/rfc/rfc5116 (authenticated encryption).
"""

from __future__ import annotations

import base64
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tracker.errors import Permanent
from tracker.keys import derive

_VERSION = b"\x01"
_NONCE_BYTES = 12


class Seal:
    """Seals and opens many texts of one purpose."""

    def __init__(self, key: bytes, purpose: str) -> None:
        """Derive the key of a purpose.

        Args:
            key: the workspace's key.
            purpose: words that no other use has, such as `source 7`.
        """
        self._cipher = AESGCM(derive(key, purpose))

    def close(self, text: str) -> str:
        """Seal a text; the same text gives another seal every time."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, text.encode(), _VERSION)
        return base64.urlsafe_b64encode(_VERSION + nonce + sealed).rstrip(b"=").decode()

    def open(self, sealed: str) -> str | None:
        """Read what was sealed; None when this workspace did not seal it for this purpose."""
        if not sealed.isascii():
            return None
        try:
            packed = base64.urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))
            head, body = packed[: 1 + _NONCE_BYTES], packed[1 + _NONCE_BYTES :]
            return self._cipher.decrypt(head[1:], body, head[:1]).decode()
        except (ValueError, InvalidTag):
            return None


def seal(key: bytes, purpose: str, text: str) -> str:
    """Seal one text for the store, with the workspace's key.

    Args:
        key: the workspace's key.
        purpose: words that no other use has; naming the row as well keeps one row's secret from another.
        text: what only this workspace may read.
    """
    return Seal(key, purpose).close(text)


def unseal(key: bytes, purpose: str, sealed: str) -> str:
    """Read what `seal` made with the same key and purpose.

    Raises:
        Permanent: it was sealed with another key, or was altered.
    """
    text = Seal(key, purpose).open(sealed)
    if text is None:
        raise Permanent(
            f"The secret of {purpose} was sealed with another workspace key; "
            "restore workspace.key (or TOUCHLINE_KEY) from the backup, or enter the secret again."
        )
    return text
