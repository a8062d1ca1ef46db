"""Make texts that come from outside safe for logs, errors and events."""

from __future__ import annotations

import re
from typing import Final

_LONGEST: Final = 2000
_SIGNING: Final = r"(?i)((?:x-amz-security-token|signature|credential)(?:=|%3d|:)\s*)[^\s&,;'\"\\]+"


def redact(text: str) -> str:
    """
    Return a text without what signs a request, and without its middle where it is long.

    A presigned URL contains a signature. So does the answer of AWS to a wrong signature, with the session token
    (https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html).
    """
    text = re.sub(_SIGNING, r"\1***", text)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]} … {text[-_LONGEST // 2 :]}"
