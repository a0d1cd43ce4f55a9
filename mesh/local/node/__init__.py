"""The node of the local cluster: a small kubelet whose pods are processes."""
