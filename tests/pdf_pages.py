"""PDFs written by hand, for tests in which the positions of the words matter."""

from __future__ import annotations

from collections.abc import Sequence

REGULAR, BOLD, LATEX_BOLD, MONO = "F1", "F2", "F3", "F4"
_FONTS = {REGULAR: "Helvetica", BOLD: "Helvetica-Bold", LATEX_BOLD: "NimbusRomNo9L-Medi", MONO: "Courier"}


def text(
    x: float, y: float, words: str, *, size: float = 11, font: str = REGULAR, matrix: str = "1 0 0 1"
) -> str:
    """The operators that draw `words` with their baseline beginning at (x, y)."""
    escaped = words.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
    return f"BT /{font} {size} Tf {matrix} {x} {y} Tm ({escaped}) Tj ET\n"


def lines(x: float, y: float, *rows: str, step: float = 14, size: float = 11, font: str = REGULAR) -> str:
    """Lines one under the other, from `y` down."""
    return "".join(text(x, y - number * step, row, size=size, font=font) for number, row in enumerate(rows))


def table(y: float, xs: Sequence[float], *rows: Sequence[str], step: float = 20, font: str = REGULAR) -> str:
    """Rows of cells that begin at `xs`; an empty cell draws nothing."""
    return "".join(
        text(x, y - number * step, cell, font=font)
        for number, row in enumerate(rows)
        for x, cell in zip(xs, row, strict=True)
        if cell
    )


def pdf(*pages: str, page_keys: str = "", objects: Sequence[str] = (), catalog: str = "") -> bytes:
    """One page for each content stream. `objects` get the numbers from 100 on."""
    fonts = " ".join(f"/{name} {10 + number} 0 R" for number, name in enumerate(_FONTS))
    bodies = {1: f"<</Type/Catalog/Pages 2 0 R {catalog}>>"}
    kids = " ".join(f"{20 + 2 * number} 0 R" for number in range(len(pages)))
    bodies[2] = f"<</Type/Pages/Kids[{kids}]/Count {len(pages)}/MediaBox[0 0 612 792]>>"
    for number, face in enumerate(_FONTS.values()):
        bodies[10 + number] = f"<</Type/Font/Subtype/Type1/BaseFont/{face}/Encoding/WinAnsiEncoding>>"
    for number, content in enumerate(pages):
        place = 20 + 2 * number
        bodies[place] = (
            f"<</Type/Page/Parent 2 0 R/Resources<</Font<<{fonts}>>>>/Contents {place + 1} 0 R {page_keys}>>"
        )
        bodies[place + 1] = f"<</Length {len(content.encode('cp1252'))}>>stream\n{content}\nendstream"
    bodies |= {100 + number: body for number, body in enumerate(objects)}
    return _file(bodies)


def _file(bodies: dict[int, str]) -> bytes:
    data = b"%PDF-1.7\n"
    places = {}
    for number, body in sorted(bodies.items()):
        places[number] = len(data)
        data += f"{number} 0 obj\n{body}\nendobj\n".encode("cp1252")
    start = len(data)
    data += b"xref\n0 1\n0000000000 65535 f \n"
    for number, place in places.items():
        data += f"{number} 1\n{place:010} 00000 n \n".encode()
    data += f"trailer\n<</Root 1 0 R/Size {max(bodies) + 1}>>\nstartxref\n{start}\n%%EOF\n".encode()
    return data
