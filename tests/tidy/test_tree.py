"""What counts as part of the repository."""

from pathlib import Path

from tests.tidy.tree import ROOT, sizes, texts, walk


def test_what_gitignore_names_is_left_out_and_the_rest_is_in(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text(".venv/\n*.log\n.env\n", "utf-8")
    for name in (".venv/lib/x.py", "a/b.py", "a/c.log", ".env", ".env.example", ".git/HEAD"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert sorted(path.as_posix() for path in walk(tmp_path)) == [
        ".env.example",
        ".gitignore",
        "a/b.py",
    ]


def test_the_walk_finds_this_repository_and_reads_its_text() -> None:
    here = Path(__file__).relative_to(ROOT).as_posix()
    assert here in sizes()
    assert here in {file.path for file in texts()}
    assert "pyproject.toml" in sizes()
