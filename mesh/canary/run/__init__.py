"""What happens next in a run, and doing it."""
