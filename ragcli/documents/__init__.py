"""Paths become Documents: discovery, and one reader a format."""

from ragcli.documents.discovery import Discovery, discover, source_name
from ragcli.documents.reading import file_sha256, read
from ragcli.documents.unreadable import UnreadableFile

__all__ = ["Discovery", "UnreadableFile", "discover", "file_sha256", "read", "source_name"]
