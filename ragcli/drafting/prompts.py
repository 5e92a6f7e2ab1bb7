"""What the LLM is asked, one small task a request, and how its answers are read. Pure.

Small models follow an example better than a description, and copy better than they point. So the quotation
comes first, the answer out of it second, and the question last.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ragcli.types import Chunk, Message

Schema = Mapping[str, Any]

_DRAFT = """\
You write test questions for a search engine. From a passage you choose one specific fact, such as a \
number, a name, a date or a condition, and write JSON with three keys:
"quotation": the sentence of the passage that states the fact, copied word for word;
"answer": the fact itself, in at most six words;
"question": what somebody who needs this fact would ask without having seen the passage. It names its \
subject in full, and never mentions a passage, text, section or document."""
_LOANS = """\
Library rules > Loans
\"\"\"
Members may borrow up to eight books at a time. A loan lasts four weeks and can be renewed twice online. \
Fines for late books stop at 12 EUR.
\"\"\""""
_LOANS_DRAFT = (
    '{"quotation": "A loan lasts four weeks and can be renewed twice online.", "answer": "twice", '
    '"question": "How many times can I extend the loan of a library book?"}'
)
_UNANSWERABLE = """\
You write test questions for a search engine. From a passage you write a question on the same subject that \
the passage leaves open: something a reader may well want to know, and that it does not say. Answer with \
JSON with one key, "question". It names its subject in full, and never mentions a passage, text, section or \
document."""
_LOANS_OPEN = '{"question": "What do I pay if I lose a library book?"}'
_REWORD = """\
You reword questions. Ask for the same fact as somebody would who uses other words. Answer with the question \
alone."""
_LOANS_QUESTION = "How many times can a loan of a library book be renewed?"
_LOANS_REWORDED = "How often can I extend the time I keep something borrowed from the library?"
_READ = "Answer the question from the passage, in at most six words."
_CLOSED_BOOK = "Answer from what you know, in at most six words. If you do not know, write: unknown."
_JUDGE = """\
You decide whether a passage states the answer to a question. The same subject is not enough: the fact that \
is asked for must be there. Answer yes or no."""
_FINES = "How high can the fine for a late library book become?"
_LOSS = "What do I pay if I lose a library book?"

_TEXT = {"type": "string"}
_OBJECT = re.compile(r"\{.*\}", re.DOTALL)
_YES = re.compile(r"\W*yes\b", re.IGNORECASE)
_LABEL = re.compile(r"^(?:question|rewritten|reworded)[^:]{0,20}:\s*", re.IGNORECASE)


def draft_messages(chunk: Chunk) -> tuple[Message, ...]:
    return _with_example(_DRAFT, (_LOANS, _LOANS_DRAFT), shown(chunk))


def unanswerable_messages(chunk: Chunk) -> tuple[Message, ...]:
    return _with_example(_UNANSWERABLE, (_LOANS, _LOANS_OPEN), shown(chunk))


def reword_messages(question: str, avoided: Sequence[str]) -> tuple[Message, ...]:
    """`avoided`: the words that the question shares with the passage."""
    example = (f"{_LOANS_QUESTION}\nWithout the words: times, loan, renewed", _LOANS_REWORDED)
    return _with_example(_REWORD, example, f"{question}\nWithout the words: {', '.join(avoided)}")


def reading_messages(question: str, chunk: Chunk) -> tuple[Message, ...]:
    return (Message("system", _READ), Message("user", f"{shown(chunk)}\nQuestion: {question}"))


def closed_book_messages(question: str) -> tuple[Message, ...]:
    return (Message("system", _CLOSED_BOOK), Message("user", question))


def judge_messages(question: str, chunk: Chunk) -> tuple[Message, ...]:
    return (
        Message("system", _JUDGE),
        *_turn(f"{_LOANS}\nQuestion: {_FINES}", "yes"),
        *_turn(f"{_LOANS}\nQuestion: {_LOSS}", "no"),
        Message("user", f"{shown(chunk)}\nQuestion: {question}"),
    )


def shown(chunk: Chunk) -> str:
    """A passage as the LLM sees it."""
    return f'{chunk.location or chunk.source}\n"""\n{chunk.text}\n"""'


def schema(*keys: str) -> Schema:
    """Of an object of texts, with these keys in this order."""
    return {
        "type": "object",
        "properties": dict.fromkeys(keys, _TEXT),
        "required": list(keys),
        "additionalProperties": False,
    }


def read_object(text: str, *keys: str) -> tuple[str, ...] | None:
    """The texts under the keys, white space collapsed; None where the LLM wrote no such object. Whatever
    stands around it is passed over: not every server obeys a schema.
    """
    found = _OBJECT.search(text)
    try:
        fields = json.loads(found[0]) if found else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict) or not all(isinstance(fields.get(key), str) for key in keys):
        return None
    return tuple(" ".join(fields[key].split()) for key in keys)


def read_line(text: str) -> str:
    """The first line with something on it, without quotation marks and a label."""
    lines = [line.strip().strip("\"'“”*` ") for line in text.splitlines()]
    return _LABEL.sub("", next(filter(None, lines), ""))


def says_yes(text: str) -> bool:
    return _YES.match(text) is not None


def _with_example(task: str, example: tuple[str, str], given: str) -> tuple[Message, ...]:
    return (Message("system", task), *_turn(*example), Message("user", given))


def _turn(asked: str, answered: str) -> tuple[Message, Message]:
    return Message("user", asked), Message("assistant", answered)
