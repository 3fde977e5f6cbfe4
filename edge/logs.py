"""The log: structured lines on stderr, JSON or for eyes, from our code and from libraries alike.

Nothing personal and nothing secret leaves here: fields with telling names are masked whole, and
tokens, booking codes, e-mail addresses and phone numbers are masked wherever they stand, tracebacks
included. Must never be the only place where something is known.
"""

import logging
import re
from collections.abc import Mapping, MutableMapping
from typing import Any, Final, Literal, TextIO

import structlog
from structlog.typing import FilteringBoundLogger, Processor

HIDDEN: Final = "[hidden]"
SECRET_NAMES: Final = frozenset(
    {
        "address",
        "authorization",
        "body",
        "booking_code",
        "email",
        "full_name",
        "key",
        "password",
        "phone",
        "secret",
        "token",
    }
)
"""Fields masked whole; so are those whose name ends in `_` and one of these."""

_TELLING: Final = re.compile(
    "|".join(
        (
            r"eyJ[\w-]{8,}\.[\w-]+\.[\w-]*",  # a JSON web token
            r"\b[Bb]earer\s+\S+",
            r"\bHOT-?[2-9A-HJKMNP-Z]{4,8}\b",  # a booking code
            r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+",  # an e-mail address
            r"\+[1-9]\d{6,14}\b",  # a phone number
            r"://[^/\s:@]+:[^/\s@]+@",  # user and password in an address
            r"\$2[aby]\$\d\d\$[\w./]{53}",  # a bcrypt hash
        )
    )
)


def configure(
    form: Literal["json", "console"], stream: TextIO, level: str = "info"
) -> FilteringBoundLogger:
    """Send every log of the process to `stream`, and return our own logger."""
    numeric = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Processor] = [
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.format_exc_info,
        mask,
    ]
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _renderer(form, stream),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(numeric)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(numeric),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    log: FilteringBoundLogger = structlog.get_logger("hothour")
    return log


def _renderer(form: str, stream: TextIO) -> Processor:
    if form == "json":
        return structlog.processors.JSONRenderer(ensure_ascii=False)
    return structlog.dev.ConsoleRenderer(colors=stream.isatty(), timestamp_key="at")


def mask(_: object, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor that hides what must not be in a log."""
    return {name: _masked(name, value) for name, value in line.items()}


def _masked(name: str, value: Any) -> Any:
    if name.startswith("_"):  # structlog's own
        return value
    if name in SECRET_NAMES or name.rpartition("_")[2] in SECRET_NAMES:
        return HIDDEN
    match value:
        case str():
            return _TELLING.sub(HIDDEN, value)
        case bool() | int() | float() | None:
            return value
        case Mapping():
            return {inner: _masked(str(inner), each) for inner, each in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_masked("", each) for each in value]
        case _:
            return _TELLING.sub(HIDDEN, str(value))
