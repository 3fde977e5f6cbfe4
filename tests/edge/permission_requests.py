"""What is sent in a cell of the permission matrix: a request that lacks nothing but permission."""

import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

from tests.e2e.program import Guest, ask, instant, live
from tests.edge.permission_scenes import Scene
from tests.edge.permissions import Asker, Of, Rule
from tests.edge.premises import PASSWORD, Premises

NEW_PASSWORD = "another open sesame"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What was heard; `code` empty: no refusal. `status` 0: over the live channel."""

    status: int
    code: str
    text: str
    problem: Mapping[str, Any] | None = None


class Voice:
    """Asks, over HTTP and over the live channel."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self._url = url
        self._http = http

    async def ask(
        self, rule: Rule, scene: Scene, body: Json | None, names: Mapping[str, str]
    ) -> Answer:
        """One request, its path filled with these names."""
        method, _, path = rule.name.partition(" ")
        if rule.how == "by QR" and scene.seat is not None:
            qr = f"{names['reservation_id']}.{scene.seat.token.upper()}"
            names = {**names, "booking_code": qr}
        sent = {"Accept-Language": "en"}  # in which a refusal's own sentence is shown
        if scene.token is not None:
            sent["Authorization"] = f"Bearer {scene.token}"
        if method != "GET":
            sent["Idempotency-Key"] = f"cell-{uuid.uuid4().hex}"
        async with self._http.request(
            method,
            f"{self._url}/api/v1{path.format(**names)}",
            headers=sent,
            json=body,
            params=_query(rule, scene),
        ) as answer:
            raw = await answer.read()
            text = raw.decode()
            if answer.content_type != "application/problem+json":
                return Answer(answer.status, "", text)
            problem = orjson.loads(raw)
            # The asker's own words come back; whatever else there is would be news.
            text = text.replace(problem["instance"], "")
            return Answer(answer.status, problem["code"], text, problem)

    async def say(self, rule: Rule, asker: Asker, scene: Scene, message: Json) -> Answer:
        """One message, by whoever has said before who they are."""
        dead = asker in (Asker.EXPIRED, Asker.REVOKED)
        introduces = rule.name == "live authenticate"
        nobody = scene.token is None or dead or message.get("token") == scene.token
        by = None if nobody or scene.token is None else Guest(0, scene.token)
        async with live(self._url, by) as ws:
            if dead and not introduces:
                refused = await ask(ws, type="authenticate", ref="dead", token=scene.token)
                assert refused["type"] == "error", refused
            answer = await ask(ws, **message)
        rejected = [each["code"] for each in answer.get("rejected", [])]
        code = rejected[0] if rejected else answer.get("code", "")
        return Answer(0, code, orjson.dumps(answer).decode())


def _query(rule: Rule, scene: Scene) -> dict[str, str]:
    """A list is asked for so little that the thing, if it may be seen, is in it."""
    match rule.name:
        case "GET /auctions":
            assert scene.sale is not None
            status = "DRAFT" if rule.of is Of.DRAFT else "ACTIVE"
            return {"q": scene.sale.title.split()[1], "status": status}
        case "GET /studios/me/reservations":
            assert scene.seat is not None
            query = {"auction_id": str(scene.seat.sale.id)}
            named = {"studio_id": str(scene.seat.sale.studio_id)}
            return query | named if rule.how == "names the studio" else query
        case _:
            return {}


# --- bodies --------------------------------------------------------------------------------------


async def body_of(rule: Rule, asker: Asker, premises: Premises, scene: Scene) -> Json | None:
    """What is sent, and whatever it needs in the database; of the live channel, the message."""
    if rule.is_live:
        return _message(rule, asker, premises, scene)
    make = _BODIES.get(rule.name)
    return None if make is None else await make(premises, scene, rule)


