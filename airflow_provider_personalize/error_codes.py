"""The codes with which the service refuses a call."""

from __future__ import annotations

from typing import Final

ACCESS_DENIED: Final = "AccessDeniedException"
ALREADY_EXISTS: Final = "ResourceAlreadyExistsException"
IN_USE: Final = "ResourceInUseException"
INVALID_INPUT: Final = "InvalidInputException"
#: Requests per second, or a quota: see ``aws_errors.py``.
LIMIT_EXCEEDED: Final = "LimitExceededException"
NOT_FOUND: Final = "ResourceNotFoundException"
TOO_MANY_TAGS: Final = "TooManyTagsException"
