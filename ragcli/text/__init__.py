"""Plain text: what is shown of it, where its sentences end, and when two names are the same. Pure."""
