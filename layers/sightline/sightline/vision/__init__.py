"""The one inference code that evaluation, device and Lambda run: decode, detect, decide."""
