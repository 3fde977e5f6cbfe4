"""What is said of mutmut's run."""

from configparser import ConfigParser

from tests.mutants.generated import settings, sums
from tests.tidy.tree import ROOT


def read(text: str) -> ConfigParser:
    parser = ConfigParser()
    parser.read_string(text)
    return parser


def test_all_of_the_domain_is_changed_or_what_is_named() -> None:
    assert read(settings([]))["mutmut"]["only_mutate"].split() == ["engine/domain/*"]
    named = read(settings(["pricing", "ledger"]))["mutmut"]["only_mutate"].split()
    assert named == ["engine/domain/pricing.py", "engine/domain/ledger.py"]
    assert all((ROOT / path).exists() for path in named)


def test_what_hung_was_noticed_and_what_no_test_runs_was_not() -> None:
    counted = sums(
        '{"total": 20, "killed": 6, "segfault": 1, "survived": 1, "suspicious": 1, "timeout": 1,'
        ' "no_tests": 6}'
    )
    assert (counted.made, counted.judged) == (20, 16)
    assert counted.percent == 50.0
    nothing = sums(
        '{"total": 9, "killed": 0, "segfault": 0, "survived": 0, "suspicious": 0, "timeout": 0,'
        ' "no_tests": 0}'
    )
    assert (nothing.judged, nothing.percent) == (0, 0.0)
