"""The browser script as it is served, and the tag that loads it.

The script's version is the beginning of its hash, so an address with a version in it can be cached for
ever, and a changed script can never meet an old integrity value. Builds that were released stay beside
the current one: a page that pins one goes on working after an upgrade.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Literal

from tracker.model import Site

STUB = (
    "window.touchline=window.touchline||function(){var a=arguments;return new Promise(function(r)"
    "{(touchline.q=touchline.q||[]).push([a,r])})}"
)
"""Queues calls that the page makes before the script is there; optional."""


def _folder() -> Traversable:
    """Find the scripts: package data of an installed wheel, or the checkout's own folder."""
    try:
        return resources.files("tracker.static")
    except ModuleNotFoundError:
        return Path(__file__).parents[2] / "static"


SCRIPT = (_folder() / "tracker.min.js").read_bytes()
_DIGEST = hashlib.sha384(SCRIPT)
VERSION = _DIGEST.hexdigest()[:12]
INTEGRITY = "sha384-" + base64.b64encode(_DIGEST.digest()).decode()
ETAG = f'"{VERSION}"'


def script(version: str) -> bytes | None:
    """Load the build of one version.

    Args:
        version: as it stands in the address, without the `v`.

    Returns:
        The current build or a released one; None when there never was one of that version.
    """
    if version == VERSION:
        return SCRIPT
    if not re.fullmatch(r"[0-9a-f]{12}", version):
        return None
    kept = _folder() / f"tracker.{version}.js"
    return kept.read_bytes() if kept.is_file() else None


def snippet(
    site_key: str,
    base_url: str,
    *,
    versioned: bool = True,
    consent: Literal["required", "granted", "denied"] | None = None,
    stub: bool = False,
) -> str:
    """Write the tag to paste into a site's pages.

    Args:
        base_url: where the collector is reached, with its path if it stands behind one.
        versioned: pin this very script by address and hash; otherwise the address that always has the
            newest one, which no hash can protect.
        consent: what the page has to say of consent before it is asked; nothing when it does not ask.
        stub: put the queue for early calls in front. It is an inline script, which a strict content
            security policy must allow.
    """
    pin = f"v{VERSION}/" if versioned else ""
    attributes = {"src": f"{base_url.rstrip('/')}/{pin}tracker.js", "data-site": site_key}
    if consent:
        attributes["data-consent"] = consent
    if versioned:
        attributes |= {"integrity": INTEGRITY, "crossorigin": "anonymous"}
    words = " ".join(f'{name}="{html.escape(value)}"' for name, value in attributes.items())
    tag = f"<script async {words}></script>"
    return f"<script>{STUB}</script>\n{tag}" if stub else tag


def site_snippet(site: Site, base_url: str) -> str:
    """Write the tag of a site as its settings ask for it.

    Args:
        base_url: where the collector is reached, with its path if it stands behind one.
    """
    return snippet(site.key, base_url, consent="required" if site.consent == "required" else None)
