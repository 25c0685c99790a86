"""Where a visit came from: campaign parameters, then click ids, then the referrer, else direct."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.core.click_ids import CLICK_RULES, find_click_ids
from tracker.core.hosttable import HostTable
from tracker.core.lists import is_search_list, rows_of_list
from tracker.core.rules import DEFAULT_RULES, MEDIUMS, RULES_VERSION, build_rules
from tracker.core.sources import decide_source
from tracker.core.tables import read_table
from tracker.core.urls import clean_referrer, read_page
from tracker.errors import BadRequest
from tracker.model import Source
from tracker.store.lists import load_overlay, save_overlay

OWN = ("www.example.com",)


def arrive(tail: str = "", referrer: str | None = None, own: tuple[str, ...] = OWN) -> Source:
    """Decide an arrival at example.com."""
    return decide_source(read_page(f"https://www.example.com/{tail}").tags, referrer, own)


SENDERS = {
    "Organic Search": """
        google: www.google.com google.de www.google.co.uk google.com.au www.google.cat
        news.google.com images.google.fr com.google.android.googlequicksearchbox | bing:
        www.bing.com cn.bing.com | duckduckgo: duckduckgo.com | yahoo: search.yahoo.com
        uk.search.yahoo.com r.search.yahoo.com de.yahoo.com | ecosia: www.ecosia.org | brave:
        search.brave.com | qwant: www.qwant.com lite.qwant.com | startpage: www.startpage.com |
        yandex: yandex.ru yandex.com.tr ya.ru yandex.kz | baidu: www.baidu.com m.baidu.com |
        naver: search.naver.com | seznam: search.seznam.cz | kagi: kagi.com
    """,
    "AI Assistant": """
        perplexity: www.perplexity.ai pplx.ai | chatgpt: chatgpt.com chat.openai.com | gemini:
        gemini.google.com | copilot: copilot.microsoft.com copilot.com www.bing.com/chat | claude:
        claude.ai | grok: grok.com x.com/i/grok | deepseek: chat.deepseek.com | mistral:
        chat.mistral.ai | meta-ai: www.meta.ai | poe: poe.com | phind: www.phind.com | you:
        you.com | kimi: www.kimi.com
    """,
    "Organic Social": """
        facebook: www.facebook.com l.facebook.com lm.facebook.com m.facebook.com fb.me
        com.facebook.katana | instagram: www.instagram.com l.instagram.com com.instagram.android |
        threads: www.threads.net l.threads.com | linkedin: www.linkedin.com lnkd.in
        com.linkedin.android | twitter: x.com twitter.com mobile.twitter.com t.co | tiktok:
        www.tiktok.com | pinterest: www.pinterest.com pinterest.de pin.it | reddit: www.reddit.com
        old.reddit.com out.reddit.com com.reddit.frontpage | quora: www.quora.com | snapchat:
        www.snapchat.com | whatsapp: web.whatsapp.com wa.me l.wl.co com.whatsapp | telegram:
        web.telegram.org t.me org.telegram.messenger | discord: discord.com ptb.discord.com
        discordapp.com | bluesky: bsky.app go.bsky.app | mastodon: mastodon.social fosstodon.org |
        wechat: mp.weixin.qq.com | weibo: weibo.com t.cn | vk: vk.com away.vk.com |
        microsoft-teams: teams.microsoft.com statics.teams.cdn.office.net | slack: app.slack.com |
        hacker-news: news.ycombinator.com | stackoverflow: stackoverflow.com | substack:
        acme.substack.com | medium: medium.com
    """,
    "Organic Video": """
        youtube: www.youtube.com youtu.be m.youtube.com | vimeo: player.vimeo.com | twitch:
        www.twitch.tv
    """,
    "Organic Shopping": """
        amazon: www.amazon.com amazon.de www.amazon.co.uk | ebay: www.ebay.de | etsy: www.etsy.com
        | idealo: www.idealo.de
    """,
    "Email": """
        outlook: outlook.live.com outlook.office.com/mail | gmail: mail.google.com
        com.google.android.gm | yahoo-mail: mail.yahoo.com mail.yahoo.co.uk | proton:
        mail.proton.me | samsung-mail: com.samsung.android.email.provider | thunderbird-mail:
        com.fsck.k9
    """,
    "Referral": """
        producthunt: www.producthunt.com | g2: www.g2.com | capterra: www.capterra.com
        www.capterra.co.uk | trustpilot: uk.trustpilot.com | checkatrade: www.checkatrade.com |
        wikipedia: en.wikipedia.org zu.m.wikipedia.org | github: github.com | linktree: linktr.ee
        | microsoft-365: cac-excel.officeapps.live.com
    """,
}  # fmt: skip


def _senders() -> list[tuple[str, str, str]]:
    found = []
    for channel, families in SENDERS.items():
        for family in families.split("|"):
            source, _, hosts = family.strip().partition(": ")
            found += [(host, source, channel) for host in hosts.split()]
    return found


@pytest.mark.parametrize(("host", "source", "channel"), _senders(), ids=[host for host, _, _ in _senders()])
def test_a_referrer_is_known_by_its_host(host: str, source: str, channel: str) -> None:
    """Every sender that the house must know has its source and channel, as web address and as app."""
    scheme = "android-app" if re.match(r"(com|org)\.", host) else "https"
    decided = arrive("", f"{scheme}://{host}{'' if '/' in host else '/path'}?q=1")
    assert (decided.source, decided.channel) == (source, channel)
    assert decided.evidence == "referrer" and decided.referrer_host == host.partition("/")[0]
    assert decided.medium in MEDIUMS.values()


LOOK_ALIKES = """
    https://xxt.co/ https://notwikipedia.org/ https://notofficeapps.live.com/ https://live.com/test
    https://google.example/ https://mygoogle.com/ https://facebook.com.evil.example/
    https://x.company.example/ https://t.co.example.org/ https://bing.com.example.net/
