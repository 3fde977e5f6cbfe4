"""What the product imports, it declares: a lucky guest of the tools' environment is not enough."""

import ast
import re
import sys
import tomllib
from collections.abc import Collection, Iterator, Mapping

from tests.tidy.tree import TextFile

OURS = frozenset({"edge", "engine"})


def declared(pyproject: str) -> set[str]:
    """The runtime dependencies, by their normal names."""
    return {
        _normal(re.split(r"[\[<>=!~; ]", requirement, maxsplit=1)[0])
        for requirement in tomllib.loads(pyproject)["project"]["dependencies"]
    }


def undeclared(
    file: TextFile, dependencies: Collection[str], providers: Mapping[str, Collection[str]]
) -> Iterator[str]:
    """Each import of `file` is the standard library's, ours, or from one of `dependencies`.

    `providers` are the distributions that bring a top-level package.
    """
    for package in sorted(_packages(file.text) - OURS - sys.stdlib_module_names):
        brought_by = {_normal(name) for name in providers.get(package, ())}
        if brought_by.isdisjoint(dependencies):
            yield f"{file.path}: imports {package}, which no dependency in pyproject.toml brings"


def _packages(text: str) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    return names


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
