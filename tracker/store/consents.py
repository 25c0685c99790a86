"""What visitors consented to, as facts tell it: whether someone had refused at an instant."""

from __future__ import annotations

import json
import sqlite3

from tracker.core.facts import SEPARATOR
from tracker.core.ids import identifier_id
from tracker.core.times import format_instant, parse_instant
from tracker.core.versions import merge
from tracker.store.facts import load_versions

KINDS = ("lead", "identify", "link", "mail", "lease")
"""Facts that say something of a visitor as a person."""


def is_withdrawn(db: sqlite3.Connection, visitor_id: str, *, site_no: int, at_ms: int, key: bytes) -> bool:
    """Tell whether the visitor's last word on this site at or before an instant was a refusal.

    Args:
        key: of identifiers; a word that was erased with who gave it is remembered by its hash.
    """
    erased = _erased_word(db, identifier_id(key, "visitor", visitor_id), site_no=site_no, at_ms=at_ms)
    word = _word(db, visitor_id, site_no=site_no, at_ms=at_ms)
    return max(erased, word)[1]


def _word(db: sqlite3.Connection, visitor_id: str, *, site_no: int, at_ms: int) -> tuple[int, bool]:
    """Give the time in ms of a visitor's last word, and whether it was a refusal."""
    found = db.execute(
        """SELECT key FROM fact WHERE kind = 'consent' AND site_no = ? AND key >= ? AND key <= ?
        ORDER BY key DESC LIMIT 1""",
        [site_no, visitor_id + SEPARATOR, visitor_id + SEPARATOR + format_instant(at_ms)],
    ).fetchone()
    if found is None:
        return -1, False
    versions = load_versions(db, "consent", site_no=site_no, key=found[0])
    return parse_instant(found[0].rpartition(SEPARATOR)[2]), merge(versions)["state"] == "denied"


def _erased_word(db: sqlite3.Connection, hashed: str, *, site_no: int, at_ms: int) -> tuple[int, bool]:
    found = db.execute(
        """SELECT at_ms, is_refused FROM erased_consent
        WHERE (site_no, identifier_id) = (?, ?) AND at_ms <= ? ORDER BY at_ms DESC LIMIT 1""",
        [site_no, hashed, at_ms],
    ).fetchone()
    return (-1, False) if found is None else (found[0], bool(found[1]))


def keep_word(db: sqlite3.Connection, hashed: str, *, site_no: int, at_ms: int, is_refused: bool) -> None:
    """Remember a word of somebody who is erased, by the hash of the visitor; of two at once the refusal."""
    db.execute(
        """INSERT INTO erased_consent VALUES (?, ?, ?, ?) ON CONFLICT (site_no, identifier_id, at_ms)
        DO UPDATE SET is_refused = 1 WHERE excluded.is_refused > is_refused""",
        [site_no, hashed, at_ms, int(is_refused)],
    )


def has_word(db: sqlite3.Connection, hashed: str, *, site_no: int, at_ms: int, is_refused: bool) -> bool:
    """Tell whether such a word of somebody who was erased is remembered."""
    query = "SELECT is_refused FROM erased_consent WHERE (site_no, identifier_id, at_ms) = (?, ?, ?)"
    found = db.execute(query, [site_no, hashed, at_ms]).fetchone()
    return found is not None and bool(found[0]) >= is_refused


def links_from(db: sqlite3.Connection, visitor_id: str) -> list[str]:
    """Name the arrivals by a link that led from a visitor, on whatever site, as marks name them."""
    rows = db.execute(
        """SELECT DISTINCT kind, site_no, key FROM fact
        WHERE iif(kind = 'link', json_extract(content, '$.from'), NULL) = ?""",
        [visitor_id],
    )
    return [json.dumps(row) for row in rows]


def facts_of_visitor(db: sqlite3.Connection, visitor_id: str, *, site_no: int) -> list[str]:
    """Name the facts of a visitor on a site that rest on consent, as marks name them."""
    rows = db.execute(
        f"""SELECT DISTINCT kind, site_no, key FROM fact
        WHERE json_extract(content, '$.visitor_id') = ? AND json_extract(content, '$.visitor_id') IS NOT NULL
          AND site_no = ? AND kind IN {KINDS}""",
        [visitor_id, site_no],
    )
    return [json.dumps(row) for row in rows]
