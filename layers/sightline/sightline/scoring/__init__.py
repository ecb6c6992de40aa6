"""Scoring in the cloud."""
