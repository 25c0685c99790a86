"""What an adapter is, what it is given, and what it may say.

A delivery is one request as it came. An adapter proves the sender over its raw bytes (`verify`), answers in
the provider's way (`greet`, `accepted`, `refused`) and reads facts out of it (`parse`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any
from urllib.parse import unquote_plus

from tracker.errors import BadRequest
from tracker.providers.documents import Document, read_document

Facts = Iterable[dict[str, Any]]
"""Facts without `site`: see `Adapter.parse`."""


NO_FIELDS = frozenset({"secret", "bodySHA256"})
"""Names in an address that prove a sender, and are no part of what it tells."""

_FORM = {"content-type": "application/x-www-form-urlencoded"}


class Unproved(BadRequest):
    """The delivery does not prove that its sender knows the secret."""

    def __init__(self, message: str) -> None:
        super().__init__("bad_signature", message)


@dataclass(frozen=True)
class Delivery:
    """One request of a provider.

    `headers` have names in lower case. `urls` are the addresses that the sender may have signed, the
    likeliest first. `zone` is the site's time zone (IANA), for times that come without one; `options` are
    what the operator set for this source, such as a field map. After it was kept, a delivery has no `urls`
    and only the headers that its adapter asks for.
    """

    body: bytes
    received_ms: int
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "POST"
    urls: tuple[str, ...] = ()
    query: str = ""
    zone: str = "UTC"
    options: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def document(self) -> Document:
        """The body as JSON values: of JSON, a form, XML, or the claims of a JWT.

        Raises:
            BadRequest: `bad_body`, it cannot be read.
        """
        return read_document(self.body, self.headers.get("content-type", ""))

    @property
    def of_query(self) -> Delivery | None:
        """The same delivery with the fields of its address as a form; None where there are none."""
        parts = [each for each in self.query.split("&") if "=" in each]
        told = [each for each in parts if unquote_plus(each.partition("=")[0]) not in NO_FIELDS]
        if not told:
            return None
        return replace(
            self, body="&".join(told).encode("latin-1", "replace"), headers={**self.headers, **_FORM}
        )


@dataclass(frozen=True, slots=True)
class Reply:
    """What the provider wants to hear."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


OK = Reply(200, b"{}")
NO_CONTENT = Reply(204)


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """A provider.

    Attributes:
        name: as in the hook's address; also the `provider` of its facts unless a fact says otherwise.
        label: the provider's own spelling, for people.
        parse: reads facts. Each is an object with `fact`, its own fields, and no `site`. What is left out is
            put in: `provider` (the name), `at` and `version_at` (the instant of receipt). `at` is when the
            call, chat or form began. `version_at` is the event's own time; where the provider gives none, the
            time of the state that the event reports (a call's end), so that events in any order give the same
            lead. `is_at_of_event: True` on a lead says that its `at` is only the event's own time because
            the provider does not say when the lead began: the earliest such counts, and any real one wins.
            `is_addition: True` says that the event only adds to a lead (a recording, a transcript) and does
            not tell whether there is one: the call may have been an outbound one.
            `continues` on a lead that is an addition says that what is told under its `provider_id` is part
            of the lead of that earlier `provider_id`: a booking that moved. Deliveries are read so in any
            order, those that came before as well.
            Several events of one call or chat give versions of one lead (`provider_id`). A test delivery
            gives nothing. A lead names its sender by `email`, `phone`, `name`, `company`, `user_id`,
            `crm_id` and `chat_id` (`<system>:<id>`), `visitor_id` (our token, from a field or attribute
            `tl_visitor`), and keeps all answers under `fields`.
        verify: proves the sender with one of the source's secrets over the raw bytes, in constant time;
            raises `Unproved` when the proof is wrong, missing or stale (a signed time of sending more than 5
            minutes off `received_ms`). None: the provider proves nothing, the address alone is the secret.
        greet: answers a handshake, which is not kept: an echoed token, a challenge, a GET. Given the
            source's secrets and `options["verify_token"]`; returns None for what is a real delivery.
        accepted: what the provider wants to hear once the delivery is safe.
        refused: what it wants to hear when the delivery is refused, given status and message; None: ours.
        hush: takes the sender's own secret out of the body before it is kept; None: there is none in it.
        headers: names of the headers, in lower case, that `parse` needs; content-type is always kept.
        is_nameless: its deliveries carry no id, so that equal bodies of one day are one delivery, and those
            of another day are not. Otherwise equal bodies are one delivery for ever.
        takes_query: its deliveries may come by GET, or with all their fields in the address. They are proved,
            kept and parsed as a form of those fields.
        secret: what the secret is called and where it is found; empty: there is none.
        wants_user: the secret is written `user:password` (HTTP Basic).
        options: names of what the operator may set for a source; `map` among them: a field map, too.
        steps: how to connect it, a sentence each; `{url}` stands for the hook's address.
        verified: what its shapes and signature were checked against, for the table of providers.
    """

    name: str
    label: str
    parse: Callable[[Delivery], Facts]
    verify: Callable[[Delivery, str], None] | None = None
    greet: Callable[[Delivery, tuple[str, ...]], Reply | None] | None = None
    accepted: Reply = OK
    refused: Callable[[int, str], Reply] | None = None
    hush: Callable[[Delivery], bytes] | None = None
    headers: tuple[str, ...] = ()
    is_nameless: bool = False
    takes_query: bool = False
    secret: str = ""
    wants_user: bool = False
    options: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    verified: str = ""
