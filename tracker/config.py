"""The settings: one table, read once at start from the command line, the environment and one file.

The first of these that has a value wins: the command line, `TOUCHLINE_<NAME>` (and `REDIS_URL`),
the TOML file (`TOUCHLINE_CONFIG`, else `touchline.toml` in the data directory), the default. An
empty variable counts as none. The core never sees settings, only values; how a value is used is the
business of who takes it.
"""

from __future__ import annotations

import difflib
import ipaddress
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from tracker.errors import Permanent

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Fsync = Literal["everysec", "always"]
CookieRenewal = Literal["rolling", "fixed"]
IpStorage = Literal["none", "masked", "full"]
LogFormat = Literal["console", "json"]
SmtpSecurity = Literal["starttls", "tls", "none"]
SameDeviceEmails = Literal["split", "merge"]

PREFIX = "TOUCHLINE_"
NOT_SETTINGS = frozenset({"TOUCHLINE_CONFIG", "TOUCHLINE_KEY"})
YES = frozenset({"1", "true", "yes", "on"})
NO = frozenset({"0", "false", "no", "off"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every setting's value; what each means stands in `SETTINGS`."""

    data: Path
    host: str
    port: int
    redis_url: str | None
    fsync: Fsync
    workers: int
    threads: int
    proxies: int
    url_prefix: str
    public_url: str | None
    cookie_days: int
    cookie_renewal: CookieRenewal
    ip_storage: IpStorage
    internal_ips: tuple[Network, ...]
    geo_file: Path | None
    burst_visitors: int
    datacenter_file: Path | None
    session_gap_s: int
    session_max_s: int
    lookback_days: int
    same_device_emails: SameDeviceEmails
    phone_shared_emails: int
    phone_shared_visitors: int
    phone_fresh_days: int
    email_shared_visitors: int
    duplicate_days: int
    raw_days: int
    reject_days: int
    allow_private_destinations: bool
    smtp_host: str | None
    smtp_port: int
    smtp_security: SmtpSecurity
    smtp_verify: bool
    smtp_user: str | None
    smtp_password: str | None = field(repr=False)
    smtp_from: str | None
    tryout: bool
    log_format: LogFormat


@dataclass(frozen=True, slots=True)
class Setting:
    """One line of the table.

    `read` turns a text or a TOML value into the setting's value and raises ValueError, saying what
    to write instead.
    """

    name: str
    default: str
    unit: str
    read: Callable[[Any], Any]
    help: str


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("write a text")
    return value.strip()


def _maybe(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value == "" else read(value)


def _whole(low: int, high: int) -> Callable[[Any], int]:
    def read(value: object) -> int:
        number = int(value) if isinstance(value, str) and value.strip().isdecimal() else value
        if isinstance(number, bool) or not isinstance(number, int) or not low <= number <= high:
            raise ValueError(f"write a whole number from {low} to {high}")
        return number

    return read


def _word(*words: str) -> Callable[[Any], str]:
    def read(value: object) -> str:
        if value not in words:
            raise ValueError(f"write one of {', '.join(words)}")
        return str(value)

    return read


def _flag(value: object) -> bool:
    word = str(value).strip().lower()
    if word not in YES | NO:
        raise ValueError("write true or false")
    return word in YES


def _path(value: object) -> Path:
    text = str(value) if isinstance(value, Path) else _text(value)
    if not text or "\0" in text:
        raise ValueError("write a path")
    return Path(text).expanduser().absolute()


def read_networks(path: Path) -> tuple[Network, ...]:
    """Read a file of networks: one a line, `#` begins a comment.

    Raises:
        ValueError: it cannot be read, or a line is no network.
    """
    try:
        lines = (line.partition("#")[0].strip() for line in path.read_text("utf-8").splitlines())
        return tuple(ipaddress.ip_network(line, strict=False) for line in lines if line)
    except (OSError, ValueError) as error:
        raise ValueError(f"{error}; write a file with one network a line") from None


def _networks_file(value: object) -> Path:
    path = _path(value)
    read_networks(path)
    return path


def _prefix(value: object) -> str:
    path = _text(value).strip("/")
    if any(char in path for char in "?#% \t") or "//" in path:
        raise ValueError("write a path such as /t")
    return f"/{path}" if path else ""


def _url(*schemes: str) -> Callable[[Any], str]:
    def read(value: object) -> str:
        text = _text(value).rstrip("/")
        parts = urlsplit(text)
        if parts.scheme not in schemes or not (parts.netloc or parts.path):
            raise ValueError(f"write an address that starts with {' or '.join(f'{s}://' for s in schemes)}")
        return text

    return read


def web_url(text: str) -> str:
    """Read an address of the web, and take the slash off its end.

    Raises:
        ValueError: it is none.
    """
    url = _url("https", "http")(text)
    if not urlsplit(url).hostname or re.search(r"[\s\x00-\x20\"'<>\\^`{|}]", url):
        raise ValueError("write an address such as https://example.com/t")
    return url


def _sender(value: object) -> str:
    text = _text(value)
    if not re.fullmatch(r"[^@\s<>\"]+@[^@\s<>\"]+", text):
        raise ValueError("write an e-mail address")
    return text


def _networks(value: object) -> tuple[Network, ...]:
    words = value.replace(",", " ").split() if isinstance(value, str) else value
    if not isinstance(words, list):
        raise ValueError("write addresses or networks, such as 192.0.2.7, 198.51.100.0/24")
    try:
        return tuple(ipaddress.ip_network(str(word), strict=False) for word in words)
    except ValueError as error:
        raise ValueError(f"{error}; write such as 192.0.2.7, 198.51.100.0/24") from None


# fmt: off
SETTINGS = (
    Setting("data", "./data", "path", _path,
            "Directory that holds everything: the database, the log, the key."),
    Setting("host", "127.0.0.1", "address", _text,
            "Address the collector listens on; 0.0.0.0 for all."),
    Setting("port", "8000", "port", _whole(1, 65535),
            "Port the collector listens on."),
    Setting("redis_url", "", "URL", _maybe(_url("redis", "rediss", "unix")),
            "An outside Redis or Valkey; empty for the embedded server. REDIS_URL is read too."),
    Setting("fsync", "everysec", "word", _word("everysec", "always"),
            "When the embedded server's log is synced to disk: everysec, or always (before each answer)."),
    Setting("workers", "1", "processes", _whole(1, 64),
            "Collector processes."),
    Setting("threads", "32", "threads", _whole(1, 1024),
            "Requests that one collector process answers at once."),
    Setting("proxies", "0", "proxies", _whole(0, 16),
            "Proxies in front of the collector whose X-Forwarded headers are believed."),
    Setting("url_prefix", "", "path", _prefix,
            "Path of the site under which the collector stands, such as /t."),
    Setting("public_url", "", "URL", _maybe(_url("http", "https")),
            "Address by which browsers reach the collector, prefix included; empty: as each request says."),
    Setting("cookie_days", "395", "days", _whole(1, 400),
            "Life of the visitor cookie."),
    Setting("cookie_renewal", "rolling", "word", _word("rolling", "fixed"),
            "rolling: each answer renews the cookie; fixed: its life counts from the first visit."),
    Setting("ip_storage", "masked", "word", _word("none", "masked", "full"),
            "What is kept of an IP address: none, masked, full."),
    Setting("internal_ips", "", "networks", _networks,
            "Addresses whose hits are dropped as internal."),
    Setting("geo_file", "", "path", _maybe(_path),
            "A MaxMind-format (.mmdb) file for the visitor's country."),
    Setting("burst_visitors", "50", "visitors", _whole(0, 10_000),
            "So many one-hit visitors of one network and browser in an hour are kept apart; 0: never."),
    Setting("datacenter_file", "", "path", _maybe(_networks_file),
            "A file of data centres' networks, one a line, where a fifth of burst_visitors is enough."),
    Setting("session_gap_s", "1800", "seconds", _whole(60, 86_400),
            "A session ends when no hit came for longer than this."),
    Setting("session_max_s", "86400", "seconds", _whole(3_600, 604_800),
            "The longest that one session may last."),
    Setting("lookback_days", "90", "days", _whole(1, 3_650),
            "How long before a conversion a touchpoint may still count."),
    Setting("same_device_emails", "split", "word", _word("split", "merge"),
            "Two e-mail addresses on one browser: two people in turn (split), or one person (merge)."),
    Setting("phone_shared_emails", "3", "e-mails", _whole(0, 1_000),
            "A phone number given with this many e-mail addresses within 90 days links nobody; 0: no limit."),
    Setting("phone_shared_visitors", "6", "visitors", _whole(0, 1_000),
            "A phone number given by this many visitors within 90 days links nobody; 0: no limit."),
    Setting("phone_fresh_days", "180", "days", _whole(1, 3_650),
            "A phone number says who calls for this long after it was last seen with its person."),
    Setting("email_shared_visitors", "21", "visitors", _whole(0, 10_000),
            "An e-mail address given by this many visitors within 90 days links nobody; 0: no limit."),
    Setting("duplicate_days", "30", "days", _whole(0, 3_650),
            "The same person's next lead of the same kind within so many days is a repeat, not a new lead."),
    Setting("raw_days", "90", "days", _whole(1, 3_650),
            "How long what providers delivered is kept as it came, to be parsed again."),
    Setting("reject_days", "30", "days", _whole(1, 3_650),
            "How long refused messages are kept."),
    Setting("allow_private_destinations", "false", "true or false", _flag,
            "Let webhooks of alerts go to addresses of the own network, such as 192.168.0.7."),
    Setting("smtp_host", "", "host", _maybe(_text),
            "Mail server by which alerts leave; empty: no e-mail."),
    Setting("smtp_port", "587", "port", _whole(1, 65535),
            "Port of the mail server: 587, 465 or 25."),
    Setting("smtp_security", "starttls", "word", _word("starttls", "tls", "none"),
            "How the line to the mail server is encrypted: starttls (port 587), tls (465), none."),
    Setting("smtp_verify", "true", "true or false", _flag,
            "Hold the mail server to a certificate that is trusted; false: any, for a server of your own."),
    Setting("smtp_user", "", "text", _maybe(_text),
            "Name for the mail server; empty: no log-in."),
    Setting("smtp_password", "", "secret", _maybe(_text),
            "Password for the mail server; the variable keeps it out of files."),
    Setting("smtp_from", "", "e-mail", _maybe(_sender),
            "Address that alerts come from; empty: smtp_user."),
    Setting("tryout", "true", "true or false", _flag,
            "Serve the try-out site, and make the site `tryout` at first start."),
    Setting("log_format", "console", "word", _word("console", "json"),
            "Form of the log on stderr: console or json."),
)
# fmt: on


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a setting's value was found, and its text there."""

    place: str
    value: object


def load(environ: Mapping[str, str], *, data: Path | None = None, **overrides: object) -> Settings:
    """Read every setting.

    Args:
        environ: the environment.
        data: the data directory named on the command line.
        overrides: settings given on the command line; None means not given.

    Raises:
        Permanent: a value that cannot be used, an unknown name in the file, or a file that cannot
            be read; the text says what to write.
    """
    return resolve(environ, data=data, **overrides)[0]


def resolve(
    environ: Mapping[str, str], *, data: Path | None = None, **overrides: object
) -> tuple[Settings, dict[str, str]]:
    """Read every setting, with the place where each was found.

    Returns:
        The settings, and for each name its origin: `command line`, a variable's name, the file's
        path or `default`.

    Raises:
        Permanent: as `load`.
    """
    given = {"data": data, **overrides}
    place = _find(_setting("data"), given, environ, {})
    folder: Path = _read(_setting("data"), place)
    file = _read_file(environ, folder)
    found = {setting.name: _find(setting, given, environ, file) for setting in SETTINGS}
    values = {setting.name: _read(setting, found[setting.name]) for setting in SETTINGS}
    return Settings(**values), {name: origin.place for name, origin in found.items()}


def environment(settings: Settings) -> dict[str, str]:
    """Write settings as variables from which `load` reads the same settings."""
    return {PREFIX + field.name.upper(): as_text(getattr(settings, field.name)) for field in fields(settings)}


def as_text(value: object) -> str:
    """Write one setting's value the way the environment takes it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """Name the `TOUCHLINE_` variables that no setting reads, most likely misspelt."""
    known = {PREFIX + setting.name.upper() for setting in SETTINGS} | NOT_SETTINGS
    return sorted(name for name in environ if name.startswith(PREFIX) and name not in known)


def _setting(name: str) -> Setting:
    return next(setting for setting in SETTINGS if setting.name == name)


def _find(
    setting: Setting, given: Mapping[str, object], environ: Mapping[str, str], file: Mapping[str, Origin]
) -> Origin:
    if given.get(setting.name) is not None:
        return Origin("command line", given[setting.name])
    variables = [PREFIX + setting.name.upper()] + (["REDIS_URL"] if setting.name == "redis_url" else [])
    for variable in variables:
        if environ.get(variable):
            return Origin(variable, environ[variable])
    return file.get(setting.name) or Origin("default", setting.default)


def _read(setting: Setting, origin: Origin) -> Any:
    try:
        return setting.read(origin.value)
    except ValueError as error:
        where = f"{setting.name} ({origin.place})"
        raise Permanent(f"{where}: {error}, not {as_text(origin.value)!r}.") from None


def _read_file(environ: Mapping[str, str], data: Path) -> dict[str, Origin]:
    named = environ.get("TOUCHLINE_CONFIG")
    path = _path(named) if named else data / "touchline.toml"
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        if named:
            raise Permanent(f"TOUCHLINE_CONFIG names {path}, which is not there.") from None
        return {}
    except (OSError, ValueError) as error:
        raise Permanent(f"{path} cannot be read: {error}.") from None
    for name in table:
        _check_name(name, path)
    return {name: Origin(str(path), value) for name, value in table.items()}


def _check_name(name: str, path: Path) -> None:
    if name == "data":
        raise Permanent(f"{path}: `data` is set by --data or TOUCHLINE_DATA, not in the file.")
    names = [setting.name for setting in SETTINGS]
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        hint = f"did you mean `{near[0]}`?" if near else "`touchline config` lists the settings."
        raise Permanent(f"{path}: there is no setting `{name}`; {hint}")
