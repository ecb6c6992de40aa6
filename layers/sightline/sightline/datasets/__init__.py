"""Dataset versions: near-duplicate groups, splits, and the quality of what was labelled."""
