"""The script in a real Chromium: which forms are leads, what is read of them."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.script.pages import settle
from tests.browser.script.recorder import Recorder
from tests.waiting import wait_for
from tracker.web.intake import HIT_BYTES

pytestmark = pytest.mark.browser

MAIL = '<input type="email" name="email" value="ann@example.com" required>'


def submitted(recorder: Recorder) -> list[dict[str, Any]]:
    """List the props of the captured forms."""
    return [hit["props"] for hit in recorder.find("form_submit")]


def sink(number: int, fields: str, attributes: str) -> str:
    """Write a form whose answer goes into a frame of its own, so that the page stays."""
    opening = f'<form {attributes} method="post" id="form-{number}" action="/thanks-{number}"'
    frame = f'<iframe name="sink-{number}"></iframe>'
    return f'{opening} target="sink-{number}">{fields}<button>Send</button></form>{frame}'


def open_form(recorder: Recorder, page: Page, fields: str, *, form: str = "", tag: str = "") -> None:
    """Open a page with one form that posts to /thanks, unless it says otherwise."""
    recorder.pages["/thanks"] = "<title>Thanks</title>"
    recorder.add(
        "/a", f'<form {form} method="post" action="/thanks">{fields}<button>Send</button></form>', tag=tag
    )
    page.goto(recorder.url("/a"))
    recorder.wait("page")


def read(recorder: Recorder, page: Page, fields: str, **options: str) -> dict[str, Any]:
    """Submit a form with these fields; returns what the script read of it."""
    open_form(recorder, page, fields, **options)
    page.click("button")
    return recorder.wait("form_submit")[0]["props"]


def test_a_sent_form_is_told_with_its_contact_fields(recorder: Recorder, page: Page) -> None:
    """Id, name and action of the form without its query, and the contact fields as typed."""
    fields = """<input name="your-name" value=" Ann Smith "> <input type="email" name="email">
      <input type="tel" name="phone" value="020 7946 0000"> <input name="company" value="Acme Ltd">
      <textarea name="message">Hello</textarea>"""
    open_form(recorder, page, fields, form='id="quote" name="Quote" action="/thanks?token=1#x"')
    page.evaluate('document.forms[0].setAttribute("action", "/thanks?token=1#x")')
    page.fill('[name="email"]', "Ann@Example.com")
    page.press('[name="email"]', "Enter")
    page.wait_for_url("**/thanks?token=1#x")
    (hit,) = recorder.wait("form_submit")
    assert (hit["type"], hit["url"]) == ("event", recorder.url("/a"))
    assert hit["props"] == {
        "form_id": "quote",
        "form_name": "Quote",
        "form_action": recorder.url("/thanks"),
        "email": "Ann@Example.com",
        "phone": "020 7946 0000",
        "name": "Ann Smith",
        "company": "Acme Ltd",
        "fields": {},
    }
    assert len(recorder.posts) == 1


KINDS = [
    pytest.param('autocomplete="section-x work email" name="a"', "email", id="the purpose e-mail"),
    pytest.param('autocomplete="tel-national" name="a"', "phone", id="the purpose phone"),
    pytest.param('autocomplete="organization" name="name"', "company", id="the purpose before the name"),
    pytest.param('autocomplete="off" name="contact[email]"', "email", id="a name with brackets"),
    pytest.param('name="emailAddress"', "email", id="a name in camel case"),
    pytest.param('name="e-mail"', "email", id="e-mail"),
    pytest.param('name="correo_electronico"', "email", id="Spanish e-mail"),
    pytest.param('name="courriel"', "email", id="French e-mail"),
    pytest.param('type="tel" name="a"', "phone", id="the type phone"),
    pytest.param('name="mobile_number" type="number"', "phone", id="a number field for a mobile"),
    pytest.param('name="a" id="edit-telefon"', "phone", id="an id instead of a name"),
    pytest.param('name="Rufnummer"', "phone", id="German phone"),
    pytest.param('name="téléphone"', "phone", id="French phone"),
    pytest.param('name="telefoonnummer"', "phone", id="Dutch phone"),
    pytest.param('name="full_name"', "name", id="full name"),
    pytest.param('name="wpforms[fields][name]"', "name", id="a form builder's name"),
    pytest.param('name="nom"', "name", id="French name"),
    pytest.param('name="Nombre"', "name", id="Spanish name"),
    pytest.param('name="firstName"', "name", id="first name alone"),
    pytest.param('name="surname"', "name", id="surname alone"),
    pytest.param('name="Firmenname"', "company", id="German company"),
    pytest.param('name="company_name"', "company", id="company name"),
    pytest.param('name="organisation"', "company", id="organisation"),
    pytest.param('name="q7" data-tl-field="phone"', "phone", id="marked by the page"),
    pytest.param('name="username"', None, id="a user name"),
    pytest.param('name="product_name"', None, id="a product's name"),
    pytest.param('name="email" type="checkbox" checked', None, id="a box to tick"),
    pytest.param('name="hotel"', None, id="a hotel"),
    pytest.param('name="subject"', None, id="a subject"),
]


@pytest.fixture(scope="module")
def kinds(server: Recorder, browser: Browser) -> dict[str, dict[str, Any]]:
    """Submit a form for every field of the table on one page; returns what was read by field."""
    server.clear()
    fields = [case.values[0] for case in KINDS]
    attributes = "data-tl-form novalidate"
    forms = (sink(n, f'<input {field} value="12345">', attributes) for n, field in enumerate(fields))
    server.add("/a", "".join(forms))
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(server.url("/a"))
        page.evaluate("() => [...document.forms].forEach((form) => form.requestSubmit())")
        found = server.wait("form_submit", len(fields))
    return {field: hit["props"] for field, hit in zip(fields, found, strict=True)}


@pytest.mark.parametrize(("field", "kind"), KINDS)
def test_contact_fields_are_known_by_purpose_type_and_name(
    kinds: dict[str, dict[str, Any]], field: str, kind: str | None
) -> None:
    """autocomplete decides first, then the type, then name and id, in several languages."""
    found = {key for key in ("email", "phone", "name", "company") if key in kinds[field]}
    assert found == ({kind} if kind else set())
    assert kinds[field]["fields"] == {}


NAMES = {
    "Ann Smith": '<input name="fname" value="Ann"><input name="lname" value="Smith">',
    "Eva Meier": '<input name="nachname" value="Meier"><input name="vorname" value="Eva">',
    "Ana Ruiz": '<input name="nombre" value="Ana"><input name="apellidos" value="Ruiz">',
    "Li Wu": '<input autocomplete="given-name" value="Li"><input autocomplete="family-name" value="Wu">',
}


def test_first_and_last_name_make_a_name(recorder: Recorder, page: Page) -> None:
    """A name in two fields is one name, first name first."""
    recorder.add("/a", "".join(sink(n, fields, "") for n, fields in enumerate(NAMES.values())))
    page.goto(recorder.url("/a"))
    page.evaluate("() => [...document.forms].forEach((form) => form.requestSubmit())")
    recorder.wait("form_submit", len(NAMES))
    assert [props["name"] for props in submitted(recorder)] == list(NAMES)


SECRETS = """
<input type="password" name="password" value="NO-1"> <input name="pass" type="password" value="NO-2">
<input type="hidden" name="csrf_token" value="NO-3"> <input type="hidden" name="campaign" value="NO-4">
<input name="card" autocomplete="cc-number" value="NO-5"> <input name="cvc" value="NO-6">
<input name="holder" autocomplete="cc-name" value="NO-7">
<input name="code" autocomplete="one-time-code" value="NO-8">
<input name="newpass" autocomplete="new-password" value="NO-9"> <input name="user_token" value="NO-10">
<input name="phone" value="NO-11" data-tl-private> <input name="company" value="NO-12" disabled>
<fieldset data-tl-private><input name="your_name" value="NO-13">
<textarea name="message">NO-14</textarea></fieldset>
<input name="iban" value="NO-15"> <input name="cardNumber" value="NO-16"> <input name="other" value="NO-17">
<input name="tl_source" value="NO-18">
"""


def test_secrets_are_never_read(recorder: Recorder, page: Page) -> None:
    """Passwords, cards, codes, hidden tokens and private fields stay, even when they are allow-listed."""
    names = (
        "password,pass,csrf_token,campaign,card,cvc,holder,code,newpass,user_token,phone,company,your_name,"
        "message,iban,cardNumber,tl_source"
    )
    props = read(
        recorder, page, MAIL + SECRETS, form=f'data-tl-fields="{names}"', tag=f'data-fields="{names}"'
    )
    assert props["email"] == "ann@example.com" and props["fields"] == {}
    assert "NO-" not in str(recorder.hits)


CARDS = [
    pytest.param('type="tel" name="number"', "4111 1111 1111 1111", id="a number by its type"),
    pytest.param('type="tel" name="ccnumber"', "4111111111111111", id="a number by an abbreviation"),
    pytest.param('type="tel" id="pan"', "371449635398431", id="a number with 15 digits"),
    pytest.param('name="cardName"', "J DOE", id="a holder's name"),
    pytest.param('name="name_on_card"', "J DOE", id="the name on a card"),
    pytest.param('name="ccname"', "J DOE", id="an abbreviated name"),
    pytest.param('type="tel" name="valid"', "12/27", id="a date of expiry by its type"),
    pytest.param('type="tel" name="exp_date"', "12/2027", id="a date of expiry by its name"),
    pytest.param('type="tel" name="expiry"', "12/2027", id="an expiry"),
    pytest.param('type="tel" name="code"', "987", id="a code by its type"),
    pytest.param('type="tel" name="csc"', "987", id="a code by an abbreviation"),
]


@pytest.fixture(scope="module")
def cards(server: Recorder, browser: Browser) -> dict[str, dict[str, Any]]:
    """Submit a form for every field of the table on one page; returns what was read by field."""
    server.clear()
    fields = [f'<input {case.values[0]} value="{case.values[1]}">' for case in CARDS]
    server.add(
        "/a", "".join(sink(n, MAIL + field, "novalidate data-tl-form") for n, field in enumerate(fields))
    )
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(server.url("/a"))
        page.evaluate("() => [...document.forms].forEach((form) => form.requestSubmit())")
        found = server.wait("form_submit", len(fields))
    return {case.values[0]: hit["props"] for case, hit in zip(CARDS, found, strict=True)}


@pytest.mark.parametrize(("field", "value"), CARDS)
def test_a_card_is_never_read(cards: dict[str, dict[str, Any]], field: str, value: str) -> None:
    """What a shop's own form asks of a card is no phone and no name, though no purpose says what it is."""
    assert not {"phone", "name"} & cards[field].keys()
    assert value not in str(cards[field])


