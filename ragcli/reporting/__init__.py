"""Records become screens and JSON. Only this package and the command modules import `rich`."""
