from pathlib import Path

import pytest

from dataplane.bootstrap import read_bootstrap


def test_flag_wins_over_the_environment() -> None:
    environ = {"OUTRIDER_WORKERS": "3", "OUTRIDER_GROUP": "edge", "OUTRIDER_DRAIN_TIMEOUT": "5s"}
    bootstrap = read_bootstrap(["--workers", "2"], environ)
    assert (bootstrap.workers, bootstrap.group, bootstrap.drain_timeout_s) == (2, "edge", 5.0)


def test_zone_is_not_known_unless_it_is_said() -> None:
    assert read_bootstrap([], {}).zone == ""
    assert read_bootstrap([], {"OUTRIDER_ZONE": "eu-west-1a"}).zone == "eu-west-1a"


def test_defaults_are_loopback_and_this_machine() -> None:
    bootstrap = read_bootstrap([], {})
    assert bootstrap.xds_address == "127.0.0.1:18000"
    assert (bootstrap.admin_host, bootstrap.admin_port) == ("127.0.0.1", 19000)
    assert bootstrap.node_id
    assert bootstrap.workers >= 1


WRONG = {
    "workers": (["--workers", "0"], "'0' is not a number from 1 to 256"),
    "address": (["--xds-address", "localhost"], "'localhost' is not HOST:PORT"),
    "port": (["--admin-address", "a:70000"], "'a:70000' is not HOST:PORT"),
    "seconds": (["--drain-timeout", "-1"], "'-1' is not a number of seconds"),
    "nan": (["--drain-timeout", "nan"], "'nan' is not a number of seconds"),
    "node": (["--node-id", "a b"], "must be one word"),
    "half of a key pair": (["--xds-cert", "x"], "--xds-cert and --xds-key belong together"),
    "missing file": (["--env-file", "/no/such"], "no such file: /no/such"),
    "unknown": (["--wat"], "unrecognized arguments: --wat"),
}


@pytest.mark.parametrize(("argv", "message"), WRONG.values(), ids=WRONG.keys())
def test_wrong_flag_is_told(
    argv: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as e:
        read_bootstrap(argv, {})
    assert e.value.code == 2
    assert message in capsys.readouterr().err


def test_wrong_variable_is_told_like_a_flag(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        read_bootstrap([], {"OUTRIDER_WORKERS": "many"})
    assert "argument --workers: 'many' is not a number" in capsys.readouterr().err


def test_token_does_not_leave_the_machine_in_clear(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    token = tmp_path / "token"
    token.write_text("t")
    argv = ["--xds-token-file", str(token), "--xds-address"]
    assert read_bootstrap([*argv, "127.0.0.1:1"], {}).xds_token_file == token
    with pytest.raises(SystemExit):
        read_bootstrap([*argv, "control.example:18000"], {})
    assert "the token would cross the network in clear" in capsys.readouterr().err


def test_ipv6_admin_address() -> None:
    bootstrap = read_bootstrap(["--admin-address", "[::1]:0"], {})
    assert (bootstrap.admin_host, bootstrap.admin_port) == ("::1", 0)
