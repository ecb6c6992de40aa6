"""SageMaker for the emulator: jobs that are processes, Ground Truth with the page's people, registry, feature store."""
