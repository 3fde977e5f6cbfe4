"""Bugs of who owns what: leases, activation, endings, draining."""

from typing import Final

from tests.mutants.mutant import Mutant, Promise

P2, P4, P7, P8, LIVE = Promise.P2, Promise.P4, Promise.P7, Promise.P8, Promise.LIVE

_LEASES: Final = "engine/leases.py"
_SUPERVISOR: Final = "engine/supervisor.py"
_DIRECTORY: Final = "engine/directory.py"
_NODE: Final = "engine/node.py"
_NODE_TESTS: Final = (
    "tests/engine/test_supervisor_loading.py",
    "tests/engine/test_supervisor.py",
    "tests/engine/test_node.py",
)

LEASES: Final = (
    Mutant(
        "The lease is counted from the answer instead of the sending",
        _LEASES,
        "self._valid_until_ns = sent_ns + ttl_ms * 1_000_000",
        "self._valid_until_ns = self._clock.mono_ns() + ttl_ms * 1_000_000",
        P8,
        simulated=False,
    ),
    Mutant(
        "A lease never runs out by our own clock",
        _LEASES,
        "return self._clock.mono_ns() < self._valid_until_ns",
        "return self._valid_until_ns > 0",
        P8,
    ),
    Mutant(
        "Who lost its lease may go on refusing until it runs out",
        _LEASES,
        "            except LeaseLost:\n                self._valid_until_ns = 0\n",
        "            except LeaseLost:\n",
        P8,
        simulated=False,
    ),
    Mutant(
        "A node refuses for auctions that are not its own",
        _LEASES,
        "return self.valid and self.owns(auction_id)",
        "return self.valid or self.owns(auction_id)",
        P8,
    ),
    Mutant(
        "A node starts its clock behind what others sold at",
        _LEASES,
        "        self._clock.at_least(joined.high_water_ms)\n",
        "",
        P4,
    ),
    Mutant(
        "A clock that is ahead of the database's is believed",
        _LEASES,
        "if abs(apart_ms) > self._settings.clock_apart_ms_max:",
        "if -apart_ms > self._settings.clock_apart_ms_max:",
        P4,
    ),
    Mutant(
        "Shards gained are taken for shards lost",
        _LEASES,
        "return self.shards - kept, frozenset(before) - kept",
        "return frozenset(before) - kept, self.shards - kept",
        LIVE,
    ),
    Mutant(
        "A shard that was somebody else's for a while counts as kept",
        _LEASES,
        "if before.get(no) == claim}",
        "if no in before}",
        P8,
    ),
    Mutant(
        "A slow answer makes the next beat late",
        _LEASES,
        "return max(0.0, self._settings.lease_renew_ms / 1e3 - since_ns / 1e9)",
        "return max(0.0, self._settings.lease_renew_ms / 1e3 - since_ns * 0)",
        LIVE,
        simulated=False,
    ),
)

