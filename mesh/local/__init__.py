"""The cluster on one machine: real Istio and Kubernetes programs, pods as processes."""
