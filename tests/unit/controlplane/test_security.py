"""Who is let in: tokens, TLS, client certificates, and what is refused at the start."""

from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import grpc
import grpc.aio
import pytest
import trustme
from grpc_health.v1 import health_pb2, health_pb2_grpc
from outriderpb.admin.v1 import fleet_pb2, fleet_pb2_grpc

from controlplane.main import ControlPlane
from controlplane.security import (
    Security,
    SecurityFileError,
    UnsafeAddressError,
    is_loopback,
)
from controlplane.snapshot.resource import ResourceType
from tests.support.control import control_plane
from tests.support.delta import delta_client
from tests.support.wait import until


@dataclass
class Certificates:
    folder: Path

    @property
    def server(self) -> Security:
        return Security(self.folder / "server.pem", self.folder / "server.key")

    @property
    def mutual(self) -> Security:
        return Security(
            self.folder / "server.pem", self.folder / "server.key", self.folder / "ca.pem"
        )

    def client(self, name: str = "") -> grpc.ChannelCredentials:
        key = (self.folder / f"{name}.key").read_bytes() if name else None
        chain = (self.folder / f"{name}.pem").read_bytes() if name else None
        return grpc.ssl_channel_credentials((self.folder / "ca.pem").read_bytes(), key, chain)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    folder = tmp_path_factory.mktemp("certificates")
    ours, theirs = trustme.CA(), trustme.CA()
    ours.cert_pem.write_to_path(str(folder / "ca.pem"))
    for name, ca in (("server", ours), ("client", ours), ("stranger", theirs)):
        issued = ca.issue_cert("127.0.0.1", "localhost")
        issued.private_key_pem.write_to_path(str(folder / f"{name}.key"))
        (folder / f"{name}.pem").write_bytes(
            b"".join(blob.bytes() for blob in issued.cert_chain_pems)
        )
    return Certificates(folder)


@pytest.fixture
def token(tmp_path: Path) -> Path:
    file = tmp_path / "token"
    file.write_text("s3cret\n")
    return file


async def joins(
    plane: ControlPlane, token: str = "", credentials: grpc.ChannelCredentials | None = None
) -> None:
    """Open a stream and wait until the control plane counts it."""
    async with delta_client(plane.xds_address, token=token, credentials=credentials) as client:
        await client.subscribe(ResourceType.CLUSTER)
        await until(lambda: len(plane.fleet.members()) == 1)


async def refused(
    plane: ControlPlane, token: str = "", credentials: grpc.ChannelCredentials | None = None
) -> grpc.aio.AioRpcError:
    for _ in range(10):
        async with delta_client(plane.xds_address, token=token, credentials=credentials) as client:
            try:
                await client.subscribe(ResourceType.CLUSTER)
                await client.read()
            except grpc.aio.AioRpcError as e:
                assert plane.fleet.members() == []
                # Who is refused before they have written hears from grpc.aio that they could not.
                if e.details() != "Internal error from Core":
                    return e
                continue
        pytest.fail("it was let in")
    pytest.fail("the refusal was never heard")


async def test_a_stream_with_the_token_is_let_in(tmp_path: Path, token: Path) -> None:
    async with control_plane(tmp_path, security=Security(token_file=token)) as plane:
        await joins(plane, "s3cret")


@pytest.mark.parametrize("given", ["", "wrong", "s3cret2"], ids=repr)
async def test_a_stream_without_the_token_is_refused(
    tmp_path: Path, token: Path, given: str
) -> None:
    async with control_plane(tmp_path, security=Security(token_file=token)) as plane:
        error = await refused(plane, given)
        assert error.code() is grpc.StatusCode.UNAUTHENTICATED
        assert "s3cret" not in (error.details() or "")


async def test_admin_calls_need_the_token_and_health_does_not(tmp_path: Path, token: Path) -> None:
    async with AsyncExitStack() as stack:
        plane = await stack.enter_async_context(
            control_plane(tmp_path, security=Security(token_file=token))
        )
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(plane.admin_address))
        fleet = fleet_pb2_grpc.FleetServiceStub(channel)
        for call in (
            fleet.ListNodes(fleet_pb2.ListNodesRequest()),
            fleet.WatchNodes(fleet_pb2.WatchNodesRequest()).read(),
        ):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call
            assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
        await fleet.ListNodes(
            fleet_pb2.ListNodesRequest(), metadata=[("authorization", "Bearer s3cret")]
        )
        await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())


