"""One experiment from its guards to its verdict."""
