"""A collection in a folder of this machine."""
