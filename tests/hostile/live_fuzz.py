"""Anything at all on the live channel: `python -m tests.hostile.live_fuzz --messages 100000`.

Conversations drawn by hypothesis are held with the real channel on a real socket, the engine
behind it decided by the real domain. After each of them: every line that could be answered was
answered, once; the answers are as the contract has them; a connection that was closed was closed by
a code that the conversation earned; only good presses reached an auction; nothing is left of the
connection; a neighbour is served. A conversation that breaks one of these is shrunk.
"""

import argparse
import asyncio
import re
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import hypothesis
import orjson
from hypothesis import HealthCheck, Phase

from edge.wire.live import BadText, Malformed, read
from tests.edge.live_clients import Client
from tests.edge.live_shop import START_MS, auction_of, guest
from tests.edge.live_world import World, world
from tests.hostile import wire
from tests.hostile.live_contract import CLOSES, complaint
from tests.hostile.live_messages import (
    KINDS,
    SALES,
    TOKENS,
    Conversation,
    Conversations,
    Said,
    bytes_of,
)

CONVERSATION_MS = 200
"""The test's clock goes on by this much after each."""
FAR_MS = START_MS + 10**10
LAST = "the-last-one"
SHARE_MIN = 0.002
"""Of all messages, each kind and each usual outcome has to be at least this much."""


_KEY = re.compile("[A-Za-z0-9_-]{16,64}")


class Broken(AssertionError):
    """An invariant does not hold."""


@dataclass(slots=True)
class Tally:
    """What happened, so that nobody is pleased about nothing."""

    conversations: int = 0
    messages: int = 0
    heard: Counter[str] = field(default_factory=Counter)
    """Valid messages by type, as the server counted them."""
    answers: Counter[str] = field(default_factory=Counter)
    """By type, errors by their code."""
    closes: Counter[int] = field(default_factory=Counter)

    def inconclusive(self) -> list[str]:
        """What happened too seldom to have proved anything."""
        least = max(1, int(self.messages * SHARE_MIN))
        usual = ("ok", "pong", "subscribed", "VALIDATION", "AUTH_REQUIRED", "AUTH_INVALID")
        few = [kind for kind in KINDS if self.heard[kind] < least]
        few += [kind for kind in usual if self.answers[kind] < least]
        few += [
            kind for kind in ("NOT_FOUND", "FORBIDDEN", "ALREADY_YOURS") if not self.answers[kind]
        ]
        return few + [str(code) for code in (1002, 1007, 4000) if not self.closes[code]]

    def told(self) -> str:
        """In a few lines."""
        return "\n".join(
            (
                f"{self.messages} messages in {self.conversations} conversations",
                f"heard: {dict(self.heard.most_common())}",
                f"answered: {dict(self.answers.most_common())}",
                f"closed: {dict(self.closes.most_common())}",
            )
        )


