"""Names that people read, of a fund, a product, a programme: by language and grammatical case.

Whoever writes a name may be careless or hostile, so this is also where a text is made fit to be read and
printed: one line, nothing invisible, nothing that turns the direction of what follows.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import AfterValidator, PlainValidator, WithJsonSchema

LANGUAGES = ("ru", "en")
"""Every language that receipts are written in; a missing one is looked for in this order."""


def _known(language: str) -> str:
    if language not in LANGUAGES:
        raise ValueError(f"write one of {', '.join(LANGUAGES)}")
    return language


Language = Annotated[
    str, AfterValidator(_known), WithJsonSchema({"type": "string", "enum": [*LANGUAGES]})
]
"""For documents: one of `LANGUAGES`."""

CASES = ("nominative", "genitive", "dative", "accusative", "instrumental", "prepositional")

_ORDER = {key: place for place, key in enumerate((*LANGUAGES, *CASES))}

MAX_LENGTH = 200
"""Characters of one readable text, counted as they are stored (NFC)."""

NBSP = "\u00a0"

PLAIN = (
    "!-~\u00a1-\u00ac\u00ae-\u02ff\u0400-\u0482\u048a-\u052f"
    "\u2010-\u2015\u2018-\u201e\u2026\u2030\u2039\u203a\u20a0-\u20bf\u2116\u2122\u2212"
)
"""Inside a character class: visible, one column wide each, and not touched by `clean`. Most names are all of these."""

# NFC first: a few plain letters compose with what may follow them, but marks are not plain.
_TIDY = re.compile(f"[{PLAIN}]+(?:[ {NBSP}][{PLAIN}]+)*")
_PRINTABLE = re.compile(f"[{PLAIN} {NBSP}]*")
_GAP = re.compile(f"{NBSP}* [ {NBSP}]*")
_LONG_GLUE = re.compile(f"{NBSP}+")

# Default_Ignorable_Code_Point (Unicode 17, DerivedCoreProperties.txt) as far as its general category does
# not say so already, and the blank braille cell: letters and marks that print nothing.
_BLANK = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
    + "".join(map(chr, [*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)]))
)
_MAX_MARKS = 4
"""Combining marks on one letter; scripts of the world do with fewer, more only smear over other lines."""


def clean(text: str) -> str:
    """`text` with all that cannot be printed left out: control, format, unassigned and blank characters.

    White space of any kind becomes one space between words, except that a no-break space stays. Marks stay on their
    letter, as many as scripts need. At most `MAX_LENGTH` characters are kept. May return "". Cleaning twice
    changes nothing more.
    """
    if len(text) <= MAX_LENGTH and _TIDY.fullmatch(text):
        return text
    kept: list[str] = []
    marks = _MAX_MARKS
    for char in unicodedata.normalize("NFC", text[: 4 * MAX_LENGTH]):
        shown = _shown(char)
        if not shown or (not kept and shown in {" ", NBSP}):
            continue
        marks = marks + 1 if unicodedata.category(char)[0] == "M" else 0
        if marks <= _MAX_MARKS:
            kept.append(shown)
    told = _tidied(unicodedata.normalize("NFC", "".join(kept)))
    return _tidied(told[:MAX_LENGTH])


def _tidied(text: str) -> str:
    return _LONG_GLUE.sub(NBSP, _GAP.sub(" ", text)).strip(" " + NBSP)


def _shown(char: str) -> str:
    """What stands for `char` on paper: itself, a kind of space, or nothing."""
    category = unicodedata.category(char)
    if char in "\u00a0\u2007\u202f":
        return NBSP
    if category[0] == "Z" or char in "\t\n\v\f\r\x85":
        return " "
    if category[0] == "C" or char in _BLANK:
        return ""
    return char


def tidy(text: str) -> str:
    """`text` in NFC with its white space as in `clean`, nothing else left out."""
    if _TIDY.fullmatch(text):
        return text
    spaced = "".join(_shown(char) or char for char in text)
    return _tidied(unicodedata.normalize("NFC", spaced))


def unprintable(text: str) -> tuple[int, str] | None:
    """The place of the first character that cannot stand in one printed line, and which it is; else None."""
    if _PRINTABLE.fullmatch(text):
        return None
    for place, char in enumerate(text):
        if not _shown(char) or unicodedata.category(char) in {"Cc", "Zl", "Zp"}:
            known_as = unicodedata.name(char, "a control or unassigned character")
            return place, f"contains U+{ord(char):04X} ({known_as}), which cannot be printed"
    return None


def smeared(text: str) -> str:
    """Says so if marks of `text` smear: more on a letter than any script needs, or on what stands before the text."""
    if text and unicodedata.category(text[0])[0] == "M":
        return (
            f"begins with a combining mark (U+{ord(text[0]):04X}), which has no letter to stand on"
        )
    marks = 0
    for char in text if not _PRINTABLE.fullmatch(text) else "":
        marks = marks + 1 if unicodedata.category(char)[0] == "M" else 0
        if marks > _MAX_MARKS:
            return f"has more than {_MAX_MARKS} combining marks on one letter"
    return ""


def readable(text: str) -> str:
    """`text` tidied; raises `ValueError` with the reason if that does not make it printable in one line."""
    if len(text) <= MAX_LENGTH and _TIDY.fullmatch(text):
        return text
    if len(text) > 4 * MAX_LENGTH:
        raise ValueError(f"is longer than {MAX_LENGTH} characters: shorten it")
    if fault := unprintable(text):
        raise ValueError(f"{fault[1]}; leave it out")
    told = tidy(text)
    if not told:
        raise ValueError("is empty: write a text")
    if len(told) > MAX_LENGTH:
        raise ValueError(f"is longer than {MAX_LENGTH} characters: shorten it")
    if smear := smeared(told):
        raise ValueError(f"{smear}: leave marks out")
    return told


Readable = Annotated[str, AfterValidator(readable)]
"""For documents: one line of 1 to `MAX_LENGTH` printable characters, such as a person's first name."""


