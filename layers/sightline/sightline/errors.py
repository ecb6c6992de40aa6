"""Errors that a workflow or a person can act on. A state machine catches them by class name."""


class SightlineError(Exception):
    """A mistake in the input, said in one line: what, where, what to do."""
