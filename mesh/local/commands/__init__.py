"""What can be typed about the local cluster: a file per command, each of which only reads its arguments and calls."""
