"""Flags and environment of a control plane."""

from pathlib import Path

import pytest

from controlplane.bootstrap import Bootstrap, read_bootstrap
from controlplane.security import Security


def test_everything_has_a_default() -> None:
    assert read_bootstrap([], {}) == Bootstrap()


def test_flags_are_read() -> None:
    read = read_bootstrap(
        [
            "--config",
            "a.yaml",
            "--check-secrets",
            "--xds-address",
            "0.0.0.0:1",
            "--token-file",
            "t",
        ],
        {},
    )
    assert read == Bootstrap(
        config=Path("a.yaml"),
        check_secrets=True,
        xds_address="0.0.0.0:1",
        security=Security(token_file=Path("t")),
    )


def test_the_environment_is_read() -> None:
    read = read_bootstrap([], {"OUTRIDER_CONFIG": "a.yaml", "OUTRIDER_CHECK_SECRETS": "yes"})
    assert (read.config, read.check_secrets) == (Path("a.yaml"), True)


def test_secret_of_all_control_planes_is_a_file() -> None:
    assert read_bootstrap(["--run-key-file", "k"], {}).run_key_file == Path("k")
    assert read_bootstrap([], {"OUTRIDER_RUN_KEY_FILE": "k"}).run_key_file == Path("k")


def test_a_flag_wins_over_the_environment() -> None:
    read = read_bootstrap(["--http-address", "[::1]:5"], {"OUTRIDER_HTTP_ADDRESS": "x:1"})
    assert read.http_address == "[::1]:5"


@pytest.mark.parametrize(
    ("argv", "environ", "told"),
    [
        (["--xds-address", "18000"], {}, "'18000' is not HOST:PORT"),
        (["--xds-address", "a:70000"], {}, "'a:70000' is not HOST:PORT"),
        ([], {"OUTRIDER_ADMIN_ADDRESS": "nine"}, "'nine' is not HOST:PORT"),
        ([], {"OUTRIDER_CHECK_SECRETS": "perhaps"}, "must be 1 or 0"),
        (["--env-file", "/no/such"], {}, "no such file: /no/such"),
        (["--conf", "x"], {}, "unrecognized arguments"),
    ],
    ids=["no-host", "port", "environment", "truth", "env-file", "abbreviation"],
)
def test_what_is_wrong_is_a_usage_error(
    argv: list[str], environ: dict[str, str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exited:
        read_bootstrap(argv, environ)
    assert exited.value.code == 2
    assert told in capsys.readouterr().err
