"""What can be typed about whatever cluster is meant: the local one, or the one KUBECONFIG names."""
