"""Greengrass v2's control plane for the emulator: components, deployments, core devices."""
