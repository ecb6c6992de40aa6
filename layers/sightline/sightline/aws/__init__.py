"""The one way to AWS: clients, tables, objects, queues, topics, workflows."""