"""


@pytest.mark.parametrize("url", LOOK_ALIKES.split())
def test_look_alikes_are_strangers(url: str) -> None:
    """A name that only contains a known one is a referral under its own name."""
    decided = arrive("", url)
    assert decided.channel == "Referral"
    assert decided.source == url.removeprefix("https://").partition("/")[0]


NAMES = {
    "fb": "facebook", "ig": "instagram", "yt": "youtube", "t.co": "twitter", "lnkd.in": "linkedin",
    "x": "twitter", "chatgpt.com": "chatgpt", "www.facebook.com": "facebook", "GOOGLE": "google",
    "https://l.instagram.com/x": "instagram", "Hacker News": "hacker-news", "hackernews": "hacker-news",
    "com.reddit.frontpage": "reddit", "android-app://com.google.android.gm": "gmail",
    "google-ads": "google", "FB_Ads": "facebook", "threads": "threads", "leads": "leads",
    "downloads": "downloads", "spring-sale": "spring-sale", "Partner Portal": "Partner Portal",
    "partner.example": "partner.example",
}  # fmt: skip


@pytest.mark.parametrize(("given_name", "source"), NAMES.items(), ids=NAMES)
def test_a_campaign_s_source_is_known_by_its_names(given_name: str, source: str) -> None:
    """Bare tokens, hosts and packages mean the family; what is unknown stays as given."""
    assert decide_source((("utm_source", given_name),), None, OWN).source == source


PASSAGES = {
    "own_domain": "https://shop.example.com/cart https://example.com/ http://www.example.com:8080/x",
    "payment": """
        https://www.paypal.com/checkout https://checkout.stripe.com/pay https://pay.klarna.com/
        https://live.adyen.com/hpp https://secure.worldpay.com/ https://live.opayo.eu/
        https://pay.gocardless.com/ https://www.mollie.com/checkout https://squareup.com/pay
        https://payments.braintree-api.com/ https://pay.checkout.com/
        https://accept.authorize.net/ https://portal.clearpay.co.uk/ https://portal.afterpay.com/
        https://www.affirm.com/ https://shop.app/pay https://buy.paddle.com/
        https://api.razorpay.com/ https://secure.payu.com/ https://checkout.trustly.com/
        https://payment.truelayer.com/ https://ideal.ing.nl/ https://betalen.rabobank.nl/
        https://www.sofort.com/ https://app.bankid.com/ https://apay-us.amazon.com/checkout
    """,
    "three_d_secure": """
        https://secure7.arcot.com/ https://centinelapi.cardinalcommerce.com/
        https://www.securesuite.co.uk/ https://3ds.some-bank.example.org/
        https://acs2.some-bank.example.org/ https://acs-public.tp.mastercard.com/api/v1
    """,
    "login": """
        https://accounts.google.com/o/oauth2 https://login.microsoftonline.com/x
        https://appleid.apple.com/auth https://acme.auth0.com/u/login https://acme.okta.com/
        https://www.facebook.com/v18.0/dialog/oauth https://facebook.com/dialog/oauth
        https://www.facebook.com/login.php https://www.amazon.co.uk/ap/signin
        https://www.linkedin.com/oauth/v2/login https://github.com/login/oauth
        https://nid.naver.com/oauth2.0/authorize https://kauth.kakao.com/oauth/authorize
        https://accounts.kakao.com/login https://access.line.me/oauth2/v2.1/authorize
    """,
    "embed": """
        https://calendly.com/acme/demo https://acme.typeform.com/to/x https://form.jotform.com/1
        https://docs.google.com/forms/d/1 https://meetings.hubspot.com/ann
    """,
    "webmail": """
        https://deref-gmx.net/mail/client https://deref-web.de/x https://deref-mail.com/
        https://deref-1und1-02.de/ https://outlook.live.com/owa/redir
        https://outlook.live.com/owa/redir.aspx?x=1
        https://eur01.safelinks.protection.outlook.com/?url=x https://urldefense.com/v3/x
    """,
    "captcha": """
        https://newassets.hcaptcha.com/ https://www.google.com/recaptcha/api2
        https://geo.captcha-delivery.com/
    """,
    "translate": """
        https://translate.google.com/ https://www-example-com.translate.goog/
        https://www.translatetheweb.com/
    """,
    "spam": "https://semalt.com/ https://www.buttons-for-website.com/",
}  # fmt: skip
PASSAGE_CASES = [(url, kind) for kind, urls in PASSAGES.items() for url in urls.split()]


@pytest.mark.parametrize(("url", "kind"), PASSAGE_CASES, ids=[url for url, _ in PASSAGE_CASES])
def test_who_only_passes_visitors_on_is_no_source(url: str, kind: str) -> None:
    """A passage sends nobody: the arrival is direct, and the rule says what was set aside."""
    decided = arrive("", url)
    assert (decided.channel, decided.source, decided.medium) == ("Direct", "(direct)", "(none)")
    assert (decided.rule, decided.evidence, decided.company) == (f"not_a_source:{kind}", "none", None)


def test_neighbours_of_passages_are_sources() -> None:
    """A path makes the passage, and a look-alike is none."""
    assert arrive("", "https://www.facebook.com/groups/1").channel == "Organic Social"
    assert arrive("", "https://docs.google.com/document/1").source == "google-docs"
    assert arrive("", "https://www.acs.org/journals").channel == "Referral"
    assert arrive("", "https://www.google.com/recaptchas").channel == "Organic Search"
    assert arrive("", "https://notpaypal.com/").channel == "Referral"


def test_shops_of_one_platform_are_strangers() -> None:
    """Own is the same registrable domain, and a private suffix parts owners."""
    assert arrive("", "https://b.myshopify.com/", ("a.myshopify.com",)).channel == "Referral"
    assert arrive("", "https://a.myshopify.com/x", ("a.myshopify.com",)).rule == "not_a_source:own_domain"


ALIASES = {
    "Matomo's names": (
        "?mtm_source=a&mtm_medium=b&mtm_campaign=c&mtm_kwd=d&mtm_content=e",
        ("a", "b", "c", "d", "e"),
    ),
    "its older names": (
        "?pk_source=a&pk_medium=b&pk_campaign=c&pk_keyword=d&pk_content=e",
        ("a", "b", "c", "d", "e"),
    ),
    "its oldest": (
        "?piwik_source=a&piwik_medium=b&piwik_campaign=c&piwik_kwd=d&piwik_content=e",
        ("a", "b", "c", "d", "e"),
    ),
    "its long names": (
        "?matomo_source=a&matomo_medium=b&matomo_campaign=c&matomo_keyword=d&matomo_content=e",
        ("a", "b", "c", "d", "e"),
    ),
    "HubSpot's names": ("?hsa_net=adwords&hsa_cam=c&hsa_kw=d&hsa_ad=e", ("google", "cpc", "c", "d", "e")),
    "source": ("?source=a&utm_medium=b", ("a", "b", None, None, None)),
    "ref": ("?ref=a", ("a", "(not set)", None, None, None)),
    "via": ("?via=a", ("a", "(not set)", None, None, None)),
    "utm wins, wherever it stands": (
        "?ref=z&mtm_source=y&hsa_net=facebook&utm_source=a&utm_medium=b",
        ("a", "b", None, None, None),
    ),
    "the first value that says something": (
        "?utm_source=&utm_source={x}&utm_source=a&utm_medium=b",
        ("a", "b", None, None, None),
    ),
    "names in any case": ("?UTM_SOURCE=a&Utm_Medium=b", ("a", "b", None, None, None)),
    "parameters in the fragment": ("#utm_source=a&utm_medium=b", ("a", "b", None, None, None)),
}


@pytest.mark.parametrize(("tail", "fields"), ALIASES.values(), ids=ALIASES)
def test_campaign_parameters_have_aliases(tail: str, fields: tuple[str | None, ...]) -> None:
    """Source, medium, campaign, term and content under every name; utm wins."""
    decided = arrive(tail)
    assert (decided.source, decided.medium, decided.campaign, decided.term, decided.content) == fields
    assert decided.evidence == "campaign"


ORDER = {
    "parameters come before a click id": (
        "?utm_source=acme&utm_medium=email&gclid=x",
        None,
        ("acme", "email", "campaign"),
    ),
    "parameters come before the referrer": (
        "?utm_source=acme&utm_medium=email",
        "https://www.google.com/",
        ("acme", "email", "campaign"),
    ),
    "a click id comes before the referrer": (
        "?gclid=x",
        "https://www.facebook.com/",
        ("google", "cpc", "click"),
    ),
    "a passage does not hide parameters": (
        "?utm_source=acme&utm_medium=email",
        "https://www.paypal.com/",
        ("acme", "email", "campaign"),
    ),
    "a paid click id proves more than a free one": (
        "?fbclid=x&mc_cid=y&gclid=z",
        None,
        ("google", "cpc", "click"),
    ),
    "Meta's id proves more than a mail's": ("?mc_cid=y&fbclid=x", None, ("facebook", "social", "click")),
    "a mail's id alone is mail": ("?_hsmi=1", None, ("hubspot", "email", "click")),
    "an affiliate's id alone is affiliate": ("?awc=1", None, ("awin", "affiliate", "click")),
    "Meta's id is named by the site": (
        "?fbclid=x",
        "https://l.instagram.com/",
        ("instagram", "social", "click"),
    ),
    "a lone medium: the click id's network": (
        "?utm_medium=newsad&msclkid=x",
        None,
        ("bing", "newsad", "campaign"),
    ),
    "a lone medium: else the referrer": (
        "?utm_medium=newsad",
        "https://www.acme.example/",
        ("acme.example", "newsad", "campaign"),
    ),
    "a lone medium: else not set": (
        "?utm_medium=newsad",
        "https://shop.example.com/",
        ("(not set)", "newsad", "campaign"),
    ),
    "organic gives way to a paid click": (
        "?utm_source=google&utm_medium=organic&gclid=x",
        None,
        ("google", "cpc", "campaign"),
    ),
    "referral gives way": ("?utm_source=acme&utm_medium=Referral&gclid=x", None, ("acme", "cpc", "campaign")),
    "none gives way": ("?utm_source=acme&utm_medium=none&gclid=x", None, ("acme", "cpc", "campaign")),
    "an absent medium gives way": ("?utm_source=acme&gclid=x", None, ("acme", "cpc", "campaign")),
    "organic gives way to hsa_net": (
        "?utm_medium=organic&hsa_net=linkedin",
        None,
        ("linkedin", "cpc", "campaign"),
    ),
    "organic does not give way to fbclid": (
        "?utm_source=acme&utm_medium=organic&fbclid=x",
        None,
        ("acme", "organic", "campaign"),
    ),
    "display does not give way": (
        "?utm_source=acme&utm_medium=display&gclid=x",
        None,
        ("acme", "display", "campaign"),
    ),
    "a known source has its medium": ("?utm_source=fb", None, ("facebook", "social", "campaign")),
    "a search engine has its medium": ("?utm_source=google", None, ("google", "organic", "campaign")),
    "a lone campaign takes both from the referrer": (
        "?utm_campaign=c",
        "https://www.google.com/",
        ("google", "organic", "campaign"),
    ),
}


@pytest.mark.parametrize(("tail", "referrer", "decided"), ORDER.values(), ids=ORDER)
def test_the_stronger_word_decides(tail: str, referrer: str | None, decided: tuple[str, str, str]) -> None:
    """What was said outright decides before what a click id proves, and that before the referrer."""
    source = arrive(tail, referrer)
    assert (source.source, source.medium, source.evidence) == decided


INTERNAL = {
    "ref on an own link": ("?ref=footer", "not_a_source:own_domain"),
    "source and via too": ("?source=menu&via=search", "not_a_source:own_domain"),
    "utm counts everywhere": ("?utm_source=banner&utm_medium=internal&ref=x", "campaign:unassigned"),
    "a click id counts everywhere": ("?gclid=x&ref=y", "gclid:paid_search"),
}


@pytest.mark.parametrize(("tail", "rule"), INTERNAL.values(), ids=INTERNAL)
def test_everyday_words_on_one_s_own_links_are_no_campaign(tail: str, rule: str) -> None:
    """Between own pages `source`, `ref` and `via` are the page's own parameters."""
    assert arrive(tail, "https://shop.example.com/").rule == rule


