"""An import that nobody declared is found; ours and the standard library's are not."""

import pytest

from tests.tidy.dependency_rules import declared, undeclared
from tests.tidy.tree import TextFile

PROVIDERS = {"jwt": ["PyJWT"], "aiohttp": ["aiohttp"], "google": ["protobuf", "google_auth"]}


def test_dependencies_are_read_by_their_normal_names() -> None:
    pyproject = (
        '[project]\ndependencies = ["PyJWT>=2", "a_b.c", "uvloop ; python", "pydantic[email]"]\n'
    )
    assert declared(pyproject) == {"pyjwt", "a-b-c", "uvloop", "pydantic"}


@pytest.mark.parametrize(
    "line",
    ["import jwt", "from jwt.api import decode", "import jwt.api", "def f():\n    import jwt"],
)
def test_an_import_that_nobody_declared_is_found(line: str) -> None:
    file = TextFile("edge/auth.py", f"import os\nfrom engine import errors\n{line}\n")
    assert list(undeclared(file, {"aiohttp"}, PROVIDERS)) == [
        "edge/auth.py: imports jwt, which no dependency in pyproject.toml brings"
    ]
    assert not list(undeclared(file, {"pyjwt"}, PROVIDERS))


def test_one_of_several_distributions_of_a_namespace_is_enough() -> None:
    file = TextFile("edge/x.py", "import google.auth\n")
    assert not list(undeclared(file, {"google-auth"}, PROVIDERS))


def test_a_package_that_nothing_brings_is_found() -> None:
    assert list(undeclared(TextFile("edge/x.py", "import gone\n"), {"aiohttp"}, PROVIDERS))
