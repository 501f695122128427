"""Flags and environment of a data plane, read once.

Every flag is also an environment variable: --xds-address is OUTRIDER_XDS_ADDRESS. A flag wins.
"""

import argparse
import os
import platform
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

DESCRIPTION = "Run a data plane: workers that serve what a control plane streams to them."
DEFAULT_XDS = "127.0.0.1:18000"
DEFAULT_ADMIN = "127.0.0.1:19000"
DEFAULT_STATE = ".outrider/dataplane"
LOOPBACK = re.compile(r"127\.[0-9.]+|localhost|\[?::1\]?")


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """What a data plane must know before it can ask a control plane for the rest."""

    node_id: str
    group: str
    zone: str
    """Where it runs; endpoints of the same zone are preferred. Empty: not known."""
    xds_address: str
    xds_ca: Path | None
    xds_cert: Path | None
    xds_key: Path | None
    xds_token_file: Path | None
    workers: int
    admin_host: str
    admin_port: int
    state_dir: Path
    env_file: Path | None
    drain_timeout_s: float
    access_log: str
    router_encoders: int
    """Of the embedded router: 1 or 2."""
    worker: int | None
    """Set in a worker process: its index."""
    run_key_file: Path | None
    """Seals what tells calls of agents to be a part of a run; None: a key in `state_dir`."""
    runtime_dir: Path | None
    """Set in a worker process: where its unix socket goes."""


def read_bootstrap(argv: Sequence[str], environ: Mapping[str, str]) -> Bootstrap:
    """Parse; what is wrong ends the process with a usage message (exit 2)."""
    parser = _parser(environ)
    args = parser.parse_args(argv)
    if (args.xds_cert is None) != (args.xds_key is None):
        parser.error("--xds-cert and --xds-key belong together")
    for path in (
        args.xds_ca,
        args.xds_cert,
        args.xds_key,
        args.xds_token_file,
        args.env_file,
        args.run_key_file,
    ):
        if path is not None and not path.is_file():
            parser.error(f"no such file: {path}")
    if args.xds_token_file and not args.xds_ca and not _is_loopback(args.xds_address):
        parser.error("--xds-token-file needs --xds-ca: the token would cross the network in clear")
    host, port = args.admin_address
    return Bootstrap(
        node_id=args.node_id,
        group=args.group,
        zone=args.zone or "",
        xds_address=args.xds_address,
        xds_ca=args.xds_ca,
        xds_cert=args.xds_cert,
        xds_key=args.xds_key,
        xds_token_file=args.xds_token_file,
        workers=args.workers,
        admin_host=host,
        admin_port=port,
        state_dir=args.state_dir,
        env_file=args.env_file,
        drain_timeout_s=args.drain_timeout,
        access_log=args.access_log,
        router_encoders=args.router_encoders,
        worker=args.worker,
        run_key_file=args.run_key_file,
        runtime_dir=args.runtime_dir,
    )


def socket_path(runtime_dir: Path, worker: int) -> Path:
    """Where a worker's admin socket is."""
    return runtime_dir / f"worker-{worker}.sock"


def _parser(environ: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="outrider dataplane", description=DESCRIPTION, allow_abbrev=False
    )

    def flag(
        name: str, kind: Callable[[str], object], default: object, help_: str, metavar: str
    ) -> None:
        variable = "OUTRIDER_" + name.removeprefix("--").replace("-", "_").upper()
        # argparse converts a default only when it is text: a bad variable is told like a bad flag.
        given = environ.get(variable) or (None if default is None else str(default))
        shown = f" (${variable})" if default is None else f" (default {default}; ${variable})"
        parser.add_argument(name, type=kind, default=given, metavar=metavar, help=help_ + shown)

    flag("--node-id", _word, platform.node() or "node", "id of this data plane", "ID")
    flag("--group", _word, "default", "node group: which snapshot it gets", "NAME")
    flag("--zone", _word, None, "where it runs: endpoints of this zone are preferred", "NAME")
    flag("--xds-address", _target, DEFAULT_XDS, "control plane", "HOST:PORT")
    flag("--xds-ca", Path, None, "speak TLS; the CA of the control plane's certificate", "PEM")
    flag("--xds-cert", Path, None, "our certificate", "PEM")
    flag("--xds-key", Path, None, "our key", "PEM")
    flag("--xds-token-file", Path, None, "bearer token for the control plane", "FILE")
    flag("--workers", _count, len(os.sched_getaffinity(0)), "worker processes", "N")
    flag("--admin-address", _address, DEFAULT_ADMIN, "metrics and health of all workers", "ADDR")
    flag("--state-dir", Path, DEFAULT_STATE, "where the last good config is kept", "DIR")
    flag("--env-file", Path, None, "variables for secrets that the environment lacks", "FILE")
    flag("--run-key-file", Path, None, "key that all data planes share for runs of agents", "FILE")
    flag("--drain-timeout", _seconds, 30.0, "longest wait for running requests", "SECONDS")
    flag("--access-log", str, "-", "file for one JSON line a request; - is stdout", "PATH")
    encoders = "of the embedded router; 1 saves 110 MB a worker"
    flag("--router-encoders", _encoders, 2, encoders, "N")
    parser.add_argument("--worker", type=int, default=None, help=argparse.SUPPRESS)
    parser.add_argument("--runtime-dir", type=Path, default=None, help=argparse.SUPPRESS)
    return parser


def _word(text: str) -> str:
    if not text or not text.isprintable() or " " in text:
        raise argparse.ArgumentTypeError("must be one word")
    return text


def _target(text: str) -> str:
    _address(text)
    return text


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT")
    return host.removeprefix("[").removesuffix("]") or "127.0.0.1", int(port)


def _encoders(text: str) -> int:
    if text not in ("1", "2"):
        raise argparse.ArgumentTypeError(f"{text!r} is not 1 or 2")
    return int(text)


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 256:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 256")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text.removesuffix("s"))
    except ValueError:
        seconds = -1.0
    if not 0.0 <= seconds < 86_400.0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return seconds


def _is_loopback(address: str) -> bool:
    host, _, _ = address.rpartition(":")
    return LOOPBACK.fullmatch(host) is not None
