"""A module that green.py imports from its folder."""

NUMBERS = [1]
