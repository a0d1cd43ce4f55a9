"""Which of Istio's kinds do the tools read and write? They are custom resources: lightkube has to be told of each."""

from __future__ import annotations

from lightkube.generic_resource import create_namespaced_resource

_NETWORKING, _SECURITY = "networking.istio.io", "security.istio.io"

VirtualService = create_namespaced_resource(_NETWORKING, "v1", "VirtualService", "virtualservices")
DestinationRule = create_namespaced_resource(_NETWORKING, "v1", "DestinationRule", "destinationrules")
ServiceEntry = create_namespaced_resource(_NETWORKING, "v1", "ServiceEntry", "serviceentries")
Sidecar = create_namespaced_resource(_NETWORKING, "v1", "Sidecar", "sidecars")
WorkloadEntry = create_namespaced_resource(_NETWORKING, "v1", "WorkloadEntry", "workloadentries")
EnvoyFilter = create_namespaced_resource(_NETWORKING, "v1alpha3", "EnvoyFilter", "envoyfilters")
PeerAuthentication = create_namespaced_resource(_SECURITY, "v1", "PeerAuthentication", "peerauthentications")
AuthorizationPolicy = create_namespaced_resource(_SECURITY, "v1", "AuthorizationPolicy", "authorizationpolicies")
