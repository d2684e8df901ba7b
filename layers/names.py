"""Names that become file names: what an id must look like before it touches a path."""

from __future__ import annotations

import re

# Text, digits, hyphen, underscore, dot; no leading punctuation, so neither ".." nor a folder.
APPLICATION_ID = re.compile(r"\w[\w.-]{0,79}")
