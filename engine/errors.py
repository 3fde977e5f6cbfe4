"""The error tree: what the engine says no with.

Owns the machine codes and nothing of their presentation: the HTTP status and the close code of
each leaf stand in edge/problems.py, the sentences for guests in edge/texts.py.

    HotHourError
        Refused                 a rule says no; asking again changes nothing by itself
            RuleBroken          terms of an auction (one or more RULE_* codes)
            AuthRequired AuthInvalid AuthExpired AuthSubject
            Forbidden EmailUnverified NotEligible
            NotFound MethodNotAllowed
            NotStarted NotActive Sold Expired Cancelled AlreadyYours RebookRefused
            Overlapping LimitReached TooLate TransitionRefused
            PriceAboveMax Stale
            RequestTimeout PayloadTooLarge UnsupportedMediaType Invalid KeyReused
            RateLimited
        Unable                  nothing is wrong with the question; ask again (retryable)
            Busy NoOwner Draining UnknownOutcome Internal

Each leaf has one fixed `code`, its docstring's first line is its default sentence, and `members`
holds the code's own fields of an answer (plain JSON values, instants as epoch milliseconds under
names ending in `_at`, prices as minor units: the edge writes both in the wire's form).
"""

from dataclasses import dataclass
from typing import ClassVar


class HotHourError(Exception):
    """Something went wrong."""

    code: ClassVar[str]
    retryable: ClassVar[bool] = False

    sentence: ClassVar[str] = "Something went wrong."
    """What it says unless it was raised with a sentence of its own: its docstring's first line."""

    def __init_subclass__(cls) -> None:
        cls.sentence = (cls.__doc__ or cls.__name__).splitlines()[0]

    def __init__(self, detail: str | None = None) -> None:
        self.detail = detail or self.sentence
        super().__init__(self.detail)

    @property
    def members(self) -> dict[str, object]:
        """The code's own fields, for an answer's top level."""
        return {}


class Refused(HotHourError):
    """The answer is no."""


class Unable(HotHourError):
    """It could not be done now; ask again."""

    retryable = True

    def __init__(self, detail: str | None = None, *, retry_after_ms: int = 1_000) -> None:
        super().__init__(detail)
        self.retry_after_ms = retry_after_ms

    @property
    def members(self) -> dict[str, object]:
        return {"retry_after_ms": self.retry_after_ms}


# --- rules and form ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FieldError:
    """One broken field: its path in the body, the code, a sentence if the code says too little."""

    field: str
    code: str
    message: str = ""


class RuleBroken(Refused):
    """A rule of the product is broken."""

    code = "RULE"

    def __init__(self, errors: tuple[FieldError, ...]) -> None:
        """`errors` in the order of the table of rules: the first one's code is the answer's."""
        super().__init__(errors[0].message or None)
        self.errors = errors


class Invalid(Refused):
    """The request is not of the form."""

    code = "VALIDATION"

    def __init__(self, detail: str | None = None, errors: tuple[FieldError, ...] = ()) -> None:
        super().__init__(detail)
        self.errors = errors


class KeyReused(Refused):
    """This Idempotency-Key was used for another request."""

    code = "KEY_REUSED"


class RequestTimeout(Refused):
    """The request did not arrive in time."""

    code = "REQUEST_TIMEOUT"


class PayloadTooLarge(Refused):
    """The body is too large."""

    code = "PAYLOAD_TOO_LARGE"


class UnsupportedMediaType(Refused):
    """The body's media type or encoding is not accepted."""

    code = "UNSUPPORTED_MEDIA_TYPE"


class RateLimited(Refused):
    """Too many requests."""

    code = "RATE_LIMITED"
    retryable = True

    def __init__(self, detail: str | None = None, *, retry_after_ms: int) -> None:
        super().__init__(detail)
        self.retry_after_ms = retry_after_ms

    @property
    def members(self) -> dict[str, object]:
        return {"retry_after_ms": self.retry_after_ms}


# --- who is asking -----------------------------------------------------------------------------


class AuthRequired(Refused):
    """A token is required."""

    code = "AUTH_REQUIRED"


class AuthInvalid(Refused):
    """The credentials are not valid."""

    code = "AUTH_INVALID"


