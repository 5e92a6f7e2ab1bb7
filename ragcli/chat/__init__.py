"""A conversation about the documents: questions, follow-ups, and commands on the last answer.

Nothing here knows a terminal: `cli.chat` reads the lines and `reporting.chat` shows what comes of them.
"""
