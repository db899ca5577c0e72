"""Bytes that are no JSON, JSON that nobody means, and texts that printers and terminals misread.

The kinds are those of the public corpora of JSON parsers (JSONTestSuite's `n_` and `i_` files) and of terminal and
bidirectional text attacks.
"""

import json
from collections.abc import Iterator
from typing import Any

MALFORMED: dict[str, bytes] = {
    "empty body": b"",
    "blank": b" \t\r\n",
    "a NUL": b"\x00",
    "a mark of byte order": b"\xef\xbb\xbf",
    "a mark of byte order, then a document": b"\xef\xbb\xbf{}",
    "UTF-16 with its mark": '{"a": 1}'.encode("utf-16"),
    "UTF-16, little end first": '{"a": 1}'.encode("utf-16-le"),
    "UTF-32": '{"a": 1}'.encode("utf-32"),
    "depth of 100,000 arrays": b"[" * 100_000,
    "depth of 100,000 arrays, closed": b"[" * 100_000 + b"]" * 100_000,
    "depth of 100,000 objects": b'{"a":' * 100_000,
    "depth of 100,000 objects, closed": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "depth in a known field": b'{"lines":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    "an object that is not closed": b'{"a": 1',
    "an object without a value": b'{"a":}',
    "an object without a colon": b'{"a" 1}',
    "an object with a comma for a colon": b'{"a", 1}',
    "an object with two colons": b'{"a":: 1}',
    "a key without quotes": b"{a: 1}",
    "a key that is a number": b"{1: 1}",
    "a key that is null": b"{null: 1}",
    "single quotes": b"{'a': 1}",
    "a comma at the end of an object": b'{"a": 1,}',
    "a comma at the end of an array": b"[1,]",
    "two commas": b"[1,,2]",
    "a comma first": b"[,1]",
    "a comma alone": b",",
    "an array that is not closed": b"[1",
    "an array closed as an object": b"[1}",
    "an object closed as an array": b'{"a": 1]',
    "closed twice": b"{}}",
    "closed before it was opened": b"]",
    "two documents": b"{}{}",
    "a document and what follows": b"{} #",
    "a comment of a line": b"{} // end",
    "a comment inside": b'{"a": /* one */ 1}',
    "NaN": b"NaN",
    "-NaN": b"-NaN",
    "Infinity": b"Infinity",
    "-Infinity": b"-Infinity",
    "True": b"True",
    "nul": b"nul",
    "nulll": b"nulll",
    "TRUE in an array": b"[TRUE]",
    "a text that is not closed": b'"abc',
    "a text with a line in it": b'"a\nb"',
    "a text with a tab in it": b'"a\tb"',
    "a text with a NUL in it": b'"a\x00b"',
    "a text with an escape cut off": b'"\\',
    "a text with an unknown escape": b'"\\x41"',
    "a text with half an escape": b'"\\u00A"',
    "a text with an escape of braces": b'"\\u{1F600}"',
    "a text of bytes that are no UTF-8": b'"\xff\xfe"',
    "a text cut off in a letter": b'"\xd0"',
    "a text with an overlong NUL": b'"\xc0\x80"',
    "a text with an overlong slash": b'"\xe0\x80\xaf"',
    "a text with a surrogate in UTF-8": b'"\xed\xa0\x80"',
    "a text beyond Unicode": b'"\xf4\x90\x80\x80"',
    "a text with a lone surrogate": b'"\\ud800"',
    "a leading zero": b"01",
    "a leading plus": b"+1",
    "no digit before the point": b".5",
    "no digit after the point": b"5.",
    "no digit in the exponent": b"1e",
    "two signs": b"--1",
    "hexadecimal": b"0x1F",
    "an underscore in a number": b"1_000",
    "a full-width digit": "１".encode(),
    "a dash alone": b"-",
    "a form feed": b"\x0c{}",
    "a blank that is none": "\u00a0{}".encode(),
    "a word": b"hello",
    "a form": b"a=1&b=2",
    "XML": b'<?xml version="1.0"?><a/>',
    "YAML": b"a: 1\n",
    "gzip": b"\x1f\x8b\x08\x00",
}
"""What no JSON parser may take. A lone surrogate is in the grammar, but is no text."""

ODD: dict[str, bytes] = {
    "null": b"null", "true": b"true", "a number": b"1", "a huge number": b"1e400", "minus nothing": b"-0", "a text": b'"x"',
    "an array": b"[]", "an array of arrays": b"[[], []]", "an object without fields": b"{}", "a key of nothing": b'{"": 1}',
    "a key of NUL": b'{"\\u0000": 1}', "a known key twice": b'{"card": 1, "card": 2}', "__proto__": b'{"__proto__": {}}',
    "a thousand keys": b"{" + b",".join(b'"k%d": 0' % n for n in range(1_000)) + b"}",
    "a key of 100,000 letters": b'{"' + b"k" * 100_000 + b'": 1}',
}  # fmt: skip
"""Documents that are JSON and that no endpoint means."""

NO_NUMBERS = [
    b"01", b"+1", b".5", b"5.", b"1e", b"1e+", b"--1", b"0x1F", b"1_000", b"NaN", b"-NaN", b"Infinity", b"-Infinity", b"1 2",
    "１".encode(), b"1\x00", b"-", b"0b1",
]  # fmt: skip
NUMBERS = [
    b"1e400", b"-1e400", b"1E400", b"1e-400", b"-0", b"-0.0", b"0e0", b"1.5", b"1.0", b"1E2",
    b"9007199254740993", b"9223372036854775807", b"9223372036854775808", b"-9223372036854775809",
    b"123456789012345678901234567890", b"-1" + b"0" * 400, b"1" + b"0" * 5_000, b"0." + b"0" * 1_000 + b"1",
    b"null", b"true", b'"1"', b"[]", b"{}",
]  # fmt: skip
NO_TEXTS = [
    b'"a\x00b"', b'"a\nb"', b'"a\x1bb"', b'"\xff"', b'"\xc0\x80"', b'"\xed\xa0\x80"', b'"\xf4\x90\x80\x80"', b'"\xd0"',
    b'"\\x41"', b'"\\u12"', b'"\\ud800"', b'"\\udc00\\ud800"', b'"\\u{41}"', b"'a'", b'"a', b"a",
]  # fmt: skip
TEXTS = [
    b'""', b'" "', b'"\\u0000"', b'"a\\u0000b"', b'"\\uffff"', b'"\\u202eabc"', b'"\\u001b[31m"', b'"\\ud83d\\ude00"',
    b'"\\u200b"', b'"' + b"x" * 10_000 + b'"', b'"' + "\u0301".encode() * 2_000 + b'"', b"null", b"1e400", b"-0", b"false",
    b"[]", b'{"ru": "\\u0000"}', b'"%00"', b'"../../x"', b'"\'; DROP TABLE member; --"', b'"{{ 7 * 7 }}"',
]  # fmt: skip

NAMES: dict[str, str] = {
    "right to left": "\u202eevil\u202c",
    "bidirectional isolates": "\u2066Иван\u2069",
    "Hebrew": "שלום עולם",
    "Arabic": "مرحبا بالعالم",
    "marks piled up": "Z" + "\u0301\u0302\u0303" * 60,
    "zero width": "П\u200bё\u200cт\u200dр\ufeff",
    "soft hyphens": "Пель\u00adмени",
    "control characters": "Пётр\x00\x07\x08\x7f\x9b",
    "lines": "Пётр\r\nИТОГО 0,00\u2028\u0085\x0b\x0c",
    "a terminal's colours": "\x1b[31mПётр\x1b[0m",
    "a terminal's title": "\x1b]0;owned\x07Пётр",
    "a printer's cutter": "Пётр\x1d\x56\x00",
    "a printer's drawer": "\x1bp\x00\x19\xfaПётр",
    "a printer's code page": "\x1bt\x11Пётр",
    "a family of emoji": "👨\u200d👩\u200d👧\u200d👦 Пётр",
    "a flag": "🇷🇺 Пётр",
    "wide letters": "彼得大帝と猫の物語",
    "half wide": "ﾊﾟﾝ ｹｰｷ",
    "tags": "Пётр\U000e0041\U000e0042",
    "private letters": "\ue000\uf8ff\U0010fffd",
    "no characters": "\ufffe\uffff\U0001ffff",
    "mathematical letters": "𝕻𝖊𝖙𝖊𝖗",
    "10,000 letters": "Ы" * 10_000,
    "10,000 words": "слово " * 1_666,
    "blank": " \t\u00a0\u3000",
    "a template": "{{ fund }} {% raw %} ${x} %s {0}",
    "markup": "<b>Пётр</b>&amp;<script>",
    "quotes": "Пётр «\"'`» \\",
}
"""Names that somebody may have, or may want to see on a receipt."""


def places(document: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every value of a document that is neither object nor array, with the way to it."""
    if isinstance(document, dict | list):
        parts = document.items() if isinstance(document, dict) else enumerate(document)
        for name, part in parts:
            yield from places(part, (*at, name))
    else:
        yield at, document


def with_token(document: Any, at: tuple[Any, ...], token: bytes) -> bytes:
    """The document with these bytes where one of its values stood."""
    mark = "@here@"
    changed = json.loads(json.dumps(document))
    parent = changed
    for name in at[:-1]:
        parent = parent[name]
    parent[at[-1]] = mark
    return json.dumps(changed).encode().replace(json.dumps(mark).encode(), token)


def mangled(document: Any) -> Iterator[bytes]:
    """The document made no JSON: cut off, wrapped, in other encodings, with other bytes where its values stand."""
    plain = json.dumps(document).encode()
    yield from (plain[:end] for end in range(1, len(plain), 1 + len(plain) // 20))
    yield from (plain + tail for tail in (b",", b"]", b"\x00", plain, b"//", b'"'))
    yield from (head + plain for head in (b"\xef\xbb\xbf", b"\x00", b")]}',\n", b"\x1e"))
    yield plain[:-1] + b",}"
    if b'"' in plain:
        yield plain.replace(b'"', b"'")
    yield plain.decode().encode("utf-16")
    yield plain.decode().encode("utf-32-le")
    yield from _filled(document, NO_NUMBERS, NO_TEXTS)


def unmeant(document: Any) -> Iterator[bytes]:
    """The document as JSON with values that nobody means, and with its fields named twice."""
    yield from _filled(document, NUMBERS, TEXTS)
    plain = json.dumps(document).encode()
    for name in document if isinstance(document, dict) else ():
        twice = json.dumps({name: {"a": [0, None]}}).encode()
        yield twice[:-1] + b", " + plain[1:]
        yield plain[:-1] + b", " + twice[1:]


def _filled(document: Any, numbers: list[bytes], texts: list[bytes]) -> Iterator[bytes]:
    """Each token in some places of its kind, in each of them where there are few."""
    ways = list(places(document))
    for tokens, ours in (
        (numbers, [at for at, value in ways if isinstance(value, int)]),
        (texts, [at for at, value in ways if not isinstance(value, int)]),
    ):
        step = max(1, len(ours) // 4)
        for number, at in enumerate(ours):
            yield from (with_token(document, at, token) for token in tokens[number % step :: step])


def spelled(document: Any) -> bytes:
    """The same document with blanks wherever they may stand, and every letter of its names escaped."""
    if isinstance(document, dict):
        fields = (
            b'\r\n"'
            + b"".join(b"\\u%04X" % ord(letter) for letter in name)
            + b'"\t:\n'
            + spelled(value)
            for name, value in document.items()
        )
        return b" { " + b" , ".join(fields) + b"\n} "
    if isinstance(document, list):
        return b" [ " + b"\t,\t".join(map(spelled, document)) + b" ] "
    return json.dumps(document).encode()
