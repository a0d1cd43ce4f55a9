"""What has to be on disk before the first part starts? Credentials, kubeconfigs, configurations and the plan."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Mapping
from pathlib import Path

from mesh.local.addresses import LOOPBACK, Addresses
from mesh.local.control_plane import NODE_NAME, ControlPlane
from mesh.local.kubeconfig import write_kubeconfig
from mesh.local.node.config import NodeConfig, dump
from mesh.local.part import dump_plan
from mesh.local.pki import KUBELET_CLIENT, Credentials, issue_all
from mesh.local.state_folder import StateFolder, make_private, write_private

_MESH_CONFIG = Path(__file__).parent / "mesh.yaml"
# What a program may know of its user; proxies, for one, would be asked for loopback addresses.
_INHERITED = ("HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "TMPDIR", "USER")


def prepare(
    folder: StateFolder, addresses: Addresses, *, programs: Path, crds: Path, python: Path, checkout: Path,
    environ: Mapping[str, str],
) -> ControlPlane:  # fmt: skip
    """Write everything a fresh cluster starts from into `folder`, and say what is to run."""
    shutil.rmtree(folder.logs, ignore_errors=True)
    for made in (folder.root, folder.supervisor, folder.etcd, folder.istiod, folder.node, folder.logs, folder.sockets):
        make_private(made)
    credentials = issue_all(folder.credentials, dt.datetime.now(dt.UTC))
    for user in ("controller-manager", "istiod", "node"):
        path = credentials.folder / f"{user}.kubeconfig"
        write_kubeconfig(path, credentials, user, addresses.api_server)
    control_plane = ControlPlane(
        programs=programs, crds=crds, python=python, checkout=checkout, folder=folder, credentials=credentials,
        addresses=addresses, inherited={name: environ[name] for name in _INHERITED if name in environ},
    )  # fmt: skip
    write_private(folder.istiod / "mesh.yaml", _MESH_CONFIG.read_bytes())
    write_private(folder.node_config, dump(_node_config(control_plane)))
    write_private(folder.plan, dump_plan(control_plane.plan()))
    write_kubeconfig(folder.kubeconfig, credentials, "admin", addresses.api_server)
    return control_plane


def _node_config(made_of: ControlPlane) -> NodeConfig:
    credentials: Credentials = made_of.credentials
    return NodeConfig(
        name=NODE_NAME,
        kubeconfig=credentials.folder / "node.kubeconfig",
        state_dir=made_of.folder.root,
        socket_dir=made_of.folder.sockets,
        programs_dir=made_of.programs,
        checkout=made_of.checkout,
        python_bin_dir=made_of.python.parent,
        log_address=f"{LOOPBACK}:{made_of.addresses.node_log}",
        log_certificate=credentials.certificate("node-server"),
        log_key=credentials.key("node-server"),
        log_client_ca=credentials.ca,
        log_client_name=KUBELET_CLIENT,
        discovery_address=f"{LOOPBACK}:{made_of.addresses.istiod_xds}",
        pod_cidr=made_of.addresses.pod_network,
        egress_cidr=made_of.addresses.egress_network,
    )
