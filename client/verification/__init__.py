"""The loop on a deployed stack that has no data yet, as a user has it, and everything that it made removed again."""