ACTIVATION: Final = (
    Mutant(
        "Each message gets an actor of its own",
        _SUPERVISOR,
        "        self._directory.add(actor)\n",
        "",
        P8,
        _NODE_TESTS,
    ),
    Mutant(
        "A sale that the clock wants is given up when the store is away",
        _SUPERVISOR,
        "clock_wants_it = actor.auction_id in self._due\n        self._drop(actor, Busy())",
        "clock_wants_it = False\n        self._drop(actor, Busy())",
        LIVE,
        _NODE_TESTS,
    ),
    Mutant(
        "An actor that was let go while it was loaded is started",
        _SUPERVISOR,
        "        if not self._is_here(actor):\n            return\n"
        "        clock_wants_it = actor.auction_id in self._due\n"
        "        self._due.discard",
        "        clock_wants_it = actor.auction_id in self._due\n        self._due.discard",
        P8,
        _NODE_TESTS,
        simulated=False,
    ),
    Mutant(
        "A node loads auctions of shards that it has lost by then",
        _SUPERVISOR,
        "take_over(ids, self._membership.tenure)",
        "take_over(ids)",
        P8,
        _NODE_TESTS,
    ),
    Mutant(
        "One auction that cannot be read takes its batch along",
        _SUPERVISOR,
        "        if len(actors) == 1:\n"
        "            self._broken(actors[0], error)\n            return",
        "        if actors:\n            for each in actors:\n"
        "                self._broken(each, error)\n            return",
        LIVE,
        _NODE_TESTS,
        simulated=False,
    ),
    Mutant(
        "An actor that broke stays in the directory",
        _SUPERVISOR,
        '        """An actor has stopped by itself: have it back soon, if it is still ours."""\n'
        "        self._directory.remove(actor)\n",
        '        """An actor has stopped by itself: have it back soon, if it is still ours."""\n',
        LIVE,
        _NODE_TESTS,
    ),
    Mutant(
        "While an auction cools down whoever asks has it loaded",
        _SUPERVISOR,
        "        if left_ms > 0:\n            raise Busy(retry_after_ms=left_ms)\n",
        "",
        P7,
        _NODE_TESTS,
        simulated=False,
    ),
    Mutant(
        "An auction that another owner had for a moment is never fetched back",
        _SUPERVISOR,
        "            self._appoint_in(auction_id, self._settings.backoff_ms_min)\n"
        "            return\n",
        "            return\n",
        LIVE,
        _NODE_TESTS,
    ),
    Mutant(
        "Who lost a shard keeps its actors",
        _SUPERVISOR,
        "                    self._drop(actor, NoOwner())",
        "                    self._crashes.pop(actor.auction_id, None)",
        P8,
        _NODE_TESTS,
    ),
    Mutant(
        "Who gained a shard does not look for its sales",
        _SUPERVISOR,
        "            self._gained.set()\n",
        "            self._gained.clear()\n",
        LIVE,
        _NODE_TESTS,
    ),
    Mutant(
        "Looking ahead ends with the first page",
        _SUPERVISOR,
        "while len(page := await coming) == most:",
        "while len(page := await coming) > most:",
        LIVE,
        _NODE_TESTS,
        simulated=False,
    ),
    Mutant(
        "A sale that was looked at and let go is not fetched for its start",
        _SUPERVISOR,
        "if at_ms < now_ms + self._settings.horizon_ms:",
        "if at_ms < now_ms:",
        LIVE,
        _NODE_TESTS,
    ),
    Mutant(
        "A sale published for soon is left to the next look ahead",
        _SUPERVISOR,
        "if starts_at_ms < horizon_ms and self._membership.owns(auction_id):",
        "if starts_at_ms > horizon_ms and self._membership.owns(auction_id):",
        LIVE,
        _NODE_TESTS,
        simulated=False,
    ),
    Mutant(
        "An actor at work is let go for want of new messages",
        _SUPERVISOR,
        "auction is not None and actor.idle and actor.used_ms < unused_by_ms",
        "auction is not None and actor.used_ms < unused_by_ms",
        P8,
        _NODE_TESTS,
        simulated=False,
    ),
    Mutant(
        "Any number of auctions may wait to be loaded",
        _SUPERVISOR,
        "        if len(self._wanted) >= self._settings.activate_batch_max:\n"
        "            raise Busy()\n",
        "",
        P7,
        _NODE_TESTS,
        simulated=False,
    ),
)

NODES: Final = (
    Mutant(
        "Draining forgets what was taken in",
        _SUPERVISOR,
        "            await actor.finished()",
        "            await asyncio.sleep(0)",
        LIVE,
        _NODE_TESTS,
    ),
    Mutant(
        "A draining node takes new presses",
        _SUPERVISOR,
        "        self._directory.close()\n",
        "",
        LIVE,
        _NODE_TESTS,
        simulated=False,
    ),
    Mutant(
        "A node takes messages for auctions that another one owns",
        _DIRECTORY,
        "            if not self._routing.owns(auction_id):\n                raise NoOwner()\n",
        "",
        P8,
    ),
    Mutant(
        "An actor that ends takes its successor along",
        _DIRECTORY,
        "        if self._actors.get(actor.auction_id) is actor:\n"
        "            del self._actors[actor.auction_id]",
        "        self._actors.pop(actor.auction_id, None)",
        P8,
        ("tests/engine/test_directory.py", *_NODE_TESTS),
        simulated=False,
    ),
    Mutant(
        "A node without a valid lease says that it can book",
        _NODE,
        "return self._committer.available and self.membership.valid and not self._draining",
        "return self._committer.available and not self._draining",
        P8,
        _NODE_TESTS[2:],
        simulated=False,
    ),
    Mutant(
        "A part of the node that breaks is not missed",
        _NODE,
        '                _log.exception("%s broke", name)\n                self._superseded()\n',
        '                _log.exception("%s broke", name)\n',
        LIVE,
        _NODE_TESTS[2:],
        simulated=False,
    ),
    Mutant(
        "Who comes to the class late is written off at once",
        "engine/housekeeping.py",
        "now_ms - UNATTENDED_AFTER_MS, self._settings.sweep_batch_max",
        "now_ms, self._settings.sweep_batch_max",
        P2,
        simulated=False,
    ),
)

MUTANTS: Final = (*LEASES, *ACTIVATION, *NODES)
