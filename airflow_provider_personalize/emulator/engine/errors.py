"""Errors in data and in filters; the message is for the caller of the service."""


class Unfit(Exception):  # noqa: N818 - it is about the data, and no error of the emulator
    """The data cannot be trained on; the text is the service's ``failureReason``."""


class InvalidFilter(Exception):  # noqa: N818 - likewise
    """The filter expression, or a value for one of its placeholders, makes no sense."""
