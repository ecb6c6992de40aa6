"""The stack of the tests that need a name: what is called after it."""

from sightline.names import OwnComponents

STACK = "plant"
OWN = OwnComponents(STACK)
