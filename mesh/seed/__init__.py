"""`argosy seed`: products and their stock into the running shop of any cluster, by the seeder, run as a Job there."""
