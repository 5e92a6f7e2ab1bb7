"""Words of English that say little of what a text is about. Pure."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_COMMON = _words(
    "a about am an and are as at be been being but by can could did do does for from had has have he her"
    " his how i if in into is it its me my no not of on or our she should such that the their them then"
    " there these they this to was we were what when where which who whom whose why will with would you"
    " your"
)

SEARCH = _COMMON | _words("d ll m re s t ve")
"""Not searched for: nearly every passage has them, or they only ask, and they would take most of the
time. The short ones are what is left of "don't" and "we've".
"""

CLAIMS = _COMMON | _words(
    "after all also any because before both called doing down during each few further having here hers"
    " him itself just known more most named nor off once one only other out over own per same so some than"
    " those through too under until up upon us very while"
)
"""Not compared between a claim and its evidence."""

ENGLISH = _words(
    "the of and to in a is that for it was on are as with his they at be this from or had by not but what"
    " all were when we there can an your which their if do will how about many then them would has who"
    " does did why where"
)
"""An English text is known by these: few of them are words of other languages."""
