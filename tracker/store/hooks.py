"""Hook sources: the providers that post to a site, their secrets, and their deliveries as they came.

A source's secrets are sealed with the workspace's key, together with the token of its address, so that the
address can be shown again. During a rotation two secrets are valid.
"""

from __future__ import annotations

import json
import secrets as chance
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, NamedTuple

from tracker.errors import BadRequest
from tracker.model import SiteKey
from tracker.sealed import seal, unseal
from tracker.store.db import atomic
from tracker.store.sites import raise_version, site_no, token_hash

TOKEN_BYTES = 24


@dataclass(frozen=True, slots=True)
class HookSource:
    """A provider that posts to a site; `zone` is the site's, `sealed` what only the workspace's key opens."""

    source_no: int
    site: SiteKey
    provider: str
    zone: str
    sealed: str = field(repr=False)
    public_url: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Secrets:
    """What a source keeps to itself: the token of its address, the valid secret, and the one before it.

    `before_until_ms`: when the one before ends. `verify_token`: what a handshake must say.
    """

    token: str
    secret: str | None = None
    before: str | None = None
    before_until_ms: int = 0
    verify_token: str | None = None

    def valid(self, now_ms: int) -> tuple[str, ...]:
        """Give the secrets that prove a delivery now."""
        is_before = self.before is not None and now_ms < self.before_until_ms
        return tuple(each for each in (self.secret, self.before if is_before else None) if each)


class RawMessage(NamedTuple):
    """A delivery as it was kept."""

    raw_no: int
    received_ms: int
    headers: dict[str, str]
    body: bytes


Version = tuple[str, int, str, bytes]
"""A version of a fact: kind, site number, key, digest."""

_SELECT = """SELECT source_no, site.key, provider, site.timezone, sealed, public_url, options
FROM hook_source JOIN site USING (site_no)"""


def add_hook(
    db: sqlite3.Connection, source: HookSource, secrets: Secrets, *, key: bytes, now_ms: int
) -> tuple[HookSource, Secrets]:
    """Add a source; its number and the token of its address are made here.

    Args:
        key: the workspace's key.

    Raises:
        BadRequest: no such site.
    """
    made = replace(secrets, token=chance.token_urlsafe(TOKEN_BYTES))
    with atomic(db):
        row = [site_no(db, source.site), source.provider, token_hash(made.token), "", source.public_url]
        number = db.execute(
            """INSERT INTO hook_source
            (site_no, provider, token_hash, sealed, public_url, options, created_ms)
            VALUES (?, ?, ?, ?, ?, ?, ?)""",
            [*row, json.dumps(dict(source.options)), now_ms],
        ).lastrowid
        assert number is not None
        _put_sealed(db, number, made, key)
    return find_hook(db, number), made


def put_secrets(db: sqlite3.Connection, source_no: int, secrets: Secrets, *, key: bytes) -> None:
    """Keep a source's secrets, in place of those it had."""
    with atomic(db):
        _put_sealed(db, source_no, secrets, key)


def _put_sealed(db: sqlite3.Connection, source_no: int, secrets: Secrets, key: bytes) -> None:
    sealed = seal(key, _purpose(source_no), json.dumps(asdict(secrets)))
    db.execute("UPDATE hook_source SET sealed = ? WHERE source_no = ?", [sealed, source_no])
    raise_version(db)


def open_secrets(source: HookSource, *, key: bytes) -> Secrets:
    """Read a source's secrets.

    Raises:
        Permanent: they were sealed with another workspace key.
    """
    return Secrets(**json.loads(unseal(key, _purpose(source.source_no), source.sealed)))


def remove_hook(db: sqlite3.Connection, source_no: int, now_ms: int) -> None:
    """Close a source's address; its deliveries stay, to be parsed again."""
    with atomic(db):
        db.execute("UPDATE hook_source SET removed_ms = ? WHERE source_no = ?", [now_ms, source_no])
        raise_version(db)


def load_hooks(db: sqlite3.Connection) -> dict[str, HookSource]:
    """Load the open sources by the hash of their token."""
    rows = db.execute(_SELECT.replace("SELECT", "SELECT token_hash,", 1) + " WHERE removed_ms IS NULL")
    return {row[0]: _from_row(row[1:]) for row in rows}


def numbered_hooks(db: sqlite3.Connection) -> dict[int, HookSource]:
    """Load all sources by number, the closed ones too."""
    return {row[0]: _from_row(row) for row in db.execute(_SELECT).fetchall()}


def find_hook(db: sqlite3.Connection, source_no: int) -> HookSource:
    """Find an open source.

    Raises:
        BadRequest: there is none of that number.
    """
    for each in load_hooks(db).values():
        if each.source_no == source_no:
            return each
    raise BadRequest("not_found", f"there is no source {source_no}; `touchline source list` shows them")


def deliveries(db: sqlite3.Connection) -> dict[int, tuple[int, int, int | None]]:
    """Count what each source delivered: messages, those that could not be parsed, when the last came (ms)."""
    rows = db.execute(
        """SELECT source_no, count(*), count(problem), max(received_ms) FROM raw_message GROUP BY source_no"""
    )
    return {row[0]: (row[1], row[2], row[3]) for row in rows}


def problems_of(db: sqlite3.Connection, source_no: int, most: int = 20) -> list[tuple[int, str]]:
    """List a source's latest deliveries that could not be parsed: when they came (ms), and why."""
    return db.execute(
        """SELECT received_ms, problem FROM raw_message WHERE source_no = ? AND problem IS NOT NULL
        ORDER BY raw_no DESC LIMIT ?""",
        [source_no, most],
    ).fetchall()


