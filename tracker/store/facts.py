"""Facts other than hits: every version is kept, each once."""

from __future__ import annotations

import json
import sqlite3

from tracker.core.facts import Fact
from tracker.core.versions import Version

NO_SITE = 0
SAYING = (
    "lead", "identify", "contact", "link", "mail", "split", "same", "lease", "deal", "status", "activity",
)  # fmt: skip
"""Facts that say something of persons or leads; views rest on them."""


def insert_fact(db: sqlite3.Connection, fact: Fact, *, site_no: int, origin: str, received_ms: int) -> bool:
    """Insert one version of a fact.

    Returns:
        Whether it says something new; the same version again has no effect, unless it was known by hearsay:
        what only a page's script had told, and a trusted sender tells as well. What a file or the API tells
        no longer rests on deliveries.
    """
    row = [fact.kind, site_no, fact.key, fact.version_ms, fact.digest]
    cursor = db.execute(
        """INSERT INTO fact (kind, site_no, key, version_ms, digest, content, origin, received_ms)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT DO UPDATE SET origin = excluded.origin
        WHERE origin = 'script' AND excluded.origin <> 'script'""",
        [*row, json.dumps(fact.content, ensure_ascii=False, sort_keys=True), origin, received_ms],
    )
    if cursor.rowcount == 0 and origin != "script" and not origin.startswith("hook:"):
        db.execute(
            """UPDATE fact SET origin = ? WHERE (kind, site_no, key, digest) = (?, ?, ?, ?)
            AND origin LIKE 'hook:%'""",
            [origin, fact.kind, site_no, fact.key, fact.digest],
        )
    return cursor.rowcount == 1


def load_versions(db: sqlite3.Connection, kind: str, *, site_no: int, key: str) -> list[Version]:
    """Load all versions of one fact."""
    rows = db.execute(
        """SELECT version_ms, digest, content, origin = 'script' FROM fact
        WHERE kind = ? AND site_no = ? AND key = ?""",
        [kind, site_no, key],
    )
    return [Version(ms, digest, json.loads(content), bool(heard)) for ms, digest, content, heard in rows]


def keys_within(db: sqlite3.Connection, kind: str, *, site_no: int, start: str) -> list[str]:
    """Name the facts of a kind whose natural keys begin so."""
    rows = db.execute(
        "SELECT DISTINCT key FROM fact WHERE kind = ? AND site_no = ? AND key >= ? AND key < ?",
        [kind, site_no, start, start + chr(0x10FFFF)],
    )
    return [row[0] for row in rows]
