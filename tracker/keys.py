"""The workspace's key: the one secret from which every other is derived.

It signs cookies and page tokens and opens what is encrypted at rest. It comes from the variable
`TOUCHLINE_KEY`, else from the file `workspace.key` in the data directory, made at first use. Who
loses it loses the cookies' signatures; who shares it lets others forge them.
"""

from __future__ import annotations

import contextlib
import hmac
import os
import secrets
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tracker.errors import Permanent

FILE = "workspace.key"
KEY_BYTES = 32
LEAST_TEXT = 32


def workspace_key(data: Path, environ: Mapping[str, str]) -> bytes:
    """Read the workspace's key, making it at first use.

    Args:
        data: the data directory; made (mode 0700) where it is missing.
        environ: the environment; `TOUCHLINE_KEY` is at least 32 characters of any text.

    Returns:
        The key: 32 bytes.

    Raises:
        Permanent: the key is too short, not ours alone, or cannot be read or written.
    """
    text = environ.get("TOUCHLINE_KEY", "").strip()
    if text:
        if len(text) < LEAST_TEXT:
            raise Permanent("TOUCHLINE_KEY is too short; `openssl rand -hex 32` makes a good one.")
        return derive(text.encode(), "workspace")
    path = data / FILE
    try:
        return _read(path) or _make(path)
    except OSError as error:
        raise Permanent(f"The workspace's key {path} cannot be used: {error.strerror}.") from error


def derive(key: bytes, purpose: str) -> bytes:
    """Derive the key of one purpose (HMAC-SHA256), so that no two uses share a secret.

    Args:
        key: the workspace's key.
        purpose: a word that no other use has, such as `cookie`.

    Returns:
        32 bytes.
    """
    return hmac.digest(key, purpose.encode(), "sha256")


def _read(path: Path) -> bytes | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise Permanent(f"Others may read {path}; run `chmod 600 {path}`.")
        key = _parse(file.read())
    if key is None:
        raise Permanent(f"{path} is no key (64 hexadecimal digits); restore it from a backup.")
    return key


def _parse(content: bytes) -> bytes | None:
    with contextlib.suppress(ValueError):
        key = bytes.fromhex(content.decode("ascii").strip())
        return key if len(key) == KEY_BYTES else None
    return None


def _make(path: Path) -> bytes:
    """Write a new key beside its place and link it there: whole or not at all, and the first one wins."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{FILE}.")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(KEY_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(name, path)
    finally:
        os.unlink(name)
    _sync_folder(path.parent)
    return _read(path) or b""


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
