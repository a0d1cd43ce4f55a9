"""`argosy chaos`: experiments on the running shop, and a verdict on each."""
