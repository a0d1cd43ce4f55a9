"""`argosy canary`: releases that judge themselves; traffic is shifted, both versions compared, and nothing is lost."""
