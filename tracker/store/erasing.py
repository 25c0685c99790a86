"""Rows of somebody who is erased: found by index where there is one, and deleted, not marked.

Facts and hits go here; the views follow by the same road as ever, as if nothing had been told. What
remains of them in the log of changes, in the rejects and among the texts goes last.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from tracker.core.erasure import Name
from tracker.core.ids import EventKey
from tracker.store.db import key_list
from tracker.store.hitversions import keep_told

_LOOKED_THROUGH = ("lead", "identify", "contact", "link", "mail", "deal", "activity")
LATELY = 20_000
ERASED = "erase"

FactKey = tuple[str, int, str]


class StoredVersion(NamedTuple):
    """One version of a fact: its number, where it came from, and its fields."""

    fact_no: int
    origin: str
    received_ms: int
    content: dict[str, Any]


class GoneHit(NamedTuple):
    """What a deleted hit leaves to be looked after; `texts` are the numbers of its texts."""

    site_no: int
    event_key: EventKey
    at_ms: int
    texts: tuple[int | None, ...]


_HIT_TEXTS = ("name_no", "page_no", "title_no", "tags_no", "referrer_no", "prev_no", "client_no", "ip_no")


def fact_keys_of(db: sqlite3.Connection, identifier_nos: Iterable[int]) -> set[str]:
    """Name the facts, as evidence names them, that mention these identifiers."""
    rows = db.execute(
        """SELECT mention.fact FROM json_each(?1) AS wanted
        JOIN mention ON mention.identifier_no = wanted.value
        UNION SELECT people.fact FROM json_each(?1) AS wanted
        JOIN account_people AS people ON people.identifier_no = wanted.value""",
        [key_list(identifier_nos)],
    )
    return {row[0].removeprefix("call:").removeprefix("trace:") for row in rows}


def facts_of_visitors(db: sqlite3.Connection, visitor_ids: Iterable[str]) -> set[FactKey]:
    """Name the facts that carry these visitors' ids."""
    query = """SELECT DISTINCT kind, site_no, key FROM fact
    WHERE json_extract(content, '$.visitor_id') = ? AND json_extract(content, '$.visitor_id') IS NOT NULL"""
    return {row for each in visitor_ids for row in db.execute(query, [each]).fetchall()}


def words_of_operators(db: sqlite3.Connection) -> Iterator[tuple[FactKey, str]]:
    """List what operators said of who is who, which is little."""
    rows = db.execute("SELECT kind, site_no, key, content FROM fact WHERE kind IN ('split', 'same')")
    return (((kind, site_no, key), content) for kind, site_no, key, content in rows)


def unmentioned(db: sqlite3.Connection) -> Iterator[tuple[FactKey, str]]:
    """List facts about persons of which evidence does not tell all: withheld, corrected, activities."""
    rows = db.execute(
        f"""SELECT kind, fact.site_no, fact.key, content FROM fact
        LEFT JOIN site ON site.site_no = fact.site_no
        WHERE kind IN {_LOOKED_THROUGH} AND (
          NOT EXISTS (
            SELECT 1 FROM mention
            WHERE mention.fact = kind || ':' || coalesce(site.key, '') || ':' || fact.key
          ) OR EXISTS (
            SELECT 1 FROM fact AS other WHERE (other.kind, other.site_no, other.key)
              = (fact.kind, fact.site_no, fact.key) AND other.digest <> fact.digest
          )
        )"""
    )
    return (((kind, site_no, key), content) for kind, site_no, key, content in rows)


def load_stored(db: sqlite3.Connection, named: FactKey) -> list[StoredVersion]:
    """Load all versions of a fact, as they are stored."""
    rows = db.execute(
        """SELECT fact_no, origin, received_ms, content FROM fact
        WHERE kind = ? AND site_no = ? AND key = ? ORDER BY version_ms, digest""",
        named,
    )
    return [StoredVersion(row[0], row[1], row[2], json.loads(row[3])) for row in rows]


def delete_versions(db: sqlite3.Connection, fact_nos: Iterable[int]) -> None:
    """Delete versions of facts."""
    db.executemany("DELETE FROM fact WHERE fact_no = ?", [(number,) for number in fact_nos])


