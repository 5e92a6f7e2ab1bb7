"""Records become screens and JSON. Only here and in the command modules is `rich` imported."""
