"""Whom an id names: any id that was ever given out still leads to a person.

A person's id is the id of its oldest identifier, so every former id of a person is an identifier's. One
whose identifier is gone, because the fact that named it was corrected or erased, is followed through the
log of changes to whoever has what it had.
"""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from tracker.core.groups import KINDS, Identifier
from tracker.core.testimony import read_identifier
from tracker.errors import BadRequest

_OWN = """
SELECT own.kind, own.value, own.identifier_no, own.identifier_id, person.identifier_id
FROM identifier AS own JOIN identifier AS person ON person.identifier_no = own.person_no"""
_BARE = "SELECT 'visitor', visitor_id, NULL, identifier_id, identifier_id FROM visitor"
_HEIR = """
SELECT heir.identifier_id FROM (
  SELECT change.before FROM change
  WHERE change.noun = 'person' AND change.id = ? AND change.before IS NOT NULL
  ORDER BY change.change_no DESC LIMIT 1
) AS last JOIN json_each(last.before, '$.identifiers') AS had
JOIN identifier AS heir ON heir.identifier_id = had.value
ORDER BY heir.first_ms, heir.kind, heir.value LIMIT 1"""
_LOOKS = (
    f"{_OWN} WHERE own.identifier_id = ?",
    f"{_OWN} JOIN visitor ON visitor.visitor_no = own.visitor_no WHERE visitor.visitor_id = ?",
    f"{_BARE} WHERE visitor_id = ?",
    f"{_OWN} JOIN lead ON lead.identifier_no = own.identifier_no WHERE lead.lead_id = ?",
    f"{_BARE} WHERE identifier_id = ?",
    f"{_OWN} WHERE own.identifier_id = ({_HEIR})",
)
"""Cheapest first; the last two read a whole table, for ids that nothing else knows."""


class Whom(NamedTuple):
    """An identifier and the person who has it; `identifier_no` is none for a visitor that only has hits."""

    identifier: Identifier
    identifier_no: int | None
    identifier_id: str
    person_id: str


def resolve_id(db: sqlite3.Connection, text: str) -> Whom:
    """Find whom an id names.

    Args:
        text: a person's id or former id, an identifier's id, a visitor's, a lead's (the identifier that
            names its person), or an identifier as `kind:value`.

    Raises:
        BadRequest: nobody is known by it.
    """
    found = find_id(db, text.strip())
    if found is None:
        words = f"there is no person {text!r}; `touchline export persons` lists them"
        raise BadRequest("bad_fact", words)
    return found


def find_id(db: sqlite3.Connection, text: str) -> Whom | None:
    """Find whom an id names; none where nobody is known by it.

    Raises:
        BadFact: a `kind:value` whose value names nobody.
    """
    row = None
    if is_spelled(text):
        identifier = read_identifier(text)
        row = db.execute(f"{_OWN} WHERE own.kind = ? AND own.value = ?", identifier).fetchone()
        if row is None and identifier.kind == "visitor":
            row = db.execute(f"{_BARE} WHERE visitor_id = ?", [identifier.value]).fetchone()
    for look in () if row or is_spelled(text) else _LOOKS:
        row = row or db.execute(look, [text]).fetchone()
    if row is None:
        return None
    kind, value, *rest = row
    return Whom(Identifier(kind, value), *rest)


def is_spelled(text: str) -> bool:
    """Tell whether a text is written as `kind:value`."""
    return text.partition(":")[0] in KINDS and ":" in text
