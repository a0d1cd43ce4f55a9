import datetime as dt
import json
import ssl
import stat
from pathlib import Path

import pytest
from cryptography import x509

from mesh.local.kubeconfig import write_kubeconfig
from mesh.local.pki import CLUSTER_CERTIFICATES, Credentials, issue_all

NOW = dt.datetime.now(dt.UTC)


@pytest.fixture(scope="module")
def credentials(tmp_path_factory: pytest.TempPathFactory) -> Credentials:
    return issue_all(tmp_path_factory.mktemp("pki") / "credentials", NOW)


def test_only_the_owner_can_read_a_key(credentials: Credentials) -> None:
    assert stat.S_IMODE(credentials.folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in credentials.folder.iterdir()} == {0o600}


def test_the_authorities_keys_are_nowhere(credentials: Credentials) -> None:
    written = {path.name for path in credentials.folder.glob("*.key")}
    assert written.isdisjoint({"ca.key", "etcd-ca.key"})


def test_nobody_but_the_administrator_is_a_master(credentials: Credentials) -> None:
    masters = [name for name, subject in CLUSTER_CERTIFICATES.items() if "system:masters" in subject.organizations]
    assert masters == ["admin"]
    certificate = x509.load_pem_x509_certificate(credentials.certificate("node").read_bytes())
    assert certificate.subject.rfc4514_string() == "CN=argosy:node"


def test_a_client_and_a_server_of_one_authority_trust_each_other(credentials: Credentials) -> None:
    assert _shake_hands(credentials, server="api-server", client="admin", client_trusts=credentials.ca) == "TLSv1.3"


def test_a_client_that_trusts_another_authority_is_not_talked_into_it(credentials: Credentials) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        _shake_hands(credentials, server="api-server", client="admin", client_trusts=credentials.etcd_ca)


def test_a_client_of_the_api_is_no_client_of_the_store(credentials: Credentials) -> None:
    with pytest.raises(ssl.SSLError):
        _shake_hands(
            credentials,
            server="etcd-server",
            client="admin",
            client_trusts=credentials.etcd_ca,
            server_trusts=credentials.etcd_ca,
        )


def test_a_servers_certificate_makes_no_client(credentials: Credentials) -> None:
    with pytest.raises(ssl.SSLError):
        _shake_hands(credentials, server="api-server", client="node-server", client_trusts=credentials.ca)


def test_a_kubeconfig_carries_everything_and_is_private(credentials: Credentials, tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    write_kubeconfig(path, credentials, "admin", 16443, "shop")
    config = json.loads(path.read_text())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert config["clusters"][0]["cluster"]["server"] == "https://127.0.0.1:16443"
    assert set(config["clusters"][0]["cluster"]) == {"server", "certificate-authority-data"}
    assert config["contexts"][0]["context"]["namespace"] == "shop"


def _shake_hands(
    credentials: Credentials, *, server: str, client: str, client_trusts: Path, server_trusts: Path | None = None
) -> str | None:
    """One TLS handshake in memory; raises what either side says."""
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=server_trusts or credentials.ca)
    serving.verify_mode = ssl.CERT_REQUIRED
    serving.load_cert_chain(credentials.certificate(server), credentials.key(server))
    dialling = ssl.create_default_context(cafile=client_trusts)
    dialling.load_cert_chain(credentials.certificate(client), credentials.key(client))
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = [
        dialling.wrap_bio(to_client, to_server, server_hostname="127.0.0.1"),
        serving.wrap_bio(to_server, to_client, server_side=True),
    ]
    waiting = list(sides)
    while waiting:
        side = waiting.pop(0)
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            waiting.append(side)
    return sides[0].version()
