"""Where the holes of a SecretText are filled: environment, `.env` file, files.

The process environment wins over the `.env` file, and the `.env` file never enters the environment,
so child processes and crash dumps do not inherit it. A reason names the variable or file, never its
content.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from dotenv import dotenv_values


class SecretUnavailableError(Exception):
    """A variable or file that a resource asks for is missing or unusable."""


class SecretReader(Protocol):
    """What decode asks for the text behind a name; both raise SecretUnavailableError."""

    def variable(self, name: str) -> str:
        """The value of an environment variable."""

    def file(self, path: str) -> str:
        """The text of a file, without its last newline."""


class Secrets:
    """The secrets of this machine."""

    def __init__(self, environ: Mapping[str, str], env_file: Path | None = None) -> None:
        self._environ = environ
        self._env_file = env_file

    def variable(self, name: str) -> str:
        """See SecretReader. The `.env` file is read anew each time: no restart to correct it."""
        value = self._environ.get(name) or self._from_file(name)
        if not value:
            raise SecretUnavailableError(f"environment variable {name} is not set or empty")
        return _fit_for_header(value, f"environment variable {name}")

    def _from_file(self, name: str) -> str | None:
        if self._env_file is None:
            return None
        try:
            return dotenv_values(self._env_file, interpolate=False).get(name)
        except (OSError, UnicodeDecodeError) as e:
            raise SecretUnavailableError(
                f"environment variable {name} is not set and {self._env_file} cannot be read: {e}"
            ) from e

    def file(self, path: str) -> str:
        """See SecretReader."""
        try:
            text = Path(path).read_text(encoding="utf-8")
        except OSError as e:
            raise SecretUnavailableError(f"file {path} cannot be read: {e.strerror}") from e
        except UnicodeDecodeError as e:
            raise SecretUnavailableError(f"file {path} is not UTF-8 text") from e
        value = text.removesuffix("\n").removesuffix("\r")
        if not value:
            raise SecretUnavailableError(f"file {path} is empty")
        return _fit_for_header(value, f"file {path}")


def _fit_for_header(value: str, source: str) -> str:
    """Secrets go into request headers: a newline in one would forge a second header."""
    if not value.isascii() or not value.isprintable():
        raise SecretUnavailableError(
            f"{source} has a line break, control or non-ASCII character, which no header can hold"
        )
    return value
