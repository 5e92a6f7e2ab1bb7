"""A file of questions becomes a file of results, one line each: in order, resumable, safe to kill."""
