"""An evaluation as CSV: a row for each question, arm and measure, for a spreadsheet or a notebook."""

from __future__ import annotations

import csv
import io

from ragcli.evaluation.records import Summary
from ragcli.reporting import text as words

HEADER = ("question_id", "question", "arm", "kind", "measure", "value")
# A cell that begins with one of these is a formula to a spreadsheet: a question must not be able to run one.
FORMULA = ("=", "+", "-", "@", "\t", "\N{FULLWIDTH EQUALS SIGN}", "\N{FULLWIDTH PLUS SIGN}", "\N{FULLWIDTH HYPHEN-MINUS}", "\N{FULLWIDTH COMMERCIAL AT}")


def report_csv(summary: Summary) -> str:
    out = io.StringIO(newline="")
    # Texts are quoted, or a spreadsheet that splits at semicolons finds a cell within one that begins anew.
    rows = csv.writer(out, quoting=csv.QUOTE_NONNUMERIC)
    rows.writerow(HEADER)
    for arm in summary.arms:
        for measure, values in arm.values.items():
            for question, value in zip(summary.judged, values, strict=True):
                cells = map(_cell, (question.id, question.text, arm.name, arm.kind, measure))
                rows.writerow((*cells, float(value)))
    return out.getvalue()


def _cell(text: str) -> str:
    line = words.one_line(text)
    return f"'{line}" if line.startswith(FORMULA) else line
