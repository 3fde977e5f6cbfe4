"""Where settings come from: the environment, `.env`, secret files; checked once, then frozen.

`Config` is what a process is told about its surroundings; `Config.engine` is engine/settings.py's
value with every limit that was overridden. `origins` says where each value came from, for
`hothour settings`. A value that cannot be right is one sentence (`ConfigError`), no traceback.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, TypeVar, get_type_hints

from dotenv import dotenv_values
from pydantic import TypeAdapter, ValidationError

from edge.tokens import check_key
from engine.settings import Settings, knob

T = TypeVar("T")

PREFIX = "HOTHOUR_"
SECRETS = frozenset({"secret_key", "database_url", "smtp_url"})
"""Never shown; each may also come from the file named by its name and `_FILE`."""

_LISTS = frozenset({"allowed_origins", "trusted_proxies"})
_NOT_KNOBS = frozenset({"engine", "origins", "unknown"})


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
    dotenv = {k: v for k, v in dotenv_values(".env").items() if v} if environ is None else {}
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
        unknown=_unknown(given),
    )
    _check(config)
    return config


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
            sentence = f"{PREFIX}{name.upper()} is not usable: {what[:1].lower()}{what[1:]}."
            raise ConfigError(sentence) from error
        if isinstance(own[name], int | float) and own[name] < 0:
            raise ConfigError(f"{PREFIX}{name.upper()} is not usable: it is below zero.")
    return kind(**own)


def _check(config: Config) -> None:
    if config.port > 65_535 or config.metrics_port > 65_535:
        raise ConfigError("HOTHOUR_PORT is not usable: a port is at most 65535.")
    if config.secret_key:
        try:
            check_key(config.secret_key)
        except ValueError as error:
            raise ConfigError(f"HOTHOUR_SECRET_KEY {error}.") from error
    elif config.production:
        raise ConfigError("HOTHOUR_SECRET_KEY is required in production: 32 random bytes or more.")
    if config.production and not config.rate_limits:
        raise ConfigError("HOTHOUR_RATE_LIMITS=off is refused in production.")
    if config.production and config.allow_unsafe_database:
        raise ConfigError("HOTHOUR_ALLOW_UNSAFE_DATABASE is refused in production.")
    if not 4 <= config.engine.bcrypt_cost <= 31:
        raise ConfigError("HOTHOUR_BCRYPT_COST is not usable: bcrypt knows 4 to 31.")
    if config.production and config.engine.bcrypt_cost < 12:
        raise ConfigError("HOTHOUR_BCRYPT_COST below 12 is refused in production.")


def _masked(name: str, value: object) -> str:
    if name in SECRETS and value:
        return "********"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return ",".join(str(part) for part in value)
    return str(value)
