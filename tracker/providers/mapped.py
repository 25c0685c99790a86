"""Field maps: which fact a body of any shape becomes, by paths that the operator writes, the rest guessed.

The options of a source: `map` (field to path, or to several of which the first that says something counts),
`fact` (`lead`, `contact`, `deal`, `activity`), `kind`, `provider` (whose ids they are, where a site has
several such sources), and the paths `id`, `at`, `version_at`, `test` and `list`. A path is
`contact.emails.0.value`; a name of a form-encoded field is taken as it stands. Without a map everything is
guessed: an id, a time, and by `tracker.providers.guess` who it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any

from tracker.errors import BadFact, BadRequest
from tracker.providers.adapter import Delivery, Facts
from tracker.providers.answers import spelled
from tracker.providers.guess import form_lead, guess, short_key
from tracker.providers.reading import (
    dig,
    full_name,
    instant,
    mapping,
    money,
    number,
    objects,
    text,
    truth,
)
from tracker.providers.shapes import asked_answer, content_key, flat_answers, unpacked
from tracker.providers.tracked import bare, course_of, is_made, kind_of, times_of, with_source

Options = Mapping[str, Any]
OPTIONS = ("map", "fact", "kind", "provider", "id", "at", "version_at", "test", "list", "stage")

_WRAPPERS = (
    "",
    "data.",
    "payload.",
    "submission.",
    "form_response.",
    "lead.",
    "entry.",
    "body.",
    "event.data.",
)
_IDS = (
    "complete_call_id", "call_id", "callId", "call_sid", "submission_id", "submissionId", "submissionID",
    "response_id", "responseId", "entry_id", "entryId", "lead_id", "leadId", "uuid", "id", "_id",
    "unique_id", "event_id", "eventId",
)  # fmt: skip
_TIMES = (
    "submitted_at", "submittedAt", "submission_date", "submission_time", "completed_at", "created_at",
    "createdAt", "date_created", "created", "created_time", "occurred_at", "occurredAt", "received_at",
    "timestamp", "datetime", "date_submitted", "called_at", "unix_time", "_date", "date", "time", "at",
)  # fmt: skip
_BARE = frozenset({"date", "time", "at", "created"})  # as titles, these may ask for anything
_OF_FORM = _BARE | {"id"}  # of what was sent, this may be the form's
_INNER = frozenset({"data", "payload", "submission", "formresponse", "lead", "entry", "body"})
_CHANGES = ("updated_at", "updatedAt", "modified_at", "date_updated")
_TESTS = ("is_test", "isTest", "test", "test_mode")
_LISTS = ("leads", "items", "submissions", "records", "results", "entries", "responses", "data", "events")

_LEAD_TEXTS = frozenset({
    "email", "phone", "name", "company", "user_id", "crm_id", "chat_id", "visitor_id", "tracking_number",
    "page_url", "landing_page", "referrer", "recording_url", "transcript", "status", "currency", "message",
    "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "utm_id", "gclid", "gbraid",
    "wbraid", "msclkid", "fbclid", "ttclid", "li_fat_id", "twclid", "dclid", "yclid", "epik", "rdt_cid",
    "kind", "stage", "title", "owner", "emails", "phones", "lead_id", "merged_into",
})  # fmt: skip
_READERS: Mapping[str, Callable[[Any], Any]] = {
    "duration_s": number, "answered": truth, "value": money, "amount": money,
    **dict.fromkeys(_LEAD_TEXTS, spelled),
}  # fmt: skip
_LEADS = ("form", "call", "chat", "booking")
_ACTIVITIES = (
    "email_sent", "email_opened", "email_clicked", "email_replied", "call_made", "meeting", "demo", "webinar",
    "event", "ad_impression", "other",
)  # fmt: skip
_MEANT = (
    ("call", "phone", "voicemail"), ("chat", "message", "conversation"),
    ("booking", "appointment", "meeting"),
)  # fmt: skip
_STATUSES = {
    **dict.fromkeys(("won", "closed won", "closedwon", "closed-won", "win", "sold"), "won"),
    **dict.fromkeys(("lost", "closed lost", "closedlost", "closed-lost", "lose"), "lost"),
    **dict.fromkeys(("open", "in progress", "new", "pending"), "open"),
}  # fmt: skip


def mapped_facts(delivery: Delivery, *id_headers: str) -> Facts:
    """Read the facts of a body by the source's options.

    Args:
        id_headers: names of the headers in which the delivery's own id may stand.

    Raises:
        BadRequest: `bad_body`, there is no object in it, or `bad_fact`, what the fact needs is not there.
    """
    key = next((delivery.headers[name] for name in id_headers if delivery.headers.get(name)), None)
    found = [each for each in _each(delivery.document, delivery.options) if each]
    if not found:
        raise BadRequest("bad_body", "there is no object in this body")
    make = _MAKERS.get(str(delivery.options.get("fact") or "lead"))
    if make is None:
        raise BadFact("bad_fact", f"write one of {', '.join(_MAKERS)}", "fact")
    named = text(delivery.options.get("provider"))
    provider = {"provider": named} if named else {}
    for at, document in enumerate(found):
        own = _Reading(delivery, document, f"{key}:{at}" if key and len(found) > 1 else key, at)
        if not own.is_test:
            yield {**make(own), **provider}


def _each(document: Any, options: Options) -> Iterator[Mapping[str, Any]]:
    """List the objects that are one fact each: those of a list, in the body or on its own."""
    if path := options.get("list"):
        document = unpacked(_at(document, str(path)))
    elif isinstance(document, Mapping):
        listed = (document.get(name) for name in _LISTS)
        document = next((each for each in listed if _is_list_of_leads(each)), document)
    yield from objects(document)


def _says(value: Any) -> bool:
    return isinstance(value, bool) or text(value) is not None


def _is_list_of_leads(value: Any) -> bool:
    return isinstance(value, list) and any(
        isinstance(each, Mapping) and asked_answer(each) is None for each in value
    )


def _at(document: Any, path: str) -> Any:
    if isinstance(document, Mapping) and path in document:
        return document[path]
    return dig(document, path)


class _Reading:
    """One object of a delivery, read by paths and guesses."""

    def __init__(self, delivery: Delivery, document: Mapping[str, Any], key: str | None, at: int) -> None:
        self.options = delivery.options
        self.document = {name: unpacked(value) for name, value in document.items()}
        self.zone = delivery.zone
        self._delivery = delivery
        self._key = key
        self._number = at
        self.mapped = dict(self._mapped())

    def _mapped(self) -> Iterator[tuple[str, Any]]:
        for name, paths in mapping(self.options.get("map")).items():
            for path in paths if isinstance(paths, list) else [paths]:
                value = self.look(str(path))
                if value not in (None, "", [], {}):
                    yield str(name), _READERS.get(str(name), lambda each: each)(value)
                    break

    def look(self, path: str) -> Any:
        """Find what stands at a path, of this object or of the whole body."""
        found = _at(self.document, path)
        return _at(self._delivery.document, path) if found is None else found

    def first(self, option: str, names: tuple[str, ...], says: Callable[[Any], bool] = _says) -> Any:
        """Find a value where the option says, else the first that says something under a usual name."""
        if path := self.options.get(option):
            return self.look(str(path))
        paths = (f"{wrapper}{name}" for wrapper in _WRAPPERS for name in names)
        found = next((said for path in paths if says(said := dig(self.document, path))), None)
        return self._spelled_otherwise(names, says) if found is None else found

    def _spelled_otherwise(self, names: tuple[str, ...], says: Callable[[Any], bool]) -> Any:
        """Find a value under a usual name with other letters: `Lead ID`, `DateSubmitted`."""
        for at, told in enumerate(self.plainly):
            wanted = (name for name in map(bare, names) if name not in (_BARE if at else _OF_FORM))
            if (found := next((told[name] for name in wanted if says(told.get(name))), None)) is not None:
                return found
        return None

    @cached_property
    def plainly(self) -> list[dict[str, Any]]:
        """The object, and those inside it that hold what was sent, by the bare letters of their names."""
        own = {bare(name): value for name, value in self.document.items()}
        inner = [mapping(value) for name, value in self.document.items() if bare(name) in _INNER]
        return [own, *({bare(name): value for name, value in each.items()} for each in inner)]

    @property
    def is_test(self) -> bool:
        """Tell whether the sender marks it as a test."""
        return truth(self.first("test", _TESTS)) is True

    @property
    def key(self) -> str:
        """Name it: by its own id, the delivery's, or its content and day."""
        own = text(self.first("id", _IDS))
        if self._key and not ("id" in self.options and own):
            return short_key(self._key)
        return short_key(own or f"{content_key(self._delivery)}:{self._number}")

    @property
    def times(self) -> dict[str, str | None]:
        """Say when it was, and when what it tells became so."""
        at = instant(self.first("at", _TIMES, self._is_time), self.zone)
        changed_at = instant(self.first("version_at", _CHANGES, self._is_time), self.zone)
        return {"at": at, "version_at": changed_at or at}

    def _is_time(self, value: Any) -> bool:
        return instant(value, self.zone) is not None

    def kind(self, known: tuple[str, ...], default: str) -> str:
        """Say of which kind the lead or activity is: one of those known, or by a word for it."""
        said = [
            str(each).lower() for each in (self.mapped.pop("kind", None), self.options.get("kind")) if each
        ]
        meant = (word for each in said for word in (each, _kind_meant(each)) if word in known)
        return next(meant, default)

    def name(self) -> str | None:
        """Put the name together from what was mapped to it or its parts."""
        parts = [self.mapped.pop(each, None) for each in ("first_name", "last_name")]
        return self.mapped.get("name") or full_name(*parts)


