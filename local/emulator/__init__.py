"""The emulator: MiniStack, and what this application needs beside it."""
