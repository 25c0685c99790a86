"""Words for what a lead is worth: its status and history, why it is junk, what it repeats, who answered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tracker.core.qualification import RULE

Found = dict[str, Any]

STATUS_WORDS = {
    "new": "new", "qualified": "qualified (MQL)", "sales_qualified": "sales-qualified (SQL)",
    "disqualified": "disqualified", "customer": "a customer",
}  # fmt: skip
SPANS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


def quality_words(lead: Found) -> Iterator[str]:
    """Tell what a lead is worth, in lines of text."""
    yield f"  It is {_status(lead)}, because {_why(lead['status_by'], lead['status_reason'])}"
    for step in lead["statuses"][:-1]:
        why = _why(step["said_by"], step["reason"])
        yield f"    before, from {step['at']}: {_status(step)}, because {why}"
    if lead["repeats"]:
        first = lead["repeats"]
        yield f"  It repeats the {first['kind']} lead {first['lead_id']} of {first['at']}: the same person,"
        yield "    too soon after it to be another enquiry; it stays a touch and is no new lead in counts"
    elif lead["is_junk"]:
        yield "  As junk it counts as no lead, and no other lead repeats it"
    for each in lead["repeated_by"]:
        yield f"  The {each['kind']} lead {each['lead_id']} of {each['at']} repeats it"
    yield f"  {_answer(lead)}"


def _status(step: Found) -> str:
    return "junk" if step["is_junk"] else STATUS_WORDS[step["status"]]


def _why(said_by: str, reason: str | None) -> str:
    if said_by == RULE:
        return reason or "no rule says otherwise"
    return f"{said_by} said so{f': {reason}' if reason else ''}"


def _answer(lead: Found) -> str:
    if lead["response_s"] is None:
        return "No answer of sales to it is known"
    if lead["kind"] == "call" and lead["answered"] and not lead["response_s"]:
        return "It was answered as it came in"
    by = f" by {lead['response_owner']}" if lead["response_owner"] else ""
    return f"Sales first answered{by} after {_span(lead['response_s'])}, at {lead['first_response_at']}"


def _span(seconds: int) -> str:
    """Say a length of time in its two greatest units: `2 days 3 hours`."""
    parts = []
    for size, name in SPANS:
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {name}{'' if count == 1 else 's'}")
    return " ".join(parts[:2]) or "0 seconds"