def visitor_numbers(db: sqlite3.Connection, visitor_ids: Iterable[str]) -> dict[str, int]:
    """Find the numbers of these visitors, of those that have one."""
    rows = db.execute(
        "SELECT visitor_id, visitor_no FROM json_each(?) AS wanted JOIN visitor ON visitor_id = wanted.value",
        [key_list(visitor_ids)],
    )
    return dict(rows.fetchall())


def find_by_hash(db: sqlite3.Connection, identifier_id: str, *, also_visitors: bool) -> Name | None:
    """Find the name whose hash is an id.

    Args:
        also_visitors: look through visitors of whom nothing is known but hits; there is no index.
    """
    query = "SELECT kind, value FROM identifier WHERE identifier_id = ?"
    found = db.execute(query, [identifier_id]).fetchone()
    if found is None and also_visitors:
        query = "SELECT 'visitor', visitor_id FROM visitor WHERE identifier_id = ?"
        found = db.execute(query, [identifier_id]).fetchone()
    return None if found is None else (found[0], found[1])


def identifier_nos(db: sqlite3.Connection, names: Iterable[Name]) -> dict[Name, int]:
    """Find the numbers of these identifiers, of those that have one."""
    query = "SELECT identifier_no FROM identifier WHERE kind = ? AND value = ?"
    found = {}
    for name in names:
        row = db.execute(query, name).fetchone()
        if row is not None:
            found[name] = int(row[0])
    return found


def count_hits_of(db: sqlite3.Connection, visitor_no: int, from_ms: int, until_ms: int) -> int:
    """Count a visitor's hits within a time."""
    query = "SELECT count(*) FROM hit WHERE visitor_no = ? AND at_ms BETWEEN ? AND ?"
    return int(db.execute(query, [visitor_no, from_ms, until_ms]).fetchone()[0])


def sessions_within(
    db: sqlite3.Connection, visitor_no: int, from_ms: int, until_ms: int
) -> list[tuple[str, int, int]]:
    """List a visitor's sessions that lie wholly within a time: id, site number, start in ms."""
    rows = db.execute(
        """SELECT session_id, site_no, started_ms FROM session
        WHERE visitor_no = ? AND started_ms >= ? AND ended_ms <= ? ORDER BY 1""",
        [visitor_no, from_ms, until_ms],
    )
    return rows.fetchall()


def session_texts(db: sqlite3.Connection, visitor_no: int) -> tuple[set[int], set[int]]:
    """Find the texts and the sources that a visitor's sessions and crowd name."""
    rows = db.execute("SELECT click_no, source_no FROM session WHERE visitor_no = ?", [visitor_no]).fetchall()
    lone = db.execute("SELECT prefix_no FROM lone WHERE visitor_no = ?", [visitor_no]).fetchall()
    texts = {row[0] for row in (*rows, *lone) if row[0] is not None}
    return texts, {row[1] for row in rows}


def delete_hits(db: sqlite3.Connection, visitor_no: int, from_ms: int, until_ms: int) -> list[GoneHit]:
    """Delete a visitor's hits within a time, with all their versions; a hit's number is never given again."""
    db.execute(
        """INSERT INTO counter SELECT 'hit_no', coalesce(max(hit_no), 0) FROM hit WHERE true
        ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)"""
    )
    rows = db.execute(
        f"""DELETE FROM hit WHERE visitor_no = ? AND at_ms BETWEEN ? AND ?
        RETURNING site_no, event_key, at_ms, {", ".join(_HIT_TEXTS)}""",
        [visitor_no, from_ms, until_ms],
    ).fetchall()
    gone = [GoneHit(row[0], row[1], row[2], tuple(row[3:])) for row in rows]
    db.executemany(
        "DELETE FROM hit_version WHERE site_no = ? AND event_key = ?",
        [(each.site_no, each.event_key) for each in gone],
    )
    return gone


def drop_lonely_visitors(db: sqlite3.Connection, visitor_nos: Iterable[int]) -> None:
    """Forget visitors of whom nothing is left."""
    db.execute(
        """DELETE FROM visitor WHERE visitor_no IN (SELECT value FROM json_each(?))
          AND NOT EXISTS (SELECT 1 FROM hit WHERE hit.visitor_no = visitor.visitor_no)
          AND NOT EXISTS (SELECT 1 FROM identifier WHERE identifier.visitor_no = visitor.visitor_no)
          AND NOT EXISTS (SELECT 1 FROM lease WHERE lease.visitor_no = visitor.visitor_no)
          AND NOT EXISTS (SELECT 1 FROM lead WHERE lead.visitor_no = visitor.visitor_no)
          AND NOT EXISTS (
            SELECT 1 FROM fact WHERE json_extract(content, '$.visitor_id') = visitor.visitor_id
              AND json_extract(content, '$.visitor_id') IS NOT NULL
          )""",
        [key_list(visitor_nos)],
    )


