"""RSA signatures (PKCS #1 v1.5, SHA-256) checked against a public key in PEM: nothing is signed here.

Source: https://www.rfc-editor.org/rfc/rfc8017 (8.2.2, 9.2)
Source: https://www.rfc-editor.org/rfc/rfc5280 (SubjectPublicKeyInfo)
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from hashlib import sha256

_ARMOUR = re.compile(r"-----[A-Z ]+-----")
_SHA256 = bytes.fromhex("3031300d060960864801650304020105000420")
_INTEGER, _BITS, _SEQUENCE = 0x02, 0x03, 0x30
_FEWEST_BITS, _MOST_BITS = 1_024, 8_192


def is_signed(message: bytes, signature: bytes, public_key: str) -> bool:
    """Tell whether a signature is that of a message; never so for what is no key or no signature."""
    key = _read_key(public_key)
    if key is None:
        return False
    modulus, exponent = key
    size = (modulus.bit_length() + 7) // 8
    number = int.from_bytes(signature, "big")
    if len(signature) != size or number >= modulus:
        return False
    digest = _SHA256 + sha256(message).digest()
    expected = b"\x00\x01" + b"\xff" * (size - len(digest) - 3) + b"\x00" + digest
    return hmac.compare_digest(pow(number, exponent, modulus).to_bytes(size, "big"), expected)


def _read_key(text: str) -> tuple[int, int] | None:
    """Read modulus and exponent of a key in PEM, or in its base64 alone."""
    try:
        der = base64.b64decode("".join(_ARMOUR.sub("", text).split()), validate=True)
        parts = _items(_inside(der, _SEQUENCE))
        if parts and parts[0][0] == _SEQUENCE:  # an algorithm comes first: the key is inside a bit string
            parts = _items(_inside(_inside_of(parts[1], _BITS)[1:], _SEQUENCE))
        modulus, exponent = (int.from_bytes(_inside_of(part, _INTEGER), "big") for part in parts[:2])
    except (ValueError, IndexError, binascii.Error):
        return None
    is_fit = (
        _FEWEST_BITS <= modulus.bit_length() <= _MOST_BITS and exponent >= 3 and exponent.bit_length() <= 64
    )
    return (modulus, exponent) if is_fit else None


def _items(der: bytes) -> list[tuple[int, bytes]]:
    """Split DER into tags and contents."""
    found: list[tuple[int, bytes]] = []
    while der:
        length, start = der[1], 2
        if length & 0x80:
            start = 2 + (length & 0x7F)
            length = int.from_bytes(der[2:start], "big")
        if len(der) < start + length:
            raise ValueError("cut")
        found.append((der[0], der[start : start + length]))
        der = der[start + length :]
    return found


def _inside(der: bytes, tag: int) -> bytes:
    return _inside_of(_items(der)[0], tag)


def _inside_of(item: tuple[int, bytes], tag: int) -> bytes:
    if item[0] != tag:
        raise ValueError("another kind")
    return item[1]
