"""The visitor cookie: its token, and how it is read, minted and set.

A token is `<visitor id>.<created>.<signature>`: the id, the second in which it was first issued (base
36), and the first 16 bytes of an HMAC-SHA256 over both, base64url. `_tl` carries it out of reach of
scripts, `_tl_id` is the readable twin for hidden fields; either restores the other.

A visitor id is 32 hexadecimal digits: the milliseconds of its birth (12), so that the store's index
grows at its end, then a keyed hash of the page's seed or chance. Parallel first hits carry one seed
and get one id; who knows an id can neither find its seed nor obtain its signature.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from functools import lru_cache

import msgspec

from tracker.keys import derive
from tracker.model import VisitorId

MASTER = "_tl"
TWIN = "_tl_id"
DAY_S = 86_400

_LONGEST_TOKEN = 120
_REMEMBERED = 4_096
_MOST_COOKIES = 4  # of one name: a host's own and its parents'
_MASTERS, _TWINS = (re.compile(rf"(?:^|;)\s*{name}=([^;]*)") for name in (MASTER, TWIN))
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"

Header = tuple[str, str]


class Visitor(msgspec.Struct, frozen=True):
    """A visitor whose id this workspace has signed; `created_s` is when, in Unix seconds."""

    visitor_id: VisitorId
    created_s: int
    token: str


@dataclass(frozen=True, slots=True)
class Renewal:
    """How long a cookie lives: `days` from each answer when `rolling`, else from its creation."""

    days: int = 395
    rolling: bool = True

    def max_age_s(self, visitor: Visitor, now_s: int) -> int:
        """Tell how long the visitor's cookie may live from now; zero or less when it is over."""
        return self.days * DAY_S + (0 if self.rolling else visitor.created_s - now_s)


class _Keyed:
    """HMAC-SHA256 whose key is hashed in once: a third of the cost of `hmac.digest`.

    Source: RFC 2104, section 2.
    """

    def __init__(self, key: bytes) -> None:
        block = key.ljust(64, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))

    def code(self, message: str) -> bytes:
        """Hash a message under the key."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(message.encode("utf-8", "surrogatepass"))
        outer.update(inner.digest())
        return outer.digest()


class Signer:
    """Signs and verifies visitor tokens with keys derived from the workspace's."""

    def __init__(self, key: bytes) -> None:
        self._signing = _Keyed(derive(key, "visitor"))
        self._naming = _Keyed(derive(key, "visitor-id"))
        self._verified = lru_cache(_REMEMBERED)(self._verify)

    def mint(self, seed: str | None, now_ms: int) -> Visitor:
        """Make the visitor of a seed, or a new one where there is no seed.

        Args:
            seed: the page's random seed; the same seed always gives the same id.
        """
        if seed:
            hashed = self._naming.code(seed).hex()
            born = _uuid7_time(seed) or hashed[-12:]
        else:
            hashed, born = secrets.token_hex(10), f"{now_ms:012x}"
        return self.sign(VisitorId(born + hashed[:20]), now_ms // 1_000)

    def sign(self, visitor_id: VisitorId, created_s: int) -> Visitor:
        """Sign an id."""
        message = f"{visitor_id}.{_base36(created_s)}"
        return Visitor(visitor_id, created_s, f"{message}.{self._signature(message)}")

    def verify(self, token: str) -> Visitor | None:
        """Read a token; None when it is not one that this workspace signed.

        The latest are remembered: a visitor's hits come in flocks. What is too long for one is not: a header
        may hold 64 KB, and thousands of them would fill the memory.
        """
        return self._verified(token) if len(token) <= _LONGEST_TOKEN else None

    def _verify(self, token: str) -> Visitor | None:
        if not token.isascii():
            return None
        message, _, signature = token.rpartition(".")
        if not hmac.compare_digest(signature, self._signature(message)):
            return None
        visitor_id, _, created = message.partition(".")
        return Visitor(VisitorId(visitor_id), int(created, 36), token)

    def read(self, cookies: str, *, renewal: Renewal, now_s: int) -> Visitor | None:
        """Find the visitor in a Cookie header: the first valid master, else the first valid twin."""
        for ours in (_MASTERS, _TWINS):
            for token in ours.findall(cookies)[:_MOST_COOKIES]:
                visitor = self.verify(token)
                if visitor is not None and renewal.max_age_s(visitor, now_s) > 0:
                    return visitor
        return None

    def _signature(self, message: str) -> str:
        return base64.urlsafe_b64encode(self._signing.code(message)[:16])[:22].decode()


def attributes(domain: str | None, *, secure: bool, cross_site: bool = False) -> str:
    """Write the attributes that a cookie has besides its life.

    Args:
        domain: the registrable domain it is for; None for the very host alone.
        cross_site: the site declared that its pages are framed by others; needs https.
    """
    where = f"; Domain={domain}" if domain else ""
    same_site = "; SameSite=None; Secure" if cross_site else "; SameSite=Lax" + ("; Secure" if secure else "")
    return f"{where}; Path=/{same_site}"


def set_cookies(visitor: Visitor, attributes: str, max_age_s: int) -> list[Header]:
    """Write the headers that set the cookie and its twin."""
    rest = f"{visitor.token}; Max-Age={max_age_s}{attributes}"
    return [("Set-Cookie", f"{MASTER}={rest}; HttpOnly"), ("Set-Cookie", f"{TWIN}={rest}")]


def forget_cookies(attributes: str) -> list[Header]:
    """Write the headers that remove both."""
    rest = f"; Max-Age=0{attributes}"
    return [("Set-Cookie", f"{MASTER}={rest}; HttpOnly"), ("Set-Cookie", f"{TWIN}={rest}")]


def _uuid7_time(seed: str) -> str | None:
    digits = seed.replace("-", "").lower()
    is_uuid7 = len(digits) == 32 and digits[12] == "7" and not digits.strip("0123456789abcdef")
    return digits[:12] if is_uuid7 else None


@lru_cache(256)
def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits or "0"
