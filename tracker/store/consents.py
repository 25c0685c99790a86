"""What visitors consented to, as facts tell it: whether someone had refused at an instant."""

from __future__ import annotations

import json
import sqlite3

from tracker.core.facts import SEPARATOR
from tracker.core.times import format_instant
from tracker.core.versions import merge
from tracker.store.facts import load_versions

KINDS = ("lead", "identify", "link", "mail", "lease")
"""Facts that say something of a visitor as a person."""


def is_withdrawn(db: sqlite3.Connection, visitor_id: str, *, site_no: int, at_ms: int) -> bool:
    """Tell whether the visitor's last word on this site at or before an instant was a refusal."""
    found = db.execute(
        """SELECT key FROM fact WHERE kind = 'consent' AND site_no = ? AND key >= ? AND key <= ?
        ORDER BY key DESC LIMIT 1""",
        [site_no, visitor_id + SEPARATOR, visitor_id + SEPARATOR + format_instant(at_ms)],
    ).fetchone()
    if found is None:
        return False
    versions = load_versions(db, "consent", site_no=site_no, key=found[0])
    return bool(merge(versions)["state"] == "denied")


def facts_of_visitor(db: sqlite3.Connection, visitor_id: str, *, site_no: int) -> list[str]:
    """Name the facts of a visitor on a site that rest on consent, as marks name them."""
    rows = db.execute(
        f"""SELECT DISTINCT kind, site_no, key FROM fact
        WHERE json_extract(content, '$.visitor_id') = ? AND json_extract(content, '$.visitor_id') IS NOT NULL
          AND site_no = ? AND kind IN {KINDS}""",
        [visitor_id, site_no],
    )
    return [json.dumps(row) for row in rows]
