"""What a person does with a stack: shared by the command, the demo and the benchmarks."""