class Fuzz:
    """Holds conversations with one world."""

    def __init__(self, here: World, neighbour: Client) -> None:
        self._here = here
        self._neighbour = neighbour
        self.tally = Tally()
        self._sizes = self._left_over()

    async def hold(self, conversation: Conversation) -> None:
        """One conversation and all invariants. Raises Broken."""
        here = self._here
        seen_before = len(here.shop.seen)
        line = await wire.connect(here.port)
        try:
            heard, closed = await self._talk(line, conversation)
        except TimeoutError:
            raise Broken("the connection went silent") from None
        finally:
            await line.close()
        lines = (
            (*conversation.lines, conversation.last) if conversation.last else conversation.lines
        )
        self.tally.conversations += 1
        self.tally.messages += len(lines)
        self._check_answers(conversation, heard, closed)
        self._check_close(lines, heard, closed)
        self._check_presses(lines, seen_before)
        await self._check_after()

    async def _talk(
        self, line: wire.Line, conversation: Conversation
    ) -> tuple[list[dict[str, Any]], int | None]:
        """All messages heard up to the last answer; the code of the goodbye if there was one."""
        headers = b""
        if conversation.token is not None:
            headers = b"Authorization: Bearer %b\r\n" % conversation.token.encode()
        await line.send(wire.UPGRADE + headers + b"\r\n")
        answer = await line.answer()
        if answer is None or answer.status != 101:
            raise Broken(f"not upgraded: {answer}")
        pieces = [bytes_of(said, ref) for ref, said in enumerate(conversation.lines)]
        if conversation.last is not None:
            pieces.append(bytes_of(conversation.last, len(pieces)))
        pieces.append(wire.frame(b'{"type":"ping","ref":"%b","client_ms":1}' % LAST.encode()))
        await line.send(*([b"".join(pieces)] if conversation.at_once else pieces))
        return await self._listen(line, len(conversation.lines))

    async def _listen(self, line: wire.Line, lines: int) -> tuple[list[dict[str, Any]], int | None]:
        heard: list[dict[str, Any]] = []
        code = None
        goodbye_said = False
        while (found := await line.frame()) is not None:
            opcode, payload = found
            if opcode == wire.TEXT:
                message = orjson.loads(payload)
                heard.append(message)
                if message.get("ref") == LAST and not goodbye_said:
                    # Presses are answered when they are decided: the goodbye waits for them.
                    await self._settled()
                    goodbye_said = True
                    await line.send(wire.close_frame(1000))
            elif opcode == wire.CLOSE:
                code = int.from_bytes(payload[:2], "big")
                await line.send(wire.close_frame(code))
        return heard, None if goodbye_said else code or 0

    async def _settled(self) -> None:
        presses = self._here.channel._conversation._presses
        await self._here.until(lambda: not presses)

    # --- invariants ------------------------------------------------------------------------------

    def _check_answers(
        self, conversation: Conversation, heard: list[dict[str, Any]], closed: int | None
    ) -> None:
        refs: Counter[object] = Counter()
        for message in heard:
            wrong = complaint(message)
            if wrong is not None:
                raise Broken(f"{wrong}: {message}")
            if "ref" in message:
                refs[_hashable(message["ref"])] += 1
                self.tally.answers[message.get("code", message["type"])] += 1
        expected = Counter(
            _ref_of(said, ref)
            for ref, said in enumerate(conversation.lines)
            if said.kind != "frame"
        )
        if closed is None:
            expected[LAST] += 1
            if refs != expected:
                raise Broken(f"answered {refs}, expected {expected}")
        elif refs - expected:
            raise Broken(f"answered {refs - expected}, which nobody asked")

    def _check_close(
        self, lines: tuple[Said, ...], heard: list[dict[str, Any]], closed: int | None
    ) -> None:
        if closed is None:
            return
        self.tally.closes[closed] += 1
        errors = sum(m.get("code") == "VALIDATION" for m in heard)
        kinds = {said.kind for said in lines}
        earned = set()
        if "frame" in kinds:
            return  # a goodbye, or what is no frame: the code is the frame's own matter
        if _has_bad_utf8(lines):
            earned.add(1007)
        if "binary" in kinds or errors >= 10:
            earned.add(4000)
        if closed not in earned & CLOSES:
            raise Broken(f"closed by {closed}, which nobody earned: {sorted(earned)}")

    def _check_presses(self, lines: tuple[Said, ...], seen_before: int) -> None:
        """Whatever reached an auction was said, and was a press."""
        good = Counter(_key_of(said) for said in lines)
        for _, message in self._here.shop.seen[seen_before:]:
            key = getattr(message, "key", None)
            if key is None or not good[key]:
                raise Broken(f"{message} reached an auction")
            good[key] -= 1

    async def _check_after(self) -> None:
        here = self._here
        await here.until(lambda: here.channel.open_sockets == 1)
        here.clock.now += CONVERSATION_MS
        here.timers.run_due()
        await here.settle()
        answer = await self._neighbour.ask("ping", client_ms=1)
        self._neighbour.inbox.clear()
        if answer["type"] not in ("pong", "error"):
            raise Broken(f"the neighbour heard {answer}")
        self.tally.heard.update(here.meters.kinds)
        here.meters.kinds.clear()
        left = self._left_over()
        grown = {name: size for name, size in left.items() if size > self._sizes[name]}
        if grown:
            raise Broken(f"left over: {grown}")

    def _left_over(self) -> dict[str, int]:
        """How much the server keeps, by what it keeps it in."""
        channel, hub = self._here.channel, self._here.hub
        return {
            "sockets": channel.open_sockets,
            "admitted": channel._admission.entered,
            "signed in": len(channel._sessions._sockets),
            "presses": len(channel._conversation._presses),
            "topics": len(hub._topics),
            "followers": len(hub._followers),
            "congested": len(hub.writer._congested),
            # Goodbyes wait some seconds for their reader, so some of the latest may be there.
            "timers beyond 100": max(0, len(self._here.timers) - 100),
        }


