"""`argosy audit`: the shop's auditor, run as a Job in any cluster that has the shop's manifests."""
