"""Settings: where each comes from, which one wins, and what is said of one that cannot be right."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from edge.config import SECRETS, Config, ConfigError, load
from engine.settings import Settings

GOOD_KEY = "d2h5IGRvIHlvdSByZWFkIHRoaXM/IGdvIG9u"
PRODUCTION = {"HOTHOUR_ENV": "production", "HOTHOUR_SECRET_KEY": GOOD_KEY}


def shown(config: Config) -> dict[str, tuple[str, str]]:
    """Value and origin by name."""
    return {name: (value, origin) for name, value, origin, _ in config.shown()}


def test_without_settings_everything_has_its_default() -> None:
    config = load({})
    assert config.engine == Settings()
    assert (config.host, config.port, config.production) == ("127.0.0.1", 8080, False)
    assert {origin for _, origin in shown(config).values()} == {"default"}


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("PORT", "0", 0),
        ("DATA_DIR", "/srv/hot", Path("/srv/hot")),
        ("RATE_LIMITS", "off", False),
        ("ALLOW_UNSAFE_DATABASE", "on", True),
        ("EMAIL_VERIFICATION", "false", False),
        ("LOG_FORMAT", "json", "json"),
        ("ALLOWED_ORIGINS", "https://a.example, http://b.example:81,", None),
        ("TRUSTED_PROXIES", "10.0.0.0/8,::1", ("10.0.0.0/8", "::1")),
        ("SMTP_URL", "smtp://u:p@mail.example:25", "smtp://u:p@mail.example:25"),
        ("PUBLIC_URL", "https://shop.example/hot", "https://shop.example/hot"),
    ],
)
def test_each_kind_of_value_is_read_from_the_environment(name: str, text: str, value: Any) -> None:
    config = load({f"HOTHOUR_{name}": text})
    expected = ("https://a.example", "http://b.example:81") if value is None else value
    assert getattr(config, name.lower()) == expected
    assert shown(config)[f"HOTHOUR_{name}"][1] == "environment"


def test_every_limit_of_the_engine_can_be_set() -> None:
    given = {f"HOTHOUR_{each.name.upper()}": str(each.default) for each in fields(Settings)}
    assert load(given).engine == Settings()
    config = load({"HOTHOUR_SHARDS": "8", "HOTHOUR_YIELD_AFTER_MS": "0.25"})
    assert (config.engine.shards, config.engine.yield_after_ms) == (8, 0.25)


def test_the_command_line_wins_and_says_so() -> None:
    config = load({"HOTHOUR_PORT": "81", "HOTHOUR_HOST": "::1"}, port=82, host=None)
    assert (config.port, config.host) == (82, "::1")
    assert shown(config)["HOTHOUR_PORT"] == ("82", "command line")


def test_an_empty_variable_is_none_at_all() -> None:
    assert load({"HOTHOUR_PORT": "", "HOTHOUR_SECRET_KEY": ""}) == load({})


class TestDotEnv:
    @pytest.fixture(autouse=True)
    def _here(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)

    def test_is_read_below_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        Path(".env").write_text("HOTHOUR_PORT=81\nHOTHOUR_HOST=::1\nPOSTGRES_PASSWORD=x\n")
        monkeypatch.setenv("HOTHOUR_PORT", "82")
        config = load()
        assert shown(config)["HOTHOUR_PORT"] == ("82", "environment")
        assert shown(config)["HOTHOUR_HOST"] == ("::1", ".env")
        assert config.unknown == ()

    def test_a_typing_error_in_it_is_noticed(self) -> None:
        Path(".env").write_text("HOTHOUR_PROT=81\n")
        assert load().unknown == ("HOTHOUR_PROT",)

    def test_one_that_is_no_text_is_one_sentence(self) -> None:
        Path(".env").write_bytes(b"HOTHOUR_HOST=\xff\xfe\n")
        with pytest.raises(ConfigError, match=r"^The file \.env cannot be read.*\.$"):
            load()


def test_secrets_come_from_files_too(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"{GOOD_KEY}\n")
    config = load({"HOTHOUR_SECRET_KEY_FILE": str(file)})
    assert config.secret_key == GOOD_KEY
    assert shown(config)["HOTHOUR_SECRET_KEY"] == ("********", str(file))
    assert config.unknown == ()


def test_a_secret_that_is_given_twice_is_the_one_in_the_environment(tmp_path: Path) -> None:
    missing = str(tmp_path / "none")
    given = {"HOTHOUR_SECRET_KEY": GOOD_KEY, "HOTHOUR_SECRET_KEY_FILE": missing}
    assert load(given).secret_key == GOOD_KEY


def test_only_secrets_come_from_files() -> None:
    assert load({"HOTHOUR_PORT_FILE": "/nowhere"}).unknown == ("HOTHOUR_PORT_FILE",)


def test_nothing_that_is_shown_holds_a_secret() -> None:
    given = {
        "HOTHOUR_SECRET_KEY": GOOD_KEY,
        "HOTHOUR_DATABASE_URL": "postgresql://u:sesame@db.example/hot",
        "HOTHOUR_SMTP_URL": "smtp://u:sesame@mail.example:25",
    }
    config = load(given)
    rows = shown(config)
    assert {rows[f"HOTHOUR_{name.upper()}"][0] for name in SECRETS} == {"********"}
    assert "sesame" not in str(rows)
    assert GOOD_KEY not in str(rows)
    assert rows["HOTHOUR_RATE_LIMITS"][0] == "on"


def test_a_name_that_means_nothing_is_told_not_refused() -> None:
    config = load({"HOTHOUR_SECRETKEY": "x", "HOTHOUR_PORT": "81", "OTHER": "y"})
    assert config.unknown == ("HOTHOUR_SECRETKEY",)
    assert config.port == 81


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("ENV", "staging", "input should be 'development' or 'production'"),
        ("PORT", "http", "input should be a valid integer"),
        ("PORT", "65536", "a port is at most 65535"),
        ("PORT", "-1", "it is below zero"),
        ("METRICS_PORT", "65536", "a port is at most 65535"),
        ("METRICS_PORT", "8080", "it is HOTHOUR_PORT's"),
        ("RATE_LIMITS", "maybe", "input should be a valid boolean"),
        ("LOG_LEVEL", "loud", "input should be 'debug', 'info', 'warning' or 'error'"),
        ("DATABASE_URL", "mysql://u:sesame@db/x", "its form is postgresql://"),
        ("DATABASE_URL", "postgresql://u:sesame/half@db/x", "its form is postgresql://"),
        ("SMTP_URL", "mail.example sesame", ""),
        ("SMTP_URL", "smtp://u:sesame@mail.example:port", ""),
        ("PUBLIC_URL", "shop.example", "its form is http://host:port"),
        ("PUBLIC_URL", "https://u:sesame@shop.example", "it is an address alone"),
        ("PUBLIC_URL", "https://[::1", ""),
        ("ALLOWED_ORIGINS", "*", "its form is http://host:port"),
        ("ALLOWED_ORIGINS", "https://a.example/", "an origin ends with its host"),
        ("TRUSTED_PROXIES", "proxy.example", "addresses or networks"),
        ("TRUSTED_PROXIES", "10.0.0.1/8", "addresses or networks"),
        ("MAIL_FROM", "nobody", "its form is an address"),
        ("BCRYPT_COST", "3", "bcrypt knows 4 to 31"),
        ("BCRYPT_COST", "32", "bcrypt knows 4 to 31"),
        ("ACCESS_TOKEN_TTL_S", "86401", "at most 86400"),
        ("SHARDS", "0", "it has to be above zero"),
        ("COMMIT_FLIGHTS", "1.5", "input should be a valid integer"),
        ("MAILBOX_DEPTH_MAX", "-5", "it is below zero"),
        ("MAILBOX_DEPTH_MAX", "2147483648", "at most 2147483647"),
        ("MAILBOX_DEPTH_MAX", "9" * 5_000, ""),
        ("YIELD_AFTER_MS", "nan", "at most 2147483647"),
        ("HEADER_TIMEOUT_S", "inf", "at most 2147483647"),
        ("LEASE_RENEW_MS", "3000", "it has to be below HOTHOUR_LEASE_TTL_MS"),
        ("BACKOFF_MS_MIN", "1000", "it has to be below HOTHOUR_BACKOFF_MS_MAX"),
    ],
)
def test_a_value_that_cannot_be_right_is_one_sentence(name: str, text: str, why: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load({f"HOTHOUR_{name}": text})
    sentence = str(caught.value)
    assert sentence.startswith(f"HOTHOUR_{name} is not usable: {why}")
    assert re.fullmatch(r"[^\n]{20,200}[^.]\.", sentence)
    assert "sesame" not in sentence


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("x" * 31, "HOTHOUR_SECRET_KEY is too short: 32 bytes at least."),
        ("ab" * 32, "HOTHOUR_SECRET_KEY is a well-known or repeated text: make a random one."),
        (
            "change-me-" + GOOD_KEY,
            "HOTHOUR_SECRET_KEY is a well-known or repeated text: make a random one.",
        ),
    ],
)
def test_a_key_that_is_no_secret_is_refused_everywhere(key: str, why: str) -> None:
    for env in ("development", "production"):
        with pytest.raises(ConfigError) as caught:
            load({"HOTHOUR_ENV": env, "HOTHOUR_SECRET_KEY": key})
        assert str(caught.value) == why


def test_a_secret_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "none"
    with pytest.raises(ConfigError) as caught:
        load({"HOTHOUR_DATABASE_URL_FILE": str(path)})
    assert str(caught.value) == f"HOTHOUR_DATABASE_URL_FILE cannot be read: {path}."


def test_production_starts_with_a_key() -> None:
    assert load(PRODUCTION).production


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            {"HOTHOUR_SECRET_KEY": ""},
            "HOTHOUR_SECRET_KEY is required in production: 32 random bytes or more.",
        ),
        ({"HOTHOUR_RATE_LIMITS": "off"}, "HOTHOUR_RATE_LIMITS=off is refused in production."),
        (
            {"HOTHOUR_ALLOW_UNSAFE_DATABASE": "on"},
            "HOTHOUR_ALLOW_UNSAFE_DATABASE is refused in production.",
        ),
        ({"HOTHOUR_BCRYPT_COST": "11"}, "HOTHOUR_BCRYPT_COST below 12 is refused in production."),
    ],
)
def test_production_refuses_what_is_for_tests(given: dict[str, str], sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(PRODUCTION | given)
    assert str(caught.value) == sentence
    development = PRODUCTION | given | {"HOTHOUR_ENV": "development"}
    assert not load(development).production


def test_the_reference_page_says_what_the_source_says() -> None:
    page = (Path(__file__).parents[2] / "docs/reference/settings.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(HOTHOUR_\w+)` \| (?:`(.*?)`)? *\| (.*?) \|$", page, re.MULTILINE)
    assert rows == [(name, value, meaning) for name, value, _, meaning in load({}).shown()]
