"""The browser script and its parts, which it loads where a page needs them, as they are served, and the tag.

The script's version is the beginning of its hash, so an address with a version in it can be cached for
ever, and a changed script can never meet an old integrity value. Builds that were released stay beside
the current one: a page that pins one goes on working after an upgrade.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Iterable
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from tracker.core.hosts import registrable_domain
from tracker.model import Site
from tracker.web.script import PART_NAMES

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


def _version(code: bytes) -> str:
    return hashlib.sha384(code).hexdigest()[:12]


def part_version(code: bytes) -> str:
    """Name a part as the script does, which knows its integrity value alone: by the first of its letters."""
    return base64.b64encode(hashlib.sha256(code).digest())[:6].hex()


SCRIPT = (_folder() / "tracker.min.js").read_bytes()
PARTS = {name: (_folder() / f"{name}.min.js").read_bytes() for name in PART_NAMES}
_DIGEST = hashlib.sha384(SCRIPT)
VERSION = _version(SCRIPT)
INTEGRITY = "sha384-" + base64.b64encode(_DIGEST.digest()).decode()
ETAG = f'"{VERSION}"'


def script(version: str) -> bytes | None:
    """Load the build of one version, of the script or of one of its parts.

    Args:
        version: as it stands in the address, without the `v`.

    Returns:
        The current build or a released one; None when there never was one of that version.
    """
    if version == VERSION:
        return SCRIPT
    for part in PARTS.values():
        if version == part_version(part):
            return part
    if not re.fullmatch(r"[0-9a-f]{12}", version):
        return None
    kept = [_folder() / f"{name}.{version}.js" for name in ("tracker", *PART_NAMES)]
    return next((path.read_bytes() for path in kept if path.is_file()), None)


def snippet(
    site_key: str,
    base_url: str,
    *,
    versioned: bool = True,
    stub: bool = False,
    **said: str | None,
) -> str:
    """Write the tag to paste into a site's pages.

    Args:
        base_url: where the collector is reached, with its path if it stands behind one.
        versioned: pin this very script by address and hash; otherwise the address that always has the
            newest one, which no hash can protect.
        stub: put the queue for early calls in front. It is an inline script, which a strict content
            security policy must allow.
        said: the script's other `data-` attributes, such as `consent`; none where there is nothing to say.
    """
    pin = f"v{VERSION}/" if versioned else ""
    attributes = {"src": f"{base_url.rstrip('/')}/{pin}tracker.js", "data-site": site_key}
    attributes |= {f"data-{name}": value for name, value in said.items() if value}
    if versioned:
        attributes |= {"integrity": INTEGRITY, "crossorigin": "anonymous"}
    words = " ".join(f'{name}="{html.escape(value)}"' for name, value in attributes.items())
    tag = f"<script async {words}></script>"
    return f"<script>{STUB}</script>\n{tag}" if stub else tag


def site_snippet(site: Site, base_url: str, *, pools: Iterable[str] = ()) -> str:
    """Write the tag of a site as its settings ask for it.

    Args:
        base_url: where the collector is reached, with its path if it stands behind one.
        pools: names of its number pools.
    """
    widest = list(dict.fromkeys(registrable_domain(domain) or domain for domain in site.domains))
    return snippet(
        site.key,
        base_url,
        consent="required" if site.consent == "required" else None,
        domains=",".join(widest) if len(widest) > 1 else None,
        pools=",".join(pools),
    )