def _message(rule: Rule, asker: Asker, premises: Premises, scene: Scene) -> Json:
    kind = rule.name.removeprefix("live ")
    message: Json = {"type": kind, "ref": "cell"}
    match kind:
        case "ping":
            message["client_ms"] = 1
        case "subscribe_auction" | "unsubscribe_auction":
            message["auction_id"] = _sale_id(scene)
        case "book":
            message |= {"auction_id": _sale_id(scene), "idempotency_key": uuid.uuid4().hex}
        case "subscribe_user":
            assert scene.subject is not None
            message["user_id"] = scene.subject.id
        case "authenticate":
            assert scene.subject is not None
            own = scene.subject is scene.asker or asker in (Asker.EXPIRED, Asker.REVOKED)
            message["token"] = scene.token if own else premises.token(scene.subject)
    return message


def _sale_id(scene: Scene) -> int:
    assert scene.sale is not None
    return scene.sale.id


async def _registration(premises: Premises, _: Scene, __: Rule) -> Json:
    new = premises.mark()
    phone = f"+90{5_900_000_000 + int(new[-6:], 16)}"
    person = {"email": f"{new}@mail.example.com", "full_name": new, "phone": phone}
    return {**person, "password": PASSWORD}


async def _address(_: Premises, scene: Scene, __: Rule) -> Json:
    return {"email": scene.other.email}


async def _login(_: Premises, scene: Scene, __: Rule) -> Json:
    return {"email": scene.other.email, "password": PASSWORD}


async def _proof(premises: Premises, scene: Scene, _: Rule) -> Json:
    return {"token": await premises.link(scene.other, "verify_email")}


async def _reset(premises: Premises, scene: Scene, _: Rule) -> Json:
    token = await premises.link(scene.other, "reset_password")
    return {"token": token, "new_password": NEW_PASSWORD}


async def _refresh(premises: Premises, scene: Scene, _: Rule) -> Json:
    return {"refresh_token": premises.mint.refresh(await premises.session(scene.other))}


async def _passwords(_: Premises, __: Scene, ___: Rule) -> Json:
    return {"current_password": PASSWORD, "new_password": NEW_PASSWORD}


async def _plan(_: Premises, __: Scene, ___: Rule) -> Json:
    window = {"start_time": instant(600), "end_time": instant(7_200)}
    return {"start_price": "200.00", "floor_price": "50.00", **window}


async def _entry(_: Premises, scene: Scene, rule: Rule) -> Json:
    window = {"start_time": instant(600), "end_time": instant(7_200)}
    prices = {"start_price": "200.00", "floor_price": "50.00", "drop_amount": "5.00"}
    named = {"studio_id": scene.studio_id} if rule.of is Of.STUDIO else {}
    return {"title": "Yoga", "drop_interval_secs": 600, **window, **prices, **named}


async def _change(premises: Premises, _: Scene, __: Rule) -> Json:
    return {"description": premises.mark()}


async def _force(_: Premises, __: Scene, ___: Rule) -> Json:
    return {"force": True}


async def _press(_: Premises, scene: Scene, rule: Rule) -> Json:
    named = {"user_id": scene.subject.id} if scene.subject is not None else {}
    return {"auction_id": _sale_id(scene), **named}


async def _name(premises: Premises, _: Scene, __: Rule) -> Json:
    return {"name": f"Salon {premises.mark()}"}


_BODIES: Mapping[str, Callable[[Premises, Scene, Rule], Awaitable[Json]]] = {
    "POST /auth/register": _registration,
    "POST /auth/resend-verification": _address,
    "POST /auth/forgot-password": _address,
    "POST /auth/verify-email": _proof,
    "POST /auth/reset-password": _reset,
    "POST /auth/login": _login,
    "POST /auth/refresh": _refresh,
    "POST /auth/logout": _refresh,
    "POST /auth/change-password": _passwords,
    "POST /auctions/plan": _plan,
    "POST /auctions": _entry,
    "PUT /auctions/{auction_id}": _change,
    "POST /auctions/{auction_id}/trigger-turbo": _force,
    "POST /reservations/book": _press,
    "PUT /studios/me": _name,
}
