"""Each rule for Python files, shown a bad sample and a good one."""

import pytest

from tests.tidy.code_rules import (
    FILE_LINES_MAX,
    FUNCTION_LINES_MAX,
    LINE_LENGTH_MAX,
    import_cycles,
    long_file,
    long_functions,
    long_lines,
    no_docstring,
)
from tests.tidy.tree import TextFile


def sample(text: str, path: str = "engine/sample.py") -> TextFile:
    return TextFile(path, text)


def test_a_file_of_one_line_too_many_is_found() -> None:
    assert list(long_file(sample("x = 1\n" * (FILE_LINES_MAX + 1))))
    assert not list(long_file(sample("x = 1\n" * FILE_LINES_MAX)))


def test_a_line_of_one_character_too_many_is_found_by_its_number() -> None:
    assert list(long_lines(sample("fine\n" + "ğ" * (LINE_LENGTH_MAX + 1)))) == [
        "engine/sample.py:2: 101 characters, at most 100"
    ]
    assert not list(long_lines(sample("ğ" * LINE_LENGTH_MAX)))


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_a_function_of_one_line_too_many_is_found_by_its_name(kind: str) -> None:
    def body(lines: int) -> str:
        return f"class Actor:\n    {kind} turn(self):\n" + "        x = 1\n" * (lines - 1)

    assert list(long_functions(sample(body(FUNCTION_LINES_MAX + 1)))) == [
        "engine/sample.py:2: turn has 61 lines, at most 60"
    ]
    assert not list(long_functions(sample(body(FUNCTION_LINES_MAX))))


@pytest.mark.parametrize(
    "text", ["", "x = 1\n", "# a comment\n", '""""""\n', 'x = 1\n"""Late."""\n']
)
def test_a_module_that_does_not_open_with_a_docstring_is_found(text: str) -> None:
    assert list(no_docstring(sample(text))) == ["engine/sample.py: no module docstring"]


def test_a_module_that_opens_with_a_docstring_is_fine() -> None:
    assert not list(no_docstring(sample('"""What it owns."""\n')))


def files(**texts: str) -> list[TextFile]:
    return [sample(text, name.replace("__", "/") + ".py") for name, text in texts.items()]


@pytest.mark.parametrize(
    "back",
    [
        "import engine.one\n",
        "from engine.one import Thing\n",
        "from engine import one\n",
        "def late():\n    from engine import one\n",
        "if TYPE_CHECKING:\n    import engine.one\n",
    ],
)
def test_a_cycle_is_found_however_it_is_written(back: str) -> None:
    cycle = files(
        engine__one="from engine.two import x\n",
        engine__two="import engine.three as three\n",
        engine__three=back,
        engine__four="import engine.one\n",
    )
    assert list(import_cycles(cycle)) == ["import cycle: engine.one, engine.three, engine.two"]


def test_two_separate_cycles_are_two_complaints() -> None:
    two = files(a="import b\n", b="import a\n", c="import d\n", d="import c\nimport a\n")
    assert list(import_cycles(two)) == ["import cycle: a, b", "import cycle: c, d"]


def test_imports_that_point_one_way_are_fine() -> None:
    assert not list(
        import_cycles(
            files(
                engine__domain__money="import decimal\n",
                engine__domain__pricing="from engine.domain.money import parse\n",
                engine__actor="from engine.domain import money, pricing\n",
            )
        )
    )


def test_a_package_that_its_own_members_import_from_is_a_cycle() -> None:
    package = TextFile("engine/store/__init__.py", "from engine.store.pool import Pool\n")
    member = TextFile("engine/store/pool.py", "from engine.store import Pool\n")
    assert list(import_cycles([package, member]))
