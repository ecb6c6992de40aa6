"""Moments that another process has written: its clock, or this one's, may have been wrong and set right since."""

SKEW_SECONDS = 300  # by which clocks that are set differ at the most


def is_too_far(end: float, now: float, longest: float) -> bool:
    """Return whether an end lies further ahead than anything lasts, in seconds since 1970: the clock that it was taken
    from was wrong, and nothing may wait until then.
    """
    return end - now > longest + SKEW_SECONDS
