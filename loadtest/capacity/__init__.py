"""How much can the shop take? The knee of throughput against latency, of each service and of the whole."""
