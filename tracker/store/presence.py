"""Who was on which page when, kept for the sites that match chats by it, and the chats of those pages."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from tracker.core.candidates import PAGE_MS
from tracker.store.db import key_list
from tracker.store.strings import find_number


def replace_presence(db: sqlite3.Connection, visitor_nos: Iterable[int], site_nos: Iterable[int]) -> None:
    """Make anew on which pages of these sites these visitors were; hits that a rule sets aside do not count.

    A hit that says that its visitor refused does not count either.
    """
    wanted, sites = key_list(visitor_nos), key_list(sorted(site_nos))
    db.execute("DELETE FROM presence WHERE visitor_no IN (SELECT value FROM json_each(?))", [wanted])
    db.execute(
        """INSERT INTO presence SELECT DISTINCT hit.page_no, hit.at_ms, hit.visitor_no, hit.site_no
        FROM json_each(?) AS wanted JOIN hit ON hit.visitor_no = wanted.value
        LEFT JOIN client ON client.client_no = hit.client_no
        WHERE hit.site_no IN (SELECT value FROM json_each(?)) AND hit.flags = 0
          AND client.bot_reason IS NULL AND hit.consent IS NOT 0
          AND NOT EXISTS (SELECT 1 FROM lone WHERE lone.visitor_no = hit.visitor_no AND is_burst)""",
        [wanted, sites],
    )


def visitors_on(db: sqlite3.Connection, page: str, *, site_no: int, at_ms: int) -> list[tuple[int, str]]:
    """Find who was on a page within two minutes of an instant: visitor number and id."""
    page_no = find_number(db, page)
    rows = db.execute(
        """SELECT DISTINCT visitor_no, visitor_id FROM presence JOIN visitor USING (visitor_no)
        WHERE page_no = ? AND presence.at_ms BETWEEN ? AND ? AND site_no = ? ORDER BY visitor_id""",
        [page_no, at_ms - PAGE_MS, at_ms + PAGE_MS, site_no],
    )
    return rows.fetchall()


def chats_beside(db: sqlite3.Connection, visitors: str) -> list[str]:
    """Name the chats from pages on which these visitors were at the time.

    Args:
        visitors: their numbers, as a JSON list.
    """
    rows = db.execute(
        """SELECT DISTINCT lead.lead_id FROM json_each(?) AS wanted
        JOIN presence ON presence.visitor_no = wanted.value
        JOIN string AS page ON page.string_no = presence.page_no
        JOIN lead ON lead.page_url = page.value AND lead.kind = 'chat' AND lead.site_no = presence.site_no
          AND lead.at_ms BETWEEN presence.at_ms - ? AND presence.at_ms + ?""",
        [visitors, PAGE_MS, PAGE_MS],
    )
    return [row[0] for row in rows]


def chats_beside_visitor(db: sqlite3.Connection, visitor_id: str) -> list[str]:
    """Name the chats from pages on which this visitor was at the time, if anybody knows the visitor."""
    known = db.execute("SELECT json_group_array(visitor_no) FROM visitor WHERE visitor_id = ?", [visitor_id])
    return chats_beside(db, known.fetchone()[0])
