"""Bugs around the commit: group commit, ambiguity, numbers, what is carried onward."""

from typing import Final

from tests.mutants.mutant import Mutant, Promise

P2, P3, P5, P6 = Promise.P2, Promise.P3, Promise.P5, Promise.P6
P7, P8, LIVE = Promise.P7, Promise.P8, Promise.LIVE

_COMMITTER: Final = "engine/committer.py"
_GATHERING: Final = "engine/gathering.py"
_DRAW: Final = "engine/draw.py"
_OUTBOX: Final = "engine/outbox.py"
_GATHERING_TESTS: Final = ("tests/engine/test_gathering.py",)
_COMMITTER_TESTS: Final = (
    "tests/engine/test_committer.py",
    "tests/engine/test_committer_trouble.py",
)

COMMITS: Final = (
    Mutant(
        "An ambiguous commit counts as a failure",
        _COMMITTER,
        "            self._spawn(self._resolve(unknown.commit_id, unknown.batch))",
        "            for waiting in unknown.batch:\n                waiting.fails(Busy())",
        P3,
        _COMMITTER_TESTS,
    ),
    Mutant(
        "An ambiguous commit counts as a success",
        _COMMITTER,
        "            self._spawn(self._resolve(unknown.commit_id, unknown.batch))",
        "            for waiting in unknown.batch:\n"
        "                waiting.is_(Committed(waiting.entry.fence))",
        P2,
        _COMMITTER_TESTS,
    ),
    Mutant(
        "An ambiguous batch is sent again before it is known what became of it",
        _COMMITTER,
        "self._gathering.put_back([w for w in batch if w not in unknown.batch])",
        "self._gathering.put_back(batch)",
        P8,
        _COMMITTER_TESTS,
    ),
    Mutant(
        "Neighbours of an ambiguous entry that was sent singly are forgotten",
        _COMMITTER,
        "            self._gathering.put_back([w for w in batch if w not in unknown.batch])\n",
        "",
        LIVE,
        _COMMITTER_TESTS,
    ),
    Mutant(
        "Entries that were not sent are forgotten with their connection",
        _COMMITTER,
        "        except Unavailable:\n            self._gathering.put_back(batch)\n",
        "        except Unavailable:\n",
        LIVE,
        _COMMITTER_TESTS,
    ),
    Mutant(
        "Nobody asks what became of an ambiguous commit",
        _COMMITTER,
        "        except (Unavailable, Rejected):\n            raise\n",
        "        except StoreError:\n            raise\n",
        LIVE,
        _COMMITTER_TESTS,
    ),
    Mutant(
        "What never happened is sent again under the old fence",
        _COMMITTER,
        "        waiting.entry = replace(waiting.entry, fence=token)\n",
        "",
        P8,
        _COMMITTER_TESTS,
    ),
    Mutant(
        "A commit that was found goes by the fence that was moved",
        _COMMITTER,
        "waiting.is_(Committed(token))",
        "waiting.is_(Committed(waiting.entry.fence))",
        P8,
        _COMMITTER_TESTS,
    ),
    Mutant(
        "A commit whose auction was taken afterwards is called lost",
        _COMMITTER,
        "waiting.is_(Committed(token, still_ours=False))",
        "waiting.is_(Superseded())",
        P2,
        _COMMITTER_TESTS,
    ),
    Mutant(
        "Who lost the auction after the commit goes on as its owner",
        _COMMITTER,
        "waiting.is_(Committed(token, still_ours=False))",
        "waiting.is_(Committed(token))",
        P8,
        _COMMITTER_TESTS,
    ),
    Mutant(
        "Each time it is asked what became of a commit, the fence is another one",
        _COMMITTER,
        "                if token is None:\n",
        "                if token is None or token:\n",
        P8,
        _COMMITTER_TESTS,
    ),
    Mutant(
        "All batches have the same commit id",
        _COMMITTER,
        "commit_id = UUID(int=self._rng.getrandbits(128), version=4)",
        "commit_id = UUID(int=id(self) % 2**64, version=4)",
        P2,
        ("tests/engine/test_actor_endings.py",),
    ),
    Mutant(
        "An asker that is cancelled cancels the commit",
        _GATHERING,
        "            if not waiting.settled:\n",
        "            if not waiting.outcome.done():\n",
        P3,
        _GATHERING_TESTS,
        simulated=False,
    ),
    Mutant(
        "One entry's rejection fails the whole batch",
        _COMMITTER,
        "            for waiting in batch:\n                await self._attempt(flight, [waiting])",
        "            for waiting in batch:\n                waiting.fails(CommitBroken())",
        LIVE,
        _COMMITTER_TESTS,
    ),
    Mutant(
        "A race on a constraint breaks the entry instead of being tried again",
        _COMMITTER,
        "and rejections[Rejection.CONFLICT] <= 1",
        "and not rejections[Rejection.CONFLICT]",
        LIVE,
        _COMMITTER_TESTS,
    ),
    Mutant(
        "Two entries of one auction travel together",
        _GATHERING,
        "mine: list[object] = [entry.auction_id]",
        "mine: list[object] = []",
        LIVE,
        _COMMITTER_TESTS,
    ),
    Mutant(
        "What cuts the connection again and again takes others along",
        _GATHERING,
        "return self.lost > 1",
        "return self.lost < 0",
        LIVE,
        _COMMITTER_TESTS,
        simulated=False,
    ),
    Mutant(
        "What cuts the connection is sent for ever",
        _COMMITTER,
        "if waiting.lost >= self._settings.commit_attempts_max:",
        "if waiting.lost >= self._settings.commit_attempts_max * 1_000_000:",
        P7,
        _COMMITTER_TESTS,
        simulated=False,
    ),
    Mutant(
        "Any number of entries may wait for a commit",
        _COMMITTER,
        "if full or not self._connected or self._stopping:",
        "if not self._connected or self._stopping:",
        P7,
        _COMMITTER_TESTS,
        simulated=False,
    ),
    Mutant(
        "Entries wait for a database that is away",
        _COMMITTER,
        "if full or not self._connected or self._stopping:",
        "if full or self._stopping:",
        P7,
        _COMMITTER_TESTS,
    ),
    Mutant(
        "What waits behind slow commits is never given up",
        _COMMITTER,
        "        self._expire()\n        loop, pause_s",
        "        loop, pause_s",
        P7,
        _COMMITTER_TESTS,
        simulated=False,
    ),
    Mutant(
        "What waits behind slow commits is looked after only once",
        _COMMITTER,
        "loop.call_later(pause_s, again) if self._gathering.fresh else None",
        "loop.call_later(pause_s, again) if self._expiry is None else None",
        P7,
        _COMMITTER_TESTS,
        simulated=False,
    ),
    Mutant(
        "Stopping does not wait for what is in the air",
        _COMMITTER,
        "            await self._idle.wait()\n",
        "            await asyncio.sleep(0)\n",
        LIVE,
        _COMMITTER_TESTS,
        simulated=False,
    ),
)

