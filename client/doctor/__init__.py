"""What is wrong with an account before a deployment, or with a stack after it: one finding for each thing looked at."""
