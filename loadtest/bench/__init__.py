"""What it costs: numbers held against the targets the project promises."""
