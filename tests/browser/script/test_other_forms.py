"""The script in a real Chromium: forms that a plugin's script or another company's frame sends.

The plugins' and the companies' own scripts cannot be had here. The pages below fire the events that those
document, in their shapes; the frames stand under the companies' real origins, which the browser checks.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Page

from tests.browser.script.pages import settle
from tests.browser.script.recorder import Recorder
from tests.waiting import wait_for

pytestmark = pytest.mark.browser

MAIL = '<input type="email" name="email" value="ann@example.com">'
SENT_BY_SCRIPT = "<script>addEventListener('submit', (event) => event.preventDefault())</script>"
JQUERY = """<script>
// What is used of jQuery: handlers that its own trigger calls, and that the browser's events do not reach.
const heard = [];
window.jQuery = Object.assign(
  () => ({ on: (types, work) => types.split(" ").forEach((type) => heard.push([type, work])) }),
  { fn: { on: true } },
);
const trigger = (target, type, ...said) =>
  heard.forEach(([name, work]) => name === type && work({ type, target }, ...said));
</script>"""
FORM = "document.forms[0]"


def submitted(recorder: Recorder) -> list[dict[str, Any]]:
    """List the props of the forms that were told."""
    return [hit["props"] for hit in recorder.find("form_submit")]


def open_page(recorder: Recorder, page: Page, body: str, *, tag: str = "") -> None:
    """Open a page on which the part for others' forms is there."""
    recorder.add("/a", body, tag=tag)
    with page.expect_response("**/providers.js"):
        page.goto(recorder.url("/a"))
    wait_for(lambda: page.evaluate("Boolean(touchline.parts.holds)"))
    settle(page, recorder)


class Plugin(NamedTuple):
    """A plugin's form; `act` fires one of its events, of which only `success` means that it was sent."""

    body: str
    act: str
    success: str
    failures: tuple[str, ...]
    named: str


PLUGINS = [
    Plugin(
        f'<div class="wpcf7"><form class="wpcf7-form" novalidate>{MAIL}</form></div>',
        "document.querySelector('.wpcf7').dispatchEvent(new CustomEvent('EVENT',"
        " {bubbles: true, detail: {contactFormId: 7, inputs: []}}))",
        "wpcf7mailsent",
        ("wpcf7invalid", "wpcf7spam", "wpcf7mailfailed", "wpcf7submit"),
        named="Contact Form 7",
    ),
    Plugin(
        f'<div class="gform_wrapper"><form id="gform_3" target="gform_ajax_frame_3" method="post">{MAIL}'
        '</form></div><iframe name="gform_ajax_frame_3"></iframe>',
        "document.forms[0]?.remove(); trigger(document, 'EVENT', 3)",
        "gform_confirmation_loaded",
        ("gform_post_render", "gform_page_loaded"),
        named="Gravity Forms",
    ),
    Plugin(
        f'<form class="wpforms-form wpforms-ajax-form">{MAIL}</form>',
        f"trigger({FORM}, 'EVENT', {{success: true}})",
        "wpformsAjaxSubmitSuccess",
        ("wpformsAjaxSubmitFailed", "wpformsAjaxSubmitCompleted", "wpformsAjaxSubmitError"),
        named="WPForms",
    ),
    Plugin(
        f'<form class="elementor-form" method="post">{MAIL}</form>',
        f"trigger({FORM}, 'EVENT', {{}})",
        "submit_success",
        ("error", "submit"),
        named="Elementor",
    ),
    Plugin(
        f'<div class="frm_forms"><form class="frm-show-form frm_ajax_submit">{MAIL}</form></div>',
        f"trigger(document, 'EVENT', {FORM}, {{}})",
        "frmFormComplete",
        ("frmFormErrors", "frmBeforeFormRedirect"),
        named="Formidable",
    ),
    Plugin(
        f'<div class="nf-form-cont" id="nf-form-5-cont"><form>{MAIL}</form></div>',
        "trigger(document, 'EVENT', {response: {data: {form_id: 5}, errors: []}, id: 5})",
        "nfFormSubmitResponse",
        ("nfFormReady",),
        named="Ninja Forms",
    ),
]


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda plugin: plugin.named)
def test_a_plugins_form_counts_once_when_it_has_succeeded(
    recorder: Recorder, page: Page, plugin: Plugin
) -> None:
    """Not when it is submitted, refused or taken for spam; and its success, told twice, is one lead."""
    open_page(recorder, page, JQUERY + SENT_BY_SCRIPT + plugin.body)
    page.evaluate(f"{FORM}.requestSubmit()")
    settle(page, recorder)
    for failure in plugin.failures:
        page.evaluate(f"() => {{ {plugin.act.replace('EVENT', failure)} }}")
    settle(page, recorder)
    assert submitted(recorder) == []
    for _ in range(2):
        page.evaluate(f"() => {{ {plugin.act.replace('EVENT', plugin.success)} }}")
    (props,) = (hit["props"] for hit in recorder.wait("form_submit"))
    assert props["email"] == "ann@example.com"
    settle(page, recorder)
    assert len(submitted(recorder)) == 1


