"""A process of its own with an embedded PostgreSQL, for tests that kill, bind or unprivilege it.

    python program.py DATA_DIR OWNER [LARGEST_FILE_BYTES]

Says one JSON line, {"dsn", "pid"} or {"error"}, then runs until its standard input ends.
"""

import asyncio
import json
import resource
import sys
from pathlib import Path

from edge.embedded import Embedded, EmbeddedError, EmbeddedSettings, Owner, attach_or_start


async def main(data_dir: Path, owner: Owner) -> None:
    loop = asyncio.get_running_loop()
    try:
        settings = EmbeddedSettings(serve_wait_s=0.2, server_options=(("fsync", "off"),))
        postgres = await attach_or_start(data_dir, owner, settings)
    except EmbeddedError as error:
        say({"error": str(error)})
        return
    pid = postgres.pid if isinstance(postgres, Embedded) else None
    say({"dsn": postgres.dsn, "pid": pid})
    ended = loop.create_future()
    loop.add_reader(sys.stdin.fileno(), ended.set_result, None)
    await ended
    loop.remove_reader(sys.stdin.fileno())
    await postgres.stop()


def say(line: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    if len(sys.argv) > 3:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))
    asyncio.run(main(Path(sys.argv[1]), "serve" if sys.argv[2] == "serve" else "command"))
