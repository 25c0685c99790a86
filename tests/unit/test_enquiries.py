"""Which of a person's leads repeat one another, and when sales answered: rules, and a brute-force twin."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.core.enquiries import TOGETHER_MS, Asked, Done, repeats, responses
from tracker.core.times import DAY_MS, MINUTE_MS

MONTH_MS = 30 * DAY_MS


def asked(text: str) -> list[Asked]:
    """Read leads off a line such as `a form 0d, b call 2m`: id, kind, age; `junk` and `blog` may follow."""
    leads = []
    for each in text.split(", "):
        name, kind, age, *more = each.split()
        unit = {"d": DAY_MS, "m": MINUTE_MS, "s": 1_000}[age[-1]]
        leads.append(Asked(int(age[:-1]) * unit, name, kind, int("blog" in more), is_junk="junk" in more))
    return leads


CASES = {
    "a lead alone repeats nothing": ("a form 0d", {}),
    "the same kind again is a repeat": ("a form 0d, b form 3d", {"b": "a"}),
    "another kind is another enquiry": ("a form 0d, b call 3d", {}),
    "the window's last instant counts": ("a form 0d, b form 30d", {"b": "a"}),
    "after the window it is a new lead": ("a form 0s, b form 2592001s", {}),
    "the window does not slide": ("a form 0d, b form 20d, c form 40d", {"b": "a"}),
    "each new lead begins a window": ("a form 0d, b form 40d, c form 60d", {"c": "b"}),
    "a call right after a form is one enquiry": ("a form 0m, b call 10m", {"b": "a"}),
    "a call some minutes later is another": ("a form 0m, b call 11m", {}),
    "a call at the tenth minute adds its kind": ("a form 0m, b call 10m, c call 5d", {"b": "a", "c": "a"}),
    "ten minutes do not slide either": ("a form 0m, b call 9m, c chat 18m", {"b": "a"}),
    "one enquiry has all its kinds": ("a form 0m, b call 5m, c call 3d", {"b": "a", "c": "a"}),
    "all repeats name the first that counts": ("a form 0d, b form 1d, c form 2d", {"b": "a", "c": "a"}),
    "the earliest enquiry that fits is named": (
        "a form 0d, b call 1440m, c form 1445m", {"c": "a"}
    ),
    "junk begins nothing": ("a form 0d junk, b form 1d", {}),
    "junk repeats nothing": ("a form 0d, b form 1d junk, c form 2d", {"c": "a"}),
    "another site is another enquiry": ("a form 0d, b form 1d blog, c form 1d", {"c": "a"}),
    "of two at one time the lesser id is first": ("b form 0d, a form 0d", {"b": "a"}),
}  # fmt: skip


@pytest.mark.parametrize(("leads", "expected"), CASES.values(), ids=CASES)
def test_repeats(leads: str, expected: dict[str, str]) -> None:
    """Within a month the same kind of enquiry is a repeat, and any kind within ten minutes."""
    assert repeats(asked(leads), window_ms=MONTH_MS) == expected


MOMENTS = (0, 5 * MINUTE_MS, TOGETHER_MS, TOGETHER_MS + 1, DAY_MS, MONTH_MS, MONTH_MS + 1)
leads = st.lists(
    st.builds(
        Asked, st.builds(int.__add__, st.sampled_from(MOMENTS), st.sampled_from(MOMENTS)),
        st.sampled_from("abcdefgh"), st.sampled_from(("form", "call")), st.integers(0, 1), st.booleans(),
    ),
    max_size=8, unique_by=lambda lead: lead.lead_id,
)  # fmt: skip


def twin(told: Sequence[Asked]) -> dict[str, str]:
    """Decide by the definition alone: lead after lead, all earlier ones looked at anew."""
    found: dict[str, str] = {}
    for lead in sorted(told):
        earlier = [each for each in sorted(told) if each < lead and each.site_no == lead.site_no]
        for first in earlier:
            if lead.is_junk or first.is_junk or first.lead_id in found:
                continue
            own = [each for each in earlier if each == first or found.get(each.lead_id) == first.lead_id]
            kinds = {each.kind for each in own if each.at_ms - first.at_ms <= TOGETHER_MS}
            age_ms = lead.at_ms - first.at_ms
            if age_ms <= TOGETHER_MS or (age_ms <= MONTH_MS and lead.kind in kinds):
                found[lead.lead_id] = first.lead_id
                break
    return found


@given(leads)
def test_repeats_are_what_their_definition_says(told: list[Asked]) -> None:
    """The walk gives what looking at all pairs gives."""
    assert repeats(told, window_ms=MONTH_MS) == twin(told)


@given(leads, st.randoms())
def test_repeats_do_not_depend_on_order(told: list[Asked], random: st.DataObject) -> None:
    """Whatever comes first, the same leads count."""
    shuffled = list(told)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert repeats(shuffled, window_ms=MONTH_MS) == repeats(told, window_ms=MONTH_MS)


@given(leads)
def test_what_is_repeated_counts(told: list[Asked]) -> None:
    """A repeat names a lead that is neither junk nor a repeat, is not later, and is of the same site."""
    by_id = {each.lead_id: each for each in told}
    found = repeats(told, window_ms=MONTH_MS)
    for lead_id, first_id in found.items():
        lead, first = by_id[lead_id], by_id[first_id]
        assert first_id not in found
        assert not first.is_junk and not lead.is_junk
        assert first < lead and first.site_no == lead.site_no


ANSWERS = {
    "nobody did anything": ([], None),
    "sales called": ([Done(5, "x", "call_made", "Sue")], (5, "Sue")),
    "the first of several counts": (
        [Done(9, "x", "demo", "Sue"), Done(7, "y", "meeting", "Tim")],
        (7, "Tim"),
    ),
    "what came before is no answer": ([Done(-1, "x", "call_made", "Sue")], None),
    "the same instant is": ([Done(2, "x", "email_sent", None)], (2, None)),
    "the same second is": ([Done(0, "x", "email_sent", None)], (2, None)),
    "what the person does with a mail is none": ([Done(5, "x", "email_replied", "Sue")], None),
    "nor an event": ([Done(5, "x", "webinar", "Sue"), Done(6, "y", "other", None)], None),
}


@pytest.mark.parametrize(("done", "expected"), ANSWERS.values(), ids=ANSWERS)
def test_a_lead_is_answered_when(done: list[Done], expected: tuple[int, str | None] | None) -> None:
    """The first mail, call, meeting or demo of sales from the lead on."""
    found = responses([Asked(2, "a", "form", 1)], done)
    assert found.get("a") == expected


def test_a_call_that_was_answered_is_its_own_response() -> None:
    """Nobody waits who was talked to."""
    found = responses([Asked(2, "a", "call", 1, was_answered=True)], [Done(5, "x", "call_made", "Sue")])
    assert found["a"] == (2, None)
