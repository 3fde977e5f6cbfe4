"""What a data directory remembers of its node: a name, and a secret for development.

Two processes that ask at once get the same answer. Must never be where a production secret comes
from.
"""

import base64
import binascii
import fcntl
import os
import secrets
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.embedded.layout import EmbeddedError, open_layout, reason

_SECRET_BYTES = 48
_NODES_MAX = 64


def node_identity(data_dir: Path) -> str:
    """The stable name (a UUID) of this data directory's node, made on first use."""
    return _node_identity(open_layout(data_dir).root / "node-id")


@contextmanager
def claimed_node_identity(data_dir: Path) -> Iterator[str]:
    """A stable name that no other living process of this data directory bears.

    The first process gets `node_identity`; a second one beside it, on the same external database,
    a stable second name, and so on: two members under one name would share a lease.
    """
    root = open_layout(data_dir).root
    for number in range(1, _NODES_MAX + 1):
        path = root / ("node-id" if number == 1 else f"node-id-{number}")
        with _opened(path.with_name(f"{path.name}.claim")) as descriptor:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield _node_identity(path)
            return
    raise EmbeddedError(f"More than {_NODES_MAX} processes use the data directory {root}.")


def secret_key(data_dir: Path) -> bytes:
    """48 random bytes that stay the same, in a file only its owner reads. For development."""
    path = open_layout(data_dir).root / "secret-key"
    text = _read_or_create(path, lambda: base64.b64encode(secrets.token_bytes(_SECRET_BYTES)))
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        key = b""
    if len(key) != _SECRET_BYTES:
        raise EmbeddedError(f"The key in {path} is damaged: remove it, and everybody logs in anew.")
    return key


def _node_identity(path: Path) -> str:
    text = _read_or_create(path, lambda: str(uuid.uuid4()).encode())
    try:
        return str(uuid.UUID(text.decode()))
    except ValueError:
        raise EmbeddedError(f"The name in {path} is damaged: remove it to get a new one.") from None


def _read_or_create(path: Path, make: Callable[[], bytes]) -> bytes:
    """The file's text; an empty or missing file is filled first. One process at a time."""
    try:
        with _opened(path) as descriptor:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            os.fchmod(descriptor, 0o600)
            text = os.pread(descriptor, 4096, 0).strip()
            if not text:
                text = make()
                os.pwrite(descriptor, text + b"\n", 0)
                os.fsync(descriptor)
            return text
    except OSError as error:
        raise EmbeddedError(f"{path} cannot be read or written: {reason(error)}.") from None


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise EmbeddedError(f"{path} cannot be read or written: {reason(error)}.") from None
    try:
        yield descriptor
    finally:
        os.close(descriptor)
