"""The collector's roads: `POST /e` with its preflight, and `GET /e.gif`; from request to answer.

Read the caller and the body, find the site, hold the Origin against it, collect, write to the log,
and only then answer. What becomes of a hit is decided in `collect`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from tracker.core.hosts import registrable_domain
from tracker.errors import BadRequest, Retryable, TouchlineError
from tracker.model import Site
from tracker.web import answers, cookies, numbers
from tracker.web.answers import Answer, Header
from tracker.web.body import read_body
from tracker.web.caller import Caller, read_caller
from tracker.web.collect import Collected, Refusal, collect
from tracker.web.house import House
from tracker.web.intake import Message, read_message
from tracker.web.origins import request_host, speaks_for
from tracker.web.pixel import picture, read_query
from tracker.web.rejects import as_bytes, reject_entry
from tracker.wire import encode

BODY_BYTES = 65_536

_VARY = ("Vary", "Origin")
_CREDENTIALS = ("Access-Control-Allow-Credentials", "true")
_EXPOSED = ("Access-Control-Expose-Headers", "X-Touchline, Retry-After")
_ACCEPTED = ("hits", "accepted", "")
_ONE_HIT = ((("requests", "/e", "202"), 1), (_ACCEPTED, 1))
_PREFLIGHT = (
    ("Access-Control-Allow-Methods", "POST"),
    ("Access-Control-Allow-Headers", "Content-Type, Content-Encoding"),
    ("Access-Control-Max-Age", "7200"),
)


class Collector:
    """Answers the hot paths of one process."""

    def __init__(self, house: House) -> None:
        self._house = house

    def hits(self, environ: Mapping[str, Any]) -> Answer:
        """Answer `/e`."""
        if environ["REQUEST_METHOD"] == "OPTIONS":
            return self._preflight(environ.get("HTTP_ORIGIN"))
        caller = read_caller(environ, self._house.settings)
        body, message = b"", None
        try:
            if environ["REQUEST_METHOD"] != "POST":
                raise BadRequest("bad_method", "send hits with POST")
            body = read_body(environ, BODY_BYTES)
            message = read_message(body)
            site, result, shown = self._take(message, caller)
        except TouchlineError as error:
            return self._refuse(error, caller, body, message)
        self._count("/e", 202, result.accepted, result.refused)
        said = {
            "accepted": result.accepted,
            "rejected": [_said(refusal) for refusal in result.refused],
            "visitor": result.visitor.token if result.visitor else None,
            **shown,
        }
        headers = [*_cors(caller.origin), *self._cookies(result, caller, site), *_reason(result.refused)]
        return answers.json_answer(202, said, headers)

    def pixel(self, environ: Mapping[str, Any]) -> Answer:
        """Answer `/e.gif`: the same picture, whatever becomes of the page view."""
        if environ["REQUEST_METHOD"] != "GET":
            return picture([])
        caller = read_caller(environ, self._house.settings)
        try:
            site, result, _ = self._take(read_query(environ, caller), caller)
        except TouchlineError as error:
            refused = [Refusal(0, error.code)] if isinstance(error, BadRequest) else []
            self._count("/e.gif", answers.describe(error)[0], 0, refused)
            return picture(_reason(refused))
        self._count("/e.gif", 200, result.accepted, result.refused)
        return picture([*self._cookies(result, caller, site), *_reason(result.refused)])

    def _take(self, message: Message, caller: Caller) -> tuple[Site, Collected, numbers.Said]:
        """Decide on a message and write what it leaves to the log; returns the numbers it asked for, too.

        Before a message is refused as foreign, the sites are looked at once more: the domain may have
        been added a moment ago.

        Raises:
            BadRequest: the message is refused as a whole.
            Retryable: the hits are not on the log.
        """
        try:
            site, result = self._judge(message, caller)
        except BadRequest as error:
            if error.code != "origin" or not self._house.sitebook.look_again():
                raise
            site, result = self._judge(message, caller)
        gap_ms = self._house.settings.session_gap_s * 1_000
        wanted = numbers.want(message, result, site, book=self._house.sitebook, gap_ms=gap_ms)
        replies = self._write(result, message, caller, wanted.commands if wanted else ())
        return site, result, self._show(wanted, replies) if wanted else {}

    def _judge(self, message: Message, caller: Caller) -> tuple[Site, Collected]:
        site = self._house.sitebook.site(message.site)
        if site is None:
            raise BadRequest("no_site", "there is no site with this key", "site")
        if caller.origin is not None and not speaks_for(caller.origin, site.domains):
            raise BadRequest(
                "origin", f"pages of this origin may not speak for the site {site.key!r}", "Origin"
            )
        result = collect(message, caller, site=site, identity=self._house.identity)
        if not result.entry and message.hits and all(refusal.code == "origin" for refusal in result.refused):
            raise BadRequest("origin", result.refused[0].message, "hits")
        return site, result

    def _show(self, wanted: numbers.Wanted, replies: Sequence[object]) -> numbers.Said:
        """Say which numbers to show, and count why."""
        said, counts = numbers.answer(wanted, replies)
        self._house.counters.count(*counts)
        return said

    def _write(
        self, result: Collected, message: Message, caller: Caller, questions: Sequence[bytes]
    ) -> Sequence[object]:
        """Write the hits, and beside them what was rejected; rejects alone may be lost.

        Returns:
            The replies to the questions, which go in the same round trip.
        """
        said = (result.entry, result.withdrawal)
        bodies = [encode(entry) for entry in said if entry is not None]
        is_needed = bool(bodies or questions)
        for refusal in result.refused:
            if refusal.is_rejected and self._house.quota.take():
                alone = {"site": message.site, "sent_at": message.sent_at, "hits": [refusal.raw]}
                bodies.append(reject_entry(as_bytes(alone), refusal, caller, site=message.site))
        if is_needed:
            return self._house.log.commit(bodies, questions)
        if bodies:
            with contextlib.suppress(Retryable):
                self._house.log.commit(bodies)
        return ()

    def _refuse(self, error: TouchlineError, caller: Caller, body: bytes, message: Message | None) -> Answer:
        """Answer a message that was refused as a whole, and keep it for replay."""
        status, said, headers = answers.describe(error)
        refused: list[Refusal] = []
        if isinstance(error, BadRequest):
            refused = [Refusal(i, error.code) for i in range(len(message.hits))] if message else []
            headers = [*headers, ("X-Touchline", error.code)]
            self._keep(error, caller, body, message)
        self._count("/e", status, 0, refused)
        if status == 405:
            headers = [*headers, ("Allow", "POST, OPTIONS")]
        may_see = status != 403 and self._is_known(caller.origin)
        headers += [*_cors(caller.origin), _EXPOSED] if may_see else [_VARY]
        said |= {"accepted": 0, "rejected": [_said(refusal) for refusal in refused]}
        return answers.json_answer(status, said, headers)

    def _keep(self, error: BadRequest, caller: Caller, body: bytes, message: Message | None) -> None:
        if body and self._house.quota.take():
            entry = reject_entry(body, error, caller, site=message.site if message else None)
            with contextlib.suppress(Retryable):
                self._house.log.commit([entry])

    def _preflight(self, origin: str | None) -> Answer:
        if not self._is_known(origin) and not (self._house.sitebook.look_again() and self._is_known(origin)):
            self._count("/e", 403, 0, [])
            return answers.empty_answer(403, [_VARY, ("X-Touchline", "origin")])
        self._count("/e", 204, 0, [])
        return answers.empty_answer(204, [*_cors(origin), *_PREFLIGHT])

    def _is_known(self, origin: str | None) -> bool:
        """Tell whether an origin is a page of any site."""
        if origin is None:
            return False
        try:
            return any(speaks_for(origin, site.domains) for site in self._house.sitebook.sites().values())
        except Retryable:
            return False

    def _cookies(self, result: Collected, caller: Caller, site: Site) -> list[Header]:
        if result.visitor is None and not result.forget:
            return []
        where = cookie_attributes(caller.host, site.domains, caller.is_https, site.cross_site)
        if result.visitor is None:
            return cookies.forget_cookies(where)
        renewal, now_s = self._house.identity.renewal, caller.received_ms // 1_000
        return cookies.set_cookies(result.visitor, where, renewal.max_age_s(result.visitor, now_s))

    def _count(self, road: str, status: int, accepted: int, refused: Sequence[Refusal]) -> None:
        if accepted == 1 and status == 202 and not refused:
            self._house.counters.count(*_ONE_HIT)
            return
        raised = [(("requests", road, str(status)), 1), (_ACCEPTED, accepted)]
        for refusal in refused:
            raised.append((("hits", "rejected" if refusal.is_rejected else "dropped", refusal.code), 1))
        self._house.counters.count(*raised)


@lru_cache(1_024)
def cookie_attributes(host_header: str, domains: tuple[str, ...], is_https: bool, is_cross_site: bool) -> str:
    """Write the cookies' attributes for a request to a host.

    The cookie is for the widest domain that the public suffix list allows when that is the site's too;
    else (an address, localhost, a host of someone else's) for the very host.
    """
    widest = registrable_domain(request_host(host_header))
    is_own = widest is not None and any(registrable_domain(domain) == widest for domain in domains)
    return cookies.attributes(widest if is_own else None, secure=is_https, cross_site=is_cross_site)


def _cors(origin: str | None) -> list[Header]:
    """Let the page at an origin read the answer and send its cookies; the origin is a site's."""
    if origin is None:
        return [_VARY]
    return [("Access-Control-Allow-Origin", origin), _CREDENTIALS, _VARY]


def _reason(refused: Sequence[Refusal]) -> list[Header]:
    return [("X-Touchline", refused[0].code), _EXPOSED] if refused else []


def _said(refusal: Refusal) -> dict[str, object]:
    said: dict[str, object] = {"i": refusal.i, "code": refusal.code}
    return said | ({"message": refusal.message} if refusal.message else {})
