"""What does each layer of protection buy? The same faults with none, one and both of them."""
