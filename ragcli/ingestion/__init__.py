"""Bring the index up to date with the files: plan what to do, do it, and watch for changes."""