def test_a_field_of_a_disabled_group_is_not_read(recorder: Recorder, page: Page) -> None:
    """The browser does not send it either."""
    fields = MAIL + '<fieldset disabled><input name="phone" value="020 7946 0000"></fieldset>'
    open_form(recorder, page, fields, form="novalidate")
    page.fill('[name="email"]', "ann@example.com")
    page.click("button")
    props = recorder.wait("form_submit")[0]["props"]
    assert props["email"] == "ann@example.com" and "phone" not in props


def test_long_fields_do_not_cost_the_lead(recorder: Recorder, page: Page) -> None:
    """Where what the page allows is more than the collector takes of a hit, the contact goes without it."""
    texts = "".join(f'<textarea name="t{n}" data-tl-field>{"ж" * 900}</textarea>' for n in range(5))
    open_form(recorder, page, '<input name="email" value="ann@example.com">' + texts)
    page.click("button")
    (hit,) = recorder.wait("form_submit")
    assert hit["props"]["email"] == "ann@example.com" and "fields" not in hit["props"]
    assert len(json.dumps(hit, ensure_ascii=False).encode()) <= HIT_BYTES


def test_other_fields_go_by_the_pages_leave(recorder: Recorder, page: Page) -> None:
    """Fields named on the tag, on the form or on themselves are sent, in the way they were answered."""
    fields = """<textarea name="message">Hi</textarea> <input name="budget" value="100">
      <select name="size"><option>S</option><option selected>L</option></select>
      <select name="multi" multiple><option selected>a</option><option selected>b</option></select>
      <input type="radio" name="when" value="now" checked><input type="radio" name="when" value="later">
      <input type="checkbox" name="topic" value="x" checked>
      <input type="checkbox" name="topic" value="y" checked>
      <input type="hidden" name="p" value="42" data-tl-field="product"> <input name="secretly" value="no">
      <input name="unlisted" value="no">"""
    props = read(
        recorder,
        page,
        MAIL + fields,
        form='data-tl-fields="Message, size multi"',
        tag='data-fields="budget,when,topic"',
    )
    assert props["fields"] == {
        "message": "Hi",
        "budget": "100",
        "size": "L",
        "multi": "a, b",
        "when": "now",
        "topic": "x, y",
        "product": "42",
    }


