"""Twins by brute force: slow, obvious, written from the rules' text and not from the code.

They look at everything again for every hit, so that no state carried along can be wrong in the same
way twice.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass

from tracker.core.evidence import Evidence
from tracker.core.groups import Identifier
from tracker.core.ids import event_id_of
from tracker.core.sessions import ClickKey, SessionHit
from tracker.model import ClickId, Source


@dataclass(frozen=True)
class Visit:
    """A session as the twin sees it: hits by number, pings among them."""

    opened_by: str
    source: Source
    is_repeat_click: bool
    hits: tuple[int, ...]


def visits(
    hits: Sequence[SessionHit], *, gap_ms: int, max_ms: int, foreign: Set[ClickKey] = frozenset()
) -> list[Visit]:
    """Cut one visitor's hits on one site, rule by rule of the text."""
    ordered = sorted(hits, key=_place)
    cut: list[tuple[str, list[SessionHit]]] = []
    for i, hit in enumerate(ordered):
        before = [each for each in ordered[:i] if each.type != "engagement"]
        members = cut[-1][1] if cut else []
        reason = _too_far(hit, members, gap_ms, max_ms)
        if hit.type == "engagement":
            if reason == "":
                members.append(hit)
            continue
        if reason == "" and _is_new_source(hit, before, members, foreign):
            reason = "new_source"
        if reason:
            cut.append((reason, []))
        cut[-1][1].append(hit)
    return [_visit(reason, members, ordered, foreign) for reason, members in cut]


def _place(hit: SessionHit) -> tuple[int, int, int, str]:
    """Sort by (time, seq, event id); a hit without seq comes first."""
    return hit.at_ms, hit.seq is not None, hit.seq or 0, event_id_of(hit.event_key)


def _too_far(hit: SessionHit, members: list[SessionHit], gap_ms: int, max_ms: int) -> str:
    """More than the gap since the last hit, or more than the greatest length since the first."""
    if not members:
        return "first"
    if hit.at_ms > members[-1].at_ms + gap_ms:
        return "gap"
    return "max_length" if hit.at_ms > members[0].at_ms + max_ms else ""


def _is_new_source(
    hit: SessionHit, before: list[SessionHit], members: list[SessionHit], foreign: Set[ClickKey]
) -> bool:
    """A new source opens a session, unless the session is still direct; direct never does."""
    theirs, _ = _told(hit, before, foreign)
    ours, _ = _source_of(members, before, foreign)
    return not _is_direct(theirs) and not _is_direct(ours) and not _says_the_same(theirs, ours, members)


def _told(hit: SessionHit, before: list[SessionHit], foreign: Set[ClickKey]) -> tuple[Source, bool]:
    """Say where a hit came from; a click id that was seen before proves no click, and is told apart."""
    own = {(each.name, each.value): each for each in hit.source.click_ids if each.per_click}
    if any((each.name, each.value) in own for earlier in before for each in earlier.source.click_ids):
        return _direct(hit, "repeat_click"), True
    if not own.keys() & foreign:
        return hit.source, False
    paid = [own[each] for each in own.keys() & foreign if own[each].kind == "paid"]
    came_by_the_network = hit.fallback.company in [each.network for each in paid]
    if _is_direct(hit.fallback) or came_by_the_network:
        return _direct(hit, "shared_click"), True
    return hit.fallback, True


def _source_of(
    members: list[SessionHit], before: list[SessionHit], foreign: Set[ClickKey]
) -> tuple[Source, bool]:
    """The first source that arrived in a session that had none; else what opened it."""
    opening: tuple[Source, bool] | None = None
    for i, member in enumerate(members):
        if member.type == "engagement":
            continue
        earlier = [each for each in before if _place(each) < _place(member)]
        told = _told(member, earlier, foreign)
        if opening is None:
            opening = told
        if not _is_direct(told[0]) and (i == 0 or not _says_the_same(told[0], opening[0], members[:i])):
            return told
    assert opening is not None
    return opening


def _says_the_same(theirs: Source, ours: Source, members: list[SessionHit]) -> bool:
    """The same referrer, company, click ids or campaign parameters again are no news."""
    if theirs.evidence == "referrer":
        is_of_one_company = theirs.company is not None and theirs.company == ours.company
        is_campaign = ours.evidence == "campaign" or any(each.kind == "paid" for each in ours.click_ids)
        are_unknown_sites = (theirs.medium, ours.medium) == ("referral", "referral")
        if is_of_one_company and (is_campaign or are_unknown_sites):
            return True
        return (theirs.source, theirs.medium) == (ours.source, ours.medium)
    seen = [each.source for each in members if each.type != "engagement"]
    clicks = [_click(each) for source in seen for each in source.click_ids]
    if any(_click(each) not in clicks for each in theirs.click_ids):
        return False
    return theirs.campaign_key in [(), *(source.campaign_key for source in seen)]


def _visit(
    reason: str, members: list[SessionHit], ordered: list[SessionHit], foreign: Set[ClickKey]
) -> Visit:
    before = [each for each in ordered if each.type != "engagement" and _place(each) < _place(members[-1])]
    source, is_repeat = _source_of(members, before, foreign)
    return Visit(reason, source, is_repeat, tuple(each.hit_no for each in members))


def _is_direct(source: Source) -> bool:
    return source.evidence == "none"


def _direct(hit: SessionHit, rule: str) -> Source:
    return Source("(direct)", "(none)", "Direct", rule, referrer_host=hit.fallback.referrer_host)


def _click(each: ClickId) -> ClickKey:
    return each.name, each.value


def components(identifiers: Sequence[Identifier], evidence: Sequence[Evidence]) -> set[frozenset[Identifier]]:
    """Group identifiers that evidence connects, by spreading from each until nothing is added."""
    groups = set()
    for start in identifiers:
        group = {start}
        while True:
            reached = {end for each in evidence for end in (each.a, each.b) if {each.a, each.b} & group}
            if reached <= group:
                break
            group |= reached
        groups.add(frozenset(group))
    return groups
