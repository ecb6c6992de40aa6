"""The one-machine run: the real application on a local AWS emulator, with what the emulator lacks added."""
