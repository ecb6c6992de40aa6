"""Deployments to thing groups."""

from sightline.rollout.thing_groups import client_token


def test_a_client_token_is_the_same_for_the_same_execution_and_purpose_only() -> None:
    tokens = {client_token(purpose, name) for purpose in ("deploy", "roll-back") for name in ("a:1", "a:2", "a:1")}
    assert len(tokens) == 4
    assert all(len(token) <= 64 and token.replace("-", "").isalnum() for token in tokens)
