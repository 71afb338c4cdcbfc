from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import ValidationError

from porchlight.kit.settings import Settings, kept_secret


def test_every_setting_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PORCHLIGHT_HOME", str(tmp_path))
    monkeypatch.setenv("PORCHLIGHT_DATABASE_POOL_SIZE", "3")
    monkeypatch.setenv("PORCHLIGHT_PUBLIC_URL", "https://leads.example.com")
    monkeypatch.setenv("PORCHLIGHT_NO_SUCH_THING", "x")
    found = Settings()
    assert (found.home_path, found.database_pool_size, found.public_url) == (
        tmp_path.resolve(),
        3,
        "https://leads.example.com",
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_POOL_SIZE", "0"),
        ("DATABASE_POOL_SIZE", "many"),
        ("LOG_LEVEL", "loud"),
        ("DEFAULT_REGION", "USA"),
        ("MAX_BODY_BYTES", "-1"),
        ("SECRET_KEY", "too short to be a key"),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"PORCHLIGHT_{name}", value)
    with pytest.raises(ValidationError) as caught:
        Settings()
    assert caught.value.errors()[0]["loc"] == (name.lower(),)
    assert "too short to be" not in str(caught.value)


def test_secrets_do_not_show_when_settings_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORCHLIGHT_SMTP_URL", "smtp://porch:light@mail.example.com")
    monkeypatch.setenv("PORCHLIGHT_SECRET_KEY", "k" * 40)
    assert "light@" not in repr(Settings())
    assert "kkk" not in repr(Settings())


def test_the_home_and_its_secrets_are_for_their_owner_only(tmp_path: Path) -> None:
    found = Settings(home=tmp_path / "home")
    assert len(found.key) == 64
    assert stat.S_IMODE(found.home_path.stat().st_mode) == 0o700
    assert stat.S_IMODE((found.home_path / "secret.key").stat().st_mode) == 0o600
    assert Settings(home=tmp_path / "home").key == found.key


def test_processes_that_start_at_once_agree_on_the_secret(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as starters:
        kept = list(starters.map(lambda _: kept_secret(tmp_path / "secret.key"), range(8)))
    assert len(set(kept)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["secret.key"]
