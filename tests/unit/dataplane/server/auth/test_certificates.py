"""Who a client is by its certificate, and files that change."""

from pathlib import Path
from typing import Any

import pytest
import trustme

from dataplane.runtime.auth import Auth, ClientCertificate, Tls
from dataplane.server.auth.certificates import Certificates, UnusableFilesError, caller

SPIFFE = "spiffe://acme/ns/prod/sa/planner"
ANY = Auth(client_certificate=ClientCertificate())


def peer(*alternative: tuple[str, str], cn: str = "planner") -> dict[str, Any]:
    """As ssl tells a certificate."""
    return {
        "subject": ((("organizationName", "acme"),), (("commonName", cn),)),
        "subjectAltName": alternative,
    }


@pytest.mark.parametrize(
    ("told", "who"),
    [
        (peer(("DNS", "a.test"), ("URI", SPIFFE)), SPIFFE),
        (peer(("IP Address", "127.0.0.1"), ("DNS", "a.test")), "a.test"),
        (peer(), "planner"),
        (peer(cn="a\nb"), None),
        (peer(("URI", "x" * 300)), None),
        ({}, None),
        (None, None),
    ],
)
def test_most_telling_name_is_who_it_is(told: dict[str, Any] | None, who: str | None) -> None:
    found = caller(told, ANY)
    assert (found.id if found is not None else None) == who
    if found is not None:
        assert found.kind == "certificate"


def test_only_names_that_are_wanted_count() -> None:
    auth = Auth(client_certificate=ClientCertificate(("spiffe://acme/*", "b.test")))
    assert caller(peer(("URI", SPIFFE)), auth) is not None
    assert caller(peer(("URI", "spiffe://evil/acme")), auth) is None
    found = caller(peer(("DNS", "a.test"), ("DNS", "b.test")), auth)
    assert found is not None
    assert found.id == "b.test"


def test_where_callers_show_keys_a_certificate_says_nothing() -> None:
    told = peer(("DNS", "a.test"))
    assert caller(told, Auth(api_keys=True)) is None
    assert caller(told, None) is not None, "nobody asks, but the log may say it"


def write(folder: Path, ca: trustme.CA, name: str = "127.0.0.1") -> Tls:
    issued = ca.issue_cert(name)
    issued.private_key_pem.write_to_path(str(folder / "key"))
    issued.cert_chain_pems[0].write_to_path(str(folder / "pem"))
    ca.cert_pem.write_to_path(str(folder / "ca"))
    return Tls(str(folder / "pem"), str(folder / "key"), str(folder / "ca"))


def test_changed_files_come_into_force_and_broken_ones_do_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ca = trustme.CA()
    it = Certificates(write(tmp_path, ca))
    assert not it.refresh()
    write(tmp_path, ca)
    assert it.refresh()
    (tmp_path / "key").write_text("half a ke")
    assert not it.refresh()
    assert not it.refresh()
    assert caplog.text.count("stay as they were") == 1
    (tmp_path / "key").unlink()
    assert not it.refresh()
    write(tmp_path, ca)
    assert it.refresh()


@pytest.mark.parametrize("broken", ["pem", "key", "ca"])
def test_files_that_cannot_be_used_are_named(tmp_path: Path, broken: str) -> None:
    tls = write(tmp_path, trustme.CA())
    (tmp_path / broken).write_text("no PEM")
    with pytest.raises(UnusableFilesError, match=str(tmp_path / broken)):
        Certificates(tls)
    (tmp_path / broken).unlink()
    with pytest.raises(UnusableFilesError, match="cannot be read"):
        Certificates(tls)
