"""The script in a real Chromium: the hidden fields that carry the visitor and the source with a form."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.script.recorder import Recorder
from tests.waiting import wait_for

pytestmark = pytest.mark.browser

NAMES = ("source", "medium", "campaign", "term", "content", "click_id", "landing", "referrer")
ALL = ["tl_visitor", "tl_session"] + [f"tl_{name}" for name in NAMES] + [f"tl_first_{name}" for name in NAMES]
FORM = f'<form method="post" action="/thanks">{"".join(f"<input type=hidden name={n}>" for n in ALL)}</form>'


def values(page: Page) -> dict[str, str]:
    """Read the page's filled fields that are the script's."""
    return page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll("input[name^=tl_]")]
          .filter((field) => field.value).map((field) => [field.name, field.value]))"""
    )


def arrive(recorder: Recorder, page: Page, query: str = "", referrer: str | None = None) -> dict[str, str]:
    """Open the page with a form that has every field; returns their values once the token is there."""
    recorder.add("/a", FORM)
    page.goto(recorder.url("/a" + query), referer=referrer)
    wait_for(lambda: "tl_visitor" in values(page))
    return values(page)


def test_every_field_is_filled_and_sent(recorder: Recorder, page: Page) -> None:
    """The signed token, the session's first hit, its source, landing and referrer; and the first ever."""
    query = "?utm_source=News&utm_medium=email&utm_campaign=may&utm_term=shoes&utm_content=top&gclid=Abc"
    found = arrive(recorder, page, query, "https://mail.example/")
    source = {
        "source": "News",
        "medium": "email",
        "campaign": "may",
        "term": "shoes",
        "content": "top",
        "click_id": "Abc",
        "landing": recorder.url("/a" + query),
        "referrer": "https://mail.example/",
    }
    expected = {f"tl_{name}": value for name, value in source.items()}
    expected |= {f"tl_first_{name}": value for name, value in source.items()}
    expected["tl_visitor"] = page.evaluate('touchline("visitor")')
    expected["tl_session"] = recorder.find("page")[0]["event_id"]
    assert found == expected
    page.evaluate("document.forms[0].submit()")
    page.wait_for_url("**/thanks")
    assert recorder.posts[0][1] == {name: expected.get(name, "") for name in ALL}


ARRIVALS = [
    pytest.param("", None, ("(direct)", "(none)"), id="direct"),
    pytest.param("?gclid=a", "https://www.google.com/", ("google", "cpc"), id="a paid click"),
    pytest.param("#gbraid=a", None, ("google", "cpc"), id="a click id in the fragment"),
    pytest.param("?MSCLKID=a", None, ("bing", "cpc"), id="a click id in capitals"),
    pytest.param("?fbclid=a", "https://l.facebook.com/", ("facebook", "social"), id="a share"),
    pytest.param("?utm_source=&utm_source=x&utm_medium=null", None, ("x", "(not set)"), id="empty and null"),
    pytest.param("?utm_campaign=c", None, ("(not set)", "(not set)"), id="a campaign alone"),
    pytest.param("?pk_source=old&pk_medium=cpc", None, ("old", "cpc"), id="an alias"),
    pytest.param("?gclid={gclid}", "https://duckduckgo.com/", ("duckduckgo", "organic"), id="a macro"),
    pytest.param("", "https://www.google.co.uk/", ("google", "organic"), id="a search engine"),
    pytest.param(
        "", "https://uk.search.yahoo.com/x", ("yahoo", "organic"), id="a search engine's sub-domain"
    ),
    pytest.param("", "https://docs.google.com/", ("docs.google.com", "referral"), id="no search engine"),
    pytest.param("", "https://chatgpt.com/", ("chatgpt", "ai-assistant"), id="an assistant"),
    pytest.param("", "https://t.co/abc", ("twitter", "social"), id="a shortener"),
    pytest.param("", "https://www.linkedin.com/", ("linkedin", "social"), id="a network"),
    pytest.param("", "https://www.partner.example/p", ("partner.example", "referral"), id="another site"),
    pytest.param("", "https://notgoogle.com/", ("notgoogle.com", "referral"), id="a look-alike"),
    pytest.param("", "https://not-paypal.com/", ("not-paypal.com", "referral"), id="another look-alike"),
    pytest.param("", "https://www.paypal.com/", ("(direct)", "(none)"), id="a payment provider"),
    pytest.param("", "http://blog.shop.test/", ("(direct)", "(none)"), id="the site itself"),
]


@pytest.fixture(scope="module")
def sources(server: Recorder, browser: Browser) -> dict[tuple[str, str | None], tuple[str, str]]:
    """Arrive in every way of the table, each time as somebody new; returns source and medium."""
    server.clear()
    server.add("/a", FORM)
    server.pages["/elsewhere"] = "<title>A page without the script</title>"
    found = {}
    with browser.new_context() as context:
        page = context.new_page()
        for query, referrer in (case.values[:2] for case in ARRIVALS):
            page.goto(server.url("/a" + query), referer=referrer)
            page.wait_for_function("document.forms[0].tl_medium.value")
            found[query, referrer] = (values(page)["tl_source"], values(page)["tl_medium"])
            page.goto(server.url("/elsewhere"))  # a page that is left writes once more
            page.evaluate("localStorage.clear()")
    return found


