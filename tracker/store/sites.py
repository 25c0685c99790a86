"""Configuration of the workspace in the store: sites, their tokens, their static numbers.

Every change raises `config_version`, so that a collector can poll one number.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import sqlite3
from dataclasses import asdict, dataclass

from tracker.errors import BadRequest
from tracker.model import ConsentMode, Site, SiteKey
from tracker.store.db import atomic

_COLUMNS = "key, domains, timezone, currency, region, consent, honour_gpc, honour_dnt, cross_site"
_TOKEN_NAME = "substr(token_hash, 1, 12)"


@dataclass(frozen=True, slots=True)
class Token:
    """What a bearer of a token may do: one purpose on one site."""

    site: SiteKey
    purpose: str


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token as its site's operator knows it: by a name that says nothing of it."""

    name: str
    purpose: str
    created_ms: int


@dataclass(frozen=True, slots=True)
class StaticNumber:
    """A number that stands for one source, such as a leaflet's; `number` is E.164."""

    number: str
    source: str
    medium: str
    campaign: str | None = None


def config_version(db: sqlite3.Connection) -> int:
    """Count the changes of the configuration so far."""
    row = db.execute("SELECT value FROM counter WHERE name = 'config_version'").fetchone()
    return int(row[0]) if row else 0


def load_sites(db: sqlite3.Connection) -> dict[SiteKey, Site]:
    """Load all sites by key."""
    return {site.key: site for site in map(_from_row, db.execute(f"SELECT {_COLUMNS} FROM site"))}


def site_numbers(db: sqlite3.Connection) -> dict[str, int]:
    """Load the store's number of each site by its key."""
    return dict(db.execute("SELECT key, site_no FROM site"))


def numbered_sites(db: sqlite3.Connection) -> dict[int, Site]:
    """Load all sites by the store's number."""
    rows = db.execute(f"SELECT site_no, {_COLUMNS} FROM site").fetchall()
    return {row[0]: _from_row(row[1:]) for row in rows}


def add_site(db: sqlite3.Connection, site: Site) -> None:
    """Add a site.

    Raises:
        BadRequest: a site of this key is there already.
    """
    values = asdict(site) | {"domains": json.dumps(site.domains)}
    with atomic(db):
        if db.execute("SELECT 1 FROM site WHERE key = ?", [site.key]).fetchone():
            raise BadRequest("no_site", f"the site {site.key!r} is there already; choose another key")
        names = ", ".join(f":{name}" for name in _COLUMNS.split(", "))
        db.execute(f"INSERT INTO site ({_COLUMNS}) VALUES ({names})", values)
        raise_version(db)


def add_token(db: sqlite3.Connection, *, site: SiteKey, purpose: str, now_ms: int) -> str:
    """Make a token for one purpose on a site; only its hash is kept, so show it now.

    Raises:
        BadRequest: no such site.
    """
    token = f"tl_{purpose}_{secrets.token_urlsafe(24)}"
    with atomic(db):
        row = [token_hash(token), site_no(db, site), purpose, now_ms]
        db.execute("INSERT INTO token (token_hash, site_no, purpose, created_ms) VALUES (?, ?, ?, ?)", row)
        raise_version(db)
    return token


