"""What a training says of itself: `name=value` lines in a log, one line that is written over on a terminal."""

import sys
import time


class Progress:
    """Plain text on both; the lines of the log are what the job's metric expressions read."""

    def __init__(self) -> None:
        self.terminal = sys.stdout.isatty()
        self.last: dict[str, float] = {}
        self.begun, self.begun_at = time.monotonic(), 0.0
        self.ended: list[float] = []  # when the first two epochs of this process ended

    def batch(self, done: float, epochs: int) -> None:
        """`done` epochs of `epochs` are done, a part of one counted too."""
        if not self.terminal:
            return
        if not self.begun_at:
            self.begun, self.begun_at = time.monotonic(), done
        passed = done - self.begun_at
        left = (time.monotonic() - self.begun) / passed * (epochs - done) if passed > 0.1 else None
        parts = [f"epoch {min(int(done) + 1, epochs)}/{epochs}"]
        parts += [f"loss {self.last['train:loss']:.3f}"] if "train:loss" in self.last else []
        parts += [f"mAP@.50 {self.last['validation:map50']:.3f}"] if "validation:map50" in self.last else []
        parts += [f"{int(left) // 60}:{int(left) % 60:02d} left"] if left is not None else []
        sys.stdout.write(f"\r{'  '.join(parts):<78}")
        sys.stdout.flush()

    def epoch(self, entry: dict[str, float]) -> None:
        """One epoch is over, with this entry of the history."""
        self.last |= entry
        if not self.terminal:
            self._say_how_long(entry)
            print(" ".join(f"{name}={value:g}" for name, value in entry.items()), flush=True)

    def _say_how_long(self, entry: dict[str, float]) -> None:
        """After the second epoch, say how long the others take at most; the first one also reads the images."""
        if len(self.ended) == 2:
            return
        self.ended.append(time.monotonic())
        left = entry.get("epochs", 0) - entry.get("epoch", 0)
        if len(self.ended) == 2 and left > 0:
            minutes = (self.ended[1] - self.ended[0]) * left / 60
            print(f"{left:g} more epochs take about {minutes:.1f} minutes, and evaluations a little more", flush=True)

    def end(self) -> None:
        if self.terminal:
            print(flush=True)
