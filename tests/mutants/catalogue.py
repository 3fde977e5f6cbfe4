"""All hand-made bugs. A bug that no longer applies fails tests/mutants/test_catalogue.py."""

from typing import Final

from tests.mutants import of_commits, of_domain, of_ownership, of_stores, of_time, of_turns
from tests.mutants.mutant import Mutant

CATALOGUE: Final[tuple[Mutant, ...]] = (
    *of_domain.MUTANTS,
    *of_turns.MUTANTS,
    *of_time.MUTANTS,
    *of_commits.MUTANTS,
    *of_ownership.MUTANTS,
    *of_stores.MUTANTS,
)
