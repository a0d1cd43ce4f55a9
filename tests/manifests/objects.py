"""Objects that every check accepts, and the same with something changed."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import yaml

CHECKOUT = Path(__file__).parents[2]

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      serviceAccountName: web
      containers:
      - name: web
        image: web:1
        ports: [{name: http, containerPort: 8080}]
        env: [{name: COLOUR, valueFrom: {configMapKeyRef: {name: colours, key: web}}}]
        readinessProbe: {httpGet: {path: /ready, port: http}}
        livenessProbe: {httpGet: {path: /alive, port: http}}
      volumes:
      - {name: data, persistentVolumeClaim: {claimName: data}}
      topologySpreadConstraints:
      - {maxSkew: 1, topologyKey: zone, whenUnsatisfiable: ScheduleAnyway, labelSelector: {matchLabels: {app: web}}}
"""
ROUTE = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: web
spec:
  hosts: [web]
  http:
  - route: [{destination: {host: web}, weight: 100}]
    timeout: 2s
"""
WORKLOAD = """
apiVersion: scheduling.k8s.io/v1alpha1
kind: Workload
metadata:
  name: gang
spec:
  podGroups: [{name: all, policy: {basic: {}}}]
"""
CERTIFICATE = """
apiVersion: cert-manager.io/v1
kind: Certificate
metadata:
  name: gateway
spec:
  secretName: gateway-tls
  issuerRef: {name: public}
"""


def parsed(text: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(text)
    return content


def changed(text: str, place: str, value: object) -> dict[str, Any]:
    """The object with another value at a dotted place; numbers count the items of lists."""
    one = copy.deepcopy(parsed(text))
    *way, last = place.split(".")
    node: Any = one
    for part in way:
        node = node[int(part)] if isinstance(node, list) else node.setdefault(part, {})
    node[int(last) if isinstance(node, list) else last] = value
    return one


def named(kind: str, name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}}
