"""A conversation about the documents: questions, follow-ups, and commands on the last answer.

Nothing here knows the terminal: `cli.chat` reads the lines and `reporting.chat` shows the results.
"""