SENDINGS = [
    pytest.param("", "form.querySelector('button').click()", 1, id="the button"),
    pytest.param("", "form.requestSubmit()", 1, id="requestSubmit"),
    pytest.param("", "form.submit()", 1, id="submit by a script"),
    pytest.param("", "form.email.value = ''; form.requestSubmit()", 0, id="invalid"),
    pytest.param("novalidate", "form.email.value = 'x'; form.requestSubmit()", 1, id="novalidate"),
    pytest.param("", "form.onsubmit = () => false; form.requestSubmit()", 0, id="prevented by the page"),
    pytest.param(
        "",
        "form.onsubmit = () => { setTimeout(() => form.submit()); return false }; form.requestSubmit()",
        1,
        id="prevented, then sent by a script",
    ),
    pytest.param(
        "",
        "form.onsubmit = () => form.submit(); form.requestSubmit()",
        1,
        id="sent by a script while it is sent",
    ),
    pytest.param("", "form.dispatchEvent(new Event('input'))", 0, id="typed but not sent"),
    pytest.param('method="dialog"', "form.requestSubmit()", 0, id="a dialog"),
]


@pytest.fixture(scope="module")
def sendings(server: Recorder, browser: Browser) -> dict[tuple[str, str], tuple[int, int]]:
    """Treat a form in every way of the table on one page; returns how often it was told and posted."""
    server.clear()
    cases = [case.values[:2] for case in SENDINGS]
    server.add("/a", "".join(sink(n, MAIL, attributes) for n, (attributes, _) in enumerate(cases)))
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(server.url("/a"))
        for n, (_, act) in enumerate(cases):
            page.evaluate(f"const form = document.getElementById('form-{n}'); {act}; 0")
        settle(page, server)
        wait_for(lambda: len(server.posts) >= sum(case.values[2] for case in SENDINGS))
        page.wait_for_load_state("networkidle")
    told = [props["form_id"] for props in submitted(server)]
    posted = [path for path, _ in server.posts]
    return {case: (told.count(f"form-{n}"), posted.count(f"/thanks-{n}")) for n, case in enumerate(cases)}


