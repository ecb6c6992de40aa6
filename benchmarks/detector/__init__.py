"""How good the detector is: cross-validated over groups of near-duplicates, beside YOLOv8n on the same folds."""
