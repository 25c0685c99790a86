"""Enriching: what a hit's own words become before the store."""

from __future__ import annotations

import pytest

from tracker.errors import BadRequest
from tracker.wire import FLAG_WEBDRIVER, HitOnLog, HitsEntry
from worker.arrivals import Proofs
from worker.draft import Draft
from worker.enrich import enrich

AT_MS = 1_772_355_600_000
PROOFS = Proofs(b"k" * 32)


def enriched(*, browser: str | None = None, **fields: object) -> Draft:
    """Enrich one hit of the visitor v1 on the site shop."""
    hit = HitOnLog(**{"event_id": "e", "at_ms": AT_MS, "url": "https://shop.test/", **fields})
    return enrich(hit, HitsEntry("shop", AT_MS, "v1", [hit], browser=browser), site_no=1, proofs=PROOFS)


@pytest.mark.parametrize(
    ("extra", "page"),
    [
        pytest.param(None, "https://shop.test/app", id="a fragment is no part of the page"),
        pytest.param(
            {"hash_routes": True}, "https://shop.test/app#/cart", id="but a route where the page says so"
        ),
    ],
)
def test_routes_behind_a_hash(extra: dict[str, object] | None, page: str) -> None:
    """Whether `#/cart` is a page of its own is the page's to say; its word leaves no trace."""
    draft = enriched(url="https://shop.test/app#/cart", extra=extra)
    assert (draft.page.canonical, draft.extra) == (page, {})


def test_a_page_that_cannot_be_read_refuses_the_hit() -> None:
    """No http address, no hit; the code says why."""
    with pytest.raises(BadRequest) as refused:
        enriched(url="mailto:ann@example.com")
    assert refused.value.code == "bad_url"


FORM = {
    "form_id": "f1", "email": "Ann@Example.com", "name": "Ann Lee", "phone": 7, "fields": {"size": "9"},
    "colour": "red, said ann@example.com",
}  # fmt: skip


def test_a_submitted_form_becomes_a_lead_and_leaves_no_contact_on_the_hit() -> None:
    """The contact goes to the lead as it was typed; the hit keeps the form's name and clean props."""
    draft = enriched(type="event", name="form_submit", props=dict(FORM))
    (lead,) = draft.facts
    wanted = {"kind": "form", "provider": "tracker", "provider_id": "e", "visitor_id": "v1"}
    assert {name: lead[name] for name in wanted} == wanted
    assert (lead["email"], lead["name"]) == ("Ann@Example.com", "Ann Lee")
    assert lead["fields"] == {"size": "9", "form_id": "f1"}
    assert draft.extra == {"props": {"form_id": "f1", "colour": "red, said [redacted]"}}


def test_a_robots_form_is_no_lead() -> None:
    """A driven browser fills forms for nobody, and what it typed is not kept either."""
    draft = enriched(type="event", name="form_submit", props=dict(FORM), flags=FLAG_WEBDRIVER)
    assert draft.facts == []
    assert "email" not in draft.extra["props"]


@pytest.mark.parametrize(
    ("props", "kept"),
    [
        pytest.param({"engaged_s": 4.2, "scroll_pct": 80}, (4_200, 80), id="seconds and a share"),
        pytest.param(
            {"engaged_s": -1, "scroll_pct": 101}, (None, None), id="nothing below zero or above all"
        ),
        pytest.param({"engaged_s": "4", "scroll_pct": True}, (None, None), id="nothing that is no number"),
    ],
)
def test_engagement_is_read_off_its_props(props: dict[str, object], kept: tuple[int | None, ...]) -> None:
    """A ping's seconds and scroll depth get columns; nonsense gets none."""
    draft = enriched(type="engagement", props=props)
    assert (draft.engaged_ms, draft.scroll_pct) == kept
