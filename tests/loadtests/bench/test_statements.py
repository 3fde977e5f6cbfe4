"""PostgreSQL's log, counted."""

from loadtests.bench.statements import statements

LOG = """\
2026-03-01 18:30:00.373 UTC [5445] LOG:  database system is ready to accept connections
2026-03-01 18:30:01.000 UTC [61] LOG:  statement: BEGIN;
2026-03-01 18:30:01.001 UTC [61] LOG:  execute __asyncpg_stmt_1__:
\tupdate node set lease_until = $1
\t  where id = $2
2026-03-01 18:30:01.001 UTC [61] DETAIL:  Parameters: $1 = '2026-03-01', $2 = 'a
\tb'
2026-03-01 18:30:01.002 UTC [61] LOG:  statement: COMMIT;
2026-03-01 18:30:02.001 UTC [61] LOG:  execute <unnamed>: select 1
2026-03-01 18:30:02.002 UTC [61] LOG:  execute __asyncpg_stmt_1__:
\tupdate node set lease_until = $1
\t  where id = $2
2026-03-01 18:30:03.000 UTC [61] LOG:  checkpoint starting: time
\tselect 2
"""


def test_each_statement_is_counted_by_its_text() -> None:
    assert statements(LOG) == {
        "BEGIN;": 1,
        "COMMIT;": 1,
        "select 1": 1,
        "update node set lease_until = $1 where id = $2": 2,
    }


def test_parameters_and_other_lines_are_no_statements() -> None:
    assert statements(LOG).total() == 5
    assert not statements("")
