"""The SageMaker training container: a compact anchor-free detector, its training and its evaluation. No boto3."""
