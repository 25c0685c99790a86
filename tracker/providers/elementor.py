"""Elementor Pro: what a form's Webhook action posts, with Advanced Data and without.

With it: `form`, `fields` (each with type, title and value) and `meta`; without: a flat list of labels. Both
are form-encoded by WordPress; other plug-ins send the same as JSON. There is no id, so content and day name
the lead, and no signature. The site's own date and time are to the minute, while the post comes at once: the
time of receipt counts, unless they say that it is an older one.

Source: Elementor Pro, modules/forms/actions/webhook.php, modules/forms/classes/form-record.php
Unconfirmed: translated titles of the meta fields beyond those listed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from tracker.core.times import MINUTE_MS, format_instant
from tracker.providers.adapter import Adapter, Delivery, Facts
from tracker.providers.answers import Answer, words_of
from tracker.providers.guess import form_lead
from tracker.providers.reading import dig, first_text, instant_ms_of, mapping, objects, text
from tracker.providers.shapes import content_key, demand_object, kind_from, unpacked

_META = frozenset({
    "date", "time", "useragent", "remoteip", "poweredby", "formid", "formname", "credit", "datum", "zeit",
    "uhrzeit", "heure", "fecha", "hora", "data", "ora", "tijd", "benutzeragent", "ipadresse", "userip",
    "ip", "unterstutztvon", "agentutilisateur", "agentedeusuario", "agenteutente", "ipremota", "iprimoto",
    "adresseipdistante", "proposepar", "creadopor", "funcionacon", "submissionid",
})  # fmt: skip
_OLD_MS = 10 * MINUTE_MS
_DAY_FIRST = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})\s+(.+)")


def _parse(delivery: Delivery) -> Facts:
    document = demand_object(delivery.document)
    fields, meta = _fields(document), mapping(unpacked(document.get("meta")))
    is_advanced = isinstance(fields, Mapping | list) and bool(fields)
    yield form_lead(
        _advanced(fields) if is_advanced else _flat(document),
        provider_id=first_text(document, "submission_id", "submissionId") or content_key(delivery),
        at=_told_at(document, meta, delivery),
        page_url=_meta(meta, "page_url"),
        form=first_text(document, "form.name", "form_name", "form.id", "form_id"),
    )


def _fields(document: Mapping[str, Any]) -> Any:
    """Find the fields of advanced data, or those that a plug-in passes on as the browser sent them."""
    return unpacked(document.get("fields", document.get("form_fields")))


def _advanced(fields: Any) -> Iterator[Answer]:
    named = fields.items() if isinstance(fields, Mapping) else enumerate(fields)
    for name, field in named:
        told = mapping(field)
        value = told.get("value", told.get("raw_value")) if told else field
        key = first_text(told, "id") or str(name)
        yield Answer(first_text(told, "title", "label") or key, value, kind_from(told.get("type")), key)


def _flat(document: Mapping[str, Any]) -> Iterator[Answer]:
    for label, value in document.items():
        if "".join(words_of(label)) not in _META and label not in ("form", "meta", "fields"):
            yield Answer(label.removeprefix("No Label ").strip() or label, value)


def _meta(meta: Mapping[str, Any], name: str) -> str | None:
    told = meta.get(
        name, next((each for each in objects(list(meta.values())) if each.get("id") == name), None)
    )
    return first_text(told, "value") if isinstance(told, Mapping) else text(told)


def _told_at(document: Mapping[str, Any], meta: Mapping[str, Any], delivery: Delivery) -> str | None:
    """Say when it was sent, where the site's own time shows that it was not just now."""
    date = _meta(meta, "date") or first_text(document, "Date", "date", "Datum", "Fecha", "Data")
    time = _meta(meta, "time") or first_text(
        document, "Time", "time", "Zeit", "Uhrzeit", "Heure", "Hora", "Ora"
    )
    if date is None or dig(document, "fields.date") is not None:
        return None
    ages = [delivery.received_ms - each for each in _readings(f"{date} {time or ''}".strip(), delivery.zone)]
    age_ms = min(ages, key=abs, default=0)
    return format_instant(delivery.received_ms - age_ms) if age_ms > _OLD_MS else None


def _readings(said: str, zone: str) -> Iterator[int]:
    """Read a date in the site's format; of `03/04/2026` both readings, the nearer to receipt counts."""
    for spelled in (said, *_turned(said)):
        read = instant_ms_of(spelled, zone)
        if read is not None:
            yield read


def _turned(said: str) -> Iterator[str]:
    match = _DAY_FIRST.fullmatch(said)
    if match is None:
        return
    for day, month in ((match[1], match[2]), (match[2], match[1])):
        clock = _clock(match[4])
        if clock and 1 <= int(month) <= 12 and 1 <= int(day) <= 31:
            yield f"{match[3]}-{int(month):02d}-{int(day):02d} {clock}"


def _clock(said: str) -> str | None:
    for form in ("%I:%M %p", "%H:%M", "%H:%M:%S", "%I:%M:%S %p"):
        try:
            return datetime.strptime(said.strip(), form).replace(tzinfo=UTC).strftime("%H:%M:%S")
        except ValueError:
            continue
    return None


ADAPTER = Adapter(
    name="elementor",
    label="Elementor",
    parse=_parse,
    is_nameless=True,
    steps=(
        "Edit the page with Elementor Pro, select the form, and under Actions After Submit add Webhook.",
        "Open the section Webhook, enter {url} as the Webhook URL and switch Advanced Data on.",
        "Add a field of the type Hidden with the ID tl_visitor, so that the form finds its visitor.",
    ),
    verified="the source of Elementor Pro's Webhook action; it signs nothing",
)
