"""Which certificates does a cluster need? Two authorities, both forgotten once they have signed.

    argosy-cluster   clients and servers of the API, the node's log endpoint
    argosy-etcd      etcd and its one client, the API server: no client of the API gets past it to the data

The authorities' keys are never written anywhere, so nobody can add an identity to a running cluster.
Layout and subjects: https://kubernetes.io/docs/setup/best-practices/certificates/
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from mesh.local.addresses import LOOPBACK
from mesh.local.state_folder import make_private, write_private

VALID_FOR = dt.timedelta(days=365)
_CLOCKS_DIFFER_BY = dt.timedelta(minutes=5)


@dataclass(frozen=True)
class Subject:
    """Who a certificate is for: a client by its user and groups, a server by its host names."""

    common_name: str
    organizations: tuple[str, ...] = ()
    host_names: tuple[str, ...] = ()
    dials_too: bool = False
    """A server that also shows its certificate to others, as etcd does to its peers."""


SERVERS_ANSWER_TO = ("localhost",)
API_SERVER_ANSWERS_TO = ("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc")
ISTIOD_USER = "system:serviceaccount:istio-system:istiod"
NODE_USER = "argosy:node"
KUBELET_CLIENT = "kube-apiserver-kubelet-client"

CLUSTER_CERTIFICATES = {
    "admin": Subject("argosy-admin", ("system:masters",)),
    "api-server": Subject("kube-apiserver", host_names=API_SERVER_ANSWERS_TO),
    "api-server-kubelet-client": Subject(KUBELET_CLIENT),
    "controller-manager": Subject("system:kube-controller-manager"),
    "controller-manager-server": Subject("kube-controller-manager", host_names=SERVERS_ANSWER_TO),
    "istiod": Subject(ISTIOD_USER, ("system:serviceaccounts", "system:serviceaccounts:istio-system")),
    "node": Subject(NODE_USER),
    "node-server": Subject("argosy-node", host_names=SERVERS_ANSWER_TO),
}
ETCD_CERTIFICATES = {
    "etcd-server": Subject("etcd", host_names=SERVERS_ANSWER_TO, dials_too=True),
    "etcd-client": Subject("kube-apiserver-etcd-client"),
}


@dataclass(frozen=True)
class Credentials:
    """The folder the certificates are in: NAME.crt, NAME.key and the authorities' ca.crt, etcd-ca.crt."""

    folder: Path

    @property
    def ca(self) -> Path:
        return self.folder / "ca.crt"

    @property
    def etcd_ca(self) -> Path:
        return self.folder / "etcd-ca.crt"

    @property
    def service_account_key(self) -> Path:
        return self.folder / "service-accounts.key"

    @property
    def service_account_public_key(self) -> Path:
        return self.folder / "service-accounts.pub"

    def certificate(self, name: str) -> Path:
        return self.folder / f"{name}.crt"

    def key(self, name: str) -> Path:
        return self.folder / f"{name}.key"


def issue_all(folder: Path, now: dt.datetime) -> Credentials:
    """Fresh keys and certificates for every part of a cluster, valid a year from `now`, files 0600."""
    credentials = Credentials(make_private(folder))
    for authority_file, authority_name, wanted in (
        (credentials.ca, "argosy-cluster", CLUSTER_CERTIFICATES),
        (credentials.etcd_ca, "argosy-etcd", ETCD_CERTIFICATES),
    ):
        authority = _Authority(authority_name, now)
        write_private(authority_file, _pem(authority.certificate))
        for name, subject in wanted.items():
            key = _new_key()
            write_private(credentials.key(name), _key_pem(key))
            write_private(credentials.certificate(name), _pem(authority.sign(key.public_key(), subject)))
    signer = _new_key()
    write_private(credentials.service_account_key, _key_pem(signer))
    write_private(credentials.service_account_public_key, _public_pem(signer.public_key()))
    return credentials


class _Authority:
    """A certificate authority that lives as long as this object."""

    def __init__(self, name: str, now: dt.datetime) -> None:
        self._key = _new_key()
        self._now = now
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        usage = x509.KeyUsage(
            digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False,
            key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False,
            decipher_only=False,
        )  # fmt: skip
        builder = self._builder(self._name, self._key.public_key())
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        self.certificate = builder.add_extension(usage, critical=True).sign(self._key, hashes.SHA256())

    def sign(self, key: ec.EllipticCurvePublicKey, subject: Subject) -> x509.Certificate:
        attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, name) for name in subject.organizations]
        attributes.append(x509.NameAttribute(NameOID.COMMON_NAME, subject.common_name))
        builder = self._builder(x509.Name(attributes), key)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        usages = [ExtendedKeyUsageOID.SERVER_AUTH] if subject.host_names else []
        if subject.dials_too or not subject.host_names:
            usages.append(ExtendedKeyUsageOID.CLIENT_AUTH)
        if subject.host_names:
            names: list[x509.GeneralName] = [x509.DNSName(name) for name in subject.host_names]
            names.append(x509.IPAddress(IPv4Address(LOOPBACK)))
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        return builder.sign(self._key, hashes.SHA256())

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._now - _CLOCKS_DIFFER_BY)
            .not_valid_after(self._now + VALID_FOR)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )


def _new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    # SEC 1 rather than PKCS 8: the API server reads both, its service-account signer says so for EC keys.
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )


def _public_pem(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