def add_raw(db: sqlite3.Connection, source_no: int, digest: bytes, raw: RawMessage) -> int | None:
    """Keep a delivery; returns its number, or None where the same came before."""
    cursor = db.execute(
        """INSERT INTO raw_message (source_no, digest, received_ms, headers, body)
        VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING""",
        [source_no, digest, raw.received_ms, _headers(raw), raw.body],
    )
    return cursor.lastrowid if cursor.rowcount == 1 else None


def put_earlier(db: sqlite3.Connection, source_no: int, digest: bytes, raw: RawMessage) -> int | None:
    """Date a delivery back where its repeat was received before it; returns its number, or None."""
    found = db.execute(
        """UPDATE raw_message SET received_ms = ?1, headers = ?2
        WHERE source_no = ?3 AND digest = ?4 AND (received_ms, headers) > (?1, ?2) RETURNING raw_no""",
        [raw.received_ms, _headers(raw), source_no, digest],
    ).fetchone()
    return None if found is None else int(found[0])


def _headers(raw: RawMessage) -> str:
    return json.dumps(raw.headers, sort_keys=True)


def drop_raw(db: sqlite3.Connection, raw_no: int) -> None:
    """Forget a delivery; the facts that it gave stay."""
    db.execute("DELETE FROM raw_fact WHERE raw_no = ?", [raw_no])
    db.execute("DELETE FROM raw_message WHERE raw_no = ?", [raw_no])


def drop_old_raws(db: sqlite3.Connection, before_ms: int) -> int:
    """Forget what was delivered before a time; the facts that it gave stay. Returns how many messages."""
    old = "SELECT raw_no FROM raw_message WHERE received_ms < ?"
    db.execute(f"DELETE FROM raw_fact WHERE raw_no IN ({old})", [before_ms])
    return db.execute("DELETE FROM raw_message WHERE received_ms < ?", [before_ms]).rowcount


def put_given(db: sqlite3.Connection, raw_no: int, given: Iterable[Version], problem: str | None) -> None:
    """Note which versions of facts a delivery gave, and what about it could not be understood."""
    found = db.execute("UPDATE raw_message SET problem = ? WHERE raw_no = ?", [problem, raw_no])
    if found.rowcount:
        db.executemany(
            "INSERT OR IGNORE INTO raw_fact (raw_no, kind, site_no, key, digest) VALUES (?, ?, ?, ?, ?)",
            [(raw_no, *version) for version in given],
        )


def raw_numbers(db: sqlite3.Connection, source_no: int) -> list[int]:
    """Number a source's deliveries in their order."""
    rows = db.execute("SELECT raw_no FROM raw_message WHERE source_no = ? ORDER BY raw_no", [source_no])
    return [row[0] for row in rows]


def load_raw(db: sqlite3.Connection, raw_no: int) -> RawMessage:
    """Load a delivery that is kept."""
    row = db.execute(
        "SELECT raw_no, received_ms, headers, body FROM raw_message WHERE raw_no = ?", [raw_no]
    ).fetchone()
    return RawMessage(row[0], row[1], json.loads(row[2]), row[3])


def take_given(db: sqlite3.Connection, raw_no: int) -> set[Version]:
    """Forget which versions a delivery gave, and return them."""
    rows = db.execute("DELETE FROM raw_fact WHERE raw_no = ? RETURNING kind, site_no, key, digest", [raw_no])
    return set(rows.fetchall())


def raws_giving(db: sqlite3.Connection, kind: str, *, site_no: int, key: str) -> dict[int, list[int]]:
    """Number the deliveries that gave versions of a fact, by their source."""
    rows = db.execute(
        """SELECT DISTINCT source_no, raw_no FROM raw_fact JOIN raw_message USING (raw_no)
        WHERE (raw_fact.kind, raw_fact.site_no, raw_fact.key) = (?, ?, ?) ORDER BY raw_no""",
        [kind, site_no, key],
    )
    found: dict[int, list[int]] = {}
    for source_no, raw_no in rows:
        found.setdefault(source_no, []).append(raw_no)
    return found


def continued(db: sqlite3.Connection, *, site_no: int, key: str) -> str | None:
    """Tell which earlier lead a lead goes on from, by the provider's id; of several words the least."""
    found = db.execute(
        """SELECT min(json_extract(content, '$.continues')) FROM fact
        WHERE kind = 'lead' AND site_no = ? AND key = ?""",
        [site_no, key],
    )
    earlier: str | None = found.fetchone()[0]
    return earlier


def drop_ungiven(db: sqlite3.Connection, versions: set[Version]) -> list[Version]:
    """Delete those versions of facts that only deliveries gave, and none gives any more; returns them."""
    gone = []
    for version in sorted(versions):
        cursor = db.execute(
            """DELETE FROM fact WHERE (kind, site_no, key, digest) = (?1, ?2, ?3, ?4) AND origin LIKE 'hook:%'
            AND NOT EXISTS (
              SELECT 1 FROM raw_fact WHERE (raw_fact.kind, raw_fact.site_no, raw_fact.key, raw_fact.digest)
                = (?1, ?2, ?3, ?4)
            )""",
            version,
        )
        if cursor.rowcount:
            gone.append(version)
    return gone


def _purpose(source_no: int) -> str:
    return f"hook source {source_no}"


def _from_row(row: tuple[int, str, str, str, str, str | None, str]) -> HookSource:
    number, site, provider, zone, sealed, public_url, options = row
    return HookSource(number, SiteKey(site), provider, zone, sealed, public_url, json.loads(options))
