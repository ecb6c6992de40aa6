"""The rules of Sightline in plain Python, without AWS in them."""