@dataclass(frozen=True, slots=True)
class Name:
    """A name in its languages and cases. Made by `Name.of`; equal when the same forms were given."""

    given: tuple[tuple[str, str, str], ...]
    """(language, case, text), in the order of `LANGUAGES` and `CASES`: what the document says, no more."""
    _forms: dict[str, dict[str, str]] = field(init=False, repr=False, compare=False)
    _told: frozenset[tuple[str, str]] = field(init=False, repr=False, compare=False)
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Fill every language and case once, so that `form` is a look-up; so is the hash."""
        own: dict[str, dict[str, str]] = {
            language: dict.fromkeys(CASES, text)
            for language, case, text in self.given
            if case == CASES[0]
        }
        for language, case, text in self.given:
            own[language][case] = text
        first = next(language for language in LANGUAGES if language in own)
        forms = {language: own.get(language, own[first]) for language in LANGUAGES}
        object.__setattr__(self, "_forms", forms)
        told = frozenset([(language, case) for language, case, _ in self.given])
        object.__setattr__(self, "_told", told)
        object.__setattr__(self, "_hash", hash(self.given))

    def __hash__(self) -> int:
        """Worked out once: sentences are remembered by the names in them."""
        return self._hash

    @classmethod
    def of(cls, document: object) -> "Name":
        """The name that a document gives; raises `ValueError` as `read_document` does."""
        checked = read_document(document)
        if isinstance(checked, str):
            return cls(tuple((language, CASES[0], checked) for language in LANGUAGES))
        told: list[tuple[str, str, str]] = []
        for language, forms in checked.items():
            cases = {CASES[0]: forms} if isinstance(forms, str) else forms
            told.extend((language, case, text) for case, text in cases.items())
        return cls(tuple(sorted(told, key=lambda form: (_ORDER[form[0]], _ORDER[form[1]]))))

    def form(self, language: str, case: str = "nominative") -> str:
        """The name in `language`, else in the first of `LANGUAGES` it has; a missing case is the nominative."""
        return self._forms[language][case]

    def has(self, language: str, case: str) -> bool:
        """Whether that very form was given, so that `form` has not filled it in."""
        return (language, case) in self._told


def read_document(document: object) -> str | dict[str, str | dict[str, str]]:
    """The document, checked and in NFC: a string, {language: string} or {language: {case: string}}.

    Raises `ValueError` that starts with the place of the fault, such as "ru.genitive: is empty".
    """
    if isinstance(document, str):
        return readable(document)
    languages = _members(document, LANGUAGES, "")
    return {language: _cases(forms, language) for language, forms in languages.items()}


def _cases(forms: object, language: str) -> str | dict[str, str]:
    if isinstance(forms, str):
        return _readable_at(forms, language)
    cases = _members(forms, CASES, language)
    if CASES[0] not in cases:
        raise ValueError(f"{language}: the {CASES[0]} is missing: add it")
    return {case: _readable_at(text, f"{language}.{case}") for case, text in cases.items()}


def _readable_at(text: object, place: str) -> str:
    if not isinstance(text, str):
        raise ValueError(f"{place}: write a string")  # noqa: TRY004 - Pydantic reports only ValueError
    try:
        return readable(text)
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None


def _members(document: object, known: tuple[str, ...], place: str) -> Mapping[str, Any]:
    at = f"{place}: " if place else ""
    if not isinstance(document, Mapping) or not document:
        wanted = ", ".join(known)
        raise ValueError(f"{at}write a string, or an object with some of {wanted}")
    for key in document:
        if key not in known:
            raise ValueError(f"{at}unknown {key!r}; use some of {', '.join(known)}")
    return document


_TEXT_SCHEMA: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": MAX_LENGTH}
_CASES_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": dict.fromkeys(CASES, _TEXT_SCHEMA),
    "required": [CASES[0]],
    "additionalProperties": False,
}
_SCHEMA: dict[str, Any] = {
    "description": "A name people read: for all languages, by language, or by language and grammatical case.",
    "anyOf": [
        _TEXT_SCHEMA,
        {
            "type": "object",
            "properties": {key: {"anyOf": [_TEXT_SCHEMA, _CASES_SCHEMA]} for key in LANGUAGES},
            "minProperties": 1,
            "additionalProperties": False,
        },
    ],
}

NameDocument = Annotated[
    str | dict[str, str | dict[str, str]], PlainValidator(read_document), WithJsonSchema(_SCHEMA)
]
"""For documents: a name as somebody wrote it, checked. `Name.of` makes the value that receipts use."""
