"""What the source defines, its reference page defines too: nothing missing, nothing left over.

A page's entry is a heading, a table row or a list item that begins with the name in backticks.
"""

import ast
import re
from collections import Counter
from collections.abc import Collection, Iterator

from tests.tidy.tree import TextFile

ENTRY = re.compile(r"^\s*(?:#+|[-*|])\s*`([^`]+)`", re.MULTILINE)
SETTING = re.compile(r"\bHOTHOUR_[A-Z][A-Z0-9_]*")
CODE = re.compile(r"[A-Z][A-Z_]+")
RULE_CODE = re.compile(r"RULE_[A-Z_]+")
METRIC = re.compile(r"hothour_[a-z0-9_]+")
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")


def setting_names(source: str) -> list[str]:
    """The environment variables of the fields of `class Settings` in `source`."""
    return [
        f"HOTHOUR_{statement.target.id.upper()}"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ClassDef) and node.name == "Settings"
        for statement in node.body
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)
    ]


def error_codes(source: str) -> list[str]:
    """The `code` of each error class in `source`."""
    return [
        statement.value.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ClassDef)
        for statement in node.body
        if _assigns_code(statement)
        and isinstance(statement, ast.Assign | ast.AnnAssign)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    ]


def _assigns_code(statement: ast.stmt) -> bool:
    match statement:
        case ast.Assign(targets=[ast.Name(id="code")]) | ast.AnnAssign(target=ast.Name(id="code")):
            return True
        case _:
            return False


def strings(source: str, form: re.Pattern[str]) -> list[str]:
    """The string constants of `source` that have the given form as a whole, each once."""
    return sorted(
        {
            node.value
            for node in ast.walk(ast.parse(source))
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and form.fullmatch(node.value)
        }
    )


def misdocumented(names: Collection[str], page: TextFile) -> Iterator[str]:
    """Every name has exactly one entry on its page."""
    entries = Counter(ENTRY.findall(page.text))
    for name in sorted(set(names)):
        if entries[name] != 1:
            yield f"{page.path}: {name} has {entries[name]} entries, not one"


def left_over(names: Collection[str], page: TextFile, form: re.Pattern[str]) -> Iterator[str]:
    """No entry of the given form speaks of something that is gone."""
    for entry in ENTRY.findall(page.text):
        if form.fullmatch(entry) and entry not in names:
            yield f"{page.path}: {entry} is not in the source"


def unknown_settings(file: TextFile, page: TextFile) -> Iterator[str]:
    """A setting that a file for operators names is on the page of settings."""
    for name in sorted(set(SETTING.findall(file.text)) - set(SETTING.findall(page.text))):
        yield f"{file.path}: {name} is not in {page.path}"


def broken_links(file: TextFile, paths: Collection[str]) -> Iterator[str]:
    """A relative link leads to a file or folder of the repository."""
    folder = file.path.rpartition("/")[0]
    for link in LINK.finditer(file.text):
        target = (link[1] or link[2]).partition("#")[0]
        if not target or re.match(r"[a-z]+:", target):
            continue
        path = _joined(folder, target)
        if path not in paths and not any(other.startswith(f"{path}/") for other in paths):
            yield f"{file.path}: no {target}"


def _joined(folder: str, target: str) -> str:
    parts = folder.split("/") if folder else []
    for part in target.strip("/").split("/"):
        if part == "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)