def test_a_gravity_form_in_its_frame_waits_for_its_confirmation(recorder: Recorder, page: Page) -> None:
    """It is sent by the browser, into a frame: that alone does not mean that it was accepted."""
    form = f'<form id="gform_3" target="gform_ajax_frame_3" method="post" action="/gf">{MAIL}</form>'
    frame = '<iframe name="gform_ajax_frame_3"></iframe>'
    open_page(recorder, page, f'{JQUERY}<div class="gform_wrapper">{form}</div>{frame}')
    page.evaluate(f"{FORM}.requestSubmit()")
    wait_for(lambda: recorder.posts)
    settle(page, recorder)
    assert submitted(recorder) == []
    page.evaluate("trigger(document, 'gform_confirmation_loaded', 3)")
    assert recorder.wait("form_submit")[0]["props"]["form_id"] == "gform_3"


def test_a_plugins_form_that_the_browser_sends_is_told_at_once(recorder: Recorder, page: Page) -> None:
    """Where the plugin's script is away the form is a plain one; a late word of its success adds nothing."""
    form = f'<form class="wpcf7-form" method="post" action="/x" target="sink">{MAIL}</form>'
    open_page(recorder, page, f'<div class="wpcf7">{form}</div><iframe name="sink"></iframe>')
    page.evaluate(f"{FORM}.requestSubmit()")
    recorder.wait("form_submit")
    page.evaluate(f"{FORM}.dispatchEvent(new CustomEvent('wpcf7mailsent', {{ bubbles: true }}))")
    settle(page, recorder)
    assert len(submitted(recorder)) == 1


TYPEFORM = {"type": "form-submit", "formId": "f1", "responseId": "r4nd0mresp0nse"}
INVITEE = "https://api.calendly.com/scheduled_events/E1/invitees/I1"
CALENDLY = {
    "event": "calendly.event_scheduled",
    "payload": {
        "event": {"uri": "https://api.calendly.com/scheduled_events/E1"},
        "invitee": {"uri": INVITEE},
    },
}
CALCOM = {
    "originator": "CAL",
    "type": "bookingSuccessfulV2",
    "fullType": "CAL::bookingSuccessfulV2",
    "namespace": "",
    "data": {"uid": "bG9uZ3VpZA", "title": "Call", "startTime": "2026-03-01T10:00:00Z"},
}
TALLY = json.dumps(
    {
        "event": "Tally.FormSubmitted",
        "payload": {
            "id": "sub123",
            "respondentId": "p1",
            "formId": "w7",
            "formName": "Contact",
            "createdAt": "2026-03-01T10:00:00.000Z",
            "fields": [
                {
                    "id": "1",
                    "title": "Mail",
                    "type": "INPUT_EMAIL",
                    "answer": {"value": "bo@example.com", "raw": ""},
                }
            ],
        },
    }
)
HUBSPOT = {
    "type": "hsFormCallback",
    "eventName": "onFormSubmitted",
    "id": "f-guid",
    "data": {
        "submissionValues": {
            "email": "cy@example.com",
            "firstname": "Cy",
            "lastname": "Lee",
            "message": "secret",
        },
        "conversionId": "0c0ffee0-1111-2222-3333-444444444444",
    },
}


class Framed(NamedTuple):
    """A frame, what it posts before its success and then, and what the page tells of it."""

    address: str
    before: list[object]
    message: object
    told: dict[str, str]
    named: str


