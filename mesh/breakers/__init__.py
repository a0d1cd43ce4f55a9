"""`argosy breakers`: how the circuits between the services stand, and a hand on them, in any cluster with the shop."""
