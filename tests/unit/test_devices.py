"""Devices: what a user agent and its client hints tell of the machine."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from user_agents import parse

from tests.unit.agents import AGENTS, BY_NAME, Agent
from tracker.core.devices import describe_device, parse_user_agent
from tracker.model import Device

WINDOWS = BY_NAME["Chrome on Windows"].user_agent
ANDROID = BY_NAME["Chrome on Android, reduced"].user_agent
TABLET = BY_NAME["an Android tablet"].user_agent
MAC = BY_NAME["Safari on a Mac"].user_agent
PERSONS = [agent for agent in AGENTS if agent.reason is None]


def brands(**versions: str) -> list[dict[str, str]]:
    """Write a list of brands as browsers do, GREASE among them."""
    named = [{"brand": brand.replace("_", " "), "version": version} for brand, version in versions.items()]
    return [{"brand": "Not/A)Brand", "version": "8.0.0.0"}, *named]


WINDOWS_11 = {"platform": "Windows", "platformVersion": "13.0.0"}
ODD_TYPES = {
    "platform": 1, "platformVersion": [], "fullVersionList": {"brand": 1}, "brands": [1, None, {}],
    "mobile": "yes", "maxTouchPoints": "5", "formFactors": "Tablet", "model": {},
}  # fmt: skip


@pytest.mark.parametrize("agent", AGENTS, ids=[agent.name for agent in AGENTS])
def test_a_user_agent_tells_browser_system_and_class(agent: Agent) -> None:
    """Family and version of browser and system, and one of six classes of machine."""
    told = describe_device(agent.user_agent, None)
    assert (told.browser, told.browser_version, told.os, told.os_version, told.device) == agent[2:7]


@pytest.mark.parametrize("agent", PERSONS, ids=[agent.name for agent in PERSONS])
def test_the_fast_parser_answers_like_the_slow_one(agent: Agent) -> None:
    """`user-agents` says the same, whether its old parser feeds it or the native one."""
    fast, slow = parse_user_agent(agent.user_agent), parse(agent.user_agent)
    for name in ("browser", "os", "device", "is_mobile", "is_tablet", "is_pc", "is_bot", "is_touch_capable"):
        assert getattr(fast, name) == getattr(slow, name), name


def test_without_the_native_package_the_answers_are_the_same() -> None:
    """The pure parser takes over where the native one is not installed."""
    code = (
        "import sys; sys.modules['ua_parser_rs'] = None\n"
        "import importlib.util as u; find = u.find_spec\n"
        "u.find_spec = lambda name, package=None: None if name == 'ua_parser_rs' else find(name, package)\n"
        "import ua_parser; assert ua_parser.RegexResolver is None\n"
        "from tracker.core.devices import describe_device\n"
        f"print(describe_device({ANDROID!r}, None))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.strip() == str(describe_device(ANDROID, None))


HINTED = {
    "Windows 11 is 13 and above": (WINDOWS, WINDOWS_11, {"os_version": "11"}),
    "so is 15": (WINDOWS, {**WINDOWS_11, "platformVersion": "15.0.0"}, {"os_version": "11"}),
    "Windows 10 is 1 to 10": (WINDOWS, {**WINDOWS_11, "platformVersion": "10.0.0"}, {"os_version": "10"}),
    "Windows 8.1 is 0.3": (WINDOWS, {**WINDOWS_11, "platformVersion": "0.3.0"}, {"os_version": "8.1"}),
    "Windows 7 is 0.1": (WINDOWS, {**WINDOWS_11, "platformVersion": "0.1.0"}, {"os_version": "7"}),
    "no version keeps what the user agent says": (WINDOWS, {"platform": "Windows"}, {"os_version": "10"}),
    "Android's real version": (
        ANDROID,
        {"platform": "Android", "platformVersion": "14.0.0"},
        {"os_version": "14.0.0"},
    ),
    "macOS has one name": (
        MAC,
        {"platform": "macOS", "platformVersion": "14.5.0"},
        {"os": "Mac OS X", "os_version": "14.5.0"},
    ),
    "the full version, without GREASE": (
        WINDOWS,
        {"fullVersionList": brands(Chromium="125.0.6422.113", Google_Chrome="125.0.6422.113")},
        {"browser_version": "125.0.6422.113"},
    ),
    "another spelling of GREASE": (
        WINDOWS,
        {"fullVersionList": [{"brand": " Not A;Brand", "version": "99"}, *brands(Google_Chrome="124.1")]},
        {"browser_version": "124.1"},
    ),
    "a browser that says Chrome in its user agent": (
        WINDOWS,
        {"fullVersionList": brands(Brave="125.0.0.0", Chromium="125.0.0.0")},
        {"browser": "Brave", "browser_version": "125.0.0.0"},
    ),
    "Edge": (
        f"{WINDOWS} Edg/125.0.0.0",
        {"fullVersionList": brands(Microsoft_Edge="125.0.2535.51")},
        {"browser": "Edge", "browser_version": "125.0.2535.51"},
    ),
    "the phone's Chrome keeps its name": (
        ANDROID,
        {"fullVersionList": brands(Google_Chrome="125.0.6422.53")},
        {"browser": "Chrome Mobile", "browser_version": "125.0.6422.53"},
    ),
    "an app keeps its name": (
        BY_NAME["Facebook on Android"].user_agent,
        {"fullVersionList": brands(Android_WebView="125.0.6422.53")},
        {"browser": "Facebook", "browser_version": "466.0.0"},
    ),
    "brands are the second choice": (
        WINDOWS,
        {"brands": brands(Opera="110"), "uaFullVersion": "110.0.5130.39"},
        {"browser": "Opera", "browser_version": "110.0.5130.39"},
    ),
    "a Mac that can be touched is an iPad": (
        MAC,
        {"maxTouchPoints": 5},
        {"browser": "Mobile Safari", "os": "iOS", "os_version": None, "device": "tablet"},
    ),
    "one touch point is a Mac": (MAC, {"maxTouchPoints": 1}, {}),
    "a Mac that says so is a Mac": (MAC, {"platform": "macOS", "maxTouchPoints": 5}, {}),
    "Windows that can be touched is Windows": (WINDOWS, {"maxTouchPoints": 10}, {}),
    "a phone that asks for the desktop's page": (
        WINDOWS,
        {"platform": "Android", "mobile": True},
        {"os": "Android", "os_version": None, "device": "mobile"},
    ),
    "Android that is not mobile is a tablet": (
        ANDROID,
        {"platform": "Android", "mobile": False},
        {"device": "tablet"},
    ),
    "a tablet that says so": (ANDROID, {"formFactors": ["Tablet"]}, {"device": "tablet"}),
    "glasses": (TABLET, {"formFactors": ["XR"]}, {"device": "other"}),
    "a model that is a television": (TABLET, {"model": "BRAVIA 4K VH2"}, {"device": "tv"}),
    "nothing of use": (WINDOWS, {"architecture": "x86", "bitness": "64", "wow64": False}, {}),
    "wrong types": (WINDOWS, ODD_TYPES, {}),
}


@pytest.mark.parametrize(("user_agent", "hints", "changed"), HINTED.values(), ids=HINTED)
def test_client_hints_lie_over_the_user_agent(
    user_agent: str, hints: dict[str, Any], changed: dict[str, Any]
) -> None:
    """Hints correct what browsers freeze in their user agent, and nothing else."""
    plain = describe_device(user_agent, None)
    told = describe_device(user_agent, hints)
    for name in ("browser", "browser_version", "os", "os_version", "device"):
        assert getattr(told, name) == changed.get(name, getattr(plain, name)), name


def test_hints_alone_tell_something() -> None:
    """Where the user agent is missing the hints are all there is."""
    hints = {"platform": "Linux", "brands": [{"brand": "Google Chrome", "version": "125"}]}
    assert describe_device(None, hints) == Device("Chrome", "125", "Linux", None, "desktop")
    assert describe_device(None, None) == describe_device("", {}) == Device(None, None, None, None, "other")


def test_only_the_first_1024_characters_count() -> None:
    """A longer user agent is cut before any pattern runs."""
    long = "Mozilla/5.0 (" + "x" * 1_100 + WINDOWS
    assert describe_device(long, None) == describe_device(long[:1_024], None)


TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=80)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
NAMES = (
    "platform platformVersion model mobile brands fullVersionList formFactors maxTouchPoints uaFullVersion"
)
HINTS = st.dictionaries(
    st.sampled_from(NAMES.split()) | TEXT,
    ANYTHING | st.lists(st.fixed_dictionaries({"brand": TEXT, "version": TEXT}), max_size=3),
    max_size=6,
)


@given(st.none() | TEXT | st.sampled_from([WINDOWS, MAC, ANDROID]), HINTS)
def test_anything_can_be_described(user_agent: str | None, hints: dict[str, Any]) -> None:
    """Whatever is sent as user agent and hints, the answer is a device of one of the six classes."""
    told = describe_device(user_agent, hints)
    assert told.device in ("desktop", "mobile", "tablet", "tv", "console", "other")
