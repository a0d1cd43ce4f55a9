"""The commands of `argosy chaos`, one a file."""
