"""The production line: what its devices say."""
