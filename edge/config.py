"""Where settings come from: the environment, `.env`, secret files; checked once, then frozen.

`Config` is what a process is told about its surroundings; `Config.engine` is engine/settings.py's
value with every limit that was overridden. `origins` says where each value came from, for
`hothour settings`. A value that cannot be right is one sentence (`ConfigError`), no traceback.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from email.utils import parseaddr
from math import isfinite
from pathlib import Path
from typing import Any, Final, Literal, TypeVar, get_type_hints
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import TypeAdapter, ValidationError

from edge.addresses import Addresses
from edge.posting import smtp_server
from edge.tokens import ACCESS_TTL_S_MAX, check_key
from engine.settings import Settings, knob

T = TypeVar("T")

PREFIX = "HOTHOUR_"
SECRETS = frozenset({"secret_key", "database_url", "smtp_url"})
"""Never shown; each may also come from the file named by its name and `_FILE`."""

_LISTS = frozenset({"allowed_origins", "trusted_proxies"})
_NOT_KNOBS = frozenset({"engine", "origins", "unknown"})
_NUMBER_MAX: Final = 2**31 - 1
"""What PostgreSQL, sockets and timers all understand."""
_MAY_BE_ZERO: Final = frozenset(
    {
        "activate_lead_ms",
        "backoff_ms_min",
        "clock_slew_ppm",
        "codes_recent_max",
        "drain_abort_s",
        "drain_s_max",
        "live_reconnect_ms_min",
        "login_delay_s_max",
        "mailbox_control_reserve",
        "metrics_port",
        "port",
        "refresh_grace_s",
        "yield_after_ms",
    }
)
"""Of all other numbers zero would be a server that does nothing."""
_IN_ORDER: Final = (
    ("backoff_ms_min", "backoff_ms_max"),
    ("lease_renew_ms", "lease_ttl_ms"),
    ("live_ping_after_ms", "live_idle_timeout_ms"),
    ("live_reconnect_ms_min", "live_reconnect_ms_max"),
)
"""The first is below the second."""


class ConfigError(Exception):
    """One sentence about a setting that cannot be right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The surroundings of a process. Read it with `load`."""

    env: Literal["development", "production"] = knob("development", "production refuses shortcuts")
    host: str = knob("127.0.0.1", "Address to listen on")
    port: int = knob(8080, "Port to listen on; 0: any free one")
    data_dir: Path = knob(Path(".hothour"), "Embedded database, mail, node identity")
    database_url: str = knob("", "postgresql://...; empty: an embedded one in DATA_DIR")
    pg_bin: str = knob("", "Folder of PostgreSQL's programs; empty: the wheel's, then others")
    secret_key: str = knob("", "Signs tokens; at least 32 bytes; required in production")
    public_url: str = knob("", "How guests reach this server; empty: http://HOST:PORT")
    allowed_origins: tuple[str, ...] = knob((), "Other origins that may call; comma separated")
    trusted_proxies: tuple[str, ...] = knob((), "Networks whose forwarding headers count")
    email_verification: bool = knob(True, "off: accounts are verified at once (demo, tests)")
    rate_limits: bool = knob(True, "off: nothing is counted per address and user (tests)")
    smtp_url: str = knob("", "smtp://[user:password@]host:port; empty: DATA_DIR/mail")
    mail_from: str = knob("HotHour <no-reply@localhost>", "Sender of mail")
    log_format: Literal["json", "console"] = knob("console", "Form of the log on stderr")
    log_level: Literal["debug", "info", "warning", "error"] = knob("info", "What is logged")
    metrics_port: int = knob(0, "Port of /metrics alone; 0: the main port, loopback only")
    allow_unsafe_database: bool = knob(False, "on: fsync and its like may be off (tests)")
    engine: Settings = field(default_factory=Settings)
    origins: Mapping[str, str] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()
    """Names in the environment with our prefix that mean nothing: a typing error, most likely."""

    @property
    def production(self) -> bool:
        return self.env == "production"

    def shown(self) -> list[tuple[str, str, str, str]]:
        """(environment name, value with secrets masked, origin, meaning) of every setting."""
        rows: list[tuple[str, str, str, str]] = []
        for owner in (self, self.engine):
            for each in fields(owner):
                if each.name in _NOT_KNOBS:
                    continue
                text = _masked(each.name, getattr(owner, each.name))
                name = PREFIX + each.name.upper()
                rows.append((name, text, self.origins[each.name], each.metadata["meaning"]))
        return rows


def load(environ: Mapping[str, str] | None = None, **overrides: Any) -> Config:
    """Read and check all settings. `overrides` (None: not given) come from the command line.

    Raises ConfigError with one sentence.
    """
    given = dict(os.environ if environ is None else environ)
    dotenv = _dotenv() if environ is None else {}
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for name in _names():
        found = _found(name, given, dotenv, overrides)
        origins[name] = found[1] if found else "default"
        if found:
            values[name] = found[0]
    config = replace(
        _checked(Config, values),
        engine=_checked(Settings, values),
        origins=origins,
        unknown=_unknown({**dotenv, **given}),
    )
    _check(config)
    return config


def _dotenv() -> dict[str, str]:
    try:
        return {name: value for name, value in dotenv_values(".env").items() if value}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError("The file .env cannot be read: it is no text, or not ours.") from error


def _names() -> list[str]:
    own = [f.name for f in fields(Config) if f.name not in _NOT_KNOBS]
    return own + [f.name for f in fields(Settings)]


def _found(
    name: str, given: Mapping[str, str], dotenv: Mapping[str, Any], overrides: Mapping[str, Any]
) -> tuple[Any, str] | None:
    env_name = PREFIX + name.upper()
    if overrides.get(name) is not None:
        return overrides[name], "command line"
    for source, origin in ((given, "environment"), (dotenv, ".env")):
        if source.get(env_name):
            return _split(name, source[env_name]), origin
        path = source.get(f"{env_name}_FILE") if name in SECRETS else None
        if path:
            try:
                return Path(path).read_text(encoding="utf-8").strip(), path
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigError(f"{env_name}_FILE cannot be read: {path}.") from error
    return None


def _split(name: str, text: str) -> Any:
    if name not in _LISTS:
        return text
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _unknown(given: Mapping[str, str]) -> tuple[str, ...]:
    known = {PREFIX + name.upper() for name in _names()}
    known |= {f"{PREFIX}{name.upper()}_FILE" for name in SECRETS}
    return tuple(sorted(n for n in given if n.startswith(PREFIX) and n not in known))


def _checked(kind: type[T], values: Mapping[str, Any]) -> T:
    hints = get_type_hints(kind)
    own: dict[str, Any] = {}
    for name in hints.keys() & values.keys():
        try:
            own[name] = TypeAdapter(hints[name]).validate_python(values[name])
        except ValidationError as error:
            what = error.errors()[0]["msg"]
            raise _unusable(name, f"{what[:1].lower()}{what[1:]}") from error
        if wrong := _out_of_range(name, own[name]):
            raise _unusable(name, wrong)
    return kind(**own)


def _out_of_range(name: str, value: object) -> str:
    """Half a sentence about a number that cannot be right; empty when it can."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    if value < 0:
        return "it is below zero"
    if value == 0 and name not in _MAY_BE_ZERO:
        return "it has to be above zero"
    return "" if isfinite(value) and value <= _NUMBER_MAX else f"at most {_NUMBER_MAX}"


