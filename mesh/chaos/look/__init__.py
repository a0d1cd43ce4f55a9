"""What is shown of experiments: while they run, and afterwards."""
