"""The simulated device: a Greengrass nucleus that runs the real inspector."""
