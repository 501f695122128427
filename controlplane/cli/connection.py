"""How the verbs reach a control plane's admin port: flags, TLS, token, and errors in one line."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import grpc

DEFAULT_ADMIN = "127.0.0.1:18001"
# An answer to a question; applying a config of ten thousand routes takes some seconds.
ANSWER_S = 15.0
APPLY_S = 120.0
_MAX_BYTES = 256 << 20

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FLAGS = (
    click.option(
        "--admin",
        metavar="HOST:PORT",
        default=DEFAULT_ADMIN,
        show_default=True,
        envvar="OUTRIDER_ADMIN",
        help="The control plane's admin address.",
    ),
    click.option(
        "--ca", type=_FILE, envvar="OUTRIDER_ADMIN_CA", help="Speak TLS; the CA of its certificate."
    ),
    click.option("--cert", type=_FILE, envvar="OUTRIDER_ADMIN_CERT", help="Our certificate."),
    click.option("--key", type=_FILE, envvar="OUTRIDER_ADMIN_KEY", help="Our key."),
    click.option(
        "--token-file", type=_FILE, envvar="OUTRIDER_TOKEN_FILE", help="Holds our bearer token."
    ),
)


@dataclass(frozen=True, slots=True)
class Admin:
    """A control plane's admin port and how to prove who we are."""

    address: str
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    token_file: Path | None = None

    @contextmanager
    def connected(self) -> Iterator[grpc.Channel]:
        """A channel; whatever goes wrong on it becomes one line and exit code 1."""
        with self._channel() as channel:
            try:
                yield channel
            except grpc.RpcError as e:
                raise click.ClickException(self._told(e)) from e

    def metadata(self) -> list[tuple[str, str]]:
        """Headers of each call."""
        if self.token_file is None:
            return []
        return [("authorization", f"Bearer {_text(self.token_file)}")]

    def _channel(self) -> grpc.Channel:
        options = [
            ("grpc.max_receive_message_length", _MAX_BYTES),
            ("grpc.max_send_message_length", _MAX_BYTES),
            ("grpc.enable_http_proxy", 0),
        ]
        if self.ca is None and self.cert is None:
            return grpc.insecure_channel(self.address, options)
        if (self.cert is None) != (self.key is None):
            raise click.UsageError("--cert and --key belong together")
        files = (_bytes(self.ca), _bytes(self.key), _bytes(self.cert))
        return grpc.secure_channel(self.address, grpc.ssl_channel_credentials(*files), options)

    def _told(self, error: grpc.RpcError) -> str:
        code, details = _status(error)
        match code:
            case grpc.StatusCode.UNAVAILABLE:
                hint = "is it running there?"
                if self.ca is None and self.cert is None:
                    hint += " (--admin HOST:PORT; --ca if it speaks TLS)"
                return (
                    f"cannot reach the control plane at {self.address}: {_cause(details)}; {hint}"
                )
            case grpc.StatusCode.UNAUTHENTICATED:
                return f"{self.address} refused us: {details} (--token-file)"
            case grpc.StatusCode.DEADLINE_EXCEEDED:
                return f"{self.address} did not answer in time"
            case grpc.StatusCode.UNIMPLEMENTED:
                return f"{self.address} is no admin port of an Outrider control plane"
            case grpc.StatusCode.NOT_FOUND | grpc.StatusCode.INVALID_ARGUMENT:
                return details
            case _:
                return f"{self.address}: {details or code}"


def admin_flags(verb: Callable[..., Any]) -> Callable[..., Any]:
    """Add the flags to a command; it gets one argument `admin` for them."""

    @functools.wraps(verb)
    def with_admin(
        *args: Any,
        admin: str,
        ca: Path | None,
        cert: Path | None,
        key: Path | None,
        token_file: Path | None,
        **kwargs: Any,
    ) -> Any:
        return verb(*args, admin=Admin(admin, ca, cert, key, token_file), **kwargs)

    decorated: Callable[..., Any] = with_admin
    for flag in reversed(_FLAGS):
        decorated = flag(decorated)
    return decorated


def _status(error: grpc.RpcError) -> tuple[grpc.StatusCode, str]:
    assert isinstance(error, grpc.Call)
    return error.code(), error.details() or ""


def _cause(details: str) -> str:
    """The last part of gRPC's own words: 'Connection refused' of a long address list."""
    for cause in ("Connection refused", "Socket closed", "DNS resolution failed", "Timeout"):
        if cause.lower() in details.lower():
            return cause.lower()
    return details


def _bytes(file: Path | None) -> bytes | None:
    return None if file is None else file.read_bytes()


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8").strip()