FRAMES = [
    Framed(
        "https://form.typeform.com/to/f1",
        [{"type": "form-ready"}, {"type": "form-screen-changed"}],
        TYPEFORM,
        {"provider": "typeform", "provider_id": "r4nd0mresp0nse", "form_id": "f1"},
        named="Typeform",
    ),
    Framed(
        "https://calendly.com/acme/call",
        [{"event": "calendly.event_type_viewed"}, {"event": "calendly.date_and_time_selected"}],
        CALENDLY,
        {"provider": "calendly", "provider_id": INVITEE},
        named="Calendly",
    ),
    Framed(
        "https://app.cal.com/acme/call/embed",
        [
            {"originator": "CAL", "type": "linkReady"},
            {"originator": "CAL", "type": "bookingSuccessful", "data": {}},
        ],
        CALCOM,
        {"provider": "calcom", "provider_id": "bG9uZ3VpZA"},
        named="Cal.com",
    ),
    Framed(
        "https://tally.so/embed/w7",
        ['{"event":"Tally.FormPageView"}', "not { json", "7"],
        TALLY,
        {"provider": "tally", "provider_id": "sub123", "form_id": "w7", "email": "bo@example.com"},
        named="Tally",
    ),
    Framed(
        "https://share.hsforms.com/f",
        [{"type": "hsFormCallback", "eventName": "onFormSubmit", "id": "f-guid", "data": []}],
        HUBSPOT,
        {
            "provider": "hubspotforms",
            "provider_id": "0c0ffee0-1111-2222-3333-444444444444",
            "form_id": "f-guid",
            "email": "cy@example.com",
            "name": "Cy Lee",
        },
        named="HubSpot",
    ),
]


def framed(page: Page, address: str, *messages: object) -> None:
    """Let a frame of that address post these messages to the page as soon as it is loaded."""
    page.unroute(address)
    posts = "".join(f"parent.postMessage({json.dumps(message)}, '*');" for message in messages)
    page.route(
        address, lambda route: route.fulfill(content_type="text/html", body=f"<script>{posts}</script>")
    )


def post(page: Page, address: str, *messages: object) -> None:
    """Load the page's frame again, with what it posts now."""
    framed(page, address, *messages)
    with page.expect_response(address):
        page.evaluate("it.src = it.src")
    page.wait_for_timeout(200)


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: frame.named)
def test_a_frames_success_is_told_once_by_its_providers_id(
    recorder: Recorder, page: Page, frame: Framed
) -> None:
    """What comes before it is no lead; repeats are the same; contacts only where the message has them."""
    framed(page, frame.address, *frame.before)
    open_page(recorder, page, f'<iframe id="it" src="{frame.address}"></iframe>')
    settle(page, recorder)
    assert submitted(recorder) == []
    post(page, frame.address, *frame.before, frame.message, frame.message)
    (props,) = (hit["props"] for hit in recorder.wait("form_submit"))
    assert {name: props.get(name) for name in frame.told} == frame.told
    settle(page, recorder)
    assert len(submitted(recorder)) == 1
    assert "secret" not in json.dumps(recorder.hits)


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: frame.named)
def test_anybody_elses_frame_is_not_believed(recorder: Recorder, page: Page, frame: Framed) -> None:
    """Whatever a message says, its origin decides who speaks."""
    address = "https://typeform.com.evil.test/calendly.com"
    framed(page, address)
    open_page(recorder, page, f'<iframe id="it" src="{address}"></iframe><i data-cal-link></i>')
    post(page, address, frame.message)
    settle(page, recorder)
    assert submitted(recorder) == []


def test_a_provider_under_a_domain_of_ones_own_can_be_named(recorder: Recorder, page: Page) -> None:
    """data-form-hosts names the hosts whose frames are believed like the provider's."""
    address = "https://cal.acme.test/call"
    framed(page, address)
    body = f'<i data-cal-link></i><iframe id="it" src="{address}"></iframe>'
    open_page(recorder, page, body, tag='data-form-hosts="cal.acme.test"')
    post(page, address, CALCOM)
    assert recorder.wait("form_submit")[0]["props"]["provider_id"] == "bG9uZ3VpZA"


def test_a_submission_without_an_id_is_an_event_and_no_lead(recorder: Recorder, page: Page) -> None:
    """Jotform's message names the form alone: its own delivery is the lead, and would be a second one."""
    address = "https://form.jotform.com/123"
    framed(page, address)
    open_page(recorder, page, f'<iframe id="it" src="{address}"></iframe>')
    post(page, address, {"action": "submission-completed", "formID": "123"})
    assert recorder.wait("form_sent")[0]["props"] == {"vendor": "jotform", "form_id": "123"}
    assert submitted(recorder) == []


