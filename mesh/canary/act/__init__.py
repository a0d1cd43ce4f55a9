"""What a canary changes in the cluster: one route's weights, under one Lease, never what it did not look at."""
