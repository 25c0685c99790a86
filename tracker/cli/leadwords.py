"""A lead in words: one sentence that a salesperson believes, what it rests on, and who was ruled out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from tracker.core.matchwords import span_words

Found = dict[str, Any]

RULES = {
    "M1": "M1, cookie: the visitor's signed id came with the lead",
    "M2": "M2, number shown to one visitor: nobody else saw the called number at the time",
    "M3": "M3, click: of those who saw the called number, one clicked on it right before the call",
    "M4": "M4, caller: of those who saw the called number, one is known by the caller's own",
    "M5": "M5, person: what came with the lead is one person's, whose browsers are known",
    "M6": "M6, click id: one visitor alone arrived with the click id that came with the lead",
    "M7": "M7, static number: the called number stands for one source",
    "M8": "M8, page and time: one visitor alone was on the page of the chat",
}
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip
_WHOSE = {"M1": "; that visitor", "M3": "; that one", "M4": "; that one", "M5": ", whose browser"}
_COUNTS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def came_from(row: Found) -> str:
    """Say in a few words where a session, touch or lead came from."""
    if not row.get("channel"):
        return "an unknown source"
    words = f"{row['channel']} ({row['source']} / {row['medium']}"
    words += f", campaign {row['campaign']}" if row.get("campaign") else ""
    words += f", term {row['term']}" if row.get("term") else ""
    return words + ")"


def lead_words(lead: Found) -> Iterator[str]:
    """Tell whose a lead is, why, who else it might have been, and what its person saw before."""
    yield f"Lead {lead['lead_id']}: a {lead['kind']} by {lead['provider']} on {lead['site']}, {lead['at']}"
    who = ", ".join(str(lead[name]) for name in ("name", "company", "email", "phone") if lead.get(name))
    yield f"  From: {who or 'nobody who left a name'}"
    yield f"  {lead_sentence(lead)}"
    evidence = lead["match_evidence"]
    yield from _decided(lead, evidence)
    yield f"  Credited to {came_from(lead)}, rule {lead['rule'] or 'none'}"
    if str(lead["rule"]).startswith("provider:"):
        yield f"    this is what {lead['provider']} itself says; no visit that we saw stands behind it"
    if lead["session"]:
        own = lead["session"]
        yield f"  Its own session {own['session_id']} began {own['started_at']} on {own['landing_page']}"
    yield from _journey(lead)


def lead_sentence(lead: Found) -> str:
    """Say in one sentence what somebody did, whose it is by which trace, and what they had seen."""
    said = f"{_did(lead)} on {_local(lead['at'], lead['timezone'])}; {_by(lead)}"
    return said + (_visit(lead) if lead["visitor_id"] else _beyond(lead)) + "."


def _did(lead: Found) -> str:
    who = lead["name"] or lead["company"]
    page = f" on {lead['page_url']}" if lead["page_url"] else ""
    did = {
        "call": f"called {lead['tracking_number']}" if lead["tracking_number"] else "called",
        "form": f"sent a form{page}", "chat": f"began a chat{page}", "booking": f"booked a time{page}",
    }[lead["kind"]]  # fmt: skip
    return f"{who} {did}" if who else did[0].upper() + did[1:]


def _by(lead: Found) -> str:
    evidence = lead["match_evidence"]
    count = _number(len(evidence["candidates"]))
    told = {
        "M1": "a visitor's signed id came with it",
        "M2": "that number was shown to one visitor then",
        "M3": f"that number was shown to {count} visitors then, and one clicked on it right before",
        "M4": f"that number was shown to {count} visitors then, and one is known by the caller's own",
        "M5": evidence["why"].partition(",")[0],
        "M6": "one visitor alone had arrived with the click id that came with it",
        "M7": f"that number stands for {came_from(lead)}, and says nothing of who called",
        "M8": "one visitor alone was on that page at the time",
    }
    return told.get(lead["match_rule"]) or str(evidence["why"])


def _visit(lead: Found) -> str:
    """Tell of the visit that the lead belongs to, from its start."""
    own, whose = lead["session"], _WHOSE.get(lead["match_rule"], ", who")
    if own is None:
        return f"{whose} was not seen before it"
    before = span_words(_ms(lead["at"]) - _ms(own["started_at"]))
    told = f"{whose} came from {came_from(own)} {before} before"
    pages = lead["pages"]
    if not pages:
        return told
    last = pages[-1] if len(pages) == 1 else f"last {pages[-1]}"
    return f"{told} and looked at {_number(len(pages))} page{'' if len(pages) == 1 else 's'}, {last}"


def _beyond(lead: Found) -> str:
    """Say what is known without a visitor: the source."""
    if str(lead["rule"]).startswith("provider:"):
        return f"; {lead['provider']} says that it came from {came_from(lead)}"
    return ""


def _decided(lead: Found, evidence: Found) -> Iterator[str]:
    """Name the rule, and tell of each candidate what was decided and why."""
    if lead["match_rule"] in RULES:
        yield f"  Matched by {RULES[lead['match_rule']]}; confidence {lead['match_confidence']:g}"
    elif lead["match_rule"] == "ambiguous":
        count = len(evidence["candidates"])
        yield f"  Ambiguous between {_many(count, 'visitor', 'visitors')}, and matched to none; confidence 0"
    else:
        yield "  Matched to no visitor"
    for each in (*evidence["candidates"], *evidence["ruled_out"]):
        seen = f"last seen before it {each['last_hit_at']}" if each["last_hit_at"] else "not seen before it"
        yield f"    {each['verdict'].replace('_', ' ')}: visitor {each['visitor_id']} {each['why']}; {seen}"
    for note in evidence["notes"]:
        yield f"    also: {note}"


def _journey(lead: Found) -> Iterator[str]:
    journey = lead["journey"]
    if not journey or not journey["touch_count"]:
        yield "  Its journey has no touchpoint that is known"
        return
    touches, days = _many(journey["touch_count"], "touch", "touches"), _many(journey["days"], "day", "days")
    yield f"  Its journey: {touches} over {days}"
    for touch in lead["touches"]:
        where = f" on {touch['landing_page']}" if touch["landing_page"] and touch["kind"] == "session" else ""
        yield f"    {touch['at']}  {touch['kind']} from {came_from(touch)}{where}"


def _local(at: str, timezone: str) -> str:
    """Say an instant as people of a time zone do, such as `3 March 2026 at 10:04`."""
    local = datetime.fromisoformat(at).astimezone(ZoneInfo(timezone))
    return f"{local.day} {_MONTHS[local.month - 1]} {local.year} at {local:%H:%M}"


def _ms(at: str) -> int:
    return round(datetime.fromisoformat(at).timestamp() * 1_000)


def _number(count: int) -> str:
    return _COUNTS[count] if count < len(_COUNTS) else str(count)


def _many(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"
