"""One policy for every RPC: services/*/policy.yaml, and all that is made from it (`python -m mesh.policy --help`).

    policy.yaml ── reading, schema ── graph ──┬── lint: is it safe?
                                              ├── client: services/<service>/policy.py
                                              ├── routes, destinations, permissions: k8s/components/istio
                                              └── page: docs/resilience-table.md

Everything right of `reading` is pure.
"""
