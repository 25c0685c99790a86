"""The API for senders with a token: facts over HTTP, one or a list, kept before they are answered.

An endpoint is a row of a table: the fact it takes and the purposes of tokens that may post it. Purposes
follow who asks: `leads` is for what a site and its form, call and chat services know of visitors, `deals` for
what a CRM knows of its contacts and what sales did, `persons` for an operator's word on who is who. What a
fact must look like is decided in `tracker.core.facts`, the same for files and for this API.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, request

from tracker.core.erasure import subject
from tracker.core.facts import SHAPES, Fact, read_fact
from tracker.core.ids import activity_id, fact_id, lead_id
from tracker.core.testimony import spell_numbers
from tracker.core.times import DAY_MS, format_instant, parse_instant
from tracker.errors import BadRequest, Retryable
from tracker.store.sites import Token
from tracker.web.body import read_body
from tracker.web.caller import Caller, read_caller
from tracker.web.house import House
from tracker.web.intake import read_json
from tracker.web.rejects import as_bytes, fact_reject_entry
from tracker.wire import FactsEntry, encode

BODY_BYTES = 1_048_576
MOST_FACTS = 1_000

_CONTACT = ("email", "phone")


@dataclass(frozen=True, slots=True)
class Kind:
    """A fact that may be posted: the purposes that it may be posted for, and how its id follows from it.

    `is_now`: it is of this moment where it does not say when.
    """

    purposes: tuple[str, ...]
    id_of: Callable[[Fact], str]
    is_now: bool = False


def _lead_id(fact: Fact) -> str:
    return lead_id(fact.site, str(fact.content["provider"]), str(fact.content["provider_id"]))


def _activity_id(fact: Fact) -> str:
    return activity_id(str(fact.content["provider"]), str(fact.content["provider_id"]))


def _fact_id(fact: Fact) -> str:
    return fact_id(fact.kind, fact.site, fact.key)


KINDS: Mapping[str, Kind] = {
    "lead": Kind(("leads",), _lead_id),
    "identify": Kind(("leads",), _fact_id),
    "consent": Kind(("leads",), _fact_id),
    "status": Kind(("leads", "deals"), _fact_id, is_now=True),
    "contact": Kind(("deals",), _fact_id),
    "activity": Kind(("deals",), _activity_id),
    "erase": Kind(("erase",), _fact_id),
    "split": Kind(("persons",), _fact_id),
    "same": Kind(("persons",), _fact_id),
}

# Path to the fact it takes; None: each fact says what it is.
ENDPOINTS: Mapping[str, str | None] = {
    "leads": "lead", "identify": "identify", "statuses": "status", "activities": "activity", "facts": None,
}  # fmt: skip

api = Blueprint("api", __name__, url_prefix="/api")


@api.post("/<name>")
def take_facts(name: str) -> tuple[Response, int]:
    """Take one fact or a list of them."""
    if name not in ENDPOINTS:
        raise BadRequest("not_found", f"there is no /api/{name}; there is {', '.join(sorted(ENDPOINTS))}")
    house: House = current_app.extensions["touchline"]
    token = _token(house, ENDPOINTS[name])
    caller = read_caller(request.environ, house.settings)
    sent = read_body(request.environ, BODY_BYTES)
    intake = Intake(house, token, caller, ENDPOINTS[name])
    try:
        body = read_json(sent)
        posted = _posted(body)
    except BadRequest as error:
        intake.keep(sent, error)
        raise
    for i, raw in enumerate(posted):
        intake.take(i, raw)
    intake.write()
    return intake.answer(is_list=isinstance(body, list))


def _posted(body: Any) -> list[Any]:
    posted = body if isinstance(body, list) else [body]
    if not 1 <= len(posted) <= MOST_FACTS:
        raise BadRequest("bad_body", f"send 1 to {MOST_FACTS} facts at once")
    return posted


class Intake:
    """The facts of one request: which are taken, which are refused, and why."""

    def __init__(self, house: House, token: Token, caller: Caller, kind: str | None) -> None:
        self._house = house
        self._token = token
        self._caller = caller
        self._kind = kind
        self._facts: list[dict[str, Any]] = []
        self._rejects: list[bytes] = []
        self._accepted: list[dict[str, str]] = []
        self._refused: list[dict[str, object]] = []

    def take(self, i: int, raw: object) -> None:
        """Take one fact, or note why not."""
        said = raw
        try:
            fact, kind = self._fact(raw)
            said = fact
            read = read_fact(fact)
            if read.kind == "erase":
                self._check_erasure(read)
        except BadRequest as error:
            self._refuse(i, error, said, is_let_in=said is not raw)
            return
        self._facts.append(fact)
        self._accepted.append({"id": kind.id_of(read)})

    def write(self) -> None:
        """Append what was taken to the log, and what was refused beside it.

        Raises:
            Retryable: it is not on the log.
        """
        bodies = list(self._rejects)
        if self._facts:
            bodies.append(encode(FactsEntry(self._caller.received_ms, "api", self._facts)))
        if bodies:
            self._house.log.commit(bodies)

    def keep(self, sent: bytes, error: BadRequest) -> None:
        """Keep a body that was refused as a whole, where that can be; it is refused either way."""
        if sent:
            self._keep(sent, error, is_let_in=False)
        with suppress(Retryable):
            self.write()

    def answer(self, *, is_list: bool) -> tuple[Response, int]:
        """Say what was taken; 400 with the place and the reason when it was nothing."""
        counters, kind = self._house.counters, self._kind or "facts"
        counters.count(
            (("facts", kind, "accepted"), len(self._accepted)),
            (("facts", kind, "rejected"), len(self._refused)),
        )
        said: dict[str, object] = {"accepted": self._accepted, "rejected": self._refused}
        if self._accepted:
            return jsonify(said), 202
        first = self._refused[0]
        place = str(first.get("place", ""))
        place = f"[{first['i']}].{place}".rstrip(".") if is_list else place
        return jsonify({"code": first["code"], "message": first["message"], "place": place} | said), 400

    def _fact(self, raw: object) -> tuple[dict[str, Any], Kind]:
        """Put in what the address and the token say, and hold the fact against the token's purpose."""
        if not isinstance(raw, dict):
            raise BadRequest("bad_fact", "a fact is a JSON object")
        if self._kind is not None and raw.get("fact", self._kind) != self._kind:
            raise BadRequest("bad_fact", f"leave it out, or write {self._kind!r}", "fact")
        if raw.get("site", self._token.site) != self._token.site:
            raise BadRequest(
                "no_site", f"leave it out, or write {self._token.site!r}, the token's site", "site"
            )
        name = self._kind or raw.get("fact")
        kind = KINDS.get(name) if isinstance(name, str) else None
        if kind is None or self._token.purpose not in kind.purposes:
            raise BadRequest("bad_fact", f"this token may not post facts of the kind {name!r}", "fact")
        fact = {**raw, "fact": name, "site": self._token.site}
        if kind.is_now and fact.get("at") in (None, ""):
            fact["at"] = format_instant(self._caller.received_ms)
        spelled = spell_numbers(fact, region=self._region())
        return self._prove(_keep_odd_contacts(dict(spelled))), kind

    def _check_erasure(self, fact: Fact) -> None:
        """Refuse at once what could not be carried out later, when nobody is told any more.

        Raises:
            BadRequest: it cannot be read whom it means, or until when.
        """
        subject(fact.content, regions={self._region()})
        if parse_instant(fact.content["at"]) > self._caller.received_ms + DAY_MS:
            raise BadRequest("future", "more than 24 hours ahead", "at")

    def _region(self) -> str:
        site = self._house.sitebook.site(self._token.site)
        return "" if site is None else site.region

    def _prove(self, fact: dict[str, Any]) -> dict[str, Any]:
        """Put the bare id for a signed visitor token; one that was tampered with is no visitor.

        Raises:
            BadRequest: without a visitor this fact would say nothing.
        """
        given = fact.get("visitor_id")
        if not isinstance(given, str) or "." not in given:
            return fact
        visitor = self._house.identity.signer.verify(given.strip())
        if visitor is not None:
            return fact | {"visitor_id": visitor.visitor_id}
        if "visitor_id" in SHAPES[fact["fact"]].required:
            raise BadRequest("bad_fact", "this signature is not of this workspace", "visitor_id")
        return _set_aside(fact, "visitor_id")

    def _refuse(self, i: int, error: BadRequest, said: object, *, is_let_in: bool) -> None:
        self._refused.append(
            {"i": i, "code": error.code, "message": error.message}
            | ({"place": error.place} if error.place else {})
        )
        self._keep(as_bytes(said), error, is_let_in=is_let_in)

    def _keep(self, body: bytes, error: BadRequest, *, is_let_in: bool) -> None:
        if self._house.quota.take():
            site = self._token.site
            entry = fact_reject_entry(body, error, self._caller, site=site, is_let_in=is_let_in)
            self._rejects.append(entry)


def _token(house: House, kind: str | None) -> Token:
    """Find what the request's token allows; for an endpoint of one kind it must be for that."""
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    token = house.sitebook.token(text.strip()) if scheme.lower() == "bearer" and text.strip() else None
    if token is None:
        raise BadRequest("bad_token", "send `Authorization: Bearer TOKEN`; `touchline site token` makes one")
    if kind is not None and token.purpose not in KINDS[kind].purposes:
        wanted = " or ".join(KINDS[kind].purposes)
        raise BadRequest("bad_token", f"this token is for {token.purpose}, not for {wanted}")
    return token


def _keep_odd_contacts(fact: dict[str, Any]) -> dict[str, Any]:
    """Set aside an e-mail or phone that is not even text: no lead is refused for its contact details."""
    for name in _CONTACT:
        if isinstance(fact.get(name), list | dict | bool):
            fact = _set_aside(fact, name)
    return fact


def _set_aside(fact: dict[str, Any], name: str) -> dict[str, Any]:
    extra = fact.get("extra")
    kept = extra if isinstance(extra, dict) else {} if extra is None else {"extra": extra}
    return {each: value for each, value in fact.items() if each != name} | {
        "extra": {**kept, name: fact[name]}
    }
