"""Each module of engine/ and edge/ has its own tests, in the place where one looks for them.

`engine/x.py` is mirrored by `tests/engine/test_x.py`, `edge/rest/x.py` by
`tests/edge/rest/test_x.py`; a module with much to say may have several, `test_x_<topic>.py`. The
domain, the ports and their implementations have folders of their own (ROOMS). A module that only
declares (protocols, messages) has nothing to run and so nothing to test.
"""

import ast
from collections.abc import Collection, Iterator, Mapping
from pathlib import PurePosixPath

from tests.tidy.tree import TextFile

# The longest prefix wins. Below `tests/contracts` one suite serves every implementation of a port,
# so only the file's name counts there, not its folder.
ROOMS: Mapping[str, tuple[str, ...]] = {
    "edge": ("tests/edge",),
    "engine": ("tests/engine",),
    "engine/bus": ("tests/bus", "tests/contracts"),
    "engine/domain": ("tests/domain",),
    "engine/ports": ("tests/engine/ports", "tests/contracts"),
    "engine/simulation": ("tests/simulation",),
    "engine/store": ("tests/store", "tests/contracts"),
}
ANY_FOLDER_BELOW = ("tests/contracts", "tests/store")

# Modules without a mirror, and what holds them instead.
ELSEWHERE: Mapping[str, str] = {}


def no_mirror(
    modules: Collection[TextFile], tests: Collection[str], elsewhere: Mapping[str, str] = ELSEWHERE
) -> Iterator[str]:
    """One complaint a module without tests of its own, and one an exception that is none."""
    for module in modules:
        mirrored = any(_mirrors(test, module.path) for test in tests)
        if mirrored and module.path in elsewhere:
            yield f"{module.path}: has a mirror test, so it is no exception"
        if not mirrored and module.path not in elsewhere and not only_declares(module):
            yield f"{module.path}: no {_expected(module.path)}"
    for path in sorted(elsewhere.keys() - {module.path for module in modules}):
        yield f"{path}: listed as an exception, but there is no such module"


def only_declares(module: TextFile) -> bool:
    """No function in it has a body, or it is the opening page of a package."""
    if PurePosixPath(module.path).name in {"__init__.py", "__main__.py"}:
        return True
    nodes = list(ast.walk(ast.parse(module.text)))
    bodies = [n.body for n in nodes if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    lambdas = any(isinstance(node, ast.Lambda) for node in nodes)
    return not lambdas and all(_is_blank(statement) for body in bodies for statement in body)


def _is_blank(statement: ast.stmt) -> bool:
    """A docstring or `...`."""
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _expected(module: str) -> str:
    room, folders = _room(module)
    below = PurePosixPath(module).relative_to(room).parent
    path = PurePosixPath(folders[0]) / below / f"test_{_stem(module)}.py"
    return path.as_posix()


def _mirrors(test: str, module: str) -> bool:
    room, folders = _room(module)
    below = PurePosixPath(module).relative_to(room).parent
    path, stem = PurePosixPath(test), _stem(module)
    if path.stem != f"test_{stem}" and not path.stem.startswith(f"test_{stem}_"):
        return False
    return any(
        path.parent == PurePosixPath(folder) / below
        or (folder in ANY_FOLDER_BELOW and path.is_relative_to(folder))
        for folder in folders
    )


def _room(module: str) -> tuple[str, tuple[str, ...]]:
    room = max((room for room in ROOMS if module.startswith(f"{room}/")), key=len)
    return room, ROOMS[room]


def _stem(module: str) -> str:
    return PurePosixPath(module).stem.lstrip("_")