class AuthExpired(Refused):
    """The token has expired."""

    code = "AUTH_EXPIRED"


class AuthSubject(Refused):
    """This socket belongs to another user."""

    code = "AUTH_SUBJECT"


class Forbidden(Refused):
    """This role may not do that."""

    code = "FORBIDDEN"


class EmailUnverified(Refused):
    """The e-mail address is not verified yet."""

    code = "EMAIL_UNVERIFIED"


class NotEligible(Refused):
    """This class is not open to you."""

    code = "NOT_ELIGIBLE"


class NotFound(Refused):
    """There is no such thing."""

    code = "NOT_FOUND"


class MethodNotAllowed(Refused):
    """This method is not allowed here."""

    code = "METHOD_NOT_ALLOWED"


# --- the state of an auction or a reservation ---------------------------------------------------


class NotStarted(Refused):
    """The sale has not started."""

    code = "NOT_STARTED"


class NotActive(Refused):
    """The auction is not active."""

    code = "NOT_ACTIVE"


class Sold(Refused):
    """The last seat is gone."""

    code = "SOLD"

    def __init__(self, *, sold_at_ms: int, accepted_at_ms: int) -> None:
        """Accepted instants: of the last seat's winner, and of the one who came too late."""
        super().__init__()
        self.sold_at_ms = sold_at_ms
        self.accepted_at_ms = accepted_at_ms

    @property
    def members(self) -> dict[str, object]:
        return {
            "sold_at": self.sold_at_ms,
            "late_by_ms": max(0, self.accepted_at_ms - self.sold_at_ms),
            "accepted_at": self.accepted_at_ms,
        }


class Expired(Refused):
    """The sale has ended."""

    code = "EXPIRED"


class Cancelled(Refused):
    """The class was cancelled."""

    code = "CANCELLED"


class AlreadyYours(Refused):
    """You already hold a seat in this class."""

    code = "ALREADY_YOURS"

    def __init__(self, reservation_id: int) -> None:
        super().__init__()
        self.reservation_id = reservation_id

    @property
    def members(self) -> dict[str, object]:
        return {"reservation_id": self.reservation_id}


class RebookRefused(Refused):
    """Who gave a seat back does not book that class again."""

    code = "REBOOK_REFUSED"


class Overlapping(Refused):
    """You hold a seat in a class at about the same time."""

    code = "OVERLAPPING"


class LimitReached(Refused):
    """A limit is reached."""

    code = "LIMIT_REACHED"


class TooLate(Refused):
    """It is too late for that."""

    code = "TOO_LATE"


class TransitionRefused(Refused):
    """The present state does not allow that."""

    code = "TRANSITION"

    def __init__(self, detail: str | None = None, *, field: str | None = None) -> None:
        """`field`: the body's field that may not change any more, if it is one."""
        super().__init__(detail)
        self.errors: tuple[FieldError, ...] = (
            () if field is None else (FieldError(field, self.code),)
        )


class PriceAboveMax(Refused):
    """The price is above the highest you accept."""

    code = "PRICE_ABOVE_MAX"

    def __init__(self, *, price: int, currency: str, revision: int, step: int) -> None:
        """`price` in minor units of `currency`, at (`revision`, `step`)."""
        super().__init__()
        self.price = price
        self.currency = currency
        self.revision = revision
        self.step = step

    @property
    def members(self) -> dict[str, object]:
        return {
            "current_price": self.price,
            "currency": self.currency,
            "revision": self.revision,
            "step": self.step,
        }


class Stale(Refused):
    """It has changed since you read it."""

    code = "STALE"


# --- unable --------------------------------------------------------------------------------------


class Busy(Unable):
    """Too busy now; nothing was done."""

    code = "BUSY"


class NoOwner(Unable):
    """No node answers for this auction at this moment."""

    code = "NO_OWNER"


class Draining(Unable):
    """This server is shutting down."""

    code = "DRAINING"


class UnknownOutcome(Unable):
    """It is not known yet whether this was done; ask again with the same key."""

    code = "UNKNOWN_OUTCOME"


class Internal(Unable):
    """Something broke on our side."""

    code = "INTERNAL"
