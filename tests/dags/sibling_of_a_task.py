"""What a task of green.py imports from the folder that it is in."""

NUMBERS = [2]
