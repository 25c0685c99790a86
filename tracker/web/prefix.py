"""A path of the customer's own domain in front of ours, such as `/t`.

The prefix comes from X-Forwarded-Prefix, else from the setting. It is taken off the path where the
proxy left it on, and becomes WSGI's SCRIPT_NAME, so that links point back through the proxy. The
header is believed from anyone: it can only change links in the answer to whoever sent it, and only to
another path of the same host, since nothing but a plain path is taken.
"""

from __future__ import annotations

import re
from typing import Any

_PLAIN = re.compile(r"(?:/[A-Za-z0-9._~-]{1,64}){1,8}")


def mount(environ: dict[str, Any], prefix: str) -> str:
    """Take the prefix off a request's path.

    Args:
        environ: the request; PATH_INFO and SCRIPT_NAME are changed when there is a prefix.
        prefix: the setting's, used when the request names none.

    Returns:
        The path without the prefix.
    """
    path: str = environ.get("PATH_INFO", "")
    if "HTTP_X_FORWARDED_PREFIX" in environ:
        prefix = read_prefix(environ["HTTP_X_FORWARDED_PREFIX"]) or prefix
    if not prefix:
        return path
    if path == prefix or path.startswith(prefix + "/"):
        path = path[len(prefix) :] or "/"
        environ["PATH_INFO"] = path
    environ["SCRIPT_NAME"] = prefix
    return path


def read_prefix(header: str) -> str:
    """Read the nearest proxy's word; empty when it is no plain path."""
    prefix = header.rpartition(",")[2].strip().rstrip("/")
    return prefix if _PLAIN.fullmatch(prefix) and "/.." not in prefix and "/./" not in prefix + "/" else ""