def _ref_of(said: Said, ref: int) -> object:
    """Under which ref a line is answered; None: it has none that could be read."""
    if said.message is None:
        try:
            return read(said.raw)[0]
        except Malformed as malformed:
            return malformed.ref
        except BadText:
            return None
    given = said.message.get("ref", ref)
    is_one = given is None or type(given) is int or (isinstance(given, str) and len(given) <= 64)
    return given if is_one and given != 10**30 else None


def _hashable(ref: object) -> object:
    return ref if isinstance(ref, int | str | None) else repr(ref)


def _key_of(said: Said) -> str | None:
    """The key of a line that is a press in form, by a reading of our own."""
    message = said.message or {}
    key, sale = message.get("idempotency_key"), message.get("auction_id")
    fits = (
        message.get("type") == "book"
        and message.keys() <= {"type", "ref", "auction_id", "idempotency_key", "max_price"}
        and type(sale) is int
        and 0 < sale < 2**63
    )
    return key if fits and isinstance(key, str) and _KEY.fullmatch(key) else None


def _has_bad_utf8(lines: tuple[Said, ...]) -> bool:
    for said in lines:
        try:
            said.raw.decode()
        except UnicodeDecodeError:
            return True
    return False


# --- runs ----------------------------------------------------------------------------------------


async def fuzz(messages: int, seed: int, *, shrink: bool = True) -> Tally:
    """Hold conversations until so many messages were said. Raises Broken, with the shortest
    conversation that hypothesis finds in the exception's notes."""
    async with world() as here, here.client() as neighbour:
        for sale in SALES:
            here.shop.open(auction_of(sale, seats=500, ends_at_ms=FAR_MS, class_at_ms=FAR_MS))
        for nth, token in enumerate(TOKENS):
            expires = START_MS - 1 if "expired" in token else FAR_MS
            here.tokens[token] = guest(501 + nth, expires_at_ms=expires)
        await neighbour.ask("subscribe_auction", auction_id=SALES[0], mode="schedule")
        here.meters.kinds.clear()
        running = Fuzz(here, neighbour)
        loop = asyncio.get_running_loop()
        while running.tally.messages < messages:
            await loop.run_in_executor(None, _examples(running, loop, seed, shrink=shrink))
            seed += 1_000_003
        return running.tally


def _examples(
    running: Fuzz, loop: asyncio.AbstractEventLoop, seed: int, *, shrink: bool
) -> Callable[[], None]:
    """A run of hypothesis in a thread of its own; conversations are held on the loop."""

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=250,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        print_blob=False,
        report_multiple_bugs=False,
        phases=(Phase.generate, Phase.shrink) if shrink else (Phase.generate,),
    )
    @hypothesis.given(Conversations)
    def examples(conversation: Conversation) -> None:
        held = asyncio.run_coroutine_threadsafe(running.hold(conversation), loop)
        held.result(4 * wire.PATIENCE_S)

    return examples


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    tally = asyncio.run(fuzz(given.messages, given.seed))
    few = tally.inconclusive()
    verdict = f"INCONCLUSIVE: too little of {', '.join(few)}" if few else "every invariant held"
    sys.stdout.write(f"{tally.told()}\n{verdict} (seed {given.seed})\n")
    return 1 if few else 0


if __name__ == "__main__":
    sys.exit(main())