def test_hubspots_present_forms_tell_what_they_were_sent(recorder: Recorder, page: Page) -> None:
    """The success event's form is asked for its values and its conversion's id; a failure is none."""
    api = """<div class="hs-form-html"></div><script>
    window.HubSpotFormsV4 = { getFormFromEvent: () => ({
      getFormId: () => "f4", getConversionId: () => "0c0ffee0-aaaa",
      getFormFieldValues: async () => [
        { name: "0-1/email", value: "di@example.com" }, { name: "0-1/note", value: "secret" },
      ],
    }) };
    const fire = (name) => window.dispatchEvent(
      new CustomEvent("hs-form-event:on-submission:" + name, { detail: { formId: "f4" } }));
    </script>"""
    open_page(recorder, page, api)
    page.evaluate("fire('failed')")
    settle(page, recorder)
    assert submitted(recorder) == []
    page.evaluate("fire('success')")
    (props,) = (hit["props"] for hit in recorder.wait("form_submit"))
    assert props == {
        "provider": "hubspotforms",
        "provider_id": "0c0ffee0-aaaa",
        "form_id": "f4",
        "email": "di@example.com",
    }


def test_a_hubspot_form_on_the_page_is_one_lead(recorder: Recorder, page: Page) -> None:
    """The browser may send it into a frame of its own: only the callback counts it."""
    form = f'<form class="hs-form" method="post" action="/hs" target="target_iframe_1">{MAIL}</form>'
    open_page(recorder, page, form + '<iframe name="target_iframe_1"></iframe>')
    page.evaluate(f"{FORM}.requestSubmit()")
    wait_for(lambda: recorder.posts)
    page.evaluate("(message) => window.postMessage(message, '*')", HUBSPOT)
    recorder.wait("form_submit")
    settle(page, recorder)
    assert [props["email"] for props in submitted(recorder)] == ["cy@example.com"]


SUCCESSES = [
    pytest.param("<form data-tl-success='.thanks'>", "</form>", id="a form"),
    pytest.param("<div data-tl-success='.thanks'>", "</div>", id="fields without a form"),
]


@pytest.mark.parametrize(("opening", "closing"), SUCCESSES)
def test_any_form_counts_when_its_thanks_appear(
    recorder: Recorder, page: Page, opening: str, closing: str
) -> None:
    """data-tl-success names what the page shows once it has sent the form by itself."""
    fields = f"{opening}{MAIL}<button>Send</button>{closing}<p class='thanks' hidden>Thank you</p>"
    open_page(recorder, page, fields + SENT_BY_SCRIPT)
    page.click("button")
    page.wait_for_timeout(400)
    settle(page, recorder)
    assert submitted(recorder) == []
    page.evaluate("document.querySelector('.thanks').hidden = false")
    (props,) = (hit["props"] for hit in recorder.wait("form_submit"))
    assert props["email"] == "ann@example.com"


def test_the_part_comes_only_where_there_is_a_sign_of_such_a_form(recorder: Recorder, page: Page) -> None:
    """A plain form needs none of it; a frame that comes later brings it."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    recorder.add("/a", f"<form method=post>{MAIL}</form><iframe src='about:blank'></iframe>")
    page.goto(recorder.url("/a"))
    recorder.wait("page")
    settle(page, recorder)
    assert not [url for url in asked if url.endswith("/providers.js")]
    framed(page, "https://tally.so/embed/w7")
    with page.expect_response("**/providers.js"):
        page.evaluate("document.body.innerHTML = '<iframe src=https://tally.so/embed/w7></iframe>'")


def test_the_part_lives_under_a_strict_policy(recorder: Recorder, page: Page) -> None:
    """Scripts of the site alone, no eval, no inline style: it is loaded, listens, and nothing is refused."""
    recorder.headers["Content-Security-Policy"] = (
        "default-src 'none'; script-src 'self'; connect-src 'self'; form-action 'self'"
    )
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text))
    open_page(recorder, page, f'<form class="wpcf7-form">{MAIL}</form><div class="wpcf7"></div>')
    page.evaluate(f"{FORM}.dispatchEvent(new CustomEvent('wpcf7mailsent', {{ bubbles: true }}))")
    recorder.wait("form_submit")
    assert [text for text in refused if "favicon" not in text] == []


def test_where_a_policy_forbids_the_part_nothing_breaks(recorder: Recorder, page: Page) -> None:
    """Under trusted types without a policy no part can come: views are told, links are as they were."""
    recorder.headers["Content-Security-Policy"] = "require-trusted-types-for 'script'; trusted-types 'none'"
    recorder.add("/a", '<div class="wpcf7"></div>', tag='data-domains="shop.test,other.test"')
    page.goto(recorder.url("/a"))
    recorder.wait("page")
    page.evaluate("touchline('visitor')")
    assert page.evaluate("touchline('link', 'http://other.test/')") == "http://other.test/"
    settle(page, recorder)


def test_nothing_is_told_or_loaded_without_consent(recorder: Recorder, page: Page) -> None:
    """Before the visitor agrees, the part is not even asked for; afterwards it is."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    framed(page, "https://form.typeform.com/to/f1", TYPEFORM)
    frame = '<iframe id="it" src="https://form.typeform.com/to/f1"></iframe>'
    recorder.add("/a", frame, tag='data-consent="required"')
    page.goto(recorder.url("/a"))
    page.wait_for_timeout(400)
    assert not [url for url in asked if url.endswith("/providers.js")]
    with page.expect_response("**/providers.js"):
        page.evaluate("touchline('consent', 'granted')")
    page.evaluate("touchline('consent', 'denied'); it.src = it.src")
    page.wait_for_timeout(400)
    assert submitted(recorder) == []


