"""HTML: start with `page`; the tree, its visible parts, and a walk over them."""
