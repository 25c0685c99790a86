"""Arrivals: the signed parameters of a landing page's address, and what they prove.

`tl_link` is what the browser script adds to links between a site's domains:

    <visitor id>.<created>.<nonce>.<browser>.<mac>

The key is the signature of the visitor's own token, `<visitor id>.<created>.<signature>`: the page that was
left knows it from its cookie, we make it again, and whoever sees the address learns nothing of it. `nonce`
is a UUID of version 7, so it says when the link was made; `browser` and `mac` are the first 16 and 32
hexadecimal digits of HMAC-SHA256 over what the browser says of itself and over all that stands before the
mac. The browser's hash on arrival is made from the arriving hit by the same key: it means nothing beside
another link's.

`tl_mail` is a token of `tracker.mailtokens`. What is forged, foreign or over its time proves nothing, and
the hit is kept without it. Whether a link was used before, and by which browser, is decided where persons
are resolved.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote

from tracker.core.times import DAY_MS, MINUTE_MS, SECOND_MS, format_instant
from tracker.mailtokens import PARAMETER as MAIL
from tracker.mailtokens import MailSeal
from tracker.model import VisitorId
from tracker.web.cookies import Signer
from tracker.wire import HitOnLog, HitsEntry

LINK = "tl_link"
LINK_LIFE_MS = 2 * MINUTE_MS
MAIL_LIFE_MS = 30 * DAY_MS
CLOCK_ERROR_MS = MINUTE_MS  # what the collector does not correct

_PARAMETER = re.compile(rf"[?&;]({LINK}|{MAIL})=([^&#;]+)")
_TOKEN = re.compile(
    r"(?P<id>[0-9A-Za-z_-]{1,64})\.(?P<created>[0-9a-z]{1,9})\."
    r"(?P<nonce>(?P<made>[0-9a-f]{8}-[0-9a-f]{4})-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12})\."
    r"(?P<browser>[0-9a-f]{16})\.(?P<mac>[0-9a-f]{32})"
)


class Link(NamedTuple):
    """A proved arrival by a link: what to keep of it, and the hash of the browser that arrived."""

    content: Mapping[str, Any]
    arrived_browser: str


def read_parameters(url: str) -> dict[str, str]:
    """Find the signed parameters in a page's address, in its query or its fragment; the first of each."""
    found = {} if "tl_" not in url else dict(reversed(_PARAMETER.findall(url)))
    return {name: unquote(value) for name, value in found.items()}


class Proofs:
    """Verifies what arrivals claim, with keys derived from the workspace's."""

    def __init__(self, key: bytes) -> None:
        self._signer = Signer(key)
        self._seal = MailSeal(key)

    def link(self, token: str, hit: HitOnLog, entry: HitsEntry) -> Link | None:
        """Verify a cross-domain link against the hit that arrived by it."""
        match = _TOKEN.fullmatch(token)
        if match is None:
            return None
        signed = self._signer.sign(VisitorId(match["id"]), int(match["created"], 36)).token
        key = signed.rpartition(".")[2].encode()
        if not hmac.compare_digest(_code(key, token.rpartition(".")[0])[:32], match["mac"]):
            return None
        made_ms = int(match["made"].replace("-", ""), 16) + hit.skew_ms
        if not -CLOCK_ERROR_MS <= hit.at_ms - made_ms <= LINK_LIFE_MS:
            return None
        content = {
            "from": match["id"], "nonce": match["nonce"], "made_at": format_instant(made_ms),
            "browser": match["browser"],
        }  # fmt: skip
        return Link(content, _code(key, _browser_text(hit, entry))[:16])

    def mail(self, token: str, hit: HitOnLog) -> Mapping[str, str] | None:
        """Verify a mailed link's token: whom the mail went to, and in which send."""
        mailed = self._seal.open(token)
        if mailed is None:
            return None
        age_ms = hit.at_ms - mailed.made_s * SECOND_MS
        if not -CLOCK_ERROR_MS <= age_ms <= MAIL_LIFE_MS:
            return None
        return {"email": mailed.email, "send_id": mailed.send_id}


def _code(key: bytes, text: str) -> str:
    return hmac.digest(key, text.encode("utf-8", "replace"), "sha256").hex()


def _browser_text(hit: HitOnLog, entry: HitsEntry) -> str:
    """Spell what a browser says of itself as the script does."""
    said = (entry.user_agent, hit.language, (hit.extra or {}).get("zone"), hit.screen)
    return "\n".join("" if each is None else str(each) for each in said)
