"""What the emulator's Step Functions leaves out: the rights of tasks, tokens and heartbeats, jobs as tasks."""
