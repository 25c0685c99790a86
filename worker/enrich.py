"""What a hit goes through between the log and the store, as named steps.

A `drop_` step may refuse the hit with a reason; a `put_` step only adds. Nothing is decided here that
a rule may decide otherwise tomorrow: where a visit came from and who is a bot are read off what is
stored.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

import msgspec

from tracker.core.addresses import IpStorage, masked_ip
from tracker.core.ids import event_key
from tracker.core.said import PAGES, tags_of_pages
from tracker.core.urls import clean_referrer, clean_text, read_page
from tracker.mailtokens import PARAMETER as MAIL
from tracker.store.hits import HitRow
from tracker.store.strings import Registry
from tracker.wire import HitOnLog, HitsEntry
from worker.arrivals import LINK, Proofs, read_parameters
from worker.draft import Client, Draft
from worker.given import put_consent, put_form_lead, put_identify, put_link, put_mail

KINDS = {"page": 0, "event": 1, "engagement": 2}
CONSENTS = {"granted": 1, "denied": 0}
TITLE_LIMIT = 300
LONG_URL = 512  # what is longer is not remembered: thousands of such would fill the memory
ENGAGED_LIMIT_S = 86_400

_CLIENT = ("language", "screen", "zone", "viewport")
_NOT_KEPT = frozenset({*_CLIENT, "agreed", "hash_routes", "link", "mail"})

_encode = msgspec.json.Encoder(order="sorted").encode

_page = lru_cache(maxsize=5_000)(read_page)
_referrer = lru_cache(maxsize=5_000)(clean_referrer)
_title = lru_cache(maxsize=5_000)(lambda title: clean_text(title)[:TITLE_LIMIT])


def drop_bad_url(draft: Draft) -> None:
    """Read the page's URL; one that cannot be read refuses the hit."""
    hit = draft.hit
    read = _page if len(hit.url) <= LONG_URL else read_page
    if hit.extra and hit.extra.get("hash_routes"):
        draft.page = read(hit.url, hash_routes=True)
    else:
        draft.page = read(hit.url)


def put_referrer(draft: Draft) -> None:
    """Clean the referrer, and the page before of a route change."""
    if draft.hit.referrer:
        draft.referrer = _referrer(draft.hit.referrer)
    if draft.hit.prev_url:
        draft.prev = _referrer(draft.hit.prev_url)


def put_title(draft: Draft) -> None:
    """Clean the title."""
    if draft.hit.title:
        draft.title = _title(draft.hit.title)


def put_extra(draft: Draft) -> None:
    """Gather what has no column of its own."""
    hit = draft.hit
    if hit.extra:
        draft.extra = {name: value for name, value in hit.extra.items() if name not in _NOT_KEPT}
    if hit.props:
        draft.extra["props"] = dict(hit.props)


def put_client(draft: Draft) -> None:
    """Spell out the browser: user agent, hints, language, screen; one text for all of its hits."""
    hit, entry = draft.hit, draft.entry
    client = Client(entry.user_agent, hit.client_hints, hit.language, hit.screen, browser=draft.browser)
    if hit.extra:
        for name in _CLIENT:
            if name in hit.extra:
                setattr(client, name, hit.extra[name])
    draft.client = _encode(client).decode()


def put_engagement(draft: Draft) -> None:
    """Read how long and how far the page was seen."""
    props = draft.extra.get("props")
    if draft.hit.type == "engagement" and props:
        seconds = _number(props.pop("engaged_s", None), ENGAGED_LIMIT_S)
        draft.engaged_ms = None if seconds is None else round(seconds * 1_000)
        scroll = _number(props.pop("scroll_pct", None), 100)
        draft.scroll_pct = None if scroll is None else round(scroll)


def put_clean_props(draft: Draft) -> None:
    """Take addresses, tokens and card numbers out of what the page sent along."""
    if draft.extra:
        draft.extra = _cleaned(draft.extra)


STEPS: tuple[Callable[[Draft], None], ...] = (
    drop_bad_url,
    put_referrer,
    put_title,
    put_extra,
    put_client,
    put_engagement,
    put_form_lead,
    put_identify,
    put_consent,
    put_clean_props,
    put_link,
    put_mail,
)


def enrich(hit: HitOnLog, entry: HitsEntry, *, site_no: int, proofs: Proofs) -> Draft:
    """Take one hit through all steps.

    Args:
        proofs: verifies what the page's address claims of the arrival.

    Raises:
        BadRequest: a step refuses the hit; the code says why.
    """
    draft = Draft(hit, entry, site_no)
    _put_arrival(draft, proofs)
    for step in STEPS:
        step(draft)
    return draft


def _put_arrival(draft: Draft, proofs: Proofs) -> None:
    """Take from the page's address what it proves, unless a trusted sender has said it."""
    hit, entry = draft.hit, draft.entry
    given = read_parameters(hit.url)
    if draft.mail is None and MAIL in given:
        draft.mail = proofs.mail(given[MAIL], hit)
    link = proofs.link(given[LINK], hit, entry) if draft.link is None and LINK in given else None
    if link is not None:
        draft.link, draft.browser = link.content, draft.browser or link.arrived_browser


def clean_lead(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """Clean the pages that a lead names, as a hit's; what they say of the arrival is kept beside them."""
    given = {name: text for name in (*PAGES, "referrer") if isinstance(text := raw.get(name), str)}
    tags = tags_of_pages(given)
    found = {"page_tags": tags} if tags else {}
    return {**raw, **{name: _referrer(text) for name, text in given.items()}, **found}


def pack(drafts: Sequence[Draft], names: Registry, *, ip_storage: IpStorage) -> list[HitRow]:
    """Pack hits for the store; their visitors and texts are numbered together."""
    own = [_texts(draft, ip_storage) for draft in drafts]
    visitors = names.visitors.learn(draft.entry.visitor_id for draft in drafts)
    number = names.texts.learn(chain.from_iterable(own)).__getitem__
    return [
        _row(draft, visitors[draft.entry.visitor_id], map(number, texts))
        for draft, texts in zip(drafts, own, strict=True)
    ]


def _texts(draft: Draft, ip_storage: IpStorage) -> tuple[str | None, ...]:
    """List a hit's texts in the order of their columns."""
    ip, tags = draft.entry.ip, draft.page.tags
    return (
        draft.hit.name or None, draft.page.canonical, draft.title, _encode(tags).decode() if tags else None,
        draft.referrer, draft.prev, draft.client, masked_ip(ip, ip_storage) if ip else None,
    )  # fmt: skip


def _row(draft: Draft, visitor_no: int, text_nos: Iterable[int | None]) -> HitRow:
    hit, extra = draft.hit, draft.extra
    return HitRow._make((
        draft.site_no, event_key(hit.event_id), visitor_no, hit.at_ms, hit.seq, KINDS[hit.type], *text_nos,
        hit.flags, CONSENTS.get(hit.consent or ""), draft.engaged_ms, draft.scroll_pct,
        json.dumps(extra, ensure_ascii=False, sort_keys=True) if extra else None, draft.entry.received_ms,
    ))  # fmt: skip


def _number(value: object, most: float) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= most:
        return float(value)
    return None


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, dict):
        return {name: _cleaned(each) for name, each in value.items() if each != {}}
    return [_cleaned(each) for each in value] if isinstance(value, list) else value
