"""One person's account on the public API: signed in once, its tokens renewed as they run out."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from edge.demo.api import Api, Fields, Refusal, insist
from edge.demo.people import PASSWORD

SIGN_IN_TRIES: Final = 20
"""Everybody signs in at the start, from one address: some are asked to wait."""
_SPARE_MS_MAX: Final = 60_000.0


class Account:
    """Acts on the API in somebody's name."""

    def __init__(self, api: Api, email: str, mono_ms: Callable[[], float]) -> None:
        """`mono_ms`: milliseconds of a clock that only goes forward."""
        self._api = api
        self._email = email
        self._mono_ms = mono_ms
        self._access = ""
        self._refresh: str | None = None
        self._renew_at_ms = 0.0
        self._turn = asyncio.Lock()

    async def token(self) -> str:
        """An access token that is good for a while. Raises Refusal, Unreachable."""
        async with self._turn:
            if self._mono_ms() >= self._renew_at_ms:
                await self._renew()
            return self._access

    async def sign_in(self) -> None:
        """Get hold of a token, waiting as long as the server asks. Raises Refusal, Unreachable."""
        await insist(self.token, SIGN_IN_TRIES)

    async def ask(
        self, method: str, path: str, body: Fields | None = None, *, key: str | None = None
    ) -> Any:
        """One question of this person. Raises Refusal, Unreachable."""
        token = await self.token()
        try:
            return await self._api.ask(method, path, body, token=token, key=key)
        except Refusal as refusal:
            if refusal.status != 401:
                raise
        self.forget(token)
        return await self._api.ask(method, path, body, token=await self.token(), key=key)

    def forget(self, token: str) -> None:
        """This token was refused: the next one asked for is a new one."""
        if token == self._access:
            self._renew_at_ms = 0.0

    async def _renew(self) -> None:
        if self._refresh is not None:
            try:
                self._take(
                    await self._api.ask("POST", "/auth/refresh", {"refresh_token": self._refresh})
                )
                return
            except Refusal as refusal:
                if refusal.status != 401:
                    raise
                self._refresh = None  # the session is over: in again by the front door
        body = {"email": self._email, "password": PASSWORD}
        self._take(await self._api.ask("POST", "/auth/login", body))

    def _take(self, signed_in: Fields) -> None:
        self._access = signed_in["access_token"]
        self._refresh = signed_in["refresh_token"]
        life_ms = signed_in["expires_in"] * 1_000
        self._renew_at_ms = self._mono_ms() + life_ms - min(_SPARE_MS_MAX, life_ms / 3)
