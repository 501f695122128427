"""TLS of a listener: its certificate, whose certificates clients may show, and who they are then.

The rule: files are read where a listener begins and again when they change; what cannot be used
leaves the last good ones in force, and says so once.
"""

import logging
import os
import ssl
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from dataplane.runtime.auth import Auth, Tls
from dataplane.runtime.principal import Principal

log = logging.getLogger(__name__)

MAX_CHARS = 256
"""Of a name."""
Stamp = tuple[tuple[int, int, int], ...]


class UnusableFilesError(OSError):
    """Keys and certificates that cannot be used; the text says which file and why."""


class Certificates:
    """The TLS of one listener.

    New handshakes get the newest context; OpenSSL is told of it at the client's first words,
    because the loop holds on to the one that its server was made with.
    """

    def __init__(self, tls: Tls) -> None:
        """Raises UnusableFilesError."""
        self._tls = tls
        self._stamp = _stamp(tls)
        self._newest = self._made()
        self.context = self._made()
        """For the loop's server."""
        self.context.sni_callback = self._on_hello
        self._failed: Stamp = ()

    def refresh(self) -> bool:
        """Look at the files; whether new ones are in force."""
        try:
            stamp = _stamp(self._tls)
        except UnusableFilesError as problem:
            if self._failed != ((0, 0, 0),):
                log.error("certificates stay as they were: %s", problem)
            self._failed = ((0, 0, 0),)
            return False
        if stamp in (self._stamp, self._failed):
            return False
        try:
            self._newest = self._made()
        except UnusableFilesError as problem:
            # Perhaps only one of two has been written by now: the next look sees another stamp.
            log.error("certificates stay as they were: %s", problem)
            self._failed = stamp
            return False
        self._stamp = stamp
        self._failed = ()
        log.info("certificate %s is in force", self._tls.certificate)
        return True

    def _on_hello(self, client: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        client.context = self._newest

    def _made(self) -> ssl.SSLContext:
        tls = self._tls
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        try:
            # Without a password OpenSSL would ask for one on the terminal.
            context.load_cert_chain(tls.certificate, tls.key, password=lambda: "")
        except (ssl.SSLError, OSError) as e:
            raise UnusableFilesError(
                f"{tls.certificate} is no certificate with its key {tls.key}: {_reason(e)}"
            ) from e
        if tls.client_ca:
            try:
                context.load_verify_locations(tls.client_ca)
            except (ssl.SSLError, OSError) as e:
                raise UnusableFilesError(
                    f"{tls.client_ca} is no CA certificate: {_reason(e)}"
                ) from e
            context.verify_mode = ssl.CERT_REQUIRED if tls.requires else ssl.CERT_OPTIONAL
            # A resumed session would bring the client's certificate along, of whatever age.
            context.minimum_version = ssl.TLSVersion.TLSv1_3
            context.num_tickets = 0
        return context


def _reason(problem: Exception) -> str:
    told = getattr(problem, "reason", None) or getattr(problem, "strerror", None) or problem
    return str(told).lower().replace("_", " ")


def _stamp(tls: Tls) -> Stamp:
    """Another one when a file is another one. Raises UnusableFilesError."""
    found = []
    for file in (tls.certificate, tls.key, tls.client_ca):
        if not file:
            continue
        try:
            status = os.stat(file)
        except OSError as e:
            raise UnusableFilesError(f"{file} cannot be read: {e.strerror}") from e
        found.append((status.st_ino, status.st_mtime_ns, status.st_size))
    return tuple(found)


def caller(peer: Mapping[str, Any] | None, auth: Auth | None) -> Principal | None:
    """Who showed a certificate, where that counts: its first URI, else its first DNS name, else its
    common name.

    :param peer: as ssl tells it: verified.
    """
    if not peer:
        return None
    wanted = auth.client_certificate if auth is not None else None
    if auth is not None and wanted is None:
        return None  # callers show something else there
    for name in _names(peer):
        if wanted is None or not wanted.names or _is_among(name, wanted.names):
            return Principal(name, kind="certificate")
    return None


def _names(peer: Mapping[str, Any]) -> Sequence[str]:
    """Fit to be an id, the most telling first."""
    alternative = peer.get("subjectAltName", ())
    found = [value for wanted in ("URI", "DNS") for kind, value in alternative if kind == wanted]
    if not found:
        subject = peer.get("subject", ())
        found = [value for part in subject for name, value in part if name == "commonName"]
    return [name for name in found if name and len(name) <= MAX_CHARS and name.isprintable()]


def _is_among(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
