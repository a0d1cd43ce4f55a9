"""`argosy load`: load on the running shop."""
