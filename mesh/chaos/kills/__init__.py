"""Random kills: any process of the shop or a sidecar, SIGKILL, under load; then the books are read."""
