"""What a stack that is killed has on disk: a copy of all it knows, and a journal of what came after the copy."""

KEPT = "kept"  # the file that names the newest copy
