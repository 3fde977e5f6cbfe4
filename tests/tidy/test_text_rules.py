"""Each rule for text, shown a bad sample and a good one."""

import pytest

from tests.tidy.text_rules import (
    FILE_BYTES_MAX,
    FOLDERS,
    HOSTS,
    MARKS,
    bound_to_a_place,
    marks_left,
    too_heavy,
)
from tests.tidy.tree import TextFile


def sample(text: str) -> TextFile:
    return TextFile("sample.md", text)


@pytest.mark.parametrize("mark", MARKS)
def test_a_mark_of_unfinished_work_is_found_with_its_line(mark: str) -> None:
    assert list(marks_left(sample(f"fine\n# {mark}: later\n"))) == [
        f"sample.md:2: a mark of unfinished work: {mark}"
    ]


def test_a_booking_code_is_no_mark() -> None:
    assert not list(marks_left(sample("HOT-" + "X" * 4 + " is what the guest shows")))


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("form", ["see {} there", "COPY . {}", '"{}"', "({})", "file://{}"])
def test_a_machines_path_is_found(folder: str, form: str) -> None:
    assert list(bound_to_a_place(sample(form.format(f"/{folder}/someone/x"))))


@pytest.mark.parametrize("host", HOSTS)
def test_a_package_host_is_found(host: str) -> None:
    assert list(bound_to_a_place(sample(f"https://{host}/simple/aiohttp")))


@pytest.mark.parametrize(
    "text", ["docs/home/page.md", "$HOME/home/x", "GET /home", "teamwork/life", "shop.example/a"]
)
def test_an_address_inside_the_project_is_no_machines_path(text: str) -> None:
    assert not list(bound_to_a_place(sample(text)))


def test_a_heavy_file_is_found() -> None:
    assert list(too_heavy("film.mp4", FILE_BYTES_MAX + 1))
    assert not list(too_heavy("logo.svg", FILE_BYTES_MAX))
