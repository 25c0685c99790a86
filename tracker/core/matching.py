"""Which visitor a lead belongs to, by which rule, and what was ruled out.

Rules are tried in order and the first that applies wins; several candidates are listed, never guessed
from. M1: the signed cookie or token came with the lead. M2 to M4: the called number was shown to visitors
at the time, and one of them it was. M5: an address, an id or a line that came with it belongs to a person
whose browsers are known. M6: one visitor arrived with the click id that the provider sent. M7: the called
number stands for one source, so the source is known and the visitor is not. M8: one visitor was on the
page from which somebody began to chat.

What visitors did counts until 72 hours after the lead; what says who somebody is counts whenever it comes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from tracker.core.candidates import GRACE_MS, Asked, Candidate, Leased, Line, Match, MatchRule, Ruling
from tracker.core.matchwords import KINDS, span_words
from tracker.core.times import MINUTE_MS

LEASE_BEST, LEASE_LEAST = 0.95, 0.6


def match_lead(asked: Asked) -> Match:
    """Decide which visitor a lead belongs to."""
    found = next(match for step in _STEPS if (match := step(asked)) is not None)
    if asked.is_withheld:
        return found
    known = {each.candidate.visitor_no for each in found.rulings}
    beside = tuple(each for each in _beside(asked) if each.candidate.visitor_no not in known)
    return replace(found, beside=beside, notes=_notes(asked, found))


def match_leases(leased: Sequence[Leased], *, at_ms: int) -> Match:
    """Decide whose call it was, of those to whom the number was shown at the time."""
    if len(leased) == 1:
        (only,) = leased
        why = "the called number was shown to this visitor alone at the time of the call"
        return _one("M2", _lease_confidence(at_ms - only.seen_ms), only.candidate, why, [
            (only.candidate, f"had the number on the page {_until(only, at_ms)}")
        ])  # fmt: skip
    clicked = [each for each in leased if each.has_clicked]
    if len(clicked) == 1:
        why = f"of {len(leased)} visitors who saw the number, this one clicked on it right before the call"
        reasons = [(each.candidate, _NO_CLICK if each not in clicked else _CLICK) for each in leased]
        return _one("M3", 0.9, clicked[0].candidate, why, reasons)
    known = [each for each in leased if each.has_line]
    if len(known) == 1:
        why = f"of {len(leased)} visitors who saw the number, the caller's own number is this one's"
        reasons = [(each.candidate, _NO_LINE if each not in known else _LINE) for each in leased]
        return _one("M4", 0.9, known[0].candidate, why, reasons)
    why = f"{len(leased)} visitors saw the called number at the time, and nothing tells them apart"
    return _open(why, [(each.candidate, _saw(each, at_ms)) for each in leased])


_NO_CLICK = "saw the number too, and did not click on it right before the call"
_CLICK = "clicked on the number right before the call"
_NO_LINE = "saw the number too, and the caller's number is not known to be theirs"
_LINE = "is known by the caller's number"

_Reasons = Iterable[tuple[Candidate, str]]


def _one(rule: MatchRule, confidence: float, chosen: Candidate, why: str, reasons: _Reasons) -> Match:
    """Choose one of several candidates."""
    rulings = (Ruling(each, "chosen" if each == chosen else "ruled_out", said) for each, said in reasons)
    return Match(rule, confidence, chosen, why, _in_order(rulings))


def _open(why: str, reasons: _Reasons) -> Match:
    """Leave it open between several candidates."""
    return Match(
        "ambiguous", 0.0, None, why, _in_order(Ruling(one, "possible", said) for one, said in reasons)
    )


def _until(leased: Leased, at_ms: int) -> str:
    since_ms = at_ms - leased.seen_ms
    return "at the time" if since_ms < MINUTE_MS else f"until {span_words(since_ms)} before the call"


def _saw(leased: Leased, at_ms: int) -> str:
    told = f"had the number on the page {_until(leased, at_ms)}"
    told += ", clicked on it" if leased.has_clicked else ""
    return told + (", is known by the caller's number" if leased.has_line else "")


def _lease_confidence(since_ms: int) -> float:
    """Fall from the best to the least across the time that a number is still good for after the visit."""
    share = min(max(since_ms, 0) / GRACE_MS, 1.0)
    return round(LEASE_BEST - (LEASE_BEST - LEASE_LEAST) * share, 4)


def _by_refusal(asked: Asked) -> Match | None:
    why = "the visitor had withdrawn consent before the lead"
    return Match("unmatched", 0.0, None, why) if asked.is_withheld else None


def _by_cookie(asked: Asked) -> Match | None:
    if asked.proved is None:
        return None
    why = "the visitor's signed id came with the lead"
    return _one("M1", 1.0, asked.proved, why, [(asked.proved, "sent its signed id with the lead")])


def _by_lease(asked: Asked) -> Match | None:
    return match_leases(asked.leased, at_ms=asked.at_ms) if asked.leased else None


def _by_given(asked: Asked) -> Match | None:
    latest = _latest(asked.given.visitors) if asked.given is not None else None
    if asked.given is None or latest is None:
        return None
    return _of_person(KINDS[asked.given.kind], 0.9, latest, asked.given.visitors)


def _by_line(asked: Asked) -> Match | None:
    """Match by the number or chat: fresh, of one person, whom nothing else that was given gainsays."""
    sure = _sure_lines(asked)
    if asked.given is not None or len({frozenset(each.visitors) for each in sure}) != 1:
        return None
    latest = _latest(sure[0].visitors)
    assert latest is not None
    return _of_person(KINDS[sure[0].kind], 0.8, latest, sure[0].visitors)


def _sure_lines(asked: Asked) -> list[Line]:
    """Pick the lines that say who it was: not shared or contested, fresh, their person seen before."""
    alone = (each for each in _lines(asked) if each.apart is None and _is_fresh(each, asked))
    return [each for each in alone if _latest(each.visitors) is not None]


def _lines(asked: Asked) -> list[Line]:
    """List the lines, a number before a chat."""
    return sorted(asked.lines, key=lambda each: each.kind != "phone")


def _of_person(known_by: str, confidence: float, latest: Candidate, visitors: Iterable[Candidate]) -> Match:
    why = f"the {known_by} belongs to one person, of whose browsers this was seen last before the lead"
    reasons = [
        (each, "was seen last before the lead" if each == latest else _late(each)) for each in visitors
    ]
    return _one("M5", confidence, latest, why, reasons)


def _late(candidate: Candidate) -> str:
    told = "was not seen before the lead" if candidate.last_ms is None else "was seen earlier"
    return f"is the person's too, and {told}"


def _by_click(asked: Asked) -> Match | None:
    if len(asked.clicked) != 1:
        return None
    names = ", ".join(asked.click_names)
    why = f"this visitor alone arrived with the click id that came with the lead ({names})"
    return _one("M6", 0.85, asked.clicked[0], why, [(asked.clicked[0], "arrived with the click id")])


def _by_static(asked: Asked) -> Match | None:
    if asked.static_number is None:
        return None
    why = f"the number {asked.static_number} stands for one source; who called is not known"
    return Match("M7", 0.0, None, why, _in_order(_losers(asked)))


def _by_page(asked: Asked) -> Match | None:
    if len(asked.on_page) != 1 or len(asked.clicked) > 1 or _contested(asked):
        return None
    why = "this visitor alone was on the page of the chat at the time"
    return _one("M8", 0.5, asked.on_page[0], why, [(asked.on_page[0], "was on the page at the time")])


def _left_open(asked: Asked) -> Match | None:
    contested = _contested(asked)
    if contested:
        words = " and the ".join(dict.fromkeys(KINDS[each.kind] for each in contested))
        why = f"the {words} may be one of several people's, and nothing tells them apart"
        if len(contested) == 1:
            why = f"the {words} was given by several people of late, and nothing tells them apart"
        found = {each for line in contested for each in line.visitors}
        return _open(why, [(each, "is a browser of one who gave it") for each in found])
    if len(asked.clicked) > 1:
        why = f"{len(asked.clicked)} visitors arrived with the lead's click id, and nothing tells them apart"
        return _open(why, [(each, "arrived with the click id") for each in asked.clicked])
    if len(asked.on_page) > 1:
        why = f"{len(asked.on_page)} visitors were on the page of the chat at the time"
        return _open(why, [(each, "was on the page at the time") for each in asked.on_page])
    return None


def _contested(asked: Asked) -> list[Line]:
    """Pick the lines that several people hold, or that are different people's; none where one is sure."""
    sure = _sure_lines(asked)
    if asked.given is not None:
        return []
    if sure:
        return sure if len({frozenset(each.visitors) for each in sure}) > 1 else []
    return [each for each in _lines(asked) if each.apart == "contested_line"]


