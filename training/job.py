"""How the jobs of the training image end: with exit code 0, or with the reason in the failure file and exit code 1."""

import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from sightline.errors import SightlineError

REASON = 1024  # characters that SageMaker shows of a failure file


def run(work: Callable[[], None], failure: Path) -> int:
    """Do `work`; answers the exit code. A mistake in the input is one sentence, anything else has its traceback in the
    log.
    """
    failure.unlink(missing_ok=True)  # of an attempt before this one
    try:
        work()
    except SightlineError as error:
        reason = str(error)
    except Exception as error:  # whatever stops the job, SageMaker is told why
        traceback.print_exc()
        reason = f"{type(error).__name__}: {error}"
    else:
        return 0
    failure.parent.mkdir(parents=True, exist_ok=True)
    failure.write_text(reason[:REASON])
    print(reason, file=sys.stderr)
    return 1
