from pathlib import Path

import pytest

from dataplane.xds.secrets import Secrets, SecretUnavailableError


def test_environment_wins_over_the_env_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=file\nB='from $A file'\n")
    secrets = Secrets({"A": "process"}, tmp_path / ".env")
    assert secrets.variable("A") == "process"
    assert secrets.variable("B") == "from $A file"


def test_missing_env_file_is_only_a_missing_variable(tmp_path: Path) -> None:
    with pytest.raises(SecretUnavailableError, match="environment variable A is not set or empty"):
        Secrets({}, tmp_path / ".env").variable("A")


def test_file_loses_its_last_newline_only(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b" sk \r\n")
    assert Secrets({}).file(str(tmp_path / "key")) == " sk "


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"a\nb\n", "line break"), (b"\xff", "not UTF-8"), (b"\n", "is empty")],
    ids=["two lines", "binary", "empty"],
)
def test_unusable_file_is_refused_without_its_content(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    with pytest.raises(SecretUnavailableError, match=reason) as e:
        Secrets({}).file(str(path))
    assert str(path) in str(e.value)


def test_missing_file_names_its_path() -> None:
    with pytest.raises(SecretUnavailableError, match="file /no/such cannot be read: No such file"):
        Secrets({}).file("/no/such")
