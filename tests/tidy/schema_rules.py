"""Each constraint of schema.sql has a name, and a comment that says which rule it holds."""

import re
from collections.abc import Iterator

from tests.tidy.reference_rules import strings
from tests.tidy.tree import TextFile

NAMED = re.compile(r"\bconstraint\s+(\w+)\s+(?:primary|unique|foreign|check|references)", re.I)
TABLE = re.compile(r"\bcreate\s+table\s+(\w+)", re.I)
UNIQUE_INDEX = re.compile(r"\bcreate\s+unique\s+index\s+(\w+)", re.I)
COMMENTED = re.compile(
    r"\bcomment\s+on\s+(?:constraint\s+(\w+)\s+on\s+\w+|index\s+(\w+))\s+is\s+'[^']", re.I
)
HOLDS = re.compile(r"\b(?:primary\s+key|unique(?!\s+index)|foreign\s+key|check)\b", re.I)
REFERENCES = re.compile(r"\breferences\b", re.I)
FOREIGN_KEY = re.compile(r"\bforeign\s+key\b", re.I)


def guards(schema: str) -> list[str]:
    """The names of all constraints and unique indexes."""
    bare = _without_literals(schema)
    return NAMED.findall(bare) + UNIQUE_INDEX.findall(bare)


def unexplained(file: TextFile) -> Iterator[str]:
    """Every guard has its comment, and every comment its guard."""
    names = set(guards(file.text))
    # Strings stay here: the comment itself is one. Only the `--` lines go.
    commented = {a or b for a, b in COMMENTED.findall(re.sub(r"--[^\n]*", "", file.text))}
    for name in sorted(names - commented):
        yield f"{file.path}: {name} has no comment that says which rule it holds"
    for name in sorted(commented - names):
        yield f"{file.path}: a comment speaks of {name}, which is not there"


def unnamed(file: TextFile) -> Iterator[str]:
    """What has no name cannot be told from its neighbours when it is violated."""
    bare = _without_literals(file.text)
    # An inline `references` is a constraint of its own; one after `foreign key` is not.
    inline = len(REFERENCES.findall(bare)) - len(FOREIGN_KEY.findall(bare))
    holding = len(HOLDS.findall(bare)) + inline
    if (named := len(NAMED.findall(bare))) != holding:
        yield f"{file.path}: {holding} constraints, {named} of them named"


def not_in_schema(file: TextFile, schema: str) -> Iterator[str]:
    """A guard that the code knows by name exists, so that its violation is recognised.

    In a module that asks an error for its `constraint_name`, every string that begins with a
    table's name is held to be the name of something in the schema.
    """
    if "constraint_name" not in file.text:
        return
    bare = _without_literals(schema)
    names, tables = set(re.findall(r"\w+", bare)), TABLE.findall(bare)
    form = re.compile(rf"(?:{'|'.join(tables)})_\w+")
    for name in strings(file.text, form):
        if name not in names:
            yield f"{file.path}: {name} is not in schema.sql"


def _without_literals(schema: str) -> str:
    return re.sub(r"'(?:[^']|'')*'|--[^\n]*", "''", schema)
