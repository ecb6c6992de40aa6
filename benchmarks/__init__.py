"""Measurements, printed and kept in results/ with the machine described."""
