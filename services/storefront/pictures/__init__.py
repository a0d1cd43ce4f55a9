"""What do products look like? Drawn by us: motifs, palettes, and how one is made of both."""