KINDS = {
    "paid": """
        gclid gbraid wbraid dclid gclsrc gad_source gad_campaignid msclkid ttclid twclid li_fat_id
        epik ScCid rdt_cid yclid qclid ndclid tblci dicbo obclid ob_click_id vmcid rtid spclid
        ttdclid
    """,
    "both": "fbclid",
    "organic": "srsltid ysclid",
    "affiliate": """
        irclickid irgwc awc cjevent ranSiteID ranMID clickref sscid tduid wgcampaignid afclid
        mkcid mkrid
    """,
    "mail": """
        mc_cid mc_eid _hsenc _hsmi mkt_tok _kx _ke vero_id ml_subscriber dm_i trk_contact _bta_tid
        elqTrackId sfmc_id oly_enc_id ck_subscriber_id
    """,
}  # fmt: skip
CHANNEL_OF_KIND = {"both": "Organic Social", "affiliate": "Affiliates", "mail": "Email"}
KIND_CASES = [(name, kind) for kind, names in KINDS.items() for name in names.split()]


@pytest.mark.parametrize(("name", "kind"), KIND_CASES, ids=[name for name, _ in KIND_CASES])
def test_every_click_id_is_known_by_what_it_proves(name: str, kind: str) -> None:
    """A click id alone, in any case, gives its network, its official spelling and the channel of its kind."""
    decided = arrive(f"?{name.upper()}=v")
    assert decided.click is not None and decided.click_ids == (decided.click,)
    assert (decided.click.name, decided.click.kind) == (name, kind)
    assert decided.click.network and decided.company and decided.rule.startswith(f"{name}:")
    assert decided.channel.startswith("Paid") if kind == "paid" and name != "dclid" else True
    assert decided.channel == CHANNEL_OF_KIND.get(kind, "Display" if name == "dclid" else decided.channel)


