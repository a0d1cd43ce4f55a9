"""What becomes of the shop during an experiment: its customers' calls, its protections, its pods, its own counters."""
