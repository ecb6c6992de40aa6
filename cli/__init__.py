"""The command `sightline`: the same against AWS and against the local run."""
