"""Paths become Documents: discovery, and one reader per format."""

from ragcli.documents.discovery import Discovery, discover, source_name
from ragcli.documents.guarded import GuardedReader
from ragcli.documents.opening import file_sha256
from ragcli.documents.reading import read
from ragcli.documents.unreadable import UnreadableFile

__all__ = ["Discovery", "GuardedReader", "UnreadableFile", "discover", "file_sha256", "read", "source_name"]
