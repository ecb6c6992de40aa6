"""Roll-outs: what a fleet runs, and what its devices must prove."""