def _by_nothing(asked: Asked) -> Match:
    return Match("unmatched", 0.0, None, _why_unmatched(asked), _in_order(_losers(asked)))


_STEPS = (
    _by_refusal, _by_cookie, _by_lease, _by_given, _by_line, _by_click, _by_static, _by_page, _left_open,
    _by_nothing,
)  # fmt: skip


def _losers(asked: Asked) -> set[Ruling]:
    """Rule on the visitors of whoever is known, where that does not say who it was."""
    found = set()
    for each in asked.given.visitors if asked.given else ():
        found.add(Ruling(each, "ruled_out", "is the person's, and was not seen before the lead"))
    for line in () if asked.given else asked.lines:
        for each in line.visitors:
            told = (
                "and was not seen before the lead" if each.last_ms is None else "of old, or not theirs alone"
            )
            found.add(Ruling(each, "ruled_out", f"is known by the {KINDS[line.kind]}, {told}"))
    return found


def _beside(asked: Asked) -> tuple[Ruling, ...]:
    """Rule on the visitors whom a stronger rule went before, and on those who came near."""
    found = set()
    for missed in asked.missed:
        if missed.seen_ms < asked.at_ms:
            told = f"until {span_words(asked.at_ms - missed.seen_ms)} before the call, too long before"
        else:
            told = f"only from {span_words(missed.from_ms - asked.at_ms)} after the call began"
        found.add(Ruling(missed.candidate, "ruled_out", f"had the number on the page {told}"))
    shared = " as others did" if len(asked.clicked) > 1 else ", and a stronger rule says who it was"
    for each in asked.clicked:
        found.add(Ruling(each, "ruled_out", f"arrived with the click id{shared}"))
    return _in_order(found)


