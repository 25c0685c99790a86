"""The script in a real Chromium: forms in shadow trees, forms of far fields, forms that scripts send."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.browser.script.pages import settle
from tests.browser.script.recorder import Recorder
from tests.waiting import wait_for

pytestmark = pytest.mark.browser

MAIL = '<input type="email" name="email" value="ann@example.com">'
FIELDS = f"{MAIL}<input type=hidden name=tl_visitor><button>Send</button>"
FORM = f"<form id=f method=post action=/thanks target=sink>{FIELDS}</form>"
SINK = "<iframe name=sink></iframe>"


def make(mode: str, form: str = FORM) -> str:
    """Write a script that makes a host with a shadow tree of its own, in which a form stands."""
    return f"""const host = document.createElement('div');
      document.body.append(host);
      const root = host.attachShadow({{ mode: '{mode}' }});
      root.innerHTML = `{form}`;"""


WAYS = [
    pytest.param(
        SINK + f"<div><template shadowrootmode=open>{FORM}</template></div>", "", id="in the markup"
    ),
    pytest.param(SINK + f"<script>{make('open')} window.root = root</script>", "", id="before the script"),
    pytest.param(SINK, f"{make('open')} window.root = root", id="after the script"),
    pytest.param(
        SINK,
        f"""{make("open", "<div></div>")}
        window.root = root.firstChild.attachShadow({{ mode: 'open' }}); window.root.innerHTML = `{FORM}`""",
        id="within another",
    ),
]


@pytest.mark.parametrize(("body", "later"), WAYS)
def test_a_form_in_an_open_shadow_tree_counts_untouched(
    recorder: Recorder, page: Page, body: str, later: str
) -> None:
    """However its tree was made, it is filled and counted, though nobody has clicked in it."""
    recorder.add("/a", body)
    page.goto(recorder.url("/a"))
    recorder.wait("page")
    page.evaluate("touchline('visitor')")
    page.evaluate(f"() => {{ {later} }}")
    root = "(window.root || document.querySelector('div').shadowRoot)"
    page.wait_for_function(f"{root}.querySelector('[name=tl_visitor]').value")
    page.evaluate(f"{root}.querySelector('form').requestSubmit()")
    (hit,) = recorder.wait("form_submit")
    assert (hit["props"]["form_id"], hit["props"]["email"]) == ("f", "ann@example.com")
    wait_for(lambda: recorder.posts)
    assert recorder.posts[0][1]["tl_visitor"].startswith("signed.")
    settle(page, recorder)
    assert len(recorder.find("form_submit")) == 1


def test_a_closed_shadow_tree_is_left_alone_until_it_is_used(recorder: Recorder, page: Page) -> None:
    """Making one works as ever, and nothing of it can be read."""
    recorder.add("/a", SINK)
    page.goto(recorder.url("/a"))
    recorder.wait("page")
    page.evaluate(f"() => {{ {make('closed')} root.querySelector('form').requestSubmit(); }}")
    wait_for(lambda: recorder.posts)
    settle(page, recorder)
    assert recorder.find("form_submit") == []


def test_making_a_shadow_tree_twice_fails_as_ever(recorder: Recorder, page: Page) -> None:
    """The page sees the browser's own error, and its own tree."""
    recorder.add("/a")
    page.goto(recorder.url("/a"))
    recorder.wait("page")
    name = page.evaluate(
        f"""() => {{ {make("open")}
        try {{ host.attachShadow({{ mode: 'open' }}) }} catch (error) {{ return error.name }} }}"""
    )
    assert name == "NotSupportedError"


MAKE_MANY = """async () => {
  const from = performance.now();
  for (let n = 0; n < 2000; n++) {
    const host = document.body.appendChild(document.createElement("div"));
    host.attachShadow({ mode: "open" }).innerHTML = "<form><input name=email></form>";
  }
  await new Promise((done) => setTimeout(done, 300));
  await new Promise((done) => setTimeout(done));
  return performance.now() - from;
}"""


def test_a_page_of_many_shadow_trees_stays_quick(recorder: Recorder, page: Page) -> None:
    """Two thousand web components are followed without holding up the page, as quick as the machine is."""
    recorder.pages["/without"] = f"<!doctype html><title>Without the script</title>{SINK}"
    page.goto(recorder.url("/without"))
    without_ms = page.evaluate(MAKE_MANY)
    recorder.add("/a", SINK)
    page.goto(recorder.url("/a"))
    recorder.wait("page")
    assert page.evaluate(MAKE_MANY) < 5 * without_ms


SENDERS = [
    pytest.param("", "document.querySelector('button').click()", 1, id="a button elsewhere"),
    pytest.param("", "f.requestSubmit()", 1, id="requestSubmit"),
    pytest.param("required", "f.requestSubmit()", 0, id="an invalid field elsewhere"),
    pytest.param("required", "skip.click()", 1, id="formnovalidate"),
]


@pytest.mark.parametrize(("attribute", "act", "count"), SENDERS)
def test_fields_and_buttons_elsewhere_belong_to_their_form(
    recorder: Recorder, page: Page, attribute: str, act: str, count: int
) -> None:
    """What names its form by the attribute `form` is read, checked and sends like what stands in it."""
    recorder.add(
        "/a",
        f"""{SINK}<form id=f method=post action=/thanks target=sink></form>
        {MAIL.replace("<input", "<input form=f")}<input form=f name=more {attribute}>
        <button form=f>Send</button><button form=f id=skip formnovalidate>Send as it is</button>""",
    )
    page.goto(recorder.url("/a"))
    recorder.wait("page")
    page.evaluate(act)
    settle(page, recorder)
    assert [hit["props"]["email"] for hit in recorder.find("form_submit")] == ["ann@example.com"] * count
