"""Guessing the sender out of the answers of an unknown form."""

from __future__ import annotations

import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.core.facts import read_fact
from tracker.providers.answers import Answer, fields_of, kept_answers, words_of
from tracker.providers.guess import form_lead, guess

LANGUAGES: dict[str, tuple[str, str, str]] = {
    "English": ("Your email address", "Phone number", "Full name"),
    "English, by field names": ("your-email", "your-tel", "your-name"),
    "German": ("E-Mail-Adresse", "Telefonnummer", "Name"),
    "Swiss German": ("Mailadresse", "Handy", "Ihr Name"),
    "French": ("Courriel", "Téléphone", "Nom"),
    "French, mail": ("Adresse e-mail", "Portable (téléphone)", "Nom et prénom"),
    "Spanish": ("Correo electrónico", "Teléfono móvil", "Nombre completo"),
    "Italian": ("Indirizzo e-mail", "Cellulare", "Nome e cognome"),
    "Portuguese": ("E-mail", "Telemóvel", "Nome completo"),
    "Dutch": ("E-mailadres", "Mobiele telefoon", "Naam"),
    "Danish": ("E-mail", "Telefon", "Navn"),
    "Swedish": ("E-post", "Mobilnummer", "Namn"),
    "Finnish": ("Sähköposti", "Puhelinnumero", "Nimi"),
    "Polish": ("Adres e-mail", "Numer telefonu", "Imię i nazwisko"),
    "Czech": ("E-mail", "Telefon", "Jméno"),
    "Russian": ("Электронная почта", "Телефон", "ФИО"),
    "Russian, otherwise": ("Имэйл", "Мобильный", "Имя"),
    "Turkish": ("E-posta", "Telefon numarası", "Ad Soyad"),
    "Japanese": ("メールアドレス", "電話番号", "お名前"),
    "Chinese": ("电子邮箱", "手机号码", "姓名"),
    "Korean": ("이메일", "연락처", "성함"),
    "Hebrew": ("אימייל", "טלפון נייד", "שם מלא"),
    "Arabic": ("البريد الإلكتروني", "رقم الهاتف", "الاسم الكامل"),
    "Greek": ("Email", "Τηλέφωνο", "Ονοματεπώνυμο"),
}


@pytest.mark.parametrize(("email", "phone", "name"), LANGUAGES.values(), ids=LANGUAGES)
def test_a_form_is_read_in_its_language(email: str, phone: str, name: str) -> None:
    """What the questions are called decides where no type does."""
    found = guess([Answer(name, "Ada Byron"), Answer(email, "ada@byron.uk"), Answer(phone, "020 7123 4567")])
    assert (found["email"], found["phone"], found["name"]) == ("ada@byron.uk", "020 7123 4567", "Ada Byron")


NAMES: dict[str, tuple[list[tuple[str, Any]], str | None]] = {
    "first and last": ([("First name", "Ada"), ("Last name", "Byron")], "Ada Byron"),
    "last before first": ([("Surname", "Byron"), ("Given name", "Ada")], "Ada Byron"),
    "nombre and apellidos": ([("Nombre", "Ada"), ("Apellidos", "Byron King")], "Ada Byron King"),
    "Vorname and Name": ([("Name", "Byron"), ("Vorname", "Ada")], "Ada Byron"),
    "prénom and nom": ([("Nom", "Byron"), ("Prénom", "Ada")], "Ada Byron"),
    "a first name alone": ([("Imię", "Ada")], "Ada"),
    "a name that holds the first name": ([("Name", "Ada Byron"), ("First name", "Ada")], "Ada Byron"),
    "first and last name in one": ([("First and last name", "Ada Byron")], "Ada Byron"),
    "the plainer question": ([("Name of the person we met", "Bob"), ("Name", "Ada")], "Ada"),
    "parts": ([("Who?", {"prefix": "Dr", "first": "Ada", "last": "Byron"})], "Dr Ada Byron"),
    "a company's": ([("Company name", "Byron Ltd")], None),
    "a user's": ([("User name", "ada")], None),
    "a consent's": ([("I agree that my name is used", "on")], None),
    "a yes": ([("Name", "yes")], None),
    "an address": ([("Name", "ada@byron.uk")], None),
    "a friend's": ([("Friend's name", "Bob")], None),
    "a question": ([("Hi! May we ask: what's your full name, please?", "Ada Byron")], "Ada Byron"),
    "a question about a name": ([("Why did you choose this name for it?", "It sounds good")], None),
    "a field of camel case": ([("q69_1Name69", "Ada Byron")], "Ada Byron"),
}


