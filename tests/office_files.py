"""Office files, books and mail, written by hand in the way of common programs."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence

_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PML = "application/vnd.openxmlformats-officedocument.presentationml"
_SML = "application/vnd.openxmlformats-officedocument.spreadsheetml"
CORE = (
    f'<cp:coreProperties xmlns:cp="{_PACKAGE}/metadata/core-properties" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/">'
    "<dc:title>The big book</dc:title><dc:creator>Ada Lovelace</dc:creator>"
    "<cp:keywords>kiln, clay</cp:keywords><dcterms:created>2024-05-01T10:00:00Z</dcterms:created>"
    "</cp:coreProperties>"
)


def zipped(parts: Mapping[str, str | bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def relations(targets: Mapping[str, tuple[str, str]]) -> str:
    """id -> (the last word of its type, target)."""
    entries = "".join(
        f'<Relationship Id="{key}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for key, (kind, target) in targets.items()
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{entries}</Relationships>'


def _content_types(overrides: Mapping[str, str]) -> str:
    entries = "".join(
        f'<Override PartName="{name}" ContentType="{kind}"/>' for name, kind in overrides.items()
    )
    return (
        f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{entries}</Types>'
    )


def pptx(
    slides: Sequence[str],
    *,
    notes: Mapping[int, str] | None = None,
    hidden: Sequence[int] = (),
    main: str = "presentation",
) -> bytes:
    """`slides`: the contents of each one's shape tree. `notes`: text by the number of the slide."""
    names = (
        'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
        'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" '
        f'xmlns:r="{_OFFICE}" xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
        'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math" '
        'xmlns:a14="http://schemas.microsoft.com/office/drawing/2010/main"'
    )
    tree = "<p:nvGrpSpPr><p:cNvPr id='1' name=''/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr><p:grpSpPr/>"
    types = {"/ppt/presentation.xml": f"{_PML}.{main}.main+xml"}
    parts: dict[str, str | bytes] = {}
    listed, targets = "", {}
    for number, shapes in enumerate(slides, start=1):
        show = ' show="0"' if number in hidden else ""
        parts[f"ppt/slides/slide{number}.xml"] = (
            f"<p:sld {names}{show}><p:cSld><p:spTree>{tree}{shapes}</p:spTree></p:cSld></p:sld>"
        )
        types[f"/ppt/slides/slide{number}.xml"] = f"{_PML}.slide+xml"
        listed += f'<p:sldId id="{255 + number}" r:id="rId{number}"/>'
        targets[f"rId{number}"] = ("slide", f"slides/slide{number}.xml")
        said = (notes or {}).get(number)
        if said:
            body = shape(said, kind="body", name="Notes")
            parts[f"ppt/notesSlides/notesSlide{number}.xml"] = (
                f"<p:notes {names}><p:cSld><p:spTree>{tree}{body}</p:spTree></p:cSld></p:notes>"
            )
            types[f"/ppt/notesSlides/notesSlide{number}.xml"] = f"{_PML}.notesSlide+xml"
            parts[f"ppt/slides/_rels/slide{number}.xml.rels"] = relations(
                {"rId1": ("notesSlide", f"../notesSlides/notesSlide{number}.xml")}
            )
    parts["ppt/presentation.xml"] = (
        f"<p:presentation {names}><p:sldIdLst>{listed}</p:sldIdLst></p:presentation>"
    )
    parts["ppt/_rels/presentation.xml.rels"] = relations(targets)
    parts["_rels/.rels"] = relations({"rId1": ("officeDocument", "ppt/presentation.xml")})
    parts["docProps/core.xml"] = CORE
    return zipped({"[Content_Types].xml": _content_types(types), **parts})


def shape(text: str, *, kind: str = "", x: int = 0, y: int = 0, name: str = "Text", format: str = "") -> str:
    """A text box, or a placeholder of a kind; one line per paragraph. `format` goes into each one's a:pPr."""
    place = 0 if kind == "title" else 1
    placeholder = f'<p:ph type="{kind}" idx="{place}"/>' if kind else ""
    paragraphs = "".join(
        f"<a:p><a:pPr>{format}</a:pPr><a:r><a:t>{line}</a:t></a:r></a:p>" for line in text.split("\n")
    )
    return (
        f'<p:sp><p:nvSpPr><p:cNvPr id="{abs(hash((text, x, y))) % 90000 + 2}" name="{name}"/><p:cNvSpPr/>'
        f"<p:nvPr>{placeholder}</p:nvPr></p:nvSpPr><p:spPr><a:xfrm>"
        f'<a:off x="{x}" y="{y}"/><a:ext cx="100" cy="100"/></a:xfrm></p:spPr>'
        f"<p:txBody><a:bodyPr/>{paragraphs}</p:txBody></p:sp>"
    )


def slide_table(rows: Sequence[Sequence[str]]) -> str:
    body = "".join(
        "<a:tr h='1'>"
        + "".join(
            f"<a:tc><a:txBody><a:bodyPr/><a:p><a:r><a:t>{cell}</a:t></a:r></a:p></a:txBody></a:tc>"
            for cell in row
        )
        + "</a:tr>"
        for row in rows
    )
    columns = '<a:gridCol w="1"/>' * len(rows[0])
    return (
        '<p:graphicFrame><p:nvGraphicFramePr><p:cNvPr id="77" name="Table"/><p:cNvGraphicFramePr/><p:nvPr/>'
        '</p:nvGraphicFramePr><p:xfrm><a:off x="0" y="9000000"/><a:ext cx="1" cy="1"/></p:xfrm><a:graphic>'
        '<a:graphicData uri="http://schemas.openxmlformats.org/drawingml/2006/table"><a:tbl><a:tblPr/>'
        f"<a:tblGrid>{columns}</a:tblGrid>{body}</a:tbl>"
        "</a:graphicData></a:graphic></p:graphicFrame>"
    )


