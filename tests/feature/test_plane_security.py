"""A data plane that proves who it is, and a control plane that does too."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme
from click.testing import CliRunner, Result

from controlplane.cli.main import main
from controlplane.security import Security
from dataplane.main import running_worker
from tests.support.control import CONFIG
from tests.support.planes import planes, worker_bootstrap
from tests.support.wait import until

KEY = {"TEST_OPENAI_KEY": "k"}


@dataclass
class Files:
    """Certificates of one CA, and a token."""

    folder: Path

    def __post_init__(self) -> None:
        ca = trustme.CA()
        ca.cert_pem.write_to_path(str(self.path("ca.pem")))
        for name in ("server", "client"):
            issued = ca.issue_cert("127.0.0.1")
            issued.private_key_pem.write_to_path(str(self.path(f"{name}.key")))
            issued.cert_chain_pems[0].write_to_path(str(self.path(f"{name}.pem")))
        self.path("token").write_text("s3cret\n")

    def path(self, name: str) -> Path:
        return self.folder / name

    def flags(self, **files: str) -> list[str]:
        """--xds-ca ... of a worker."""
        return [
            word
            for flag, name in files.items()
            for word in (f"--xds-{flag.replace('_', '-')}", str(self.path(name)))
        ]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


async def test_worker_with_a_certificate_is_let_in(files: Files, tmp_path: Path) -> None:
    security = Security(files.path("server.pem"), files.path("server.key"), files.path("ca.pem"))
    flags = files.flags(ca="ca.pem", cert="client.pem", key="client.key")
    async with planes(CONFIG, tmp_path, environ=KEY, security=security, flags=flags) as p:
        assert p.workers[0].report().ready


async def test_worker_with_the_token_is_let_in(files: Files, tmp_path: Path) -> None:
    security = Security(
        files.path("server.pem"), files.path("server.key"), token_file=files.path("token")
    )
    flags = files.flags(ca="ca.pem", token_file="token")
    async with planes(CONFIG, tmp_path, environ=KEY, security=security, flags=flags) as p:
        assert p.workers[0].report().ready


async def test_worker_answers_questions_over_the_connection_it_proved_itself_on(
    files: Files, tmp_path: Path
) -> None:
    security = Security(
        files.path("server.pem"), files.path("server.key"), token_file=files.path("token")
    )
    flags = files.flags(ca="ca.pem", token_file="token")
    async with planes(CONFIG, tmp_path, environ=KEY, security=security, flags=flags) as p:
        at = ["--admin", p.control.admin_address, "--ca", str(files.path("ca.pem"))]
        shown = await outrider("clusters", *at, "--token-file", str(files.path("token")))
        assert "1 cluster, 1 worker" in shown.stdout
        refused = await outrider("clusters", *at)
        assert "missing bearer token" in refused.stderr


async def outrider(*words: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, main, words)


async def test_worker_without_the_token_is_told_why(
    files: Files, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    security = Security(token_file=files.path("token"))
    flags = files.flags(token_file="token")
    async with planes(CONFIG, tmp_path, environ=KEY, security=security, flags=flags) as p:
        stranger = worker_bootstrap(p.control.xds_address, tmp_path / "stranger")
        async with running_worker(stranger, KEY) as worker:
            await until(lambda: "unauthenticated: missing bearer token" in caplog.text)
            assert not worker.report().ready


async def test_leases_of_limits_pass_the_same_guard(files: Files, tmp_path: Path) -> None:
    limits = "limits: [{name: team, requests: {limit: 1}}]\n"
    security = Security(
        files.path("server.pem"), files.path("server.key"), token_file=files.path("token")
    )
    flags = files.flags(ca="ca.pem", token_file="token")
    config = CONFIG + limits
    async with planes(config, tmp_path, environ=KEY, security=security, flags=flags) as p:
        await until(lambda: p.workers[0].limits.quotas.book.connected)
        stranger = worker_bootstrap(
            p.control.xds_address, tmp_path / "stranger", flags=files.flags(ca="ca.pem")
        )
        async with running_worker(stranger, KEY) as worker:
            await worker.limits.configure(p.workers[0].client.state.config)
            await until(lambda: bool(worker.limits.failures))
            assert not worker.limits.quotas.book.connected
