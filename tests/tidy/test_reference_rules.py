"""Each rule for the reference pages, shown a source and a page that do not agree."""

import pytest

from tests.tidy.reference_rules import (
    CODE,
    METRIC,
    RULE_CODE,
    broken_links,
    error_codes,
    left_over,
    misdocumented,
    setting_names,
    strings,
    unknown_settings,
)
from tests.tidy.tree import TextFile


def page(text: str) -> TextFile:
    return TextFile("docs/reference/page.md", text)


def test_settings_are_the_fields_of_the_settings_class() -> None:
    source = (
        "LIMIT = 1\n"
        "class Other:\n    port: int = 1\n"
        "@dataclass(frozen=True)\n"
        'class Settings:\n    """All."""\n    mailbox_depth_max: int = 9\n    lease_ttl_ms: int\n'
        "    def check(self) -> None: ...\n"
    )
    assert setting_names(source) == ["HOTHOUR_MAILBOX_DEPTH_MAX", "HOTHOUR_LEASE_TTL_MS"]


def test_error_codes_are_the_code_of_each_class() -> None:
    source = (
        "class Base(Exception):\n    code: ClassVar[str]\n"
        'class Busy(Base):\n    code = "BUSY"\n'
        'class Sold(Base):\n    """Gone."""\n    code: ClassVar[str] = "SOLD"\n    status = "NO"\n'
    )
    assert error_codes(source) == ["BUSY", "SOLD"]


def test_metrics_are_the_strings_that_are_names_of_one() -> None:
    source = (
        '"""Counts what hothour_does."""\n'
        'DEPTH = Gauge("hothour_mailbox_depth", "Messages that wait, see hothour_other")\n'
    )
    assert strings(source, METRIC) == ["hothour_mailbox_depth"]


def test_rule_codes_are_the_strings_that_are_one_each_once() -> None:
    source = 'A: Final = "RULE_WINDOW_ORDER"\nB = ("RULE_WINDOW_ORDER", "RULE", "a RULE_X")\n'
    assert strings(source, RULE_CODE) == ["RULE_WINDOW_ORDER"]


@pytest.mark.parametrize("entry", ["## `BUSY`\n", "| `BUSY` | 503 |\n", "- `BUSY`: again\n"])
def test_one_entry_is_right_and_none_or_two_are_not(entry: str) -> None:
    assert not list(misdocumented(["BUSY"], page(entry + "Say `BUSY` when full.\n")))
    assert list(misdocumented(["BUSY"], page(entry + entry)))
    assert list(misdocumented(["BUSY"], page("Say `BUSY` when full. BUSY\n")))
    assert list(misdocumented(["BUSY"], page("")))


def test_an_entry_of_something_gone_is_found() -> None:
    assert list(left_over(["BUSY"], page("| `BUSY` | |\n| `GONE` | |\n"), CODE)) == [
        "docs/reference/page.md: GONE is not in the source"
    ]
    assert not list(left_over(["BUSY"], page("| `BUSY` | |\n| `retry_after_ms` | |\n"), CODE))


def test_a_setting_in_an_operators_file_has_to_be_on_the_page() -> None:
    settings = page("| `HOTHOUR_PORT` | 8080 |\n")
    example = TextFile(".env.example", "HOTHOUR_PORT=1\n# HOTHOUR_PROT=2\n")
    assert list(unknown_settings(example, settings)) == [
        ".env.example: HOTHOUR_PROT is not in docs/reference/page.md"
    ]


PATHS = ["README.md", "docs/tutorial.md", "docs/reference/page.md"]


@pytest.mark.parametrize("target", ["../tutorial.md", "page.md#part", "./page.md", "..", "#here"])
def test_a_link_that_leads_somewhere_is_fine(target: str) -> None:
    assert not list(broken_links(page(f"see [it]({target}) and [w](https://a.example/b)"), PATHS))


@pytest.mark.parametrize("target", ["tutorial.md", "../gone.md#part", "../reference/pages"])
def test_a_link_that_leads_nowhere_is_found(target: str) -> None:
    assert list(broken_links(page(f"[a](page.md) [it]({target})"), PATHS)) == [
        f"docs/reference/page.md: no {target.partition('#')[0]}"
    ]


def test_an_image_is_a_link() -> None:
    assert list(broken_links(page("![falling](gone.svg)"), PATHS))
