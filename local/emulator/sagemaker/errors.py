"""How a job can end before its time."""


class JobFailedError(Exception):
    """The job's own failure, with the reason that DescribeTrainingJob shows."""


class JobStoppedError(Exception):
    """The job was ended from outside; the secondary status says why: `Stopped` or `MaxRuntimeExceeded`."""


class LabelingFailedError(Exception):
    """A labelling job's own failure, in its FailureReason."""


class LabelingStoppedError(Exception):
    """Somebody stopped a labelling job."""
