"""Gravity Forms: the Webhooks add-on posts the entry, JSON or form-encoded, whole or the fields chosen.

A whole entry has field ids for keys: `3` a field, `1.3` a part of one. Which question that was is not said,
unless the form or its labels come along: a group of parts 2, 3, 4, 6, 8 and no other is a name, since an
address has 1 and 5, and choices count from 1. `date_created` is UTC, as the add-on's documents say.

Source: https://docs.gravityforms.com/triggering-webhooks-form-submissions/
Source: https://docs.gravityforms.com/entry-object/
Source: https://docs.gravityforms.com/name/ (parts of a name)
Unconfirmed: whether a failed request is tried again. There is no signature; the feed can send a header of
the operator's own (`X-Touchline-Secret`), which is compared when a secret is set.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from tracker.providers.adapter import Adapter, Delivery, Facts
from tracker.providers.answers import Answer, Kind, spelled
from tracker.providers.guess import form_lead
from tracker.providers.proofs import demand_shared_secret
from tracker.providers.reading import dig, first_text, instant, mapping, money, objects, text
from tracker.providers.shapes import content_key, demand_object, flat_answers, kind_from, unpacked

_OWN = frozenset({
    "id", "form_id", "post_id", "date_created", "date_updated", "is_starred", "is_read", "ip", "source_url",
    "user_agent", "currency", "payment_status", "payment_date", "payment_amount", "payment_method",
    "transaction_id", "is_fulfilled", "created_by", "transaction_type", "status", "source_id", "entry_id",
    "form_title", "gform_submit", "gform_field_values", "gform_source_page_number", "is_submit",
    "gform_unique_id", "gform_target_page_number", "state", "labels", "_labels", "form", "is_approved",
    "submission_speeds", "resume_url",
})  # fmt: skip
_FIELD = re.compile(r"(?:input_|field_)?(\d{1,4})(?:[._](\d{1,3}))?")
_NAME_PARTS: Mapping[str, str] = {"2": "prefix", "3": "first", "4": "middle", "6": "last", "8": "suffix"}


def _parse(delivery: Delivery) -> Facts:
    document = demand_object(delivery.document)
    entry = demand_object(document, "entry", "lead", "data", "payload")
    form = mapping(unpacked(document.get("form") or entry.get("form")))
    if entry.get("status") in ("trash", "spam"):
        return
    at = instant(entry.get("date_created")) or instant(document.get("date_created"))
    number = first_text(entry, "id", "entry_id", "entryId") or first_text(document, "entry_id")
    form_no = first_text(entry, "form_id", "formId") or first_text(form, "id")
    key = f"{form_no}:{number}" if number and form_no else number or content_key(delivery)
    value = money(entry.get("payment_amount"))
    yield form_lead(
        _answers(entry, form),
        provider_id=key,
        at=at,
        version_at=instant(entry.get("date_updated")) or at,
        page_url=first_text(entry, "source_url", "sourceUrl") or first_text(document, "source_url"),
        form=first_text(form, "title") or first_text(document, "form_title"),
        value=value,
        currency=text(entry.get("currency")) if value else None,
    )


def _answers(entry: Mapping[str, Any], form: Mapping[str, Any]) -> Iterator[Answer]:
    """Read an entry: fields by number with what is known of their questions, then fields by name."""
    labels = _labels(entry, form)
    kinds = {str(field.get("id")): kind_from(field.get("type")) for field in objects(form.get("fields"))}
    groups: dict[str, dict[str, Any]] = defaultdict(dict)
    for key, value in entry.items():
        if match := _FIELD.fullmatch(str(key)):
            groups[match[1]][match[2] or ""] = unpacked(value)
        elif key not in _OWN:
            yield from flat_answers({key: value})
    for number, parts in groups.items():
        yield from _group(number, parts, kinds.get(number, ""), labels)


def _group(number: str, parts: Mapping[str, Any], kind: Kind, labels: Mapping[str, str]) -> Iterator[Answer]:
    """Read one field, of one value or of parts."""
    label = labels.get(number, f"field {number}" if number not in labels else "")
    if "" in parts:
        yield Answer(label, parts[""], kind)
    inner = {part: value for part, value in parts.items() if part}
    if not inner:
        return
    if kind == "name" or not kind and _is_name(inner):
        named = {_NAME_PARTS[part]: value for part, value in inner.items() if part in _NAME_PARTS}
        yield Answer(label if number in labels else "Name", named, "name")
    elif number in labels:
        yield Answer(label, [value for value in inner.values() if spelled(value)], kind or "choice")
    else:
        for part, value in inner.items():
            yield Answer(labels.get(f"{number}.{part}", f"field {number}.{part}"), value, kind)


def _is_name(parts: Mapping[str, Any]) -> bool:
    return parts.keys() <= _NAME_PARTS.keys() and bool(parts.keys() & {"3", "6"})


def _labels(entry: Mapping[str, Any], form: Mapping[str, Any]) -> dict[str, str]:
    """Read what fields and their parts are called, from `_labels` or from the form."""
    found: dict[str, str] = {}
    for number, label in mapping(unpacked(entry.get("_labels") or entry.get("labels"))).items():
        for part, said in label.items() if isinstance(label, Mapping) else [(number, label)]:
            if text(said):
                found[str(part)] = str(said)
    for field in objects(form.get("fields")):
        for each in (field, *objects(dig(field, "inputs"))):
            label = first_text(each, "adminLabel", "label")
            if label and text(each.get("id")):
                found[str(text(each.get("id")))] = label
    return found


ADAPTER = Adapter(
    name="gravityforms",
    label="Gravity Forms",
    parse=_parse,
    takes_query=True,
    verify=demand_shared_secret,
    is_nameless=True,
    secret="a secret of your own that the feed sends in the header X-Touchline-Secret; may be left out",
    steps=(
        "Install the Webhooks add-on, open the form's Settings, then Webhooks, and choose Add New.",
        "Enter {url} as the Request URL, with the method POST and the format JSON. GET is read too.",
        "Under Request Headers add X-Touchline-Secret with the same secret as here, if you set one.",
        "Under Request Body choose All Fields, or Select Fields and name them email, phone and name.",
        "Add a hidden field labelled tl_visitor, so that the entry finds its visitor.",
    ),
    verified="documented entry object and add-on settings; no signature exists",
)