@pytest.mark.parametrize(("form", "act", "count"), SENDINGS)
def test_only_a_form_that_is_sent_is_a_lead(
    sendings: dict[tuple[str, str], tuple[int, int]], form: str, act: str, count: int
) -> None:
    """Counted once when the browser really sends it: valid or novalidate, and not prevented."""
    assert sendings[form, act] == (count, count)


STRANGERS = [
    pytest.param('<input name="q" value="shoes">', "", 0, id="a search"),
    pytest.param('<input name="q" value="shoes">', "data-tl-form", 1, id="unless the page says so"),
    pytest.param('<input name="email">', "", 0, id="an empty contact field"),
    pytest.param('<input name="name" value="Ann">', "", 1, id="a name that is posted"),
    pytest.param('<input name="name" value="Ann">', 'method="get"', 0, id="a name that is looked for"),
    pytest.param(
        MAIL + '<input type="password" autocomplete="current-password" value="x">', "", 0, id="a log-in"
    ),
    pytest.param(MAIL + '<input type="password" name="password" value="x">', "", 1, id="a registration"),
    pytest.param(MAIL, "data-tl-private", 0, id="a private form"),
]


@pytest.fixture(scope="module")
def leads(server: Recorder, browser: Browser) -> dict[tuple[str, str], int]:
    """Send every form of the table from one page; returns how often it was told."""
    server.clear()
    cases = [case.values[:2] for case in STRANGERS]
    server.add("/a", "".join(sink(n, fields, attributes) for n, (fields, attributes) in enumerate(cases)))
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(server.url("/a"))
        page.evaluate("() => [...document.forms].forEach((form) => form.requestSubmit())")
        settle(page, server)
    told = [props["form_id"] for props in submitted(server)]
    return {case: told.count(f"form-{n}") for n, case in enumerate(cases)}


@pytest.mark.parametrize(("fields", "form", "count"), STRANGERS)
def test_a_form_without_a_contact_is_no_lead(
    leads: dict[tuple[str, str], int], fields: str, form: str, count: int
) -> None:
    """A lead made themselves known: a search or a log-in did not; and what is private is not read."""
    assert leads[fields, form] == count


def test_a_form_that_leaves_at_once_is_not_lost(recorder: Recorder, page: Page) -> None:
    """The lead of a page that is left at once is kept until the collector has it, with one id."""
    open_form(recorder, page, MAIL)
    recorder.down = "drop"
    page.click("button")
    page.wait_for_url("**/thanks")
    time.sleep(2.2)
    recorder.down = None
    page.goto(recorder.url("/a"))
    (hit,) = recorder.wait("form_submit")
    assert hit["props"]["email"] == "ann@example.com"


def test_a_form_in_a_shadow_tree_counts(recorder: Recorder, page: Page) -> None:
    """A web component's form is a lead, and its hidden fields are filled."""
    fields = f"{MAIL}<input type=hidden name=tl_source><button>Send</button>"
    form = f"<form method=post action=/thanks>{fields}</form>"
    attach = f"host.attachShadow({{mode: 'open'}}).innerHTML = `{form}`"
    recorder.add("/a", f"<div id=host></div><script>{attach}</script>")
    page.goto(recorder.url("/a?utm_source=news"))
    recorder.wait("page")
    page.click("button")
    page.wait_for_url("**/thanks")
    recorder.wait("form_submit")
    assert recorder.posts[0][1]["tl_source"] == "news"


def test_a_form_that_came_later_counts(recorder: Recorder, page: Page) -> None:
    """Forms inserted after the load are followed like the others."""
    recorder.add("/a")
    page.goto(recorder.url("/a"))
    recorder.wait("page")
    page.evaluate(
        "(html) => document.body.innerHTML = html",
        f'<form method="post" action="/thanks" data-tl-append>{MAIL}<button>Send</button></form>',
    )
    page.click("button")
    recorder.wait("form_submit")
    page.wait_for_url("**/thanks")
    assert recorder.posts[0][1]["tl_visitor"].startswith("signed.")