@pytest.mark.parametrize(("query", "referrer", "expected"), ARRIVALS)
def test_the_source_as_the_script_sees_it(
    sources: dict[tuple[str, str | None], tuple[str, str]],
    query: str,
    referrer: str | None,
    expected: tuple[str, str],
) -> None:
    """Campaign parameters, then click ids, then the referrer, else direct."""
    assert sources[query, referrer] == expected


def test_a_session_keeps_its_source_until_another_comes(recorder: Recorder, page: Page) -> None:
    """Direct pages keep the session; another source opens one; the first source ever stays."""
    first = arrive(recorder, page, "?utm_source=one")
    again = arrive(recorder, page)
    assert again == first
    second = arrive(recorder, page, "?utm_source=two")
    assert (second["tl_source"], second["tl_first_source"]) == ("two", "one")
    assert second["tl_session"] == recorder.wait("page", 3)[2]["event_id"] != first["tl_session"]
    assert arrive(recorder, page, "", "https://www.paypal.com/") == second


def test_a_direct_session_takes_the_source_that_arrives(recorder: Recorder, page: Page) -> None:
    """A session that is still direct keeps its id and takes the source."""
    first = arrive(recorder, page)
    second = arrive(recorder, page, "?gclid=abc")
    assert second["tl_session"] == first["tl_session"]
    assert (second["tl_source"], second["tl_first_source"]) == ("google", "(direct)")


def test_tabs_share_the_session(recorder: Recorder, page: Page) -> None:
    """A source that arrived in another tab counts in all of them, whichever is used next."""
    arrive(recorder, page, "?utm_source=first")
    other = page.context.new_page()
    arrive(recorder, other, "?utm_source=second")
    page.bring_to_front()
    page.evaluate('touchline("event", "one")')
    recorder.wait("one")
    wait_for(lambda: values(page)["tl_source"] == "second")
    other.bring_to_front()
    assert arrive(recorder, other)["tl_source"] == "second"


def test_a_session_ends_after_half_an_hour(recorder: Recorder, page: Page) -> None:
    """A page opened 30 minutes after the last hit begins a session of its own source."""
    page.clock.install()
    first = arrive(recorder, page, "?utm_source=one")
    page.clock.fast_forward(31 * 60 * 1000)
    second = arrive(recorder, page)
    assert second["tl_session"] != first["tl_session"]
    assert (second["tl_source"], second["tl_first_source"]) == ("(direct)", "one")


def test_fields_are_created_on_request(recorder: Recorder, page: Page) -> None:
    """A form with data-tl-append gets the fields that it lacks; others get none."""
    recorder.add("/a", "<form data-tl-append><input name=tl_medium></form><form></form>")
    page.goto(recorder.url("/a?utm_source=x"))
    wait_for(lambda: "tl_visitor" in values(page))
    counts = page.evaluate(
        "() => [...document.forms].map((form) => [...form.elements].map((field) => field.name).sort())"
    )
    assert counts[0] == sorted(set(counts[0])) and {"tl_visitor", "tl_source", "tl_medium"} <= set(counts[0])
    assert "tl_campaign" not in counts[0], "a field without a value is not created"
    assert counts[1] == []


def test_the_tag_can_ask_for_them_everywhere(recorder: Recorder, page: Page) -> None:
    """data-append serves forms that post, unless they refuse: a search's address stays clean."""
    forms = """<form method="post"></form> <form></form> <form method="post" data-tl-private></form>
      <form method="post" data-tl-append="false"></form>"""
    recorder.add("/a", forms, tag="data-append")
    page.goto(recorder.url("/a"))
    wait_for(lambda: "tl_visitor" in values(page))
    served = page.evaluate("() => [...document.forms].map((form) => form.elements.length > 0)")
    assert served == [True, False, False, False]


def test_a_users_value_is_never_overwritten(recorder: Recorder, page: Page) -> None:
    """What the page or the visitor has put into a field stays, until submit and after."""
    fields = '<input name="tl_source" value="mine"><input name="tl_medium">'
    recorder.add("/a", f'<form method="post" action="/x">{fields}</form>')
    page.goto(recorder.url("/a?utm_source=x&utm_medium=y"))
    recorder.wait("page")
    wait_for(lambda: values(page).get("tl_medium") == "y")
    page.fill('[name="tl_medium"]', "typed")
    page.evaluate("document.forms[0].requestSubmit()")
    page.wait_for_url("**/x")
    assert recorder.posts[0][1] == {"tl_source": "mine", "tl_medium": "typed"}


def test_they_are_filled_right_before_submit(recorder: Recorder, page: Page) -> None:
    """A field that is empty at the last moment, such as after a reset, is filled again."""
    recorder.add("/a", '<form method="post" action="/x"><input type="text" name="tl_source"></form>')
    page.goto(recorder.url("/a?utm_source=x"))
    wait_for(lambda: values(page) == {"tl_source": "x"})
    page.evaluate("document.forms[0].reset(); document.forms[0].requestSubmit()")
    page.wait_for_url("**/x")
    assert recorder.posts[0][1] == {"tl_source": "x"}


def test_fields_that_come_later_are_filled(recorder: Recorder, page: Page) -> None:
    """Forms inserted after the load get their values without being touched."""
    recorder.add("/a")
    page.goto(recorder.url("/a?utm_source=x"))
    recorder.wait("page")
    page.evaluate("(html) => document.body.insertAdjacentHTML('beforeend', html)", FORM)
    wait_for(lambda: values(page).get("tl_source") == "x")
