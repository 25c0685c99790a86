"""Facts that a hit gives beside itself: forms, identifies, consents, arrivals by a link or a mail.

They are facts of their own, for persons to be stitched from; the hit keeps nothing of what people
typed. A robot's or a dropped hit gives none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tracker.core.times import format_instant, parse_instant
from tracker.errors import BadFact
from worker.draft import Draft

FORM_EVENT = "form_submit"
IDENTIFY_EVENT = "identify"

_CONTACT = ("email", "phone", "name", "company", "fields")
_FORM = ("form_id", "form_name", "form_action")
TELLING = {
    "calcom": "booking", "calendly": "booking", "hubspotforms": "form", "jotform": "form", "tally": "form",
    "typeform": "form",
}  # fmt: skip
"""Whose frames tell the page the unguessable id that their delivery will have, too; the kind of lead."""
_PROVIDER_ID = re.compile(r"[!-~]{4,300}")
_FIRST_OF_ALL = "1995-01-01T00:00:00.000Z"
_NAMES_SOMEBODY = ("email", "phone", "user_id", "crm_id", "chat_id")
_IDENTIFY = (*_NAMES_SOMEBODY, "name", "company")
_LINK = ("from", "nonce", "made_at", "browser")


def put_form_lead(draft: Draft) -> None:
    """Make a lead of a submitted form, and take the contact details off the hit."""
    props = draft.extra.get("props")
    if draft.hit.type != "event" or draft.hit.name != FORM_EVENT or props is None:
        return
    contact = {name: props.pop(name) for name in _CONTACT if name in props}
    given = contact.pop("fields", None)
    fields = dict(given) if isinstance(given, Mapping) else {}
    fields |= {name: props[name] for name in _FORM if name in props}
    lead = _claimed(props) or {"kind": "form", "provider": "tracker", "provider_id": draft.hit.event_id}
    _give(
        draft, "lead", **lead, page_url=draft.page.canonical, fields=fields,
        **{name: value for name, value in contact.items() if isinstance(value, str)},
    )  # fmt: skip


def _claimed(props: Mapping[str, Any]) -> dict[str, Any] | None:
    """Read which provider's submission a page says was made on it; none where the browser made it.

    The lead then has the key of the provider's own delivery, so that both are one lead. They are those whose
    frames tell the page an id that nobody can guess. A page's word is hearsay, and so the oldest version:
    it fills what the provider leaves out, above all the visitor, and corrects nothing.
    """
    provider, provider_id = (_text(props.get(name)) for name in ("provider", "provider_id"))
    if provider not in TELLING or not provider_id or not _PROVIDER_ID.fullmatch(provider_id):
        return None
    return {
        "kind": TELLING[provider], "provider": provider, "provider_id": provider_id,
        "version_at": _FIRST_OF_ALL, "is_at_of_event": True,
    }  # fmt: skip


def put_identify(draft: Draft) -> None:
    """Make a fact of what a page says of its visitor, and leave nothing of it on the hit."""
    if draft.hit.type != "event" or draft.hit.name != IDENTIFY_EVENT:
        return
    props = draft.extra.pop("props", {})
    said = {name: _text(props.pop(name, None)) for name in _IDENTIFY}
    if any(said[name] for name in _NAMES_SOMEBODY):
        _give(
            draft, "identify", event_id=draft.hit.event_id, traits=props.pop("traits", None), **said,
            extra=props or None,
        )  # fmt: skip


def put_consent(draft: Draft) -> None:
    """Make a fact of the first hit after its visitor agreed."""
    hit = draft.hit
    if hit.consent == "granted" and hit.extra and hit.extra.get("agreed") is True:
        _give(draft, "consent", state="granted")


def put_link(draft: Draft) -> None:
    """Keep by which cross-domain link the hit arrived, and make a fact of it."""
    link = draft.link
    if not link:
        return
    kept = {name: text for name in _LINK if (text := _text(link.get(name)))}
    if kept:
        draft.extra["link"] = kept
    if kept.get("from") != draft.entry.visitor_id:
        _give(draft, "link", event_id=draft.hit.event_id, arrived_browser=draft.browser, **kept)


def put_mail(draft: Draft) -> None:
    """Make a fact of an arrival by a mailed link; the hit keeps the send, not the address."""
    mail = draft.mail
    if not mail:
        return
    email, send_id = (_text(mail.get(name)) for name in ("email", "send_id"))
    if send_id:
        draft.extra["mail"] = {"send_id": send_id}
    _give(draft, "mail", event_id=draft.hit.event_id, email=email, send_id=send_id)


def _give(draft: Draft, fact: str, /, **fields: Any) -> None:
    """Add a fact of the hit's visitor and time, in the version that the hit is of."""
    hit, entry = draft.hit, draft.entry
    if hit.flags:
        return
    said = {"version_at": _version_at(hit.extra), **fields}
    draft.facts.append({
        "fact": fact, "site": entry.site, "at": format_instant(hit.at_ms), "visitor_id": entry.visitor_id,
        **{name: value for name, value in said.items() if value is not None},
    })  # fmt: skip


def _version_at(extra: Mapping[str, Any] | None) -> str | None:
    """Read when the hit's version was said; a page may mean something else by that name."""
    given = extra.get("version_at") if extra else None
    if not isinstance(given, str):
        return None
    try:
        parse_instant(given)
    except BadFact:
        return None
    return given


def _text(value: object) -> str | None:
    """Read a text or a number; nothing where it is neither, or blank."""
    if isinstance(value, str):
        return value.strip() or None
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