def test_the_table_of_click_ids_holds_no_others() -> None:
    """The list of the rules and the table are the same."""
    assert {rule.name for rule in CLICK_RULES.values()} == {name for name, _ in KIND_CASES}


PER_CLICK = "gclid dclid msclkid ttclid twclid fbclid yclid epik ScCid rdt_cid cjevent irclickid tblci"
NOT_PER_CLICK = "gclsrc gad_source gad_campaignid gbraid wbraid irgwc mc_cid mc_eid li_fat_id ranMID srsltid"


@pytest.mark.parametrize(
    ("name", "per_click"),
    [*((n, True) for n in PER_CLICK.split()), *((n, False) for n in NOT_PER_CLICK.split())],
)
def test_only_some_click_ids_name_one_click(name: str, per_click: bool) -> None:
    """A value that many clicks share is no sign of a repeat."""
    assert CLICK_RULES[name.lower()].per_click is per_click


def test_the_click_id_that_names_the_click_stands_first() -> None:
    """Of several of one network the deciding one is the one that names the click."""
    tags = (("gad_source", "1"), ("gclsrc", "aw.ds"), ("GCLID", "x"), ("gclid", "y"))
    assert [(click.name, click.value) for click in find_click_ids(tags)] == [
        ("gclid", "x"),
        ("gclsrc", "aw.ds"),
        ("gad_source", "1"),
    ]


