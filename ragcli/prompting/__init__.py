"""Candidates become a packed context and messages; the LLM's text becomes an answer with citations. Pure."""

from __future__ import annotations

from ragcli.prompting.abstention import NO_ANSWER, is_abstention, missed_threshold
from ragcli.prompting.citations import Cited, cite, says_something
from ragcli.prompting.context import build_context, whether_answered
from ragcli.prompting.expanding import ChunksOf
from ragcli.prompting.fencing import one_line
from ragcli.prompting.quoting import is_begun, quotation, runs_on, stop_marks
from ragcli.prompting.selection import ScoreTexts, score_sentences
from ragcli.prompting.support import content_words

__all__ = [
    "NO_ANSWER",
    "ChunksOf",
    "Cited",
    "ScoreTexts",
    "build_context",
    "cite",
    "content_words",
    "is_abstention",
    "is_begun",
    "missed_threshold",
    "one_line",
    "quotation",
    "runs_on",
    "says_something",
    "score_sentences",
    "stop_marks",
    "whether_answered",
]