@pytest.mark.parametrize(("answers", "name"), NAMES.values(), ids=NAMES)
def test_a_name_is_put_together_from_what_was_asked(answers: list[tuple[str, Any]], name: str | None) -> None:
    """Parts make the whole, and names of other things are nobody's."""
    assert guess(Answer(label, value) for label, value in answers).get("name") == name


TOLD: dict[str, tuple[list[Answer], dict[str, Any]]] = {
    "a typed field before a name": (
        [Answer("Email", "wrong@byron.uk", "text"), Answer("Contact", "ada@byron.uk", "email")],
        {"email": "ada@byron.uk"},
    ),
    "no address out of free text beside an empty field for it": (
        [Answer("Contact", "", "email"), Answer("More", "bob@byron.uk", "text")],
        {},
    ),
    "no address out of a message": ([Answer("Message", "write to bob@byron.uk")], {"message": ...}),
    "an address without a question": ([Answer("x7", "ada@byron.uk")], {"email": "ada@byron.uk"}),
    "a mistyped address is kept": ([Answer("Email", "ada.byron.uk")], {"email": "ada.byron.uk"}),
    "yes to mail is no address": ([Answer("Email", "yes"), Answer("May we email you?", "Sure!")], {}),
    "a choice is no address": ([Answer("Email me about", "ada@byron.uk", "choice")], {}),
    "a hidden address counts": (
        [Answer("Mail", "", "email"), Answer("email", "ada@byron.uk", "hidden")],
        {"email": "ada@byron.uk"},
    ),
    "a friend's address is not the sender's": ([Answer("Friend's email", "bob@byron.uk", "email")], {}),
    "a number as a phone": ([Answer("Phone", 15551234567, "number")], {"phone": "15551234567"}),
    "a phone by its look": ([Answer("q4", "+44 20 7123 4567")], {"phone": "+44 20 7123 4567"}),
    "a brand of phone is no number": ([Answer("Which phone do you use?", "iPhone 12")], {}),
    "a date is no phone": ([Answer("When", "01-02-2026"), Answer("Ref", "0123456")], {}),
    "phone parts with a country's": (
        [Answer("q8", {"country": "44", "area": "20", "phone": "71234567"})], {"phone": "+44 20 71234567"},
    ),
    "phone parts": ([Answer("q8", {"area": "81", "phone": "999888559"})], {"phone": "81 999888559"}),
    "a company": ([Answer("Firmenname", "Byron GmbH")], {"company": "Byron GmbH"}),
    "the size of a company is none": ([Answer("Company size", "11-50 people")], {}),
    "what a company does is none": ([Answer("What does your company do?", "We sell chairs")], {}),
    "a company in a question": (
        [Answer("What is the name of your company?", "Byron Ltd")],
        {"company": "Byron Ltd"},
    ),
    "our token": ([Answer("tl_visitor", "id.1.mac", "hidden")], {"visitor_id": "id.1.mac"}),
    "the cookie's twin": ([Answer("_tl_id", "id.1.mac")], {"visitor_id": "id.1.mac"}),
    "campaign and click ids however spelled": (
        [Answer("UTM Source", "bing"), Answer("utm-medium", "cpc"), Answer("MSCLKID", "m1"),
         Answer("li_fat_id", "l")],
        {"utm_source": "bing", "utm_medium": "cpc", "msclkid": "m1", "li_fat_id": "l"},
    ),
    "placeholders are no campaign": ([Answer("utm_source", "xxxxx"), Answer("gclid", "{gclid}")], {}),
    "our script's source, where no campaign is": (
        [Answer("tl_source", "google"), Answer("tl_medium", "organic")],
        {"utm_source": "google", "utm_medium": "organic"},
    ),
    "a direct visit is no campaign": ([Answer("tl_source", "(direct)")], {}),
    "pages": (
        [Answer("Page URL", "https://a.uk/x"), Answer("landing_page", "https://a.uk/"),
         Answer("referrer", "https://b.uk/")],
        {"page_url": "https://a.uk/x", "landing_page": "https://a.uk/", "referrer": "https://b.uk/"},
    ),
    "our token under a name that says nothing": (
        [Answer("field 7", f"{'0123456789abcdef' * 2}.tb7t40.tbKq4DNB5V7v4Fft75ZwGw")],
        {"visitor_id": "0123456789abcdef0123456789abcdef.tb7t40.tbKq4DNB5V7v4Fft75ZwGw"},
    ),
    "two dots alone are no token": ([Answer("field 7", "v1.2.3")], {}),
    "a page in another language": (
        [Answer("URL de la página", "https://a.es/x")], {"page_url": "https://a.es/x"},
    ),
    "a company's name in another language": ([Answer("nome_da_empresa", "Byron")], {"company": "Byron"}),
    "a product's name in another language": ([Answer("Nom du produit", "Oak desk")], {}),
    "what one is called": ([Answer("Wie heißen Sie?", "Ada Byron")], {"name": "Ada Byron"}),
    "the visitor's own website is no page of ours": ([Answer("Website", "https://byron.uk")], {}),
    "a label that is only an id": ([Answer("3f2b0000-cccc-4444-aaaa-1234567890ab", "Ada")], {}),
}  # fmt: skip


