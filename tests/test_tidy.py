"""The house rules, applied to the whole repository: one test a rule.

The rules themselves, each with its bad samples, are in tests/tidy.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import packages_distributions

import pytest

from tests.tidy import (
    code_rules,
    dependency_rules,
    mirror_rules,
    reference_rules,
    schema_rules,
    text_rules,
)
from tests.tidy.tree import TextFile, python, sizes, text_of, texts

REFERENCE = "docs/reference"
PRODUCT = ("engine", "edge")


def hold(complaints: Iterable[str]) -> None:
    """Fail with every complaint, one a line."""
    if found := sorted(complaints):
        pytest.fail("\n".join(found), pytrace=False)


def defined(source: str, page_name: str, names_in: Callable[[str], list[str]]) -> list[str]:
    """What `source` defines. Not yet written, it has no page; once it is, it defines something."""
    text = text_of(source)
    names = names_in(text)
    assert bool(names) == bool(text or page(page_name).text), f"{source} defines nothing"
    return names


def strings_of_the_product(form: re.Pattern[str]) -> set[str]:
    """Every string of engine/ and edge/ that has this form."""
    return {text for file in python(*PRODUCT) for text in reference_rules.strings(file.text, form)}


def metric_names(source: str) -> list[str]:
    """The metrics that a module defines."""
    return reference_rules.strings(source, reference_rules.METRIC)


def page(name: str) -> TextFile:
    """A reference page; empty while it is not written, so that its rules complain."""
    path = f"{REFERENCE}/{name}.md"
    return TextFile(path, text_of(path))


def test_no_mark_of_unfinished_work_is_left() -> None:
    hold(complaint for file in texts() for complaint in text_rules.marks_left(file))


def test_nothing_names_a_machines_folder_or_a_package_host() -> None:
    hold(complaint for file in texts() for complaint in text_rules.bound_to_a_place(file))


def test_no_file_is_heavy() -> None:
    hold(
        complaint
        for path, size in sizes().items()
        for complaint in text_rules.too_heavy(path, size)
    )


@pytest.mark.parametrize(
    "rule",
    [code_rules.long_file, code_rules.long_lines, code_rules.long_functions],
    ids=lambda rule: rule.__name__,
)
def test_code_is_small_enough_to_read(rule: Callable[[TextFile], Iterator[str]]) -> None:
    hold(complaint for file in python() for complaint in rule(file))


def test_every_module_opens_with_what_it_owns() -> None:
    modules = python(*PRODUCT, "loadtests")
    hold(complaint for file in modules for complaint in code_rules.no_docstring(file))


def test_imports_have_no_cycles() -> None:
    hold(code_rules.import_cycles(python(*PRODUCT)))


def test_every_import_is_a_declared_dependency() -> None:
    dependencies = dependency_rules.declared(text_of("pyproject.toml"))
    providers = packages_distributions()
    hold(
        complaint
        for file in python(*PRODUCT)
        for complaint in dependency_rules.undeclared(file, dependencies, providers)
    )


def test_every_module_has_its_mirror_test() -> None:
    tests = [file.path for file in python("tests")]
    hold(mirror_rules.no_mirror(python(*PRODUCT), tests))


def test_every_setting_is_documented_once() -> None:
    names = defined("engine/settings.py", "settings", reference_rules.setting_names)
    hold(reference_rules.misdocumented(names, page("settings")))


@pytest.mark.parametrize("path", [".env.example", "Dockerfile", "docker-compose.yml", "README.md"])
def test_every_setting_that_operators_are_shown_exists(path: str) -> None:
    file = TextFile(path, text_of(path))
    hold(reference_rules.unknown_settings(file, page("settings")))


def test_every_error_code_is_documented_once_and_no_other() -> None:
    codes = set(defined("engine/errors.py", "errors", reference_rules.error_codes))
    # RULE is the family's name: an answer carries the code of the first rule that is broken.
    codes -= {"RULE"}
    codes |= strings_of_the_product(reference_rules.RULE_CODE)
    hold(reference_rules.misdocumented(codes, page("errors")))
    said = strings_of_the_product(reference_rules.CODE)
    hold(reference_rules.left_over(said, page("errors"), reference_rules.CODE))


def test_every_metric_is_documented_once_and_no_other() -> None:
    names = defined("edge/metrics.py", "metrics", metric_names)
    hold(reference_rules.misdocumented(names, page("metrics")))
    hold(reference_rules.left_over(names, page("metrics"), reference_rules.METRIC))


def test_every_constraint_has_a_name_and_says_which_rule_it_holds() -> None:
    schema = TextFile("schema.sql", text_of("schema.sql"))
    assert schema_rules.guards(schema.text)
    hold([*schema_rules.unnamed(schema), *schema_rules.unexplained(schema)])


def test_every_constraint_that_the_code_knows_is_in_the_schema() -> None:
    schema = text_of("schema.sql")
    hold(
        complaint
        for file in python(*PRODUCT)
        for complaint in schema_rules.not_in_schema(file, schema)
    )


def test_links_between_pages_lead_somewhere() -> None:
    pages = [file for file in texts() if file.path.endswith(".md")]
    hold(complaint for file in pages for complaint in reference_rules.broken_links(file, sizes()))
