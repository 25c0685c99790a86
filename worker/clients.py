"""What each browser's text says of the machine and of who sits there: a view, made once a browser."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable

from tracker.core.bots import bot_reason
from tracker.core.devices import describe_device
from tracker.store.strings import Numbers


def note_clients(db: sqlite3.Connection, client_nos: Iterable[int], texts: Numbers) -> None:
    """Describe browsers where that has not been done."""
    for client_no in client_nos:
        if db.execute("SELECT 1 FROM client WHERE client_no = ?", [client_no]).fetchone():
            continue
        client = json.loads(texts.text(client_no) or "{}")
        hints = client.get("hints")
        device = describe_device(client.get("ua"), hints)
        is_driven = isinstance(hints, dict) and hints.get("webdriver") is True
        reason = bot_reason(client.get("ua")) or ("webdriver" if is_driven else None)
        row = [client_no, device.browser, device.os, device.device, reason]
        db.execute("INSERT INTO client VALUES (?, ?, ?, ?, ?)", row)


def describe_all(db: sqlite3.Connection, texts: Numbers) -> None:
    """Describe every browser that a hit names."""
    rows = db.execute("SELECT DISTINCT client_no FROM hit WHERE client_no IS NOT NULL").fetchall()
    note_clients(db, (row[0] for row in rows), texts)
