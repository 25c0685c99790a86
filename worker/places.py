"""Countries by address, from any MaxMind-format file that the operator supplies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import maxminddb


class Places:
    """Looks countries up; knows none where there is no file."""

    def __init__(self, file: Path | None) -> None:
        self._reader = maxminddb.open_database(file) if file else None

    @property
    def are_known(self) -> bool:
        """Tell whether there is a file."""
        return self._reader is not None

    def country(self, ip: str | None) -> str | None:
        """Name the country of an address, ISO 3166; both usual layouts of such files are read."""
        if self._reader is None or ip is None:
            return None
        try:
            found: Any = self._reader.get(ip)
        except ValueError:
            return None
        if not isinstance(found, dict):
            return None
        country = found.get("country")
        code = country.get("iso_code") if isinstance(country, dict) else found.get("country_code") or country
        return code if isinstance(code, str) and len(code) == 2 else None