def _lead(own: _Reading) -> dict[str, Any]:
    bare_told = own.plainly[0]
    course = course_of(bare_told)
    if not own.mapped and course and is_made(bare_told):
        return {**_activity(own), "kind": "call_made" if kind_of(bare_told) == "call" else "other"}
    default = kind_of(bare_told) if course else "form"
    kind, name, times = own.kind(_LEADS, default), own.name(), own.times
    if course:
        times |= times_of(bare_told, times["at"], own.zone)
    told = course | {field: value for field, value in own.mapped.items() if field in _READERS}
    lead = form_lead(flat_answers(own.document), provider_id=own.key, **{**times, **told, "name": name})
    if course:
        lead = with_source(lead, bare_told)
    more = {field: spelled(value) for field, value in own.mapped.items() if field not in _READERS}
    return {**lead, "kind": kind, "fields": {**lead.get("fields", {}), **more}}


def _contact(own: _Reading) -> dict[str, Any]:
    guessed = guess(flat_answers(own.document))
    told = own.mapped
    return {
        "fact": "contact", "provider_id": own.key, **own.times,
        "emails": _all(told.get("emails"), told.get("email") or guessed.get("email")),
        "phones": _all(told.get("phones"), told.get("phone") or guessed.get("phone")),
        "name": own.name() or guessed.get("name"), "user_id": told.get("user_id"), "title": told.get("title"),
        "account": _account(told.get("company") or guessed.get("company")),
        "merged_into": told.get("merged_into"),
    }  # fmt: skip


