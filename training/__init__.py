"""The SageMaker training container: a compact anchor-free detector, its training and its evaluation. No boto3."""

import os

# PyTorch's threads sleep while they wait for each other. By default they spin, and where the loader or anything else
# wants the cores, a thread that spins takes the time of the one that it waits for. OpenMP reads this when it is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
