"""Payloads in the documented shape of their provider, as deliveries: `tests/payloads/<provider>_<event>`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.unit.providers.deliveries import delivery
from tracker.providers.adapter import Delivery

FOLDER = Path(__file__).parents[2] / "payloads"
KINDS = {
    ".json": "application/json",
    ".txt": "application/x-www-form-urlencoded",
    ".xml": "text/xml; charset=utf-8",
}


def recorded(name: str, headers: Mapping[str, str] | None = None, **more: Any) -> Delivery:
    """Make the delivery of a payload file, byte by byte; the file's ending says what its type is."""
    path = next(path for path in sorted(FOLDER.glob(f"{name}.*")))
    return delivery(path.read_bytes(), {"content-type": KINDS[path.suffix], **(headers or {})}, **more)


def changed(name: str, **fields: Any) -> Delivery:
    """Make the delivery of a JSON payload with other values at its top."""
    told = json.loads((FOLDER / f"{name}.json").read_bytes())
    return delivery({**told, **fields})
