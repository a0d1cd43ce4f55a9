"""What do both versions of a service do? Counted at their callers' sidecars, before a retry can hide anything."""
