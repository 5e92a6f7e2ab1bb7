"""Damaged files by seeded mutation of the bundled corpora."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

HANDBOOK = Path(__file__).parent.parent / "corpora" / "handbook"
ORIGINALS = (
    "leave.pdf",
    "parental-leave.docx",
    "equipment.html",
    "warranty.pdf",
    "procurement.docx",
    "welcome.md",
)

Damage = Callable[[bytes, random.Random], bytes]


def truncate(data: bytes, draw: random.Random) -> bytes:
    return data[: draw.randrange(1, len(data))]


def flip(data: bytes, draw: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(draw.choice((1, 10, 200))):
        changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
    return bytes(changed)


def cut_out(data: bytes, draw: random.Random) -> bytes:
    start = draw.randrange(len(data))
    return data[:start] + data[start + draw.randrange(1, 2000) :]


def repeat(data: bytes, draw: random.Random) -> bytes:
    start = draw.randrange(len(data))
    part = data[start : start + draw.randrange(1, 500)]
    return data[:start] + part * draw.randrange(2, 50) + data[start:]


def zeros(data: bytes, draw: random.Random) -> bytes:
    start = draw.randrange(len(data))
    length = draw.randrange(1, 500)
    return data[:start] + bytes(length) + data[start + length :]


def noise(data: bytes, draw: random.Random) -> bytes:
    start = draw.randrange(len(data))
    return data[:start] + draw.randbytes(draw.randrange(1, 500)) + data[start:]


def big_numbers(data: bytes, draw: random.Random) -> bytes:
    """Lengths, offsets and counts are decimal in PDF and HTML."""
    digits = [place for place, byte in enumerate(data) if chr(byte).isdigit()]
    changed = bytearray(data)
    for _ in range(min(len(digits), 5)):
        changed[draw.choice(digits)] = ord("9")
    return bytes(changed)


DAMAGES: tuple[Damage, ...] = (truncate, flip, cut_out, repeat, zeros, noise, big_numbers)


def write_damaged(folder: Path, count: int, seed: int) -> list[str]:
    """`count` files, every format and every kind of damage in turn. Returns their names."""
    draw = random.Random(seed)
    names = []
    for number in range(count):
        original = HANDBOOK / ORIGINALS[number % len(ORIGINALS)]
        damage = DAMAGES[number // len(ORIGINALS) % len(DAMAGES)]
        name = f"damaged-{number:03}-{damage.__name__}{original.suffix}"
        (folder / name).write_bytes(damage(original.read_bytes(), draw))
        names.append(name)
    return names
