"""Alerts in words: what a webhook carries, and the few lines that a person reads in a mail or a channel.

Every payload has the same frame: a type, an instant, and the data with its `title` and `lines`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tracker.core.times import format_instant

Payload = dict[str, Any]

PAGES = 5
_LONGEST = 200
_TITLES = {
    "lead.new": "New lead", "lead.qualified": "Qualified lead", "lead.no_response": "No answer yet to a lead",
}  # fmt: skip
_KINDS = {"form": "Form", "call": "Call", "chat": "Chat", "booking": "Booking"}
_MATCHES = {
    "M1": "the visitor is sure: the form carried the cookie",
    "M2": "the visitor is the one who was shown the number that was called",
    "M3": "the visitor is the one who clicked on the number that was called",
    "M4": "the visitor is the one whose own number called",
    "M5": "the person is known by what they gave before",
    "M6": "the visitor is the one who came with that click id",
    "M7": "the number that was called stands for this source",
    "M8": "the visitor is the only one who was on that page at the time",
    "ambiguous": "several visitors may have made it, and none is guessed",
    "unmatched": "no visit was found for it",
}


@dataclass(frozen=True, slots=True)
class Came:
    """How somebody came: once, or to a lead."""

    channel: str | None = None
    source: str | None = None
    medium: str | None = None
    campaign: str | None = None
    at: str | None = None

    def __str__(self) -> str:
        named = [each for each in (self.source, self.medium) if each and not each.startswith("(")]
        parts = [" / ".join(named), f"campaign {self.campaign}" if self.campaign else ""]
        inner = ", ".join(part for part in parts if part)
        return f"{self.channel} ({inner})" if inner else str(self.channel)


@dataclass(frozen=True, slots=True)
class LeadNews:
    """What is told of a lead; contact details as they are to be shown, `when` in the site's own time."""

    lead_id: str
    site: str
    kind: str
    at_ms: int
    when: str
    name: str | None
    email: str | None
    phone: str | None
    company: str | None
    page_url: str | None
    duration_s: int | None
    status: str | None
    match_rule: str
    match_confidence: float | None
    came: Came
    first: Came
    last: Came
    touch_count: int
    days: int
    pages: Sequence[str]


def lead_payload(news: LeadNews, type_: str = "lead.new") -> Payload:
    """Write what is told of a new lead, with its journey."""
    who = news.name or news.email or news.phone or "somebody without a name"
    word = _TITLES[type_]
    told = {name: value for name, value in asdict(news).items() if name not in ("at_ms", "when")}
    return _framed(
        type_, news.at_ms, {"at": format_instant(news.at_ms), **told},
        title=f"{word} on {news.site}: {who}", lines=_lead_lines(news),
    )  # fmt: skip


def _lead_lines(news: LeadNews) -> list[str]:
    contacts = [each for each in (news.name, news.email, news.phone, news.company) if each]
    length = f", {news.duration_s} s long" if news.duration_s is not None else ""
    place = f" on {news.page_url}" if news.page_url else ""
    lines = [" · ".join(contacts), f"{_KINDS[news.kind]}{place}, {news.when}{length}"]
    if news.came.channel:
        lines.append(f"Came by {news.came}")
    if news.touch_count > 1 and news.first.channel:
        days = "on one day" if not news.days else f"over {news.days} day{'s' if news.days > 1 else ''}"
        begun = f" on {news.first.at[:10]}" if news.first.at else ""
        lines.append(
            f"First by {news.first}{begun}; {news.touch_count} touchpoints {days}, last by {news.last}"
        )
    if news.pages:
        lines.append(f"Pages seen: {', '.join(news.pages[-PAGES:])}")
    lines += [f"Match: {_MATCHES.get(news.match_rule, news.match_rule)}"]
    return [*(_line(each) for each in lines if each), f"Why: touchline explain lead {news.lead_id}"]


@dataclass(frozen=True, slots=True)
class Trouble:
    """An alarm in words: of which site and part, since when, and the figures that it rests on."""

    type: str
    site: str
    at_ms: int
    title: str
    lines: Sequence[str]
    figures: Mapping[str, Any]


def trouble_payload(trouble: Trouble) -> Payload:
    """Write what is told when something went wrong."""
    data = {"site": trouble.site, **trouble.figures}
    return _framed(trouble.type, trouble.at_ms, data, title=trouble.title, lines=trouble.lines)


def test_payload(site: str, at_ms: int) -> Payload:
    """Write what is told to try a destination out."""
    lines = ["This is a test: alerts of this site arrive here.", "No lead was left."]
    return _framed("test", at_ms, {"site": site}, title=f"Test from Touchline for {site}", lines=lines)


def _framed(type_: str, at_ms: int, data: Mapping[str, Any], *, title: str, lines: Sequence[str]) -> Payload:
    data = {**data, "title": _line(title), "lines": list(lines)}
    return {"type": type_, "timestamp": format_instant(at_ms), "data": data}


def _line(text: str) -> str:
    """Put a text on one line, of a length that can be read."""
    plain = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return plain if len(plain) <= 2 * _LONGEST else plain[: 2 * _LONGEST] + "..."
