"""What happened in a run, and what follows from it? A hash-chained journal, folded into a state."""
