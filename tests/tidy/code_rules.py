"""Rules for Python files: small enough to read in one go, opened by a docstring, without cycles."""

import ast
from collections.abc import Iterable, Iterator, Mapping

from tests.tidy.tree import TextFile

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
LINE_LENGTH_MAX = 100


def long_file(file: TextFile) -> Iterator[str]:
    """A file is read from top to bottom in one go."""
    lines = len(file.text.splitlines())
    if lines > FILE_LINES_MAX:
        yield f"{file.path}: {lines} lines, at most {FILE_LINES_MAX}"


def long_lines(file: TextFile) -> Iterator[str]:
    """Two files fit side by side."""
    for number, line in enumerate(file.text.splitlines(), 1):
        if len(line) > LINE_LENGTH_MAX:
            yield f"{file.path}:{number}: {len(line)} characters, at most {LINE_LENGTH_MAX}"


def long_functions(file: TextFile) -> Iterator[str]:
    """A function does one thing."""
    for node in ast.walk(ast.parse(file.text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES_MAX:
                yield (
                    f"{file.path}:{node.lineno}: {node.name} has {lines} lines, "
                    f"at most {FUNCTION_LINES_MAX}"
                )


def no_docstring(file: TextFile) -> Iterator[str]:
    """A module says what it owns, before anything else."""
    if not ast.get_docstring(ast.parse(file.text)):
        yield f"{file.path}: no module docstring"


def import_cycles(files: Iterable[TextFile]) -> Iterator[str]:
    """Imports point one way. Late ones and those for the type checker alone count as well."""
    graph = _import_graph({_module_name(file.path): file.text for file in files})
    for members in _knots(graph):
        yield "import cycle: " + ", ".join(sorted(members))


def _module_name(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _import_graph(modules: Mapping[str, str]) -> dict[str, set[str]]:
    """Module -> those of `modules` it names in an import."""
    graph = {}
    for name, text in modules.items():
        targets = {
            next((known for known in (wanted, wanted.rpartition(".")[0]) if known in modules), name)
            for wanted in _imported_names(ast.parse(text))
        }
        graph[name] = targets - {name}
    return graph


def _imported_names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _knots(graph: Mapping[str, set[str]]) -> list[set[str]]:
    """Groups of modules that all reach each other."""
    reached = {name: _reachable(graph, name) for name in graph}
    knots: list[set[str]] = []
    for name in sorted(graph):
        members = {other for other in reached[name] if name in reached[other]}
        if members and members not in knots:
            knots.append(members)
    return knots


def _reachable(graph: Mapping[str, set[str]], start: str) -> set[str]:
    seen: set[str] = set()
    waiting = list(graph[start])
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting.extend(graph[name])
    return seen
