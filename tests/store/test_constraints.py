"""The constraints in memory have the names they have in schema.sql."""

import ast
from pathlib import Path

from engine.store.memory import constraints

SOURCE = Path(constraints.__file__)
SCHEMA = SOURCE.parents[3] / "schema.sql"


def test_every_constraint_that_is_kept_in_memory_is_one_of_the_schema() -> None:
    kept = {
        node.args[0].value
        for node in ast.walk(ast.parse(SOURCE.read_text()))
        if isinstance(node, ast.Call)
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
        and node.args[0].value.count("_") > 1
    }
    schema = SCHEMA.read_text()
    assert len(kept) > 10
    for name in kept:
        assert name in schema, name
