"""The commands: flags become a Config, the pipeline works, reporting shows.

`main` is the entry point and the one place that catches everything; `app` holds the table of commands, each
of which is imported when it is called.
"""
