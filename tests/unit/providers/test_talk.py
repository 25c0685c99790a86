"""What chats share: real names, plain words, transcripts, our token wherever a site put it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.providers.deliveries import delivery, facts_of
from tracker.providers.reading import visitor_token
from tracker.providers.talk import Line, plain, real_name, transcript

MADE_UP = (
    "V1772359112233445", "visitor493603", "Visitor 88231977", "Visitor #12", "Guest", "Unnamed customer",
    "Rose Poodle from St. John's", "Teal Lantern from Leeds", "Crimson Kite", "hidden-shape-42",
    "USA (Springfield, IL) #6348", "maya@okaforstudio.net", "+44 113 496 0123", "anonymous", "null", "",
)  # fmt: skip
REAL = ("Maya Okafor", "Rose Miller", "Violet Green", "Anna-Lena Berg", "Olive from Oz", "王伟", "Guest Abe",
        "Client Eastwood", "José", "Brown James", "Lee", "X Æ A-12")  # fmt: skip


@pytest.mark.parametrize("name", MADE_UP)
def test_a_name_that_a_provider_made_up_is_none(name: str) -> None:
    """Strangers get numbers, colours and animals; an address or a number is no name either."""
    assert real_name(name) is None


@pytest.mark.parametrize("name", REAL)
def test_a_persons_name_is_kept(name: str) -> None:
    """Also where it looks a little like a made-up one."""
    assert real_name(name) == name


PLAIN = {
    "markup": ("<p>Is it in stock?</p><p>Thanks<br/>Tom</p>", "Is it in stock?\nThanks\nTom"),
    "entities": ("Fish &amp; chips &lt;3", "Fish & chips <3"),
    "a style": ("<style>p {color: red}</style><b>Hi</b>", "Hi"),
    "a script in a script": ("<style>a</style>b<script>c<style>d</style>e</script>f", "bf"),
    "a script without an end": ("How do I place <script src=x> there?", "How do I place there?"),
    "less than": ("a < b and b > c", "a < b and b > c"),
    "nothing": ("<p> </p>", None),
    "no text": ({"a": 1}, None),
}


@pytest.mark.parametrize(("given", "said"), PLAIN.values(), ids=PLAIN)
def test_a_message_is_read_as_plain_text(given: Any, said: str | None) -> None:
    """Tags go, paragraphs are lines, what only looks like a tag stays."""
    assert plain(given) == said


def test_a_transcript_leaves_out_who_said_nothing() -> None:
    """A line each."""
    assert (
        transcript([Line("visitor", "Hi"), Line("agent", None), Line("agent", "Yes?")])
        == "visitor: Hi\nagent: Yes?"
    )
    assert transcript([]) is None


TOKENS = {
    "a custom attribute": {"custom_attributes": {"tl_visitor": "t.1"}},
    "spelled in another way": [{"meta": {"TL-Visitor": "t.1"}}],
    "a field of a name and a value": {
        "fields": [{"id": 1, "value": "x"}, {"name": "tlVisitor", "value": "t.1"}]
    },
    "an answer": [{"question": "tl_visitor", "answer": "t.1"}],
    "a name with an object": {"responses": {"tl_visitor": {"label": "", "value": "t.1"}}},
    "values in a list": {"field_data": [{"name": "tl_visitor", "values": ["t.1"]}]},
    "a tag": {"tags": ["vip", "tl_visitor:t.1"]},
}


@pytest.mark.parametrize("told", TOKENS.values(), ids=TOKENS)
def test_our_token_is_found_wherever_the_site_put_it(told: Any) -> None:
    """Providers have attributes, session data, custom fields, tags."""
    assert visitor_token(told) == "t.1"


@pytest.mark.parametrize(
    "told", [{}, None, "t.1", {"visitor": "t.1"}, {"tl_visitor": ""}, {"tl_visitor": {}}]
)
def test_what_does_not_bear_our_name_is_no_token(told: Any) -> None:
    """Nothing is guessed."""
    assert visitor_token(told) is None


NAMELESS: dict[str, tuple[str, Any]] = {
    "a form of Google": (
        "googleads",
        {"user_column_data": [{"column_id": "EMAIL", "string_value": "a@b.example"}]},
    ),
    "a lead of Meta by a relay": ("meta", {"full_name": "Jo Brightwell", "email": "a@b.example"}),
    "a trigger of Zendesk": ("zendesk", {"requester_email": "a@b.example", "subject": "Chair"}),
    "a ticket of Freshdesk": ("freshdesk", {"freshdesk_webhook": {"ticket_requester_email": "a@b.example"}}),
    "a ticket of tawk.to": ("tawkto", {"event": "ticket:create", "requester": {"email": "a@b.example"}}),
}


@pytest.mark.parametrize(("provider", "told"), NAMELESS.values(), ids=NAMELESS)
def test_a_lead_without_an_id_is_not_lost(provider: str, told: Any) -> None:
    """It is named by its delivery: the same body again is the same lead."""
    one, two = (facts_of(provider, delivery(told))[0] for _ in range(2))
    assert one["email"] == "a@b.example"
    (other,) = facts_of(provider, delivery({**told, "created": "later"}))
    assert one["provider_id"] == two["provider_id"] != other["provider_id"]