NUMBERS: Final = (
    Mutant(
        "Ids are drawn again after a restart",
        _DRAW,
        "block = await self._store.next_block(self._sequence)",
        "block = range(1, len(await self._store.next_block(self._sequence)) + 1)",
        P8,
    ),
    Mutant(
        "A code is drawn again while it may be in the air",
        _DRAW,
        "        self._recent.add(code)\n",
        "",
        LIVE,
        simulated=False,
    ),
    Mutant(
        "Codes grow longer only when nearly all are used",
        _DRAW,
        "while in_use > CROWDED * len(codes.ALPHABET) ** self._length:",
        "while in_use > len(codes.ALPHABET) ** self._length:",
        P7,
        simulated=False,
    ),
    Mutant(
        "Who runs out of ids does not ask for more",
        _DRAW,
        "        if not self._left:\n            self._refill()\n",
        "        if not self._left:\n",
        LIVE,
        simulated=False,
    ),
)

CARRYING: Final = (
    Mutant(
        "A notice is marked as carried before it is",
        _OUTBOX,
        "                if await self._mailed(row):\n                    done.append(row.id)\n",
        "                done.append(row.id)\n                if await self._mailed(row):\n"
        "                    continue\n",
        P2,
        simulated=False,
    ),
    Mutant(
        "What could not be carried is never looked at again",
        _OUTBOX,
        "                self._in_hand.difference_update(row.id for row in rows)",
        "                self._in_hand.update(row.id for row in rows)",
        P2,
        simulated=False,
    ),
    Mutant(
        "What a crash left is mailed and not told",
        _OUTBOX,
        "                if row.attempts <= 1:\n                    self._tell(row)\n",
        "                if row.attempts < 0:\n                    self._tell(row)\n",
        P6,
    ),
    Mutant(
        "Any number of notices is kept in memory",
        _OUTBOX,
        "            if len(self._queue) < self._settings.outbox_inflight_max:",
        "            if row.id not in self._in_hand:",
        P7,
        simulated=False,
    ),
    Mutant(
        "A mail that cannot be sent is tried for ever",
        _OUTBOX,
        "if row.attempts < self._settings.outbox_attempts_max:",
        "if row.attempts >= 0:",
        P7,
        simulated=False,
    ),
)

MUTANTS: Final = (*COMMITS, *NUMBERS, *CARRYING)
