"""Faults made through the Kubernetes API."""

from __future__ import annotations

from collections.abc import Mapping

from mesh.chaos.faults.fault import Fault
from mesh.chaos.faults.mesh.authorization import AuthorizationRevoked
from mesh.chaos.faults.mesh.certificates import CertificatesEnd, ShortCertificates
from mesh.chaos.faults.mesh.network import Network
from mesh.chaos.faults.mesh.own_connections import OwnConnections
from mesh.chaos.faults.mesh.server_fault import ServerErrors, ServerSlow
from mesh.chaos.faults.mesh.unprotected import Unprotected
from mesh.chaos.faults.mesh.variables import Variables

_ALL: tuple[type[Fault], ...] = (
    Unprotected,
    Variables,
    ServerErrors,
    ServerSlow,
    Network,
    AuthorizationRevoked,
    ShortCertificates,
    CertificatesEnd,
    OwnConnections,
)
KINDS: Mapping[str, type[Fault]] = {fault.kind: fault for fault in _ALL}
