"""Bringing the index in step with the files: what there is to do, doing it, and doing it again."""
