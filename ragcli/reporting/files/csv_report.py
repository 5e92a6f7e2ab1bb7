"""An evaluation as CSV: one row for each question, arm and measure, for a spreadsheet or a notebook."""

from __future__ import annotations

import csv
import io
import re

from ragcli.evaluation.results import Summary
from ragcli.reporting import plain_text as words

HEADER = ("question_id", "question", "arm", "kind", "measure", "value", "retrieval")
# A cell that begins with one of these is a formula to a spreadsheet: a question must not be able to run one.
FORMULA = "=+-@\t＝＋－＠"
# The separator is a setting of the spreadsheet: a text must not begin a cell at any of these.
_BEGINS = re.compile(rf"((?:\A|[;,|\t])[\s\"']*)(?=[{re.escape(FORMULA)}])")


def report_csv(summary: Summary) -> str:
    out = io.StringIO(newline="")
    rows = csv.writer(out)
    rows.writerow(HEADER)
    for arm in summary.arms:
        for measure, values in arm.values.items():
            for question, value in zip(summary.judged, values, strict=True):
                cells = map(_cell, (question.id, question.text, arm.name, arm.kind, measure))
                rows.writerow((*cells, repr(value), arm.retrieval))
    return out.getvalue()


def _cell(text: str) -> str:
    """An apostrophe turns a formula into text."""
    return _BEGINS.sub(r"\1'", words.one_line(text))
