"""The image and the compose file, as far as they can be judged without a container engine."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
DOCKERFILE = ROOT / "Dockerfile"
COMPOSE = ROOT / "docker-compose.yml"
TOOLS = Path(sys.executable).parent


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a tool of this virtual environment to its end."""
    return subprocess.run(
        [TOOLS / command[0], *command[1:]], capture_output=True, text=True, check=False, timeout=60
    )


def lint(dockerfile: Path) -> subprocess.CompletedProcess[str]:
    return run("hadolint", "--no-color", dockerfile)


def validate(compose: Path) -> subprocess.CompletedProcess[str]:
    return run("check-jsonschema", "--builtin-schema", "vendor.compose-spec", compose)


@pytest.fixture(scope="module")
def final_stage() -> list[str]:
    """The instructions of the stage that becomes the image, continued lines joined."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE.read_text("utf-8"), flags=re.MULTILINE)
    lines = [line for line in re.sub(r"\\\n\s*", "", text).splitlines() if line]
    last = max(number for number, line in enumerate(lines) if line.startswith("FROM "))
    return lines[last:]


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    composed = yaml.safe_load(COMPOSE.read_text("utf-8"))
    assert isinstance(composed, dict)
    services = composed["services"]
    assert isinstance(services, dict)
    return services


def test_the_dockerfile_passes_the_linter() -> None:
    done = lint(DOCKERFILE)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_linter_finds_a_fault(tmp_path: Path) -> None:
    bad = tmp_path / "Dockerfile"
    bad.write_text(DOCKERFILE.read_text("utf-8") + "RUN cd /tmp && sudo ls\n", "utf-8")
    assert lint(bad).returncode != 0


def test_the_compose_file_follows_the_specification() -> None:
    done = validate(COMPOSE)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_specification_finds_a_fault(tmp_path: Path) -> None:
    bad = tmp_path / "docker-compose.yml"
    bad.write_text(COMPOSE.read_text("utf-8").replace("healthcheck:", "health_check:"), "utf-8")
    assert validate(bad).returncode != 0


def test_the_image_runs_as_a_numeric_user(final_stage: list[str]) -> None:
    users = [line for line in final_stage if line.startswith("USER ")]
    assert len(users) == 1
    assert re.fullmatch(r"USER [1-9]\d*:[1-9]\d*", users[0])


def test_the_image_asks_the_command_how_it_is(final_stage: list[str]) -> None:
    checks = [line for line in final_stage if line.startswith("HEALTHCHECK ")]
    assert len(checks) == 1
    assert checks[0].endswith('CMD ["hothour", "healthcheck"]')


def test_the_image_serves_and_stops_on_sigterm(final_stage: list[str]) -> None:
    assert "STOPSIGNAL SIGTERM" in final_stage
    assert "EXPOSE 8080" in final_stage
    assert final_stage[-2:] == ['ENTRYPOINT ["hothour"]', 'CMD ["serve", "--host", "0.0.0.0"]']


def test_everything_in_the_image_was_installed_by_its_hash() -> None:
    text = re.sub(r"\\\n\s*", "", DOCKERFILE.read_text("utf-8"))
    installs = re.findall(r"pip install [^&\n]*", text)
    assert installs
    assert all("--require-hashes" in each or "--no-index" in each for each in installs)


def test_the_database_is_a_postgresql_18_with_its_data_in_a_volume(
    services: dict[str, dict[str, Any]],
) -> None:
    database = services["database"]
    assert database["image"] == "postgres:18"
    assert database["volumes"] == ["database:/var/lib/postgresql"]
    assert database["healthcheck"]["test"][1] == "pg_isready"


def test_the_server_waits_for_the_database_and_reads_an_env_file(
    services: dict[str, dict[str, Any]],
) -> None:
    server = services["server"]
    assert server["depends_on"] == {"database": {"condition": "service_healthy"}}
    assert server["env_file"] == [{"path": ".env", "required": False}]
    assert "@database:5432/" in server["environment"]["HOTHOUR_DATABASE_URL"]
    assert "ports" not in services["database"]