def scrub_changes(
    db: sqlite3.Connection, ids: Iterable[str], reasons: Iterable[str], visitor_ids: Iterable[str]
) -> None:
    """Leave of the log of changes only that rows with these ids went, and no word of these reasons.

    One pass over the log, which is as long as there are leads and persons.
    """
    lists = [key_list(each) for each in (ids, reasons, visitor_ids)]
    db.execute(
        f"""UPDATE change SET because = '{ERASED}',
          before = CASE WHEN before IS NOT NULL THEN '{{}}' END,
          after = CASE WHEN after IS NOT NULL THEN '{{}}' END
        WHERE id IN (SELECT value FROM json_each(?1))
          OR json_extract(before, '$.visitor_id') IN (SELECT value FROM json_each(?2))
          OR json_extract(after, '$.visitor_id') IN (SELECT value FROM json_each(?2))""",
        [lists[0], lists[2]],
    )
    db.execute(
        f"UPDATE change SET because = '{ERASED}' WHERE because IN (SELECT value FROM json_each(?))",
        [lists[1]],
    )


def rejects(db: sqlite3.Connection) -> Iterator[tuple[int, str | None, str]]:
    """List what was refused: its number, its site's key, its text."""
    return iter(db.execute("SELECT reject_no, site, body FROM reject").fetchall())


def delete_rejects(db: sqlite3.Connection, numbers: Sequence[int]) -> None:
    """Delete rejects."""
    db.executemany("DELETE FROM reject WHERE reject_no = ?", [(number,) for number in numbers])


def raw_messages(db: sqlite3.Connection, until_ms: int) -> Iterator[tuple[int, str, dict[str, str], bytes]]:
    """List deliveries up to a time as they came: number, site's key, headers, body."""
    rows = db.execute(
        """SELECT raw_no, site.key, headers, body FROM raw_message
        JOIN hook_source USING (source_no) JOIN site USING (site_no) WHERE received_ms <= ?""",
        [until_ms],
    )
    return ((row[0], row[1], json.loads(row[2]), row[3]) for row in rows)


def raws_of_fact(db: sqlite3.Connection, named: FactKey) -> set[int]:
    """Number the deliveries that gave versions of a fact."""
    rows = db.execute("SELECT raw_no FROM raw_fact WHERE (kind, site_no, key) = (?, ?, ?)", named)
    return {row[0] for row in rows}


def drop_unused(db: sqlite3.Connection, texts: Iterable[int], sources: Iterable[int]) -> int:
    """Forget texts and sources that nothing refers to any more; returns how many texts.

    Most are in use by the latest hits; for the others all hits are looked through, column by column.
    """
    left = set(texts) - _used_in_views(db, texts)
    lately = f"(SELECT * FROM hit ORDER BY hit_no DESC LIMIT {LATELY})"
    for table in (lately, "hit"):
        for column in _HIT_TEXTS:
            if left:
                wanted = key_list(left)
                left -= _those(db, f"SELECT DISTINCT {column} FROM {table} WHERE {column} IN", wanted)
    numbers = key_list(left)
    db.execute("DELETE FROM client WHERE client_no IN (SELECT value FROM json_each(?))", [numbers])
    db.execute("DELETE FROM string WHERE string_no IN (SELECT value FROM json_each(?))", [numbers])
    _drop_sources(db, sources)
    return len(left)


def _used_in_views(db: sqlite3.Connection, texts: Iterable[int]) -> set[int]:
    wanted = key_list(texts)
    places = (
        ("session", "click_no"), ("session", "landing_no"), ("session", "exit_no"), ("lead", "click_no"),
        ("lone", "prefix_no"), ("lone", "client_no"),
    )  # fmt: skip
    used: set[int] = set()
    for table, column in places:
        used |= _those(db, f"SELECT DISTINCT {column} FROM {table} WHERE {column} IN", wanted)
    return used


