"""The commands, one module for each group: each is a few lines around the rest of `cli`, which knows nothing of
terminals.
"""
