"""The inspector: images in, verdicts out, on the device."""
