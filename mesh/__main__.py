"""The `argosy` command."""


def main() -> None:
    """Run the command line."""
