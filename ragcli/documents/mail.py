"""Mail: messages, mailboxes, and web pages that a browser saved as one file; through the email package."""

from __future__ import annotations

import email
import re
from collections.abc import Iterator
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.utils import parsedate_to_datetime

from ragcli.documents.decoding import decode
from ragcli.documents.html_pages.page import read_html
from ragcli.documents.outline import LINE, PARAGRAPH, Outline, one_line
from ragcli.documents.text import paragraphs, read_text
from ragcli.documents.unreadable import UnreadableFile

_SHOWN = ("From", "To", "Cc", "Date")
_HEADERS = ("from", "to", "subject", "date", "message-id", "received", "mime-version", "content-type")
# A message in a message in a message ...
_DEEPEST = 10
_MESSAGE_BEGINS = re.compile(rb"^From [^\n]*\n(?=[!-9;-~]+:)", re.MULTILINE)
_QUOTED_FROM = re.compile(rb"^>(>*From )", re.MULTILINE)


def read_eml(data: bytes, name: str) -> Outline:
    """One message. A file without a mail header is read as text."""
    message = _parsed(data)
    if not any(header in message for header in _HEADERS):
        return read_text(data, name)
    outline = Outline("eml")
    outline.title = _header(message, "Subject")
    for header in _SHOWN:
        outline.metadata[header] = _date(message) if header == "Date" else _header(message, header)
    _add_message(outline, message, 0)
    return outline


def read_mbox(data: bytes, name: str) -> Outline:
    """A page is a message. A file that does not begin like a mailbox is read as text."""
    begins = [match.start() for match in _MESSAGE_BEGINS.finditer(data)]
    if not begins or data[: begins[0]].strip():
        return read_text(data, name)
    outline = Outline("mbox")
    for number, (start, end) in enumerate(zip(begins, [*begins[1:], len(data)], strict=True), start=1):
        message = _parsed(_QUOTED_FROM.sub(rb"\1", data[start:end].partition(b"\n")[2]))
        subject = _header(message, "Subject")
        outline.part = number
        outline.set_path((subject,) if subject else ())
        _add_message(outline, message, 0)
    return outline


def read_mhtml(data: bytes, name: str) -> Outline:
    """The page, without its styles and images. Raises UnreadableFile if it contains no page."""
    message = _parsed(data)
    page = next((part for part in message.walk() if part.get_content_type() == "text/html"), None)
    if page is None:
        raise UnreadableFile("damaged: contains no web page")
    outline = Outline("mhtml")
    content = _html(outline, page)
    outline.title = content.title or _header(message, "Subject")
    outline.include(content)
    return outline


def _parsed(data: bytes) -> Message:
    try:
        return email.message_from_bytes(data)
    except RecursionError as problem:
        raise UnreadableFile("nested too deeply") from problem


def _add_message(outline: Outline, message: Message, depth: int) -> None:
    """Who wrote to whom and when; then the text, the attachments, and forwarded messages."""
    shown = [f"{header}: {value}" for header in _SHOWN if (value := _header(message, header))]
    outline.add("\n".join(shown))
    attached: list[str] = []
    for part in _parts(message):
        kind = part.get_content_type()
        name = one_line(_decoded(part.get_filename() or ""))
        is_attached = part.get_content_disposition() == "attachment"
        if kind == "message/rfc822" and depth < _DEEPEST and part.is_multipart():
            _add_nested(outline, part, depth)
        elif kind == "text/html" and not is_attached:
            outline.include(_html(outline, part))
        elif kind in ("text/plain", "text/x-patch", "text/x-diff") and not is_attached:
            for paragraph in paragraphs(_text(part, outline)):
                outline.add("\n".join(line for _, line in paragraph))
        else:
            attached.append(name or kind)
    if attached:
        outline.add(f"Attachments: {', '.join(attached)}", separator=LINE if depth else PARAGRAPH)
        outline.notes.append("attachments are listed but not read: save them next to the mail")


def _add_nested(outline: Outline, part: Message, depth: int) -> None:
    path = outline.headings
    nested = part.get_payload(0)
    assert isinstance(nested, Message)
    subject = _header(nested, "Subject")
    outline.set_path((*path, subject) if subject else path)
    _add_message(outline, nested, depth + 1)
    outline.set_path(path)


def _parts(message: Message) -> Iterator[Message]:
    """What a mail program shows, or offers to save; the plainest of alternatives with content."""
    kind = message.get_content_type()
    if not message.is_multipart() or kind == "message/rfc822":
        yield message
        return
    inner = [part for part in message.get_payload() if isinstance(part, Message)]
    if kind == "multipart/alternative":
        inner = sorted(inner, key=lambda part: _is_empty(part) or part.get_content_type() != "text/plain")[:1]
    elif kind == "multipart/related":
        # The others are the pictures of the first one.
        inner = inner[:1] + [part for part in inner[1:] if part.get_content_disposition() == "attachment"]
    for part in inner:
        yield from _parts(part)


def _is_empty(part: Message) -> bool:
    payload = part.get_payload(decode=True)
    return isinstance(payload, bytes) and not payload.strip()


def _html(outline: Outline, part: Message) -> Outline:
    return read_html(_text(part, outline).encode("utf-8", "replace"), "mail.html")


def _text(part: Message, outline: Outline) -> str:
    """In the charset that the part names, if that works; else as any text."""
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    try:
        return payload.decode(part.get_content_charset() or "utf-8")
    except (LookupError, UnicodeError):
        pass
    try:
        return decode(payload)
    except UnreadableFile:
        outline.notes.append("a part in an unknown encoding is read with gaps")
        return payload.decode("utf-8", "replace")


def _header(message: Message, name: str) -> str:
    """As a reader sees it; the first if there are several."""
    values = (value for key, value in message.raw_items() if key.lower() == name.lower())
    return one_line(_decoded(next(values, "")))


def _decoded(value: str) -> str:
    try:
        return str(make_header(decode_header(_as_text(value))))
    except (HeaderParseError, LookupError, UnicodeError, ValueError):
        return _as_text(value)


def _as_text(value: object) -> str:
    """Bytes that are not allowed in a header are nearly always UTF-8."""
    raw = str(value).encode("utf-8", "surrogateescape")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def _date(message: Message) -> str:
    text = _header(message, "Date")
    try:
        return parsedate_to_datetime(text).date().isoformat()
    except ValueError:
        return text
