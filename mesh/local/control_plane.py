"""Which programs make up the cluster, and how is each started? As data: no file is touched here.

    etcd, kube-apiserver, objects    at once: the API server waits for etcd, the objects for the API
    istiod, node                     when the objects that give them their rights are there
    kube-controller-manager          when the API server has made the built-in roles

They stop the other way round; the API server before etcd, because without etcd it never ends.
Flags: the reference pages of each program at kubernetes.io, etcd.io and istio.io.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mesh.local.addresses import LOOPBACK, Addresses
from mesh.local.belongings import marks
from mesh.local.part import Part, Plan, Probe
from mesh.local.pki import Credentials
from mesh.local.state_folder import StateFolder

SIDECARS_AUDIENCE = "istio-ca"
SERVICE_ACCOUNT_ISSUER = "https://kubernetes.default.svc.cluster.local"
SERVICE_NETWORK = "10.96.0.0/16"
NODE_NAME = "local"

# Not endpointslice: the API refuses loopback addresses in endpoints. WorkloadEntries take their place.
CONTROLLERS = (
    "cronjob-controller",
    "daemonset-controller",
    "deployment-controller",
    "disruption-controller",
    "garbage-collector-controller",
    "job-controller",
    "namespace-controller",
    "persistentvolumeclaim-protection-controller",
    "pod-garbage-collector-controller",
    "replicaset-controller",
    "resourcequota-controller",
    "root-ca-certificate-publisher-controller",
    "serviceaccount-controller",
    "serviceaccount-token-controller",
    "statefulset-controller",
    "ttl-after-finished-controller",
)

# Collecting garbage is a third of the work of its start: none until the memory is used, then as much as it takes.
API_SERVER_ENVIRONMENT = {"GOGC": "off", "GOMEMLIMIT": "1GiB"}

ISTIOD_ENVIRONMENT = {
    "POD_NAME": "istiod",
    "POD_NAMESPACE": "istio-system",
    "REVISION": "default",
    "CLOUD_PLATFORM": "none",
    # The host name in the validation webhook's URL; istiod puts it into its certificate.
    "ISTIOD_CUSTOM_HOST": "localhost",
    # Filters that only Istio's own build of Envoy has; upstream Envoy would reject the whole listener.
    "PILOT_ENABLE_ALPN_FILTER": "false",
    "PILOT_ENABLE_METADATA_EXCHANGE": "false",
    "PILOT_ENABLE_AMBIENT": "false",
    "PILOT_ENABLE_GATEWAY_API": "false",
    # Clusters of thousands of pods collect changes for 100 ms. With a dozen a route is live after 30 ms, not 110,
    # and a dead pod's address gone as soon, at no measurable cost.
    "PILOT_DEBOUNCE_AFTER": "20ms",
    "PILOT_ENABLE_EDS_DEBOUNCE": "false",
    # The node starts the sidecars.
    "INJECT_ENABLED": "false",
    # How often it looks for new keys of `users`; twenty minutes by default, longer than most local clusters live.
    "PILOT_JWT_PUB_KEY_REFRESH_INTERVAL": "10s",
}


@dataclass(frozen=True)
class ControlPlane:
    """What the parts are made of: programs, places, identities, addresses."""

    programs: Path
    crds: Path
    """Istio's kinds: the CustomResourceDefinitions of its module."""
    python: Path
    checkout: Path
    folder: StateFolder
    credentials: Credentials
    addresses: Addresses
    inherited: Mapping[str, str]
    """The few variables of the user's that every part gets (PATH, HOME, locale)."""

    def plan(self) -> Plan:
        """All parts, for the supervisor."""
        store_and_api = (self.etcd(), self.api_server(), self.objects())
        parts = (*store_and_api, self.controller_manager(), self.istiod(), self.node())
        return Plan(str(self.folder.root), str(self.folder.supervisor_state), parts)

    def etcd(self) -> Part:
        """The store. Its writes are not synced to the disk: a cluster's state ends with the cluster."""
        client = f"https://{LOOPBACK}:{self.addresses.etcd}"
        peer = f"https://{LOOPBACK}:{self.addresses.etcd_peer}"
        certificate, key = self._pair("etcd-server")
        ca = self.credentials.etcd_ca
        argv = [
            self._program("etcd"),
            "--name=argosy",
            f"--data-dir={self.folder.etcd}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=argosy={peer}",
            f"--cert-file={certificate}",
            f"--key-file={key}",
            f"--trusted-ca-file={ca}",
            "--client-cert-auth",
            f"--peer-cert-file={certificate}",
            f"--peer-key-file={key}",
            f"--peer-trusted-ca-file={ca}",
            "--peer-client-cert-auth",
            "--unsafe-no-fsync",
            # The only member elects itself after this; the default costs up to a second of every start.
            "--heartbeat-interval=20",
            "--election-timeout=200",
            "--log-level=warn",
        ]
        probe = self._probe(f"{client}/health", "etcd-client", ca)
        return self._part("etcd", argv, probe=probe, stop_rank=2)

    def api_server(self) -> Part:
        """The API. Anonymous requests are refused, tokens are signed by a key of its own."""
        addresses, credentials = self.addresses, self.credentials
        certificate, key = self._pair("api-server")
        etcd_certificate, etcd_key = self._pair("etcd-client")
        kubelet_certificate, kubelet_key = self._pair("api-server-kubelet-client")
        argv = [
            self._program("kube-apiserver"),
            f"--etcd-servers=https://{LOOPBACK}:{addresses.etcd}",
            f"--etcd-cafile={credentials.etcd_ca}",
            f"--etcd-certfile={etcd_certificate}",
            f"--etcd-keyfile={etcd_key}",
            f"--bind-address={LOOPBACK}",
            f"--secure-port={addresses.api_server}",
            f"--advertise-address={LOOPBACK}",
            # It would publish its own address as endpoints, which may not be loopback.
            "--endpoint-reconciler-type=none",
            f"--tls-cert-file={certificate}",
            f"--tls-private-key-file={key}",
            f"--client-ca-file={credentials.ca}",
            "--anonymous-auth=false",
            "--authorization-mode=RBAC",
            f"--service-cluster-ip-range={SERVICE_NETWORK}",
            f"--service-account-issuer={SERVICE_ACCOUNT_ISSUER}",
            f"--service-account-key-file={credentials.service_account_public_key}",
            f"--service-account-signing-key-file={credentials.service_account_key}",
            f"--api-audiences={SERVICE_ACCOUNT_ISSUER},{SIDECARS_AUDIENCE}",
            f"--kubelet-certificate-authority={credentials.ca}",
            f"--kubelet-client-certificate={kubelet_certificate}",
            f"--kubelet-client-key={kubelet_key}",
            # Else `kubectl logs` looks the node's host name up.
            "--kubelet-preferred-address-types=InternalIP",
            "--profiling=false",
        ]
        probe = self._probe(f"https://{LOOPBACK}:{addresses.api_server}/readyz", "admin", credentials.ca)
        return self._part("kube-apiserver", argv, probe=probe, env=API_SERVER_ENVIRONMENT, stop_rank=1)

    def objects(self) -> Part:
        """The task that applies Istio's kinds and the rights of istiod and the node."""
        argv = [str(self.python), "-m", "mesh.local.objects", str(self.folder.kubeconfig), str(self.crds)]
        argv += [f"istiod_webhook={self.addresses.istiod_webhook}"]
        return self._part("objects", argv, cwd=self.checkout, once=True)

    def controller_manager(self) -> Part:
        """The ordinary controllers, each with the rights of its own service account."""
        kubeconfig = self.credentials.folder / "controller-manager.kubeconfig"
        certificate, key = self._pair("controller-manager-server")
        port = self.addresses.controller_manager
        argv = [
            self._program("kube-controller-manager"),
            f"--kubeconfig={kubeconfig}",
            f"--authentication-kubeconfig={kubeconfig}",
            f"--authorization-kubeconfig={kubeconfig}",
            "--authentication-tolerate-lookup-failure",
            f"--bind-address={LOOPBACK}",
            f"--secure-port={port}",
            f"--tls-cert-file={certificate}",
            f"--tls-private-key-file={key}",
            f"--controllers={','.join(CONTROLLERS)}",
            "--use-service-account-credentials",
            f"--service-account-private-key-file={self.credentials.service_account_key}",
            f"--root-ca-file={self.credentials.ca}",
            "--leader-elect=false",
            "--kube-api-qps=200",
            "--kube-api-burst=400",
            "--profiling=false",
        ]
        probe = self._probe(f"https://{LOOPBACK}:{port}/healthz", "admin", self.credentials.ca)
        return self._part("kube-controller-manager", argv, probe=probe, starts_after=("kube-apiserver",))

    def istiod(self) -> Part:
        """Istio: configuration and certificates for the sidecars, validation of what is applied."""
        addresses = self.addresses
        argv = [
            self._program("pilot-discovery"),
            "discovery",
            f"--kubeconfig={self.credentials.folder / 'istiod.kubeconfig'}",
            f"--meshConfig={self.folder.istiod / 'mesh.yaml'}",
            "--grpcAddr=",
            f"--secureGRPCAddr={LOOPBACK}:{addresses.istiod_xds}",
            f"--httpAddr={LOOPBACK}:{addresses.istiod_http}",
            f"--httpsAddr={LOOPBACK}:{addresses.istiod_webhook}",
            # Its introspection page has a fixed port otherwise.
            "--ctrlz_port=0",
            f"--monitoringAddr={LOOPBACK}:{addresses.istiod_monitoring}",
        ]
        # It fetches those keys by the name of their Service. Nobody here answers for names but the gateway, as a proxy.
        environment = {**ISTIOD_ENVIRONMENT, "HTTP_PROXY": f"http://{LOOPBACK}:{addresses.gateway}"}
        probe = Probe(f"http://{LOOPBACK}:{addresses.istiod_http}/ready")
        return self._part(
            "istiod", argv, probe=probe, starts_after=("objects",), env=environment, cwd=self.folder.istiod
        )

    def node(self) -> Part:
        """Our kubelet: pods as processes. It gets longer to stop, because its pods drain."""
        argv = [str(self.python), "-m", "mesh.local.node", "--config", str(self.folder.node_config)]
        return self._part("node", argv, cwd=self.checkout, starts_after=("objects",), stop_grace=4.0)

    def _part(
        self,
        name: str,
        argv: list[str],
        *,
        probe: Probe | None = None,
        once: bool = False,
        starts_after: tuple[str, ...] = (),
        stop_rank: int = 0,
        stop_grace: float = 2.0,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> Part:
        return Part(
            name=name,
            argv=tuple(argv),
            env={**self.inherited, **(env or {}), **marks(self.folder.root, name)},
            cwd=str(cwd or self.folder.root),
            log=str(self.folder.logs / f"{name}.log"),
            probe=probe,
            once=once,
            starts_after=starts_after,
            stop_rank=stop_rank,
            stop_grace=stop_grace,
        )

    def _program(self, name: str) -> str:
        return str(self.programs / name)

    def _pair(self, name: str) -> tuple[Path, Path]:
        return self.credentials.certificate(name), self.credentials.key(name)

    def _probe(self, url: str, client: str, ca: Path) -> Probe:
        certificate, key = self._pair(client)
        return Probe(url, str(ca), str(certificate), str(key))