def test_a_decision_carries_what_sessions_ask_for() -> None:
    """The set of parameters, the click id and the company behind are there to be compared."""
    first = arrive(
        "?utm_source=FB&utm_medium=paid&utm_campaign=Spring&fbclid=x&mc_cid=y", "https://l.facebook.com/"
    )
    again = arrive("?utm_campaign=spring&utm_medium=PAID&utm_source=fb")
    assert (
        first.campaign_key
        == again.campaign_key
        == (("campaign", "spring"), ("medium", "paid"), ("source", "fb"))
    )
    assert first.company == arrive("", "https://www.instagram.com/").company == "meta"
    assert [click.name for click in first.click_ids] == [
        "fbclid",
        "mc_cid",
    ] and first.click == first.click_ids[0]
    assert arrive("?gclid=x").campaign_key == ()
    assert arrive("", "https://www.acme.example/a").company == "acme.example"
    assert arrive("?utm_source=spring", "https://www.acme.example/a").company == "acme.example"
    assert arrive("?utm_source=spring").company is None
    assert arrive("?utm_source=spring&gclid=x").company == "google"


TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=120)
TAG_NAMES = st.sampled_from(
    ["utm_source", "utm_medium", "utm_campaign", "gclid", "fbclid", "hsa_net", "ref", "mc_eid"]
)
REFERRERS = st.sampled_from(
    [
        "https://www.google.com/",
        "https://x.com/i/grok",
        "https://www.paypal.com/",
        "android-app://com.whatsapp/",
    ]
)


