"""The files of models: where they are, whether they are the right ones, and how they are fetched."""
