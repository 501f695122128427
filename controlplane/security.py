"""Who may talk to the control plane: TLS, client certificates, a bearer token.

The rule: an address that other machines can reach is served with client certificates or a token,
or not at all.
"""

import hmac
import ipaddress
import logging
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, cast

import grpc
import grpc.aio

log = logging.getLogger(__name__)

# Generic for the stubs only.
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
# Probes carry no token, and "serving" is no secret.
_OPEN_METHODS = "/grpc.health.v1.Health/"


class UnsafeAddressError(Exception):
    """An address that others can reach, and nothing that keeps them out."""


class SecurityFileError(Exception):
    """A certificate, key or token that cannot be used; says which file and why."""


@dataclass(frozen=True, slots=True)
class Security:
    """Files, all PEM but the token; read anew when needed, so they can be rotated in place."""

    certificate: Path | None = None
    key: Path | None = None
    client_ca: Path | None = None
    token_file: Path | None = None

    def check(self, *addresses: str) -> None:
        """Raise SecurityFileError for unusable files, UnsafeAddressError for an open address."""
        if (self.certificate is None) != (self.key is None):
            raise SecurityFileError("--tls-cert and --tls-key go together")
        if self.client_ca is not None and self.certificate is None:
            raise SecurityFileError("--tls-client-ca needs --tls-cert and --tls-key")
        if self.certificate is not None:
            self._certificates()
        if self.token_file is not None:
            _token(self.token_file)
        if self.client_ca is not None or self.token_file is not None:
            return
        for address in addresses:
            if not is_loopback(address):
                raise UnsafeAddressError(
                    f"{address} can be reached from other machines: give --token-file or"
                    " --tls-client-ca, or an address on 127.0.0.1"
                )

    def keeps_secrets(self, address: str) -> bool:
        """Whether a secret may be told on a port: to who has shown who it is, and unread on its way
        there."""
        knows = self.client_ca is not None or self.token_file is not None
        return knows and (self.certificate is not None or is_loopback(address))

    def credentials(self) -> grpc.ServerCredentials | None:
        """What to bind a port with; None without TLS. Certificates are read anew per handshake."""
        if self.certificate is None or self.key is None:
            return None
        return grpc.dynamic_ssl_server_credentials(
            # The stubs forget that None is an answer: "as before".
            self._certificates(),
            cast(Any, self._rotated),
            self.client_ca is not None,
        )

    def _certificates(self) -> grpc.ServerCertificateConfiguration:
        assert self.certificate is not None
        assert self.key is not None
        _usable(self.certificate, self.key, self.client_ca)
        pair = (_read(self.key), _read(self.certificate))
        return grpc.ssl_server_certificate_configuration([pair], _read_some(self.client_ca))

    def _rotated(self) -> grpc.ServerCertificateConfiguration | None:
        """Called by gRPC at each handshake, from a thread of its own; None keeps the last ones."""
        try:
            return self._certificates()
        except SecurityFileError as e:
            log.error("certificates stay as they were: %s", e)
            return None

    def interceptors(self) -> list[grpc.aio.ServerInterceptor]:
        """What every call has to pass."""
        return [] if self.token_file is None else [TokenCheck(self.token_file)]


class TokenCheck(grpc.aio.ServerInterceptor):
    """Refuses calls without `authorization: Bearer <token>`. The file is read at each call."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._token = _token(file)

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], "Awaitable[Handler | None]"],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> "Handler | None":
        """See grpc.aio.ServerInterceptor."""
        handler = await continuation(handler_call_details)
        if handler is None or handler_call_details.method.startswith(_OPEN_METHODS):
            return handler
        given = _header(handler_call_details, "authorization")
        if hmac.compare_digest(given.encode(), b"Bearer " + self._current()):
            return handler
        return _refusal(handler, "missing bearer token" if not given else "wrong bearer token")

    def _current(self) -> bytes:
        try:
            self._token = _token(self._file)
        except SecurityFileError as e:
            log.error("the token stays as it was: %s", e)
        return self._token


def _header(details: grpc.HandlerCallDetails, name: str) -> str:
    for key, value in details.invocation_metadata or ():
        if key == name and isinstance(value, str):
            return value
    return ""


def _refusal(handler: Handler, why: str) -> Handler:
    """A handler of the same shape that ends the call. gRPC does not accept one of another shape."""

    async def refuse(_request: object, context: grpc.aio.ServicerContext[Any, Any]) -> None:
        await context.abort(grpc.StatusCode.UNAUTHENTICATED, why)

    make: Any = {
        (False, False): grpc.unary_unary_rpc_method_handler,
        (False, True): grpc.unary_stream_rpc_method_handler,
        (True, False): grpc.stream_unary_rpc_method_handler,
        (True, True): grpc.stream_stream_rpc_method_handler,
    }[handler.request_streaming, handler.response_streaming]
    refusing: Handler = make(refuse)
    return refusing


def is_loopback(address: str) -> bool:
    """Whether host:port is reachable from this machine only."""
    host = address.rpartition(":")[0].strip("[]")
    if address.startswith("unix:") or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _token(file: Path) -> bytes:
    token = _read(file).strip()
    if not token:
        raise SecurityFileError(f"{file} is empty: it must hold the token")
    return token


def _usable(certificate: Path, key: Path, client_ca: Path | None) -> None:
    """Raise SecurityFileError for what gRPC takes without a word and fails each handshake on."""
    _read(certificate), _read(key), _read_some(client_ca)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        # Without a password OpenSSL would ask for one on the terminal.
        context.load_cert_chain(certificate, key, password=lambda: "")
    except (ssl.SSLError, OSError) as e:
        what = f"{certificate} is no certificate with its key {key}"
        raise SecurityFileError(f"{what}: {e}") from e
    try:
        if client_ca is not None:
            context.load_verify_locations(client_ca)
    except ssl.SSLError as e:
        raise SecurityFileError(f"{client_ca} is no CA certificate: {e}") from e


def _read_some(file: Path | None) -> bytes | None:
    return None if file is None else _read(file)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as e:
        raise SecurityFileError(f"cannot read {file}: {e.strerror}") from e