def _drop_sources(db: sqlite3.Connection, sources: Iterable[int]) -> None:
    left = set(sources)
    places = (("session", "source_no"), ("lead", "source_no"), ("journey", "first_source_no"),
              ("journey", "last_source_no"))  # fmt: skip
    for table, column in places:
        if left:
            wanted = key_list(left)
            left -= _those(db, f"SELECT DISTINCT {column} FROM {table} WHERE {column} IN", wanted)
    db.executemany("DELETE FROM source WHERE source_no = ?", [(number,) for number in left])


def _those(db: sqlite3.Connection, query: str, wanted: str) -> set[int]:
    return {row[0] for row in db.execute(f"{query} (SELECT value FROM json_each(?))", [wanted])}


def leads(db: sqlite3.Connection, name: Name | None) -> list[tuple[str, int | None]]:
    """List leads, by id and the identifier that names their person: the one of a name, or all."""
    if name is None:
        return db.execute("SELECT lead_id, identifier_no FROM lead").fetchall()
    return db.execute("SELECT lead_id, identifier_no FROM lead WHERE lead_id = ?", [name[1]]).fetchall()


def fact_of_lead(db: sqlite3.Connection, lead_id: str) -> str | None:
    """Give the fact behind a lead, as evidence names it."""
    found = db.execute("SELECT fact FROM lead WHERE lead_id = ?", [lead_id]).fetchone()
    return None if found is None else str(found[0])


def identifier_of(db: sqlite3.Connection, identifier_no: int) -> Name | None:
    """Give the kind and value of an identifier."""
    found = db.execute(
        "SELECT kind, value FROM identifier WHERE identifier_no = ?", [identifier_no]
    ).fetchone()
    return None if found is None else (found[0], found[1])


def owner_of_lead(db: sqlite3.Connection, lead_id: str) -> Name | None:
    """Tell by which identifier a lead's person is known."""
    found = db.execute(
        """SELECT identifier.kind, identifier.value FROM lead JOIN identifier USING (identifier_no)
        WHERE lead_id = ?""",
        [lead_id],
    ).fetchone()
    return None if found is None else (found[0], found[1])


def sessions_of(db: sqlite3.Connection, visitor_nos: Iterable[int]) -> set[str]:
    """Name the sessions of these visitors."""
    rows = db.execute(
        "SELECT session_id FROM json_each(?) AS wanted JOIN session ON visitor_no = wanted.value",
        [key_list(visitor_nos)],
    )
    return {row[0] for row in rows}


def journeys_of(db: sqlite3.Connection, lead_ids: Iterable[str]) -> set[str]:
    """Name the journeys that end in these leads."""
    rows = db.execute(
        """SELECT journey_id FROM journey WHERE conversion_kind = 'lead'
        AND conversion_id IN (SELECT value FROM json_each(?))""",
        [key_list(lead_ids)],
    )
    return {row[0] for row in rows}


def lead_texts(db: sqlite3.Connection, lead_ids: Iterable[str]) -> tuple[set[int], set[int]]:
    """Find the texts and the sources that these leads name."""
    rows = db.execute(
        "SELECT click_no, source_no FROM lead WHERE lead_id IN (SELECT value FROM json_each(?))",
        [key_list(lead_ids)],
    ).fetchall()
    return {row[0] for row in rows if row[0]}, {row[1] for row in rows if row[1]}


def scrub_links(db: sqlite3.Connection, site_no: int, event_key: EventKey) -> int | None:
    """Take off a hit by which link it came; returns the number of the hit's visitor."""
    rows = db.execute(
        "SELECT digest, content FROM hit_version WHERE site_no = ? AND event_key = ?", [site_no, event_key]
    ).fetchall()
    for digest, content in rows:
        told = json.loads(content)
        told["extra"].pop("link", None)
        db.execute("DELETE FROM hit_version WHERE (site_no, event_key, digest) = (?, ?, ?)",
                   [site_no, event_key, digest])  # fmt: skip
        keep_told(db, [told], site_no=site_no, event_key=event_key)
    found = db.execute(
        """UPDATE hit SET extra = nullif(json_remove(extra, '$.link'), '{}')
        WHERE site_no = ? AND event_key = ? RETURNING visitor_no""",
        [site_no, event_key],
    ).fetchone()
    return None if found is None else int(found[0])