def xlsx(
    sheets: Mapping[str, str],
    *,
    hidden: Sequence[str] = (),
    styles: str = "",
    others: Mapping[str, str] | None = None,
) -> bytes:
    """`sheets`: by name, the contents of each one's worksheet element (sheetData, mergeCells)."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    types = {"/xl/workbook.xml": f"{_SML}.sheet.main+xml", "/xl/styles.xml": f"{_SML}.styles+xml"}
    parts: dict[str, str | bytes] = {}
    listed, targets = "", {"rId99": ("styles", "styles.xml")}
    for number, (name, content) in enumerate(sheets.items(), start=1):
        state = ' state="hidden"' if name in hidden else ""
        listed += f'<sheet name="{name}" sheetId="{number}"{state} r:id="rId{number}"/>'
        targets[f"rId{number}"] = ("worksheet", f"worksheets/sheet{number}.xml")
        types[f"/xl/worksheets/sheet{number}.xml"] = f"{_SML}.worksheet+xml"
        parts[f"xl/worksheets/sheet{number}.xml"] = f'<worksheet xmlns="{main}">{content}</worksheet>'
    parts["xl/workbook.xml"] = (
        f'<workbook xmlns="{main}" xmlns:r="{_OFFICE}"><sheets>{listed}</sheets></workbook>'
    )
    parts["xl/styles.xml"] = f'<styleSheet xmlns="{main}">{styles}</styleSheet>'
    parts["xl/_rels/workbook.xml.rels"] = relations(targets)
    parts["_rels/.rels"] = relations({"rId1": ("officeDocument", "xl/workbook.xml")})
    parts["docProps/core.xml"] = CORE
    return zipped({"[Content_Types].xml": _content_types(types), **parts, **(others or {})})


def sheet_rows(
    rows: Mapping[int, Sequence[str | float | tuple[float, int]]], *, first_column: int = 0
) -> str:
    """Cells by row: texts, numbers, or (number, style); an empty text is not a cell."""
    lines = []
    for number, cells in rows.items():
        written = []
        for place, cell in enumerate(cells, start=first_column):
            name = f"{chr(65 + place)}{number}"
            if isinstance(cell, str):
                text = f'<c r="{name}" t="inlineStr"><is><t>{cell}</t></is></c>' if cell else ""
            elif isinstance(cell, tuple):
                text = f'<c r="{name}" s="{cell[1]}"><v>{cell[0]}</v></c>'
            else:
                text = f'<c r="{name}"><v>{cell}</v></c>'
            written.append(text)
        lines.append(f'<row r="{number}">{"".join(written)}</row>')
    return f"<sheetData>{''.join(lines)}</sheetData>"


_ODF_NAMES = " ".join(
    f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for short, name in {
        "office": "office",
        "text": "text",
        "table": "table",
        "style": "style",
        "draw": "drawing",
        "svg": "svg-compatible",
        "presentation": "presentation",
        "meta": "meta",
    }.items()
)
_ODF_NAMES += ' xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:dc="http://purl.org/dc/elements/1.1/"'


def opendocument(kind: str, body: str, *, styles: str = "", others: Mapping[str, str] | None = None) -> bytes:
    """`kind`: text, presentation or spreadsheet."""
    content = (
        f"<office:document-content {_ODF_NAMES}><office:automatic-styles>{styles}</office:automatic-styles>"
        f"<office:body><office:{kind}>{body}</office:{kind}></office:body></office:document-content>"
    )
    meta = (
        f"<office:document-meta {_ODF_NAMES}><office:meta><dc:title>The big book</dc:title>"
        "<meta:initial-creator>Ada Lovelace</meta:initial-creator>"
        "<meta:creation-date>2024-05-01T10:00:00</meta:creation-date></office:meta></office:document-meta>"
    )
    return zipped({"content.xml": content, "meta.xml": meta, **(others or {})})


def epub(
    pages: Mapping[str, str], *, navigation: str = "", encryption: str = "", spine: Sequence[str] = ()
) -> bytes:
    """`pages`: bodies by name. `navigation`: the list of an EPUB 3 table of contents."""
    items = "".join(
        f'<item id="i{n}" href="{name}" media-type="application/xhtml+xml"/>' for n, name in enumerate(pages)
    )
    order = "".join(f'<itemref idref="i{list(pages).index(name)}"/>' for name in spine or pages)
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0">'
        '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>The big book</dc:title>'
        "<dc:creator>Ada Lovelace</dc:creator><dc:language>en</dc:language></metadata>"
        f'<manifest>{items}<item id="nav" href="nav.xhtml" properties="nav" '
        f'media-type="application/xhtml+xml"/></manifest><spine><itemref idref="nav"/>{order}</spine>'
        "</package>"
    )
    page = (
        '<?xml version="1.0" encoding="utf-8"?><html xmlns="http://www.w3.org/1999/xhtml" '
        'xmlns:epub="http://www.idpf.org/2007/ops"><head><title/></head><body>%s</body></html>'
    )
    container = (
        '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
        '<rootfile full-path="OPS/book.opf"/></rootfiles></container>'
    )
    parts: dict[str, str | bytes] = {"mimetype": "application/epub+zip", "META-INF/container.xml": container}
    parts["OPS/book.opf"] = package
    parts["OPS/nav.xhtml"] = page % f'<nav epub:type="toc"><h1>Contents</h1>{navigation}</nav>'
    parts |= {f"OPS/{name}": page % body for name, body in pages.items()}
    if encryption:
        parts["META-INF/encryption.xml"] = encryption
    return zipped(parts)
