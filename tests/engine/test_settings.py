"""Every limit, once."""

from dataclasses import FrozenInstanceError, fields

import pytest

from engine.settings import Settings, meanings

UNITS = ("_ms", "_s", "_max", "_min", "_bytes", "_burst", "_ppm")


def test_every_limit_says_what_happens_at_it() -> None:
    told = meanings()
    assert list(told) == [field.name for field in fields(Settings)]
    assert all(len(meaning) > 10 for meaning in told.values())


def test_settings_cannot_be_changed_after_the_start() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().shards = 3  # type: ignore[misc]


def test_defaults_hold_together() -> None:
    settings = Settings()
    assert settings.lease_renew_ms * 2 < settings.lease_ttl_ms, "one beat may be lost"
    assert settings.unsent_timeout_ms < settings.answer_timeout_ms
    assert settings.commit_timeout_ms < settings.answer_timeout_ms
    assert settings.mailbox_control_reserve == 64
    assert settings.live_ping_after_ms < settings.live_idle_timeout_ms
    assert settings.commit_batch_max * settings.commit_flights <= settings.commit_queue_max