async def test_a_rotated_token_counts_at_once(tmp_path: Path, token: Path) -> None:
    async with control_plane(tmp_path, security=Security(token_file=token)) as plane:
        token.write_text("another")
        await joins(plane, "another")
        await until(lambda: not plane.fleet.members())
        await refused(plane, "s3cret")


async def test_a_token_file_that_vanishes_leaves_the_last_token(
    tmp_path: Path, token: Path
) -> None:
    async with control_plane(tmp_path, security=Security(token_file=token)) as plane:
        token.unlink()
        await joins(plane, "s3cret")


async def test_tls_lets_in_who_trusts_the_certificate(
    tmp_path: Path, certificates: Certificates
) -> None:
    async with control_plane(tmp_path, security=certificates.server) as plane:
        await joins(plane, credentials=certificates.client())


async def test_certificates_are_rotated_in_place(
    tmp_path: Path, certificates: Certificates
) -> None:
    pem, key = tmp_path / "rotating.pem", tmp_path / "rotating.key"
    source = certificates.folder
    pem.write_bytes((source / "stranger.pem").read_bytes())
    key.write_bytes((source / "stranger.key").read_bytes())
    async with control_plane(tmp_path, security=Security(pem, key)) as plane:
        await refused(plane, credentials=certificates.client())
        pem.write_bytes((source / "server.pem").read_bytes())
        # A pair that does not match is a rotation under way: the last one stays.
        await refused(plane, credentials=certificates.client())
        key.write_bytes((source / "server.key").read_bytes())
        await joins(plane, credentials=certificates.client())


async def test_plain_text_is_refused_by_tls(tmp_path: Path, certificates: Certificates) -> None:
    async with control_plane(tmp_path, security=certificates.server) as plane:
        assert (await refused(plane)).code() is grpc.StatusCode.UNAVAILABLE


async def test_a_client_certificate_of_our_ca_is_let_in(
    tmp_path: Path, certificates: Certificates
) -> None:
    async with control_plane(tmp_path, security=certificates.mutual) as plane:
        await joins(plane, credentials=certificates.client("client"))


@pytest.mark.parametrize("name", ["", "stranger"], ids=["none", "of-another-ca"])
async def test_another_client_certificate_is_refused(
    tmp_path: Path, certificates: Certificates, name: str
) -> None:
    async with control_plane(tmp_path, security=certificates.mutual) as plane:
        error = await refused(plane, credentials=certificates.client(name))
        assert error.code() is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize(
    ("address", "ours"),
    [
        ("127.0.0.1:1", True),
        ("127.9.9.9:1", True),
        ("localhost:1", True),
        ("[::1]:1", True),
        ("0.0.0.0:1", False),
        ("[::]:1", False),
        ("10.0.0.1:1", False),
        ("example.org:1", False),
    ],
)
def test_loopback_is_recognised(address: str, ours: bool) -> None:
    assert is_loopback(address) is ours


def test_an_open_address_needs_a_token_or_client_certificates(
    token: Path, certificates: Certificates
) -> None:
    for security in (Security(), certificates.server):
        with pytest.raises(UnsafeAddressError):
            security.check("127.0.0.1:1", "0.0.0.0:2")
    for security in (Security(token_file=token), certificates.mutual):
        security.check("127.0.0.1:1", "0.0.0.0:2")


def test_unusable_files_are_told(tmp_path: Path, certificates: Certificates) -> None:
    empty = tmp_path / "empty"
    empty.touch()
    for security, told in (
        (Security(certificate=empty), "--tls-cert and --tls-key go together"),
        (Security(client_ca=empty), "--tls-client-ca needs"),
        (Security(token_file=tmp_path / "none"), "cannot read .*none: No such file"),
        (Security(token_file=empty), "is empty"),
        (Security(tmp_path / "none", empty), "cannot read"),
        (Security(empty, empty), "is no certificate with its key"),
        (Security(certificates.folder / "server.pem", certificates.folder / "client.key"), "key"),
        (replace(certificates.server, client_ca=empty), "is no CA certificate"),
    ):
        with pytest.raises(SecurityFileError, match=told):
            security.check("127.0.0.1:1")
