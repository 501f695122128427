"""Flags and environment of a control plane, read once.

Every flag is also an environment variable: --xds-address is OUTRIDER_XDS_ADDRESS. A flag wins.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from controlplane.security import Security

DESCRIPTION = "Run a control plane: it compiles a config and streams it to data planes."
DEFAULT_XDS = "127.0.0.1:18000"
DEFAULT_ADMIN = "127.0.0.1:18001"
DEFAULT_HTTP = "127.0.0.1:18002"
DEFAULT_STATE = ".outrider/controlplane"
_YES = frozenset({"1", "true", "yes", "on"})
_NO = frozenset({"", "0", "false", "no", "off"})


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """What a control plane must know before it reads a config."""

    config: Path | None = None
    check_secrets: bool = False
    env_file: Path | None = None
    xds_address: str = DEFAULT_XDS
    admin_address: str = DEFAULT_ADMIN
    http_address: str = DEFAULT_HTTP
    state_dir: Path = Path(DEFAULT_STATE)
    security: Security = Security()
    run_key_file: Path | None = None
    """A secret of all control planes, that keys of runs are made of."""


def read_bootstrap(argv: Sequence[str], environ: Mapping[str, str]) -> Bootstrap:
    """Parse; what is wrong ends the process with a usage message (exit 2)."""
    parser = _parser(environ)
    args = parser.parse_args(argv)
    if args.check_secrets is None:
        parser.error("OUTRIDER_CHECK_SECRETS must be 1 or 0")
    if args.env_file is not None and not args.env_file.is_file():
        parser.error(f"no such file: {args.env_file}")
    return Bootstrap(
        config=args.config,
        check_secrets=args.check_secrets,
        env_file=args.env_file,
        xds_address=args.xds_address,
        admin_address=args.admin_address,
        http_address=args.http_address,
        state_dir=args.state_dir,
        security=Security(args.tls_cert, args.tls_key, args.tls_client_ca, args.token_file),
        run_key_file=args.run_key_file,
    )


def _parser(environ: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="outrider controlplane", description=DESCRIPTION, allow_abbrev=False
    )

    def flag(
        name: str, kind: Callable[[str], object], default: str | None, help_: str, metavar: str
    ) -> None:
        variable = "OUTRIDER_" + name.removeprefix("--").replace("-", "_").upper()
        # argparse converts a default only when it is text: a bad variable is told like a bad flag.
        given = environ.get(variable) or default
        shown = f" (${variable})" if default is None else f" (default {default}; ${variable})"
        parser.add_argument(name, type=kind, default=given, metavar=metavar, help=help_ + shown)

    flag("--config", Path, None, "serve this file and follow its changes; without it, the"
         " latest revision is served", "FILE")  # fmt: skip
    parser.add_argument(
        "--check-secrets",
        action="store_true",
        default=_truth(environ.get("OUTRIDER_CHECK_SECRETS", "")),
        help="refuse a config whose secrets are missing here, for a data plane that runs beside"
        " us ($OUTRIDER_CHECK_SECRETS)",
    )
    flag("--env-file", Path, None, "variables for --check-secrets that the environment lacks;"
         " without it, .env beside the config", "FILE")  # fmt: skip
    flag("--xds-address", _address, DEFAULT_XDS, "where data planes connect", "HOST:PORT")
    flag("--admin-address", _address, DEFAULT_ADMIN, "where operators connect", "HOST:PORT")
    flag("--http-address", _address, DEFAULT_HTTP, "/metrics, /healthz, /readyz", "HOST:PORT")
    flag("--state-dir", Path, DEFAULT_STATE, "where revisions are kept", "DIR")
    flag("--tls-cert", Path, None, "our certificate; both gRPC ports speak TLS then", "PEM")
    flag("--tls-key", Path, None, "its key", "PEM")
    flag("--tls-client-ca", Path, None, "clients must show a certificate of this CA", "PEM")
    flag("--token-file", Path, None, "clients must show this bearer token", "FILE")
    flag("--run-key-file", Path, None, "key that all control planes share for runs of agents",
         "FILE")  # fmt: skip
    return parser


def _truth(text: str) -> bool | None:
    word = text.strip().lower()
    return True if word in _YES else False if word in _NO else None


def _address(text: str) -> str:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT")
    return f"{host or '127.0.0.1'}:{port}"