EMBEDS = [
    pytest.param(
        "data-tf-live='f' data-tf-hidden='a=b'", "data-tf-hidden", "a=b,tl_visitor={}", id="Typeform"
    ),
    pytest.param("data-tf-popup='f'", "data-tf-hidden", "tl_visitor={}", id="Typeform without fields"),
    pytest.param(
        "data-tally-src='https://tally.so/embed/w?a=1'",
        "data-tally-src",
        "https://tally.so/embed/w?a=1&tl_visitor={}",
        id="Tally",
    ),
    pytest.param(
        "data-cal-link='a/b' data-cal-config='{\"layout\":\"month\"}'",
        "data-cal-config",
        '{{"layout":"month","metadata[tl_visitor]":"{}"}}',
        id="Cal.com",
    ),
]


@pytest.mark.parametrize(("attributes", "name", "filled"), EMBEDS)
def test_what_will_become_a_frame_carries_the_token(
    recorder: Recorder, page: Page, attributes: str, name: str, filled: str
) -> None:
    """Beside the page's own values, as the embedding script reads them; taken back after a refusal."""
    open_page(recorder, page, f"<i id='it' {attributes}></i><i data-tl-success></i>")
    before = page.evaluate(f"new DOMParser().parseFromString(`<i {attributes}>`, 'text/html')"
                           f".querySelector('i').getAttribute('{name}')")  # fmt: skip
    token = page.evaluate("touchline('visitor')")
    page.wait_for_function(f"it.getAttribute('{name}')?.includes('tl_visitor')")
    assert page.evaluate(f"it.getAttribute('{name}')") == filled.format(token)
    page.evaluate("touchline('consent', 'denied')")
    assert page.evaluate(f"it.getAttribute('{name}')") == before


FRAMES_TO_COME = [
    pytest.param(
        "https://form.typeform.com/to/f", "https://form.typeform.com/to/f#tl_visitor={}", id="Typeform"
    ),
    pytest.param("https://tally.so/embed/w?a=1", "https://tally.so/embed/w?a=1&tl_visitor={}", id="Tally"),
    pytest.param("https://form.jotform.com/1", "https://form.jotform.com/1?tl_visitor={}", id="Jotform"),
    pytest.param("https://www.example.com/", "https://www.example.com/", id="anybody else"),
]


@pytest.mark.parametrize(("address", "filled"), FRAMES_TO_COME)
def test_a_frame_that_comes_later_carries_the_token(
    recorder: Recorder, page: Page, address: str, filled: str
) -> None:
    """Its address takes it at once; a frame that was there before is left alone."""
    page.route("https://**", lambda route: route.fulfill(content_type="text/html", body="<p>form</p>"))
    open_page(recorder, page, f"<iframe id='old' src='{address}'></iframe><i data-tl-success></i>")
    token = page.evaluate("touchline('visitor')")
    page.evaluate(
        "(src) => { it = document.createElement('iframe'); it.src = src; document.body.append(it); }",
        address,
    )
    assert page.evaluate("it.src") == filled.format(token)
    assert page.evaluate("old.src") == address


def test_hubspots_forms_take_the_token(recorder: Recorder, page: Page) -> None:
    """The present ones by their own call, the former ones by an event: they keep their values themselves."""
    api = """<form class="hs-form"><input type="hidden" name="tl_visitor" oninput="told = value"></form>
    <script>
    var told = "", set = [];
    window.HubSpotFormsV4 = {
      getFormFromEvent: () => ({ setFieldValue: (...said) => set.push(...said) }),
    };
    </script>"""
    open_page(recorder, page, api)
    token = page.evaluate("touchline('visitor')")
    page.evaluate("dispatchEvent(new CustomEvent('hs-form-event:on-ready'))")
    assert page.evaluate("set") == ["0-1/tl_visitor", token]
    page.evaluate("postMessage({ type: 'hsFormCallback', eventName: 'onFormReady', id: 'f' }, '*')")
    page.wait_for_function("told")
    assert page.evaluate("told") == token
