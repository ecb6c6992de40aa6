"""The account that the emulator plays, and the keys of its root user."""

ACCOUNT = "000000000000"
REGION = "us-east-1"
