"""What RTF's control words mean for the text: groups that show nothing, characters, code pages."""

from __future__ import annotations

CHARACTERS = {
    "line": "\n",
    "lbr": "\n",
    "tab": "\t",
    "emdash": "\N{EM DASH}",
    "endash": "\N{EN DASH}",
    "emspace": " ",
    "enspace": " ",
    "qmspace": " ",
    "bullet": "\N{BULLET}",
    "lquote": "\N{LEFT SINGLE QUOTATION MARK}",
    "rquote": "\N{RIGHT SINGLE QUOTATION MARK}",
    "ldblquote": "\N{LEFT DOUBLE QUOTATION MARK}",
    "rdblquote": "\N{RIGHT DOUBLE QUOTATION MARK}",
    "nestcell": " ",
    "nestrow": "\n",
}
SIGNS = {"~": "\xa0", "-": "", "_": "-", "\\": "\\", "{": "{", "}": "}", "\n": "\n", "\r": "\n"}

# Groups that show nothing, are on each page but not part of the text, or repeat another group.
_NOT_SHOWN = (
    "aftncn aftnsep aftnsepc annotation atnauthor atndate atnicn atnid atnparent atnref atntime atrfend "
    "atrfstart background bkmkend bkmkstart blipuid colortbl colorschememapping datafield datastore "
    "defchp defpap do docvar factoidname falt ffdeftext ffentrymcr ffexitmcr ffformat ffhelptext ffl "
    "ffname ffstattext file filetbl fldinst footer footerf footerl footerr formfield ftncn ftnsep ftnsepc "
    "generator gridtbl header headerf headerl headerr keycode latentstyles levelnumbers leveltext list "
    "listlevel listname listoverride listoverridetable listpicture liststylename listtable mailmerge "
    "mmathPict mmathPr nonesttables nesttableprops objalias objclass objdata objname objsect objtime "
    "oldcprops oldpprops oldsprops oldtprops panose password passwordhash pgp pgptbl pict picprop "
    "pnseclvl printim propname protusertbl revtbl rsidtbl rxe shprslt sn sp staticval stylesheet sv svb "
    "tc template themedata txe ud userprops wgrffmtfilter xe xmlnstbl"
)
NOT_SHOWN = frozenset(_NOT_SHOWN.split())
# Of them those that a reader sees somewhere.
_PAGE_EDGES = "header headerf headerl headerr footer footerf footerl footerr"
LEFT_OUT = {"annotation": "comments", **dict.fromkeys(_PAGE_EDGES.split(), "page headers and footers")}
# Of those that begin with \*, "skip this if you do not know it", the ones with text.
_SHOWN = "footnote shpinst shptxt moMath moMathPara mr listtext pntext field fldrslt result"
SHOWN = frozenset(_SHOWN.split())

INFO = {
    "title": "title",
    "author": "author",
    "subject": "subject",
    "keywords": "keywords",
    "doccomm": "description",
}

# A font's character set -> the code page of its bytes.
CHARSETS = {
    77: "mac_roman",
    128: "cp932",
    129: "cp949",
    130: "johab",
    134: "gbk",
    136: "big5",
    161: "cp1253",
    162: "cp1254",
    163: "cp1258",
    177: "cp1255",
    178: "cp1256",
    186: "cp1257",
    204: "cp1251",
    222: "cp874",
    238: "cp1250",
    254: "cp437",
    255: "cp850",
}
