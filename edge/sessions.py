"""Who sits behind a socket, from its first token to the end of its session.

The user is the token's subject and never what a message claims. A socket belongs to the first
subject that authenticates on it, for good: another one needs another socket. A session that expires
or is ended elsewhere leaves the socket open and anonymous, its personal channel closed.
"""

from collections.abc import Callable, Collection

from edge import ws_frames
from edge.connection import Socket
from edge.hub import Hub
from edge.routing import Principal
from engine import frames
from engine.errors import AuthExpired, AuthInvalid, AuthRequired, AuthSubject, Busy
from engine.frames import instant
from engine.ports.clock import Clock

WARNED_BEFORE_MS = 60_000
"""So long before its end a session is said to be expiring."""


class TooManySockets(Exception):
    """This user has as many sockets open as one may have."""


class Sessions:
    """Signs sockets in and out. `leave` when a socket is gone."""

    def __init__(
        self,
        *,
        bearer: Callable[[str], Principal],
        hub: Hub,
        clock: Clock,
        most_a_user: int | None,
        renewed: Callable[[Socket], None],
    ) -> None:
        """`bearer`: whose access token this is, or raises AuthInvalid or AuthExpired;
        `most_a_user` None: not counted; `renewed`: this socket's session has a new end."""
        self._bearer = bearer
        self._hub = hub
        self._clock = clock
        self._most_a_user = most_a_user
        self._renewed = renewed
        self._sockets: dict[int, set[Socket]] = {}

    def of_header(self, authorization: str) -> Principal:
        """Who sends this Authorization header with the upgrade. Raises AuthInvalid, AuthExpired,
        or Busy when that user has too many sockets."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise AuthInvalid()
        principal = self._bearer(token.strip())
        if self._is_full(principal.user_id):
            raise Busy("Too many connections of this account.")
        return principal

    def authenticate(self, socket: Socket, token: str) -> Principal:
        """Sign in, or renew. Raises AuthInvalid, AuthExpired, AuthSubject or TooManySockets."""
        principal = self._bearer(token)
        self.sign_in(socket, principal)
        return principal

    def sign_in(self, socket: Socket, principal: Principal) -> None:
        """This is whose socket it is. Raises AuthSubject or TooManySockets."""
        if socket.user_id not in (0, principal.user_id):
            raise AuthSubject()
        if not socket.user_id:
            if self._is_full(principal.user_id):
                raise TooManySockets
            socket.user_id = principal.user_id
            self._sockets.setdefault(principal.user_id, set()).add(socket)
        socket.principal = principal
        socket.warned = False
        self._renewed(socket)

    def principal(self, socket: Socket, now_ms: int) -> Principal:
        """Who is asking now. Raises AuthRequired or AuthExpired."""
        principal = socket.principal
        if principal is None:
            raise AuthRequired()
        if principal.expires_at_ms <= now_ms:
            raise AuthExpired()
        return principal

    def keep(self, socket: Socket, now_ms: int) -> int | None:
        """Warn or end a session when it is time; when to look again, None: never."""
        principal = socket.principal
        if principal is None:
            return None
        ends_ms = principal.expires_at_ms
        if now_ms >= ends_ms:
            self._end(socket, ends_ms)
            return None
        if now_ms < ends_ms - WARNED_BEFORE_MS:
            return ends_ms - WARNED_BEFORE_MS
        if not socket.warned:
            socket.warned = True
            self._say(socket, "session_expiring", ends_ms)
        return ends_ms

    def revoked(self, session_ids: Collection[str]) -> None:
        """These sessions were ended: their sockets are anonymous from this moment on."""
        now_ms = self._clock.now_ms()
        for sockets in self._sockets.values():
            for socket in sockets:
                principal = socket.principal
                if principal is not None and principal.session_id in session_ids:
                    self._end(socket, now_ms)

    def leave(self, socket: Socket) -> None:
        """The socket is gone."""
        mine = self._sockets.get(socket.user_id)
        if mine is not None:
            mine.discard(socket)
            if not mine:
                del self._sockets[socket.user_id]

    def _is_full(self, user_id: int) -> bool:
        if self._most_a_user is None:
            return False
        return len(self._sockets.get(user_id, ())) >= self._most_a_user

    def _end(self, socket: Socket, at_ms: int) -> None:
        socket.principal = None
        self._hub.unfollow(socket, socket.user_id)
        self._say(socket, "session_expired", at_ms)

    def _say(self, socket: Socket, kind: str, at_ms: int) -> None:
        payload = frames.encode({"type": kind, "at": instant(at_ms)})
        self._hub.writer.write(socket, ws_frames.text(payload))
