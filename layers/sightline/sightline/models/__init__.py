"""Models: training plan, metrics, gate, registry."""
