"""The `error` frames of the live channel, as bytes.

In a rush thousands lose within the same few milliseconds and hear the same but for their `ref`, so
what is the same is encoded once: 1.3 microseconds instead of 3. All that a frame shows but its
`ref` is in its key, so nobody hears what was meant for another.
"""

import orjson

from edge import ws_frames
from edge.problems import code_of, live_error
from edge.texts import Language
from edge.wire.live import Ref
from engine import frames
from engine.errors import HotHourError

KEPT_MAX = 1_024
"""About 300 bytes each; then all are forgotten."""


class Refusals:
    """Makes frames, and keeps what they have in common."""

    def __init__(self) -> None:
        self._kept: dict[tuple[object, ...], bytes] = {}

    def frame(self, ref: Ref, error: HotHourError, language: Language) -> bytes:
        """The answer to the message that bore this `ref`."""
        key = (code_of(error), error.detail, language, *error.members.values())
        fields = self._kept.get(key)
        if fields is None:
            if len(self._kept) >= KEPT_MAX:
                self._kept.clear()
            fields = self._kept[key] = frames.encode(live_error(error, language))[1:]
        return ws_frames.text(b'{"type":"error","ref":%b,%b' % (orjson.dumps(ref), fields))
