"""Devices: browser, operating system and class of machine, from the user agent and its client hints.

`user-agents` decides, fed by the native `ua-parser` where that is installed. Client hints know better
where browsers freeze their user agent: the version of Windows, the full version, an iPad that says Mac.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, Literal

import ua_parser
from user_agents import parsers  # type: ignore[import-untyped]

from tracker.core.hints import Hints, read_hints
from tracker.model import Device

USER_AGENT_LIMIT = 1_024

DeviceClass = Literal["desktop", "mobile", "tablet", "tv", "console", "other"]

_UNKNOWN = Device(None, None, None, None, "other")
_OTHER = "Other"

_CONSOLE = re.compile(r"playstation|xbox|nintendo|steam ?deck", re.IGNORECASE)
_TV = re.compile(
    r"smart-?_?tv|google ?tv|android tv|apple ?tv|hbbtv|netcast|web0s|viera|bravia|roku/|\bdtv\b|crkey"
    r"|\baft[a-z]{1,5}\d{0,3}\b|tizen[^)]*\btv\b|opera tv|vidaa|philipstv|aquos|mi ?tv\b|mibox|shield android"
    r"|chromecast|\bott\b|inettvbrowser",
    re.IGNORECASE,
)
_PHONE = re.compile(r"opera mini|kaios|j2me|midp|symbian", re.IGNORECASE)
_WORN = re.compile(r"oculusbrowser|\bquest \d|watch ?os|apple ?watch|wear os", re.IGNORECASE)

_FORM_FACTORS: Mapping[str, DeviceClass] = {
    "Desktop": "desktop", "Mobile": "mobile", "Tablet": "tablet", "XR": "other", "Watch": "other",
    "Automotive": "other",
}  # fmt: skip


class NativeUserAgent(parsers.UserAgent):  # type: ignore[misc]
    """A `user_agents` answer whose facts come from `ua-parser`'s fast resolver, not from its old one."""

    def __init__(self, text: str) -> None:
        parsed = ua_parser.parse(text.encode("utf-8", "replace").decode()).with_defaults()
        os, browser, machine = parsed.os, parsed.user_agent, parsed.device
        self.ua_string = text
        self.os = parsers.parse_operating_system(os.family, os.major, os.minor, os.patch, os.patch_minor)
        self.browser = parsers.parse_browser(browser.family, browser.major, browser.minor, browser.patch)
        self.device = parsers.parse_device(machine.family, machine.brand, machine.model)


def parse_user_agent(user_agent: str) -> NativeUserAgent:
    """Parse a user agent of at most 1,024 characters; what is longer is cut."""
    return NativeUserAgent(user_agent[:USER_AGENT_LIMIT])


def describe_device(user_agent: str | None, client_hints: Mapping[str, Any] | None = None) -> Device:
    """Say what a user agent and its client hints tell of the machine.

    Args:
        client_hints: names as in `getHighEntropyValues`, plus `maxTouchPoints`; what is of another type
            than it should be is left aside.
    """
    device = _describe(user_agent[:USER_AGENT_LIMIT]) if user_agent else _UNKNOWN
    return _overlay(device, read_hints(client_hints)) if client_hints else device


@lru_cache(maxsize=8_192)
def _describe(text: str) -> Device:
    agent = NativeUserAgent(text)
    return Device(
        browser=_known(agent.browser.family),
        browser_version=agent.browser.version_string or None,
        os=_known(agent.os.family),
        os_version=agent.os.version_string or None,
        device=_class(agent),
    )


def _known(family: str) -> str | None:
    return None if family == _OTHER else family


def _class(agent: NativeUserAgent) -> DeviceClass:
    special = _special_class(agent.ua_string)
    if special is not None:
        return special
    if agent.is_bot:
        return "other"
    if agent.is_tablet and not _is_android_phone(agent):
        return "tablet"
    if agent.is_mobile or agent.is_tablet:
        return "mobile"
    return "desktop" if agent.is_pc else "other"


def _is_android_phone(agent: NativeUserAgent) -> bool:
    """Recognise phones whose browser puts its own name between `Mobile` and `Safari`."""
    is_named = agent.device.family in parsers.TABLET_DEVICE_FAMILIES
    return agent.os.family == "Android" and " Mobile " in agent.ua_string and not is_named


def _special_class(text: str) -> DeviceClass | None:
    """Recognise what `user-agents` has no word for."""
    if _CONSOLE.search(text):
        return "console"
    if _TV.search(text):
        return "tv"
    if _PHONE.search(text):
        return "mobile"
    return "other" if _WORN.search(text) else None


def _overlay(device: Device, hints: Hints) -> Device:
    if hints.platform is not None:
        device = replace(device, os=hints.platform, os_version=hints.platform_version or _own(device, hints))
    elif device.os == "Mac OS X" and hints.touch_points > 1:
        browser = "Mobile Safari" if device.browser == "Safari" else device.browser
        device = replace(device, browser=browser, os="iOS", os_version=None, device="tablet")
    if hints.browser is not None and _is_told(device.browser, hints.browser):
        browser = device.browser if _is_same(device.browser, hints.browser) else hints.browser
        device = replace(device, browser=browser, browser_version=hints.browser_version)
    return replace(device, device=_hinted_class(device, hints))


def _own(device: Device, hints: Hints) -> str | None:
    """Keep the user agent's version of the system where both speak of the same one."""
    return device.os_version if device.os == hints.platform else None


def _is_same(family: str | None, brand: str) -> bool:
    """Tell whether a family is a brand under its longer name, such as Chrome Mobile."""
    return family is not None and (family == brand or family.startswith(f"{brand} "))


def _is_told(family: str | None, brand: str) -> bool:
    """Tell whether a brand says more than the user agent: apps name themselves only in the latter."""
    if family is None or _is_same(family, brand):
        return True
    return family.startswith(("Chrome", "Chromium")) and brand not in ("Chrome", "Chromium")


def _hinted_class(device: Device, hints: Hints) -> DeviceClass:
    special = _special_class(hints.model) if hints.model else None
    if special is not None:
        return special
    if device.device in ("tv", "console"):
        return device.device
    for factor in hints.form_factors:
        if factor in _FORM_FACTORS:
            return _FORM_FACTORS[factor]
    if hints.mobile is True and device.device in ("desktop", "other"):
        return "mobile"
    if hints.mobile is False and hints.platform == "Android":
        return "tablet"
    if device.device == "other" and hints.platform in ("Windows", "Mac OS X", "Linux", "Chrome OS"):
        return "desktop"
    return device.device
