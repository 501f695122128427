"""A secret is for upstreams only: nothing that prints a config may show it."""

import dataclasses

import pytest

from dataplane.runtime.config import ModelProvider, RuntimeConfig, Secret

KEY = Secret("sk-live-123")
PROVIDER = ModelProvider(
    "m", "openai", "m", "provider:m", access_keys=(KEY,), headers=(("x", KEY),)
)
CONFIG = RuntimeConfig(version="v", providers={"m": PROVIDER})


def test_secret_is_in_no_text_of_a_config() -> None:
    shown = f"{KEY} {KEY!r} {CONFIG} {CONFIG!r} {dataclasses.asdict(CONFIG)}"
    assert "sk-live-123" not in shown
    assert "Secret(***)" in shown


def test_secret_is_revealed_when_asked_for() -> None:
    assert KEY.reveal() == "sk-live-123"


def test_equal_secrets_are_equal_so_that_an_unchanged_provider_is_seen_as_such() -> None:
    assert Secret("a") == Secret("a")
    assert hash(Secret("a")) == hash(Secret("a"))
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"


def test_config_is_never_changed_in_place() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        CONFIG.version = "other"  # type: ignore[misc]  # what is tested
