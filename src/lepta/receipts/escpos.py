"""Receipt text as bytes for an ESC/POS printer in code page 866: initialise, select the page, print, cut.

Code page 866 has no currency signs, dashes or quotes of typography and no letters beyond ASCII, Russian and
a few of its neighbours. They are spelled before the lines are fitted to the paper, since a spelling may be
longer; what has no spelling is printed as `SUBSTITUTE`, never left out and never turned into "?".
"""

import re
import unicodedata

from lepta.names import NBSP
from lepta.receipts.columns import wrap

SUBSTITUTE = "■"
"""Stands for each character that code page 866 cannot print and that has no spelling in it."""

CP866_PAGE = 17
"""The number of code page 866 on Epson printers and most others; some makers count differently."""

_INITIALISE = b"\x1b@"
_SELECT_PAGE = b"\x1bt"
_FEED_AND_CUT = b"\x1dVB\x00"

_SIGNS = {
    "₽": "руб.", "€": "EUR", "£": "GBP", "¥": "Y", "₸": "тг", "₴": "грн", "₹": "INR", "₩": "KRW",
    "₫": "VND", "₺": "TRY", "₾": "GEL", "֏": "AMD", "₼": "AZN", "¢": "c",
    "—": "-", "–": "-", "‒": "-", "―": "-", "‐": "-", "‑": "-", "−": "-", "…": "...", "•": "·",
    "«": '"', "»": '"', "„": '"', "“": '"', "”": '"', "‟": '"', "‹": "'", "›": "'",
    "‘": "'", "’": "'", "‚": "'", "‛": "'", "ʼ": "'", "ʻ": "'", "´": "'",
    "©": "(c)", "®": "(R)", "×": "x", "÷": ":", "±": "+/-", "¦": "|", "‰": "o/oo", "⁄": "/",
    "µ": "мк", "º": "o", "ª": "a", "ẞ": "SS",
}  # fmt: skip

_LETTERS = {
    # Ukrainian and Belarusian beyond є, ї, ў; Kazakh, Kyrgyz, Tatar, Bashkir; Tajik; Serbian, Macedonian.
    "і": "i", "ґ": "г", "ә": "э", "ғ": "г", "қ": "к", "ң": "н", "ө": "о", "ұ": "у", "ү": "у", "һ": "х",
    "җ": "ж", "ҙ": "з", "ҡ": "к", "ҫ": "с", "ҳ": "х", "ҷ": "ч", "ј": "й", "љ": "ль", "њ": "нь", "ћ": "ч",
    "ђ": "дж", "џ": "дж", "ѕ": "дз",
    # Latin letters that do not decompose.
    "ß": "ss", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ə": "e",
    "ŋ": "ng", "ħ": "h", "ŧ": "t", "ĸ": "k",
}  # fmt: skip


class _Spellings(dict[int, str]):
    """Spellings by code point. Others are worked out when met and not kept, so that memory stays bounded."""

    def __missing__(self, point: int) -> str:
        char = chr(point)
        if unicodedata.category(char)[0] == "M":
            return ""
        if unicodedata.category(char)[0] in "CZ":
            return _blank(char)
        decomposed = unicodedata.normalize("NFKD", char)
        if decomposed != char:
            # Ends, since what comes out of NFKD decomposes no further.
            spelled = "".join(self[ord(part)] for part in decomposed)
            if SUBSTITUTE not in spelled and spelled:
                return spelled
        return SUBSTITUTE


def _blank(char: str) -> str:
    """Spaces stay spaces; control and format characters must not reach a printer."""
    if char in "\u2007\u202f":
        return NBSP
    return " " if unicodedata.category(char)[0] == "Z" or char in "\t\r\v\f" else ""


def _spellings() -> _Spellings:
    table = _Spellings({ord(sign): spelled for sign, spelled in _SIGNS.items()})
    for letter, spelled in _LETTERS.items():
        table[ord(letter)] = spelled
        if len(letter.upper()) == 1:
            table[ord(letter.upper())] = spelled.capitalize()
    for byte in (*range(0x20, 0x7F), *range(0x80, 0xFF)):
        char = bytes([byte]).decode("cp866")
        table[ord(char)] = char
    table[ord("\n")] = "\n"
    table[ord(NBSP)] = NBSP
    return table


_TABLE = _spellings()
_WITHIN_AMOUNT = re.compile(r"(?<=\d) (?=\d{3}(?:\D|$)|[₽€₸₴])")
_SPACES = re.compile(r" +")


def transliterate(text: str) -> str:
    """`text` in characters of code page 866, line feeds and no-break spaces."""
    # A sentence that ends in roubles ends in the full stop of «руб.».
    return unicodedata.normalize("NFC", text).replace("₽.", "₽").translate(_TABLE)


def encode(text: str, width: int, page: int = CP866_PAGE) -> bytes:
    """Bytes that print `text` in lines of at most `width` columns and cut the paper behind it.

    `text` is a composed receipt, or better its `sentences` joined by line feeds: then lines are filled with
    what is really printed. `page` is the printer's number for code page 866.
    """
    assert 0 <= page <= 255, page
    glued = _WITHIN_AMOUNT.sub(NBSP, text)
    fitted = wrap(_SPACES.sub(" ", transliterate(glued)), width)
    body = "".join(f"{line}\n" for line in fitted.split("\n"))
    return _INITIALISE + _SELECT_PAGE + bytes([page]) + body.encode("cp866") + _FEED_AND_CUT
