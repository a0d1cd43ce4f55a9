"""What every RPC promises to its callers: services/*/objectives.yaml, read by the gate of load tests and by alerts."""