@given(
    st.lists(st.tuples(TAG_NAMES | TEXT, TEXT), max_size=6).map(tuple),
    st.none() | TEXT | REFERRERS | TEXT.map(lambda text: f"https://{text}"),
    st.lists(TEXT, max_size=2).map(tuple),
)
def test_any_text_has_a_source(
    tags: tuple[tuple[str, str], ...], referrer: str | None, own: tuple[str, ...]
) -> None:
    """Nothing that is sent makes the decision fail; it is one of the channels, with its rule."""
    decided = decide_source(tags, referrer, own)
    assert decided.channel and decided.rule and decided.source and decided.medium
    assert (decided.channel == "Direct") == (decided.evidence == "none")
    assert decided == decide_source(tags, referrer, own)


@given(
    st.lists(
        st.sampled_from(
            ["?", "&", "/", "utm_source=fb", "gclid=x", "i/grok", "a@b.example", "x.com", "%41", "owa/redir"]
        ),
        max_size=6,
    )
)
def test_the_stored_referrer_decides_like_the_one_that_came(bits: list[str]) -> None:
    """History is decided again from what is stored: cleaning a referrer changes no decision."""
    for host in (
        "https://www.google.com/",
        "https://x.com/",
        "https://outlook.live.com/",
        "android-app://com.whatsapp/",
    ):
        referrer = host + "".join(bits)
        came, stored = arrive("", referrer), arrive("", clean_referrer(referrer))
        assert came == stored


def test_an_endless_referrer_is_read_like_another() -> None:
    """A referrer of a million characters is decided by its host, and not kept."""
    assert arrive("", "https://www.google.com/search?q=" + "x" * 1_000_000).source == "google"


def test_the_tables_are_sound() -> None:
    """Some 300 families and more, lower case, each host, app and name in one of them only."""
    rows = read_table("sources")
    assert len(rows) >= 300
    for column in ("hosts", "apps", "names"):
        words = [word for row in rows for word in row[column].split()]
        assert len(words) == len(set(words)), sorted(word for word in words if words.count(word) > 1)
        assert all(word == word.lower() for word in words)
    passages = [host for row in read_table("not_sources") for host in row["hosts"].split()]
    assert len(passages) == len(set(passages)) and all(host == host.lower() for host in passages)


def test_every_table_says_where_its_facts_come_from() -> None:
    """The first line of each CSV file names source and date."""
    from importlib.resources import files

    for file in (files("tracker") / "data").iterdir():
        first = file.read_text(encoding="utf-8").partition("\n")[0]
        assert re.fullmatch(r"# .+ Source: .+ 20\d\d-\d\d", first), file.name


