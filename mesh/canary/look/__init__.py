"""What is shown: while a canary runs, and afterwards."""
