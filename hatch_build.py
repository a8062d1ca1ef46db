"""The description that a package index shows: README, with links and images that lead to the documentation."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface


class Description(MetadataHookInterface):
    """Set the description. An index has no files of the repository, so relative links would lead nowhere."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add it to the project's metadata."""
        pages = f"{metadata['urls']['Documentation']}en/latest"
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        text = re.sub(r"\]\(docs/images/(\S+)\)", rf"]({pages}/_images/\1)", text)
        text = re.sub(r"\]\(docs/(\S+)\.md\)", rf"]({pages}/\1.html)", text)
        text = text.replace("](SECURITY.md)", f"]({pages}/project/security-policy.html)")
        text = re.sub(r"\]\(([A-Z]+)\.md\)", lambda page: f"]({pages}/project/{page[1].lower()}.html)", text)
        metadata["readme"] = {"content-type": "text/markdown", "text": text}
