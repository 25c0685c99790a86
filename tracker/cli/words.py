"""Explanations in words: what `touchline explain` prints for a person to believe."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tracker.cli.leadwords import came_from, lead_words
from tracker.cli.personwords import person_words
from tracker.cli.qualitywords import quality_words

Found = dict[str, Any]

BELONGS = {
    "crm": "their contact in the CRM is with {through}",
    "deal": "a deal with {through} lists them",
    "email_domain": "by an e-mail address at {through}",
}
MATCH = ("visitor_id", "session_id", "match_rule")
KINDS = {"page": "a page view", "event": "an event", "engagement": "an engagement ping"}
OPENED = {
    "first": "it is the visitor's first visit",
    "gap": "the visitor had been away for longer than the limit",
    "max_length": "the visit before had reached its greatest length",
    "new_source": "the visitor came back from another source",
}


def told(noun: str, found: Found) -> str:
    """Tell what was found of a lead, person, session, hit or account, in lines of text."""
    tellers = {
        "lead": _lead, "person": person_words, "session": _session, "hit": _hit, "account": _account,
    }  # fmt: skip
    return "\n".join(tellers[noun](found))


def _lead(lead: Found) -> Iterator[str]:
    yield from lead_words(lead)
    yield from quality_words(lead)
    yield from _history(lead)


def _history(lead: Found) -> Iterator[str]:
    count = len(lead["versions"])
    if count > 1:
        yield f"  Told {count} times; each field has the newest value that was given"
    for change in lead["changes"]:
        before, after = change["before"], change["after"]
        if before is not None and any(before.get(name) != (after or {}).get(name) for name in MATCH):
            yield f"  Moved {change['recorded_at']} because of {change['because']}"


def _session(session: Found) -> Iterator[str]:
    yield f"Session {session['session_id']} of visitor {session['visitor_id']} on {session['site']}"
    counts = f"{_many(session['pages'], 'page', 'pages')}, {_many(session['hits'], 'hit', 'hits')}"
    yield f"  {session['started_at']} to {session['ended_at']}: {counts}"
    yield f"  Opened because {OPENED[session['opened_by']]}"
    yield f"  It came from {came_from(session)}"
    yield f"    by rule {session['rule']} of rule set {session['rules_version']}"
    if session["referrer_host"]:
        yield f"  Referrer {session['referrer_host']}"
    if session["click_id_name"]:
        yield f"  Click id {session['click_id_name']}={session['click_id']}"
    if session["is_repeat_click"]:
        yield "  It came with a click id that had been used before: a bookmark or a shared link, no new click"
    for hit in session["hit_list"]:
        tags = " ".join(f"{name}={value}" for name, value in hit["tags"] or [])
        yield f"    {hit['at']}  {hit['name'] or hit['type']}  {hit['url']}{'  ' + tags if tags else ''}"
    for lead in session["leads"]:
        yield f"  It led to the {lead['kind']} lead {lead['lead_id']} at {lead['at']}"


def _hit(hit: Found) -> Iterator[str]:
    if "rejected" in hit:
        why = hit["rejected"]
        yield f"Hit {hit['event_id']} was rejected: {why['code']}, {why['message']}"
        return
    named = f"{KINDS[hit['type']]}{' ' + hit['name'] if hit['name'] else ''}"
    yield f"Hit {hit['event_id']}: {named} on {hit['site']}"
    yield f"  {hit['at']} (received {hit['received_at']}) on {hit['url']}"
    if hit["referrer"]:
        yield f"  Referrer {hit['referrer']}"
    yield f"  Visitor {hit['visitor_id']}, person {hit['person_id']}"
    if hit["is_dropped"]:
        yield f"  Dropped: {hit['dropped_because']}; it opens no session and matches no lead"
        if "burst_visitors" in hit:
            visitors = _many(hit["burst_visitors"], "visitor", "visitors")
            yield f"  One of {visitors} of one network and browser who left one hit each in the same hour;"
            yield "    it counts as soon as its visitor comes back, engages or leaves contact details"
    elif hit["session"]:
        own = hit["session"]
        yield f"  In session {own['session_id']}, which came from {came_from(own)}, rule {own['rule']}"
    else:
        yield "  In no session: an engagement ping that came after the visit had ended"


def _account(account: Found) -> Iterator[str]:
    yield f"Account {account['account_id']}: {account['name'] or 'a company without a name'}"
    known = [f"the domain {each}" for each in account["domains"]]
    known += [f"the CRM's account {each}" for each in account["crm_ids"]]
    yield f"  Known by {', '.join(known)}"
    for joint in account["joints"]:
        said = f"{joint['crm_id']} has the domain {joint['domain']}"
        yield f"    {joint['fact'].partition(':')[0]} of {joint['at']} says that {said}"
        if joint["verdict"] == "refused":
            yield "      refused: another account of that CRM had it first, and two are never one"
    yield f"  Seen from {account['first_seen_at']} to {account['last_seen_at']}"
    yield f"  {_many(account['persons'], 'person belongs', 'persons belong')} to it"
    own = {each["person_id"] for each in account["memberships"] if each["is_shown"]}
    for each in account["memberships"]:
        shown = "" if each["person_id"] in own else ", but is shown with another account"
        because = BELONGS[each["reason"]].format(**each)
        yield f"    {each['person_id']} since {each['from_at']}: {because}{shown}"
    if not account["journeys"]:
        yield "  None of them has become a lead"
    for each in account["journeys"]:
        touches = _many(each["touch_count"], "touch", "touches")
        which = f"{each['conversion_kind']} {each['conversion_id']}"
        yield f"  {each['at']}  {which} after {touches} of all its persons"


def _many(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"
