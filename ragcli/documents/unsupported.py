"""What is not read, and what would be read instead."""

from __future__ import annotations

_ADVICE = {
    "save it as .docx": "doc dot wps wpd wri sxw hwp hwpx",
    "save it as .docx or .pdf": "pages one pub",
    "save it as .pptx": "ppt pps pot sxi",
    "save it as .pptx or .pdf": "key",
    "save it as .xlsx or .csv": "numbers sxc wk1 wks 123 qpw",
    "save it as .eml": "msg",
    "export its messages as .mbox or .eml": "pst ost dbx olm",
    "save it as .pdf": "djvu djv ps eps xps oxps vsd vsdx dwg dxf indd ai cdr",
    "convert it to .epub": "mobi azw azw3 azw4 kfx lit lrf pdb prc",
    "unpack its pages as .html": "chm hlp",
    "unpack it, and ingest the folder": (
        "zip tar tgz tbz2 txz 7z rar jar war whl deb rpm cab iso dmg zst lz4"
    ),
    "export its tables as .csv": (
        "sqlite sqlite3 db mdb accdb parquet feather orc avro sav dta rdata rds h5 hdf5 dbf"
    ),
    "recognise its text with an OCR program, and save that as .pdf or .txt": (
        "png jpg jpeg gif bmp tif tiff webp heic heif avif ico psd xcf raw cr2 nef jp2 jxl"
    ),
    "save a transcript as .txt, .srt or .vtt": "mp3 wav ogg oga opus flac m4a aac wma aiff amr mid",
    "save its subtitles or a transcript as .srt, .vtt or .txt": (
        "mp4 mkv avi mov wmv webm flv m4v mpg mpeg 3gp ogv"
    ),
}
_BY_SUFFIX = {f".{suffix}": advice for advice, suffixes in _ADVICE.items() for suffix in suffixes.split()}


def reason(suffix: str) -> str:
    """One line that names the format and, if there is one, a workaround."""
    advice = _BY_SUFFIX.get(suffix)
    return f"unsupported format {suffix}" + (f": {advice}" if advice else "")


def is_known(suffix: str) -> bool:
    """Whether no file with this suffix is text, whatever its bytes look like."""
    return suffix in _BY_SUFFIX
