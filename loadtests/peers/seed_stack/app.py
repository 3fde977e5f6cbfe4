"""POST /book, and the rooms beside it, as one ASGI application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import jwt
import socketio
from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel

from loadtests.peers.seed_stack.pricing import decimal
from loadtests.peers.seed_stack.rooms import Rooms
from loadtests.peers.seed_stack.store import Refused, Store, open_pool

ALGORITHM = "HS256"


class Order(BaseModel):
    """What a guest wants."""

    auction_id: int


class Booking(BaseModel):
    """What a guest has."""

    id: int
    auction_id: int
    price: str
    code: str


def application(dsn: str, secret: str, *, look_first: bool) -> Any:
    """The whole server; tokens are signed with `secret`."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
        pool = await open_pool(dsn)
        store = Store(pool, look_first=look_first)
        rooms.open(store)
        yield {"store": store}
        await rooms.stop()
        await pool.close()

    async def guest(
        bearer: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())],
    ) -> int:
        try:
            claims = jwt.decode(bearer.credentials, secret, algorithms=[ALGORITHM])
        except jwt.InvalidTokenError:
            raise Refused(401, "AUTH_INVALID") from None
        return int(claims["sub"])

    async def book(
        order: Order, guest_id: Annotated[int, Depends(guest)], request: Request
    ) -> Booking:
        reservation = await request.state.store.book(order.auction_id, guest_id)
        await rooms.tell_sold(reservation)
        return Booking(
            id=reservation.id,
            auction_id=reservation.auction_id,
            price=decimal(reservation.price),
            code=reservation.code,
        )

    rooms = Rooms()
    api = FastAPI(lifespan=lifespan)
    api.add_api_route("/book", book, methods=["POST"], status_code=201)
    api.add_exception_handler(Refused, _problem)
    return socketio.ASGIApp(rooms.server, api)


async def _problem(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Refused), "registered for it alone"
    fields = {"type": "about:blank", "status": error.status, "code": error.code}
    return JSONResponse(fields, error.status, media_type="application/problem+json")
