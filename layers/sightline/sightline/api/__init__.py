"""The HTTP API behind the page."""