@pytest.mark.parametrize(("answers", "told"), TOLD.values(), ids=TOLD)
def test_answers_are_told_apart(answers: list[Answer], told: dict[str, Any]) -> None:
    """Type, then name, then look; nothing is guessed that the answers do not say."""
    found = {name: value for name, value in guess(answers).items() if name != "fields"}
    assert found == {name: found.get(name) if value is ... else value for name, value in told.items()}


@pytest.mark.parametrize(
    "label",
    ["How can we help you?", "Please share anything that will help prepare for our meeting.", "Your question",
     "Tell us about your needs", "Additional information", "Votre demande", "Ihre Frage", "Consulta",
     "お問い合わせ内容", "문의내용"],
)  # fmt: skip
def test_what_was_written_is_the_message(label: str) -> None:
    """However the question asks for it, where no type says so."""
    assert guess([Answer(label, "Forty chairs, please")])["message"] == "Forty chairs, please"


SECRETS = (
    "Password", "user[password]", "Passwort bestätigen", "csrf_token", "g-recaptcha-response", "_wpnonce",
    "Credit card number", "CVV", "authenticity_token", "token", "h-captcha-response",
)  # fmt: skip


@pytest.mark.parametrize("label", SECRETS)
def test_secrets_are_not_kept(label: str) -> None:
    """Passwords, cards and tokens of the form's own server go nowhere."""
    assert guess([Answer(label, "4111111111111111")]) == {}


def test_all_other_answers_are_kept_under_their_labels() -> None:
    """Equal labels are numbered, blanks left out, card numbers hidden, choices put side by side."""
    answers = [
        Answer("Need", ["A", "B"], "choice"), Answer("Need", "C"), Answer("Blank", " "), Answer("Age", 41),
        Answer("Ok", True), Answer("Note", "card 4111 1111 1111 1111"), Answer("Said", "Tom &amp; Ann"),
    ]  # fmt: skip
    assert fields_of(kept_answers(answers)) == {
        "Need": "A, B", "Need (2)": "C", "Age": 41, "Ok": True, "Note": "card [redacted]",
        "Said": "Tom & Ann",
    }  # fmt: skip


def test_tags_of_the_pages_fill_what_no_field_says() -> None:
    """A click id in the address of the page counts; its campaign only where no field names one."""
    page = "https://a.uk/?gclid=g1&utm_source=page"
    lead = form_lead([Answer("utm_source", "field")], provider_id="1", page_url=page)
    assert (lead["gclid"], lead["utm_source"]) == ("g1", "field")
    assert form_lead([], provider_id="1", page_url=page)["utm_source"] == "page"
    assert "gclid" not in form_lead([], provider_id="1", page_url="not a page?gclid=1")


def test_words_of_a_label_know_no_case_accent_or_number() -> None:
    """Labels and names of fields are compared by their words."""
    assert words_of("q3_fullName") == ("q", "full", "name")
    assert words_of("Prénom *") == ("prenom",)
    assert words_of("JwWggjAKtOk4") == ()


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["first", "last", "full", "area", "phone", "x"]) | st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
_KINDS = st.sampled_from(
    ["", "text", "long_text", "email", "phone", "name", "choice", "hidden", "consent", "number"]
)
_ANSWERS = st.lists(
    st.builds(
        Answer,
        st.text(max_size=30) | st.sampled_from(["Email", "Name", "Phone", "gclid", "tl_visitor"]),
        _VALUES,
        _KINDS,
    ),
    max_size=8,
)


@given(_ANSWERS, st.text(string.printable, min_size=1))
def test_any_answers_make_a_lead_that_can_be_read(answers: list[Answer], key: str) -> None:
    """Whatever was answered, the lead is a good fact with the same fields each time."""
    lead = form_lead(iter(answers), provider_id=key or "1", at="2026-03-01T10:00:00Z")
    assert lead == form_lead(answers, provider_id=key or "1", at="2026-03-01T10:00:00Z")
    read_fact({**lead, "site": "shop", "provider": "generic"})


@given(_ANSWERS)
def test_an_answer_of_free_text_is_no_address_beside_a_field_for_it(answers: list[Answer]) -> None:
    """With a typed field in the form, empty or not, the address is what stands there or nothing."""
    found = guess([*answers, Answer("Write", "bob@byron.uk", "text"), Answer("Where to", "", "email")])
    assert found.get("email") != "bob@byron.uk"
