"""The Greengrass components. No PyTorch, no boto3."""
