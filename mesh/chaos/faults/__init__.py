"""What can be done to the shop, one file a kind."""
