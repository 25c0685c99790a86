"""Client hints: what `navigator.userAgentData.getHighEntropyValues` says, read without trusting its shape.

Source: https://wicg.github.io/ua-client-hints/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_TEXT_LIMIT = 64
_BRAND_LIMIT = 16

_GREASE = re.compile(r"^[^a-z]*not[^a-z]*a?[^a-z]*brand[^a-z]*$", re.IGNORECASE)
_LEADING_NUMBER = re.compile(r"(\d{1,4})(?:\.(\d{1,4}))?")

_PLATFORMS = {
    "macos": "Mac OS X",
    "mac os x": "Mac OS X",
    "chromium os": "Chrome OS",
    "chromeos": "Chrome OS",
}
_BRANDS = {
    "google chrome": "Chrome",
    "microsoft edge": "Edge",
    "microsoft edge webview2": "Edge WebView2",
    "android webview": "Chrome Mobile WebView",
    "headlesschrome": "HeadlessChrome",
    "yabrowser": "Yandex Browser",
    "yandex": "Yandex Browser",
    "opera mobile": "Opera Mobile",
    "opera gx": "Opera",
}
_WINDOWS_BEFORE_10 = {"1": "7", "2": "8", "3": "8.1"}
_WINDOWS_11 = 13


@dataclass(frozen=True, slots=True)
class Hints:
    """The hints that say something, under the names that user agents use."""

    platform: str | None = None
    platform_version: str | None = None
    browser: str | None = None
    browser_version: str | None = None
    model: str | None = None
    mobile: bool | None = None
    form_factors: tuple[str, ...] = ()
    touch_points: int = 0


def read_hints(raw: Mapping[str, Any]) -> Hints:
    """Read client hints; a value of the wrong type says nothing."""
    name = _text(raw, "platform")
    platform = _PLATFORMS.get(name.lower(), name) if name and name.lower() != "unknown" else None
    browser, version = _brand(raw)
    mobile, touch = raw.get("mobile"), raw.get("maxTouchPoints")
    factors = raw.get("formFactors")
    return Hints(
        platform=platform,
        platform_version=_platform_version(platform, _text(raw, "platformVersion")),
        browser=browser,
        browser_version=version,
        model=_text(raw, "model"),
        mobile=mobile if isinstance(mobile, bool) else None,
        form_factors=tuple(each for each in factors if isinstance(each, str))
        if isinstance(factors, list)
        else (),
        touch_points=touch if isinstance(touch, int) else 0,
    )


def _text(raw: Mapping[str, Any], name: str) -> str | None:
    value = raw.get(name)
    if not isinstance(value, str):
        return None
    return value[: 2 * _TEXT_LIMIT].encode("utf-8", "replace").decode().strip()[:_TEXT_LIMIT] or None


def _platform_version(platform: str | None, version: str | None) -> str | None:
    """Read a system's version; Windows counts its own way.

    Source: https://learn.microsoft.com/microsoft-edge/web-platform/how-to-detect-win11
    """
    if platform != "Windows" or version is None:
        return version
    found = _LEADING_NUMBER.match(version)
    if found is None:
        return None
    major = int(found[1])
    if major >= _WINDOWS_11:
        return "11"
    return "10" if major else _WINDOWS_BEFORE_10.get(found[2] or "")


def _brand(raw: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Choose the browser among its brands: not the GREASE one, and Chromium only where it stands alone."""
    for name in ("fullVersionList", "brands"):
        listed = raw.get(name)
        brands = (
            [pair for each in listed[:_BRAND_LIMIT] if (pair := _pair(each))]
            if isinstance(listed, list)
            else []
        )
        if brands:
            brand, version = next((pair for pair in brands if pair[0] != "Chromium"), brands[0])
            full = _text(raw, "uaFullVersion") if name == "brands" else None
            return _BRANDS.get(brand.lower(), brand), full or version
    return None, None


def _pair(entry: object) -> tuple[str, str] | None:
    if not isinstance(entry, Mapping):
        return None
    brand, version = _text(entry, "brand"), _text(entry, "version")
    return None if brand is None or version is None or _GREASE.match(brand) else (brand, version)