def _check(config: Config) -> None:
    for name in ("port", "metrics_port"):
        if getattr(config, name) > 65_535:
            raise _unusable(name, "a port is at most 65535")
    if config.metrics_port and config.metrics_port == config.port:
        raise _unusable("metrics_port", "it is HOTHOUR_PORT's")
    if config.secret_key:
        try:
            check_key(config.secret_key)
        except ValueError as error:
            raise ConfigError(f"HOTHOUR_SECRET_KEY {error}.") from error
    _check_forms(config)
    _check_limits(config.engine)
    if config.production:
        _check_production(config)


def _check_production(config: Config) -> None:
    if not config.secret_key:
        raise ConfigError("HOTHOUR_SECRET_KEY is required in production: 32 random bytes or more.")
    if not config.rate_limits:
        raise ConfigError("HOTHOUR_RATE_LIMITS=off is refused in production.")
    if config.allow_unsafe_database:
        raise ConfigError("HOTHOUR_ALLOW_UNSAFE_DATABASE is refused in production.")
    if config.engine.bcrypt_cost < 12:
        raise ConfigError("HOTHOUR_BCRYPT_COST below 12 is refused in production.")


def _check_limits(limits: Settings) -> None:
    if not 4 <= limits.bcrypt_cost <= 31:
        raise _unusable("bcrypt_cost", "bcrypt knows 4 to 31")
    if limits.access_token_ttl_s > ACCESS_TTL_S_MAX:
        raise _unusable("access_token_ttl_s", f"at most {ACCESS_TTL_S_MAX}")
    for low, high in _IN_ORDER:
        if getattr(limits, low) >= getattr(limits, high):
            raise _unusable(low, f"it has to be below {PREFIX}{high.upper()}")


def _check_forms(config: Config) -> None:
    """Texts with a form of their own; a sentence never quotes them, they may hold a password."""
    readers: Mapping[str, Callable[[Any], object]] = {
        "database_url": _postgresql_url,
        "smtp_url": smtp_server,
        "public_url": _http_url,
        "allowed_origins": _origins,
        "trusted_proxies": _networks,
        "mail_from": _sender,
    }
    for name, read in readers.items():
        value = getattr(config, name)
        if not value:
            continue
        try:
            read(value)
        except ValueError as error:
            raise _unusable(name, str(error)) from error


def _postgresql_url(text: str) -> None:
    try:
        parts = urlsplit(text)
        understood = parts.scheme in ("postgresql", "postgres") and parts.port != 0
    except ValueError:  # a port that is none, or half of a password with a slash in it
        understood = False
    if not understood:
        form = "postgresql://user:password@host:port/database, with %2F and its like in a password"
        raise ValueError(f"its form is {form}") from None


def _http_url(text: str) -> None:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
        raise ValueError("its form is http://host:port or https://host")
    if parts.username or parts.query or parts.fragment:
        raise ValueError("it is an address alone, without user, query and fragment")


def _origins(texts: tuple[str, ...]) -> None:
    for text in texts:
        _http_url(text)
        if urlsplit(text).path:
            raise ValueError("an origin ends with its host or port")


def _networks(texts: tuple[str, ...]) -> None:
    try:
        Addresses(texts)
    except ValueError as error:
        raise ValueError("addresses or networks such as 10.0.0.0/8, comma separated") from error


def _sender(text: str) -> None:
    if "@" not in parseaddr(text)[1] or not text.isprintable():
        raise ValueError("its form is an address, or Name <address>")


def _unusable(name: str, why: str) -> ConfigError:
    return ConfigError(f"{PREFIX}{name.upper()} is not usable: {why}.")


def _masked(name: str, value: object) -> str:
    if name in SECRETS and value:
        return "********"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return ",".join(str(part) for part in value)
    return str(value)