def token_hash(token: str) -> str:
    """Hash a token as it is kept."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def load_tokens(db: sqlite3.Connection) -> dict[str, Token]:
    """Load what each token that is not revoked may do, by its hash."""
    rows = db.execute(
        "SELECT token_hash, site.key, purpose FROM token JOIN site USING (site_no) WHERE revoked_ms IS NULL"
    )
    return {hashed: Token(SiteKey(key), purpose) for hashed, key, purpose in rows}


def list_tokens(db: sqlite3.Connection, site: SiteKey) -> list[IssuedToken]:
    """List the tokens of a site that are not revoked, the oldest first.

    Raises:
        BadRequest: no such site.
    """
    rows = db.execute(
        f"""SELECT {_TOKEN_NAME}, purpose, created_ms FROM token
        WHERE site_no = ? AND revoked_ms IS NULL ORDER BY created_ms, token_hash""",
        [site_no(db, site)],
    )
    return [IssuedToken(*row) for row in rows]


def revoke_token(db: sqlite3.Connection, told: str, *, site: SiteKey, now_ms: int) -> None:
    """Take a token back for good.

    Args:
        told: the token itself, or its name.

    Raises:
        BadRequest: no such site, or it has no such token.
    """
    with atomic(db):
        cursor = db.execute(
            f"""UPDATE token SET revoked_ms = ? WHERE site_no = ? AND revoked_ms IS NULL
            AND ? IN (token_hash, {_TOKEN_NAME})""",
            [now_ms, site_no(db, site), token_hash(told) if told.startswith("tl_") else told],
        )
        if not cursor.rowcount:
            raise BadRequest(
                "bad_token", f"{site!r} has no such token; `touchline site tokens {site}` lists them"
            )
        raise_version(db)


def put_static_number(db: sqlite3.Connection, number: StaticNumber, *, site: SiteKey) -> None:
    """Say what a static number stands for; leads that called it are matched again.

    Raises:
        BadRequest: no such site.
    """
    with atomic(db):
        row = [site_no(db, site), number.number, number.source, number.medium, number.campaign]
        db.execute("INSERT OR REPLACE INTO static_number VALUES (?, ?, ?, ?, ?)", row)
        db.execute(
            """INSERT OR IGNORE INTO dirty
            SELECT 'match', lead_id, 'number ' || called FROM lead WHERE called = ?1
            UNION ALL SELECT 'identifier', identifier_no, 'number ' || called FROM lead
            WHERE called = ?1 AND identifier_no IS NOT NULL
            UNION ALL SELECT 'identifier', identifier_no, 'number ' || value FROM identifier
            WHERE kind = 'phone' AND value = ?1""",
            [number.number],
        )
        raise_version(db)


def load_static_numbers(db: sqlite3.Connection) -> dict[tuple[int, str], StaticNumber]:
    """Load all static numbers by (site number, E.164)."""
    rows = db.execute("SELECT site_no, number, source, medium, campaign FROM static_number")
    return {(row[0], row[1]): StaticNumber(*row[1:]) for row in rows}


def sites_matching_pages(db: sqlite3.Connection) -> frozenset[int]:
    """Give the numbers of the sites whose chats without a name are matched by page and time (M8)."""
    return frozenset(row[0] for row in db.execute("SELECT site_no FROM page_matching"))


def match_pages(db: sqlite3.Connection, key: str, *, is_on: bool) -> None:
    """Say whether a site's chats are matched by page and time; they are matched again.

    Raises:
        BadRequest: no such site.
    """
    with atomic(db):
        number = site_no(db, key)
        db.execute("DELETE FROM page_matching WHERE site_no = ?", [number])
        if is_on:
            db.execute("INSERT INTO page_matching VALUES (?)", [number])
            db.execute(
                """INSERT OR IGNORE INTO dirty
                SELECT DISTINCT 'visitor', visitor_no, 'matching by pages' FROM hit WHERE site_no = ?""",
                [number],
            )
        else:
            db.execute("DELETE FROM presence WHERE site_no = ?", [number])
        db.execute(
            """INSERT OR IGNORE INTO dirty SELECT 'trace', lead_id, 'matching by pages' FROM lead
            WHERE kind = 'chat' AND site_no = ?""",
            [number],
        )
        raise_version(db)


def site_no(db: sqlite3.Connection, key: str) -> int:
    """Find a site's number.

    Raises:
        BadRequest: no such site; the message lists those there are.
    """
    numbers = site_numbers(db)
    if key not in numbers:
        known = ", ".join(sorted(numbers)) or "none yet; add one with `touchline site add`"
        raise BadRequest("no_site", f"there is no site {key!r}; known sites: {known}")
    return numbers[key]


def find_site(db: sqlite3.Connection, key: str) -> Site:
    """Find a site.

    Raises:
        BadRequest: no such site; the message lists those there are.
    """
    site_no(db, key)
    return load_sites(db)[SiteKey(key)]


def raise_version(db: sqlite3.Connection) -> None:
    """Say that the configuration has changed, inside the caller's transaction."""
    db.execute(
        """INSERT INTO main.counter VALUES ('config_version', 1)
        ON CONFLICT (name) DO UPDATE SET value = value + 1"""
    )


def _from_row(row: tuple[str, str, str, str, str, str, int, int, int]) -> Site:
    key, domains, timezone, currency, region, consent, *flags = row
    mode: ConsentMode = "required" if consent == "required" else "granted"
    gpc, dnt, cross = map(bool, flags)
    return Site(
        SiteKey(key), tuple(json.loads(domains)), timezone, currency, region, mode,
        honour_gpc=gpc, honour_dnt=dnt, cross_site=cross,
    )  # fmt: skip
