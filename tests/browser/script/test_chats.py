"""The script in a real Chromium: the visitor's token handed over to other companies' chats.

Their own scripts cannot be had here. The pages below have that part of each one's documented JavaScript
interface which the script uses: what takes an attribute, and what tells of an opening.
"""

from __future__ import annotations

from typing import NamedTuple

import pytest
from playwright.sync_api import Page

from tests.browser.script.pages import settle
from tests.browser.script.recorder import Recorder

pytestmark = pytest.mark.browser


class Chat(NamedTuple):
    """A chat's interface, which keeps what it is given in `handed`; calling `open` opens it."""

    vendor: str
    api: str
    field: str = "tl_visitor"
    tag: str = ""


CHATS = [
    Chat(
        "intercom",
        """window.Intercom = (command, given) => {
          if (command === "update") Object.assign(handed, given);
          if (command === "onShow") open = given;
        }""",
    ),
    Chat(
        "crisp",
        """window.$crisp = { push([command, name, given]) {
          if (command === "set" && name === "session:data")
            given[0].forEach(([key, value]) => handed[key] = value);
          if (command === "on" && name === "chat:opened") open = given;
        } }""",
    ),
    Chat(
        "tawkto",
        """window.Tawk_API = {};
        setTimeout(() => {
          Tawk_API.setAttributes = (given, done) => {
            const isAllowed = Object.keys(given).every((name) => /^[a-z0-9-]+$/i.test(name));
            if (isAllowed) Object.assign(handed, given);
            done(isAllowed ? undefined : "INVALID_ATTRIBUTES");
          };
          dispatchEvent(new CustomEvent("tawkLoad"));
        }, 300);
        open = () => dispatchEvent(new CustomEvent("tawkChatMaximized"))""",
        field="tl-visitor",
    ),
    Chat(
        "livechat",
        """window.LiveChatWidget = {
          call: (name, given) => name === "update_session_variables" && Object.assign(handed, given),
          on: (name, work) =>
            name === "visibility_changed" && (open = () => work({ visibility: "maximized" })),
        }""",
    ),
    Chat(
        "chatwoot",
        """setTimeout(() => {
          window.$chatwoot = {
            hasLoaded: true,
            setCustomAttributes: (given) => Object.assign(handed, given),
            deleteCustomAttribute: (name) => (handed[name] = ""),
          };
          dispatchEvent(new CustomEvent("chatwoot:ready"));
        }, 300);
        window.$chatwoot = { hasLoaded: false };
        open = () => dispatchEvent(new CustomEvent("chatwoot:opened"))""",
    ),
    Chat(
        "hubspot",
        """window._hsq = { push: ([name, given]) => name === "identify" && Object.assign(handed, given) };
        window.HubSpotConversations = {
          on: (name, work) => name === "conversationStarted" && (open = work),
        }""",
    ),
    Chat(
        "zendesk",
        """window.zE = (topic, name, given) => {
          if (topic === "messenger:set" && name === "conversationFields")
            given.forEach(({ id, value }) => handed[id] = value);
          if (topic === "messenger:on" && name === "open") open = given;
        }""",
        field="123",
        tag='data-zendesk-field="123"',
    ),
    Chat(
        "olark",
        """window.olark = (name, given) => {
          if (name === "api.visitor.updateCustomFields") Object.assign(handed, given);
          if (name === "api.box.onExpand") open = given;
        }""",
    ),
    Chat(
        "front",
        """window.FrontChat = (name, given) =>
          name === "identity" && Object.assign(handed, given.customFields)""",
    ),
    Chat(
        "freshchat",
        """window.fcWidget = {
          user: { setProperties: (given) => Object.assign(handed, given) },
          on: (name, work) => name === "widget:opened" && (open = work),
        }""",
    ),
]


def put(recorder: Recorder, api: str, tag: str = "") -> None:
    """Put a page with a chat on the server."""
    recorder.add("/a", f"<script>const handed = {{}}; var open = null; {api};</script>", tag=tag)


@pytest.mark.parametrize("chat", CHATS, ids=lambda chat: chat.vendor)
def test_a_chat_gets_the_token_and_loses_it_with_consent(recorder: Recorder, page: Page, chat: Chat) -> None:
    """As soon as both are there, under the name that it allows; blank after a refusal."""
    put(recorder, chat.api, chat.tag)
    page.goto(recorder.url("/a"))
    page.wait_for_function(f"handed['{chat.field}']")
    assert page.evaluate("handed") == {chat.field: page.evaluate("touchline('visitor')")}
    page.evaluate("touchline('consent', 'denied')")
    page.wait_for_function(f"handed['{chat.field}'] === ''")


@pytest.mark.parametrize(
    "chat", [each for each in CHATS if "open =" in each.api], ids=lambda chat: chat.vendor
)
def test_an_opened_chat_is_told_and_gets_the_token_again(recorder: Recorder, page: Page, chat: Chat) -> None:
    """A page may have started the chat anew since; two words of one opening are one event."""
    put(recorder, chat.api, chat.tag)
    page.goto(recorder.url("/a"))
    page.wait_for_function(f"handed['{chat.field}']")
    page.evaluate(f"delete handed['{chat.field}']; open(); open()")
    assert page.evaluate(f"handed['{chat.field}']") == page.evaluate("touchline('visitor')")
    assert recorder.wait("chat_open")[0]["props"] == {"vendor": chat.vendor}
    settle(page, recorder)
    assert len(recorder.find("chat_open")) == 1


def test_a_click_on_a_chats_opener_and_the_chats_own_word_are_one(recorder: Recorder, page: Page) -> None:
    """The click is told as ever; what Intercom says of it a moment later adds nothing."""
    put(recorder, CHATS[0].api + "; document.write('<div class=intercom-launcher>Chat</div>')")
    page.goto(recorder.url("/a"))
    page.wait_for_function("handed.tl_visitor")
    page.evaluate("document.querySelector('.intercom-launcher').click(); open()")
    settle(page, recorder)
    assert [hit["props"] for hit in recorder.find("chat_open")] == [{"vendor": "intercom"}]


def test_no_chat_hears_of_a_visitor_who_has_not_agreed(recorder: Recorder, page: Page) -> None:
    """The part is not loaded, nothing is handed over; once the visitor agrees it is."""
    put(recorder, CHATS[0].api, 'data-consent="required"')
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(recorder.url("/a"))
    page.wait_for_timeout(400)
    assert page.evaluate("handed") == {}
    assert not [url for url in asked if url.endswith("/providers.js")]
    page.evaluate("touchline('consent', 'granted')")
    page.wait_for_function("handed.tl_visitor")


def test_a_chat_that_fails_harms_neither_the_page_nor_the_others(recorder: Recorder, page: Page) -> None:
    """What one throws stops at it."""
    put(recorder, f"{CHATS[1].api}; window.Intercom = () => {{ throw new Error('down'); }}")
    page.goto(recorder.url("/a"))
    page.wait_for_function("handed.tl_visitor")


def test_where_the_part_cannot_be_had_the_page_works(recorder: Recorder, page: Page) -> None:
    """A blocked part takes nothing with it: views and plain forms are told as ever."""
    put(recorder, CHATS[0].api)
    page.route("**/providers.js", lambda route: route.abort())
    page.goto(recorder.url("/a"))
    recorder.wait("page")
    settle(page, recorder)
    assert page.evaluate("handed") == {}
