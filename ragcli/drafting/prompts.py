"""What the LLM is asked, one small task a request, and how its answers are read. Pure.

Small models follow an example better than a description, and copy better than they point. So a sentence and
the fact in it are copied first. Then a question is asked for, from that sentence and the title alone: with
the whole passage in view it is about "the process", and as the third thing to write it is an afterthought.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any
from zlib import crc32

from ragcli.evaluation.overlap import content_words
from ragcli.evaluation.relevance import flat
from ragcli.text.sentences import split_sentences
from ragcli.types import Chunk, Message

Schema = Mapping[str, Any]

_FACT = """\
You choose one fact from a passage: a number, a name, a date, a place, a limit or a condition that nobody \
knows by heart. Write JSON with two keys:
"quotation": one sentence of the passage that states the fact, copied word for word;
"answer": the fact alone, in at most six words of that sentence."""
_LOANS = """\
Library rules > Loans
\"\"\"
Members may borrow up to eight books at a time. A loan lasts four weeks and can be renewed twice online. \
Fines for late books stop at 12 EUR.
\"\"\""""
EXAMPLE_SUBJECT = content_words("Library rules > Loans")
"""A small LLM takes words of an example for words of the task."""
_LOANS_FACT = '{"quotation": "A loan lasts four weeks and can be renewed twice online.", "answer": "twice"}'
_ASK = """\
You write what somebody types into a search engine to find a fact. They have not seen the sentence that \
states it, and they search many documents: so the question says by name what it is about, and does not \
contain the answer. Write one question and nothing else."""
_LOANS_SENTENCE = """\
Title: Library rules > Loans
Sentence: A loan lasts four weeks and can be renewed twice online.
Answer: twice"""
_LOANS_QUESTION = "How many times can I extend the loan of a library book?"
_DETAIL = """\
You write what somebody types into a search engine to find one detail of a subject. They search many \
documents: so the question says by name what it is about. Write one question and nothing else."""
_DETAILS = (
    "what it costs",
    "how long it takes",
    "who is in charge of it",
    "where it is kept",
    "what is needed for it",
    "what to do if it is broken or lost",
)
"""What is often left open. Left to choose, a small LLM asks for what the passage tells. Of "how often" and
"how many people" it makes nonsense.
"""
_LOANS_DETAIL = "Title: Library rules > Loans\nDetail: what it costs"
_LOANS_OPEN = "What do I pay if I lose a library book?"
_SPECIFY = """\
You make a question clear to somebody who searches many documents and has seen none of them. Say by name \
what "it", "this", "the command" or "the process" is. Write one question and nothing else."""
_LOANS_UNCLEAR = """\
Title: Library rules > Loans
Question: What is the maximum number of times?"""
_REWORD = """\
You reword questions. Ask for the same fact as somebody would who uses other words. Answer with the question \
alone."""
_LOANS_PLAIN = "How many times can a loan of a library book be renewed?"
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


def fact_messages(chunk: Chunk) -> tuple[Message, ...]:
    return _with_example(_FACT, (_LOANS, _LOANS_FACT), shown(chunk))


def question_messages(chunk: Chunk, quotation: str, answer: str) -> tuple[Message, ...]:
    sentence = f"Sentence: {_in_context(quotation, chunk.text)}\nAnswer: {answer}"
    return _with_example(_ASK, (_LOANS_SENTENCE, _LOANS_QUESTION), f"Title: {_title(chunk)}\n{sentence}")


def specify_messages(question: str, chunk: Chunk) -> tuple[Message, ...]:
    """For a question that does not say what it is about."""
    given = f"Title: {_title(chunk)}\nQuestion: {question}"
    return _with_example(_SPECIFY, (_LOANS_UNCLEAR, _LOANS_QUESTION), given)


def detail_messages(chunk: Chunk) -> tuple[Message, ...]:
    """For a question on the subject of the passage that it may leave open."""
    detail = _DETAILS[crc32(chunk.id.encode()) % len(_DETAILS)]
    return _with_example(_DETAIL, (_LOANS_DETAIL, _LOANS_OPEN), f"Title: {_title(chunk)}\nDetail: {detail}")


def reword_messages(question: str, avoided: Sequence[str]) -> tuple[Message, ...]:
    """`avoided`: the words that the question shares with the passage."""
    example = (f"{_LOANS_PLAIN}\nWithout the words: times, loan, renewed", _LOANS_REWORDED)
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
    return f'{_title(chunk)}\n"""\n{chunk.text}\n"""'


def _title(chunk: Chunk) -> str:
    return chunk.location or chunk.source


def _in_context(quotation: str, text: str) -> str:
    """With the sentence before it, which tells what its "it" is."""
    sentences = [text[start:end] for start, end in split_sentences(text)]
    quoted = flat(quotation)
    for before, sentence in pairwise(sentences):
        if flat(sentence) in quoted or quoted in flat(sentence):
            return f"{' '.join(before.split())} {quotation}"
    return quotation


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


def read_question(text: str) -> str:
    """The first line that ends as a question does, else the first with something on it; without quotation
    marks and a label. Some models say first that they will gladly do it.
    """
    lines = list(filter(None, (line.strip().strip("\"'“”*` ") for line in text.splitlines())))
    found = next((line for line in lines if line.endswith("?")), lines[0] if lines else "")
    return _LABEL.sub("", found)


def says_yes(text: str) -> bool:
    return _YES.match(text) is not None


def _with_example(task: str, example: tuple[str, str], given: str) -> tuple[Message, ...]:
    return (Message("system", task), *_turn(*example), Message("user", given))


def _turn(asked: str, answered: str) -> tuple[Message, Message]:
    return Message("user", asked), Message("assistant", answered)
