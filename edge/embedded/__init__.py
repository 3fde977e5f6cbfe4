"""A real PostgreSQL for whoever has none: found, started, watched and stopped by us.

Theory of operation. The server is a direct child of this process, in a session of its own (Ctrl-C
reaches us alone) and under another account where we are root. It hears on a unix socket in a
private folder, nowhere else. One process at a time runs the PostgreSQL of a data directory: a lock
file says who, `serve` stays and a command ends soon, so a command attaches beside `serve` and
everybody else waits. If we are killed, the kernel tells PostgreSQL to end; the next start waits
until it has. If PostgreSQL is killed, we start it again.
"""

from edge.embedded.identity import claimed_node_identity, node_identity, secret_key
from edge.embedded.layout import EmbeddedError
from edge.embedded.lock import Owner
from edge.embedded.postmaster import EmbeddedSettings
from edge.embedded.server import Attached, Embedded, attach_or_start

__all__ = [
    "Attached",
    "Embedded",
    "EmbeddedError",
    "EmbeddedSettings",
    "Owner",
    "attach_or_start",
    "claimed_node_identity",
    "node_identity",
    "secret_key",
]
