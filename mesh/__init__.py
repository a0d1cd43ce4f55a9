"""Argosy's mesh: client resilience, the local cluster, and the `argosy` command."""
