"""The pages' own style sheets, scripts and pictures, under an address that changes with their content.

One hash over all files stands in the path, so a browser may keep them for ever, and a module that
imports its neighbour by a relative address gets the one of the same build.
"""

from __future__ import annotations

import hashlib
import mimetypes
from dataclasses import dataclass
from functools import cache
from importlib import resources

from flask import Response, url_for

_TYPES = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8", "woff2": "font/woff2"}
_FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Assets:
    """All files by name, and the hash that stands for them."""

    files: dict[str, bytes]
    version: str


@cache
def load_assets() -> Assets:
    """Read the files; once, since they belong to the installation."""
    folder = resources.files("tracker.web").joinpath("assets")
    files = {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(name.encode() + b"\0" + files[name] + b"\0")
    return Assets(files, digest.hexdigest()[:12])


def asset_url(name: str) -> str:
    """Write a file's address, for templates.

    Raises:
        KeyError: there is no such file.
    """
    assets = load_assets()
    assets.files[name]
    return url_for("pages.asset", version=assets.version, name=name)


def answer_asset(version: str, name: str) -> Response | None:
    """Answer with a file; none when there is none of that name and version."""
    assets = load_assets()
    if version != assets.version or name not in assets.files:
        return None
    kind = _TYPES.get(name.rpartition(".")[2]) or mimetypes.guess_type(name)[0] or "text/plain"
    return Response(assets.files[name], content_type=kind, headers={"Cache-Control": _FOR_EVER})