def test_a_host_table_prefers_the_most_specific() -> None:
    """Paths before hosts, the host before its parents, a name before a country's ending."""
    table: HostTable[str] = HostTable()
    for pattern in (
        ".example.*",
        ".example.com",
        ".mail.example.com",
        ".example.com/a/b",
        "exact.org",
        "exact.org/*/x",
    ):
        table.add(pattern, pattern)
    table.add_first_label("acs", "label")
    table.add_first_label("deref-*", "prefix")
    found = {
        "www.example.com": ".example.com", "example.co.uk": ".example.*", "exact.org": "exact.org",
        "a.mail.example.com": ".mail.example.com", "www.exact.org": None, "notexample.com": None,
        "example.info": None, "acs.bank.org": "label", "acs.org": None, "acs.co.uk": None,
        "deref-a.net": "prefix", "x.deref-a.net": None,
    }  # fmt: skip
    assert {host: table.find(host) for host in found} == found
    assert table.find("mail.example.com", "/a/b/c") == ".example.com/a/b"
    assert table.find("mail.example.com", "/a/bc") == ".mail.example.com"
    assert table.find("exact.org", "/v1/x") == "exact.org/*/x"


MATOMO_SOCIAL = {
    "Facebook": ["facebook.com"],
    "New Thing!": ["newthing.example", "android-app://com.newthing.app"],
    "YouTube": ["youtube.com"],
}
MATOMO_SEARCH = {
    "Foo Search": [
        {
            "urls": ["www.foosearch.example", "foosearch.{}", "{}.bar.example", "images.{}.bar.example"],
            "params": ["q"],
        }
    ],
    "Facebook": [{"urls": ["www.facebook.com"], "params": ["q"]}],
}


def test_public_lists_lie_over_the_table() -> None:
    """A list adds what we lack, and never a kind of site that takes less precedence than ours."""
    assert is_search_list(MATOMO_SEARCH) and not is_search_list(MATOMO_SOCIAL)
    rows = rows_of_list(MATOMO_SOCIAL, "social") + rows_of_list(MATOMO_SEARCH, "search")
    rules = build_rules(overlay_rows=rows)

    def found(referrer: str) -> tuple[str, str]:
        decided = decide_source((), referrer, OWN, rules)
        return decided.source, decided.channel

    assert found("https://newthing.example/x") == ("new-thing", "Organic Social")
    assert found("android-app://com.newthing.app/") == ("new-thing", "Organic Social")
    assert (
        found("https://www.foosearch.de/")
        == found("https://de.bar.example/")
        == ("foo-search", "Organic Search")
    )
    assert found("https://www.facebook.com/") == ("facebook", "Organic Social")
    assert found("https://www.youtube.com/") == ("youtube", "Organic Video")
    assert decide_source((("utm_source", "newthing"),), None, OWN, rules).channel == "Organic Social"
    assert rules.version.startswith(RULES_VERSION) and rules.version != RULES_VERSION


@pytest.mark.parametrize("document", [None, [], "text", {"A": "b"}, {"A": {"urls": []}}], ids=repr)
def test_what_is_no_list_is_refused(document: object) -> None:
    """A file of another shape is the operator's error, said in words."""
    with pytest.raises(BadRequest):
        rows_of_list(document, "social")


def test_the_imported_lists_are_kept_in_the_data_directory(data) -> None:
    """What was saved is what is loaded; without an import there is nothing."""
    assert load_overlay(data) == ()
    rows = rows_of_list(MATOMO_SOCIAL, "social")
    save_overlay(data, rows, origin="Source: a list. 2026-11")
    assert load_overlay(data) == tuple(rows)


def test_an_operator_s_own_senders_win() -> None:
    """Own rows take the place of the package's, and unknown kinds of site are refused."""
    own = {
        "source": "our-forum",
        "category": "social",
        "company": "",
        "hosts": "www.google.com",
        "apps": "",
        "names": "g",
    }
    rules = build_rules(own_rows=[own])
    assert decide_source((), "https://www.google.com/", OWN, rules).source == "our-forum"
    assert decide_source((), "https://www.google.com/", OWN, DEFAULT_RULES).source == "google"
    with pytest.raises(ValueError, match="our-forum"):
        build_rules(own_rows=[{**own, "category": "radio"}])
