"""Fixtures of the functions' tests."""

from tests.fake_account import account

__all__ = ["account"]
