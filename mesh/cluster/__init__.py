"""A Kubernetes cluster that is not this machine's own, as the tools see it: through its API alone."""
