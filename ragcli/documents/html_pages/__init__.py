"""HTML: `page` begins; the tree, what of it is shown, and a walk over that."""
