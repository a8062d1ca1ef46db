"""A module that a task of green.py imports from its folder."""

NUMBERS = [2]