def _notes(asked: Asked, found: Match) -> tuple[str, ...]:
    """Say what else came with the lead and decided nothing."""
    told = list(asked.aside)
    if asked.missed and not asked.leased:
        told.append("the called number was shown to nobody at the time of the call")
    for line in _lines(asked):
        if line.apart not in (None, "contested_line"):
            is_own = line.apart == "own_number"
            why = "one of our own" if is_own else "used by too many people to say who it was"
            told.append(f"the {KINDS[line.kind]} is {why}")
        elif found.rule != "M5" and line.visitors and not line.apart and not _is_fresh(line, asked):
            told.append(f"the {KINDS[line.kind]} was not seen with its person for too long to be sure")
    names = ", ".join(asked.click_names)
    if names and not asked.clicked:
        told.append(f"no visitor arrived with the lead's click id ({names})")
    if len(asked.clicked) > 1 and found.rule != "ambiguous":
        told.append(f"{len(asked.clicked)} visitors arrived with the lead's click id ({names})")
    return tuple(told)


def _is_fresh(line: Line, asked: Asked) -> bool:
    return line.seen_ms is not None and asked.at_ms - line.seen_ms <= asked.fresh_ms


def _latest(candidates: Sequence[Candidate]) -> Candidate | None:
    seen = [each for each in candidates if each.last_ms is not None]
    return max(seen, key=lambda each: (each.last_ms, each.visitor_id), default=None)


def _in_order(rulings: Iterable[Ruling]) -> tuple[Ruling, ...]:
    """Sort rulings by their visitors, one for each part of a visitor's time."""
    one = {(each.candidate, each.verdict): each for each in sorted(rulings, key=lambda each: each.why)}
    return tuple(
        sorted(one.values(), key=lambda each: (each.candidate.visitor_id, each.candidate.from_ms or 0))
    )


def _why_unmatched(asked: Asked) -> str:
    if asked.given is not None:
        known_by = KINDS[asked.given.kind]
        if asked.given.visitors:
            return f"the {known_by} is known, but no browser of this person was seen before the lead"
        return f"no browser is known for this {known_by}"
    if not asked.lines:
        return "neither a signed visitor id, nor an address, id or number that names a person, came with it"
    line = next((each for each in _lines(asked) if each.apart is None), _lines(asked)[0])
    known_by = KINDS[line.kind]
    if line.apart is not None:
        return f"the {known_by} is used by too many people, or is our own, and says nothing of who it was"
    if line.visitors and not _is_fresh(line, asked):
        return f"the {known_by} is this person's of old; it was not seen with them for too long to be sure"
    return f"no browser is known for this {known_by}"
