"""A lead's visitor: proved by a signature, or by the token of the sender who names it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from tracker.web.cookies import Signer

_signer = lru_cache(maxsize=4)(Signer)


def prove_visitor(raw: Mapping[str, Any], key: bytes, *, is_relayed: bool = False) -> Mapping[str, Any]:
    """Put the bare visitor id where a signed token proves it.

    A trusted sender's `visitor_id` may be the id itself or the signed token. What a page claims in
    `fields.tl_visitor` counts only when it is signed; otherwise it stays a hint for a reader. So does the
    `visitor_id` of a webhook (`is_relayed`), which comes out of a form that anybody may fill in.
    """
    given = raw.get("visitor_id")
    if given in (None, ""):
        fields = raw.get("fields")
        claim = fields.get("tl_visitor") if isinstance(fields, Mapping) else None
        visitor = _signer(key).verify(claim) if isinstance(claim, str) else None
        return raw if visitor is None else {**raw, "visitor_id": visitor.visitor_id}
    visitor = _signer(key).verify(given) if isinstance(given, str) else None
    if visitor is not None:
        return {**raw, "visitor_id": visitor.visitor_id}
    return _as_hint(raw, given) if is_relayed else raw


def _as_hint(raw: Mapping[str, Any], claim: object) -> Mapping[str, Any]:
    fields = raw.get("fields")
    kept = {"tl_visitor": claim, **(fields if isinstance(fields, Mapping) else {})}
    return {name: value for name, value in raw.items() if name != "visitor_id"} | {"fields": kept}
