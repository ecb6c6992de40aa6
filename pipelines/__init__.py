"""What the steps of a pipeline do in an account: sign in, plan and deploy a release, take it back, train a model."""