def _deal(own: _Reading) -> dict[str, Any]:
    told = own.mapped
    status = _STATUSES.get(str(told.get("status") or "").lower())
    person = {name: told.get(name) for name in ("email", "phone", "crm_id") if told.get(name)}
    return {
        "fact": "deal", "provider_id": own.key, **own.times,
        "stage": told.get("stage") or text(own.first("stage", ("stage", "dealstage", "status"))),
        "status": status,
        "amount": told.get("amount") or told.get("value"), "currency": told.get("currency"),
        "name": told.get("name"), "contacts": [person] if person else [], "lead_id": told.get("lead_id"),
        "account": _account(told.get("company")),
    }  # fmt: skip


def _activity(own: _Reading) -> dict[str, Any]:
    guessed = guess(flat_answers(own.document))
    told = own.mapped
    return {
        "fact": "activity", "kind": own.kind(_ACTIVITIES, "other"), "provider_id": own.key, **own.times,
        **{name: told.get(name) or guessed.get(name) for name in ("email", "phone")},
        **{name: told.get(name) for name in ("crm_id", "owner", "title")},
        "account": _account(told.get("company")),
    }  # fmt: skip


def _kind_meant(said: str) -> str:
    return next((words[0] for words in _MEANT if any(word in said for word in words)), "")


def _all(*said: Any) -> list[str]:
    texts = (part.strip() for each in said if each for part in str(each).split(","))
    return list(dict.fromkeys(part for part in texts if part))


def _account(name: Any) -> dict[str, Any]:
    return {"name": name} if name else {}


_MAKERS: Mapping[str, Callable[[_Reading], dict[str, Any]]] = {
    "lead": _lead, "contact": _contact, "deal": _deal, "activity": _activity,
}  # fmt: skip
