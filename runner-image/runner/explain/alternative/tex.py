"""Mathematical text as it is read aloud."""

from __future__ import annotations

import re
import unicodedata

COMMAND = re.compile(r"\\([a-zA-Z]+)")
SPACE = re.compile(r"\\[,;:! ]|\\quad|\\qquad|~")
ESCAPED = re.compile(r"\\([%#&_$])")
SIGNS = str.maketrans("", "", "${}\\")

#: Commands that only change what follows.
SILENT = frozenset(
    {"mathdefault", "mathrm", "mathbf", "mathit", "mathsf", "mathcal", "mathregular", "text", "left", "right"}
)
SILENT |= {"displaystyle", "bf", "rm", "it", "limits", "operatorname"}

#: What stands for a command.
SYMBOLS = {
    "approx": "≈",
    "cdot": "·",
    "circ": "°",
    "degree": "°",
    "geq": "≥",
    "ge": "≥",
    "in": "∈",
    "infty": "∞",
    "int": "∫",
    "leq": "≤",
    "le": "≤",
    "mp": "∓",
    "nabla": "∇",
    "neq": "≠",
    "ne": "≠",
    "partial": "∂",
    "pm": "±",
    "propto": "∝",
    "prod": "∏",
    "rightarrow": "→",
    "to": "→",
    "sim": "~",
    "sum": "∑",
    "times": "\N{MULTIPLICATION SIGN}",
    "varepsilon": "ε",
    "varphi": "φ",
    "vartheta": "ϑ",
}

#: Marks above a letter.
ACCENTS = {
    "bar": "\N{COMBINING MACRON}",
    "ddot": "\N{COMBINING DIAERESIS}",
    "dot": "\N{COMBINING DOT ABOVE}",
    "hat": "\N{COMBINING CIRCUMFLEX ACCENT}",
    "overline": "\N{COMBINING MACRON}",
    "tilde": "\N{COMBINING TILDE}",
    "vec": "\N{COMBINING RIGHT ARROW ABOVE}",
}

#: One argument in braces that has no braces itself, or one letter or command.
ARGUMENT = r"(?:\{([^{}]*)\}|([^{}\\\s]|\\[a-zA-Z]+))"
FRACTION = re.compile(r"\\[dt]?frac\s*" + ARGUMENT + r"\s*" + ARGUMENT)
ROOT = re.compile(r"\\sqrt\s*(?:\[([^\[\]{}]*)\])?\s*" + ARGUMENT)
ACCENT = re.compile(r"\\(" + "|".join(sorted(ACCENTS)) + r")(?![a-zA-Z])\s*" + ARGUMENT)

#: Constructs within each other that are looked at.
DEPTH = 4


def aloud(text: str) -> str:
    """Return mathematical text without its signs: Greek letters as such, fractions with a slash, no commands."""
    text = SPACE.sub(" ", text)
    for _ in range(DEPTH):
        before = text
        text = FRACTION.sub(lambda found: f"{_side(found[1] or found[2])}/{_side(found[3] or found[4])}", text)
        text = ROOT.sub(lambda found: f"{found[1] or ''}√{_side(found[2] or found[3])}", text)
        text = ACCENT.sub(lambda found: f"{_symbol(found[2] or found[3])}{ACCENTS[found[1]]}", text)
        if text == before:
            break
    text = ESCAPED.sub(r"\1", text.translate({ord("$"): None}) if "\\$" not in text else text)
    return COMMAND.sub(lambda found: _named(found[1]), text).translate(SIGNS)


def _side(argument: str) -> str:
    """Return one side of a fraction, in parentheses if it isn't a single name or number."""
    plain = _symbol(argument)
    return plain if re.fullmatch(r"[\w.°∞]*", plain) else f"({plain})"


def _symbol(argument: str) -> str:
    return COMMAND.sub(lambda found: _named(found[1]), argument)


def _named(name: str) -> str:
    """Return what a command stands for: a letter, a symbol, nothing; its own name, if it is another."""
    if name in SILENT:
        return ""
    if name in SYMBOLS:
        return SYMBOLS[name]
    case = "CAPITAL" if name[0].isupper() else "SMALL"
    try:
        return unicodedata.lookup(f"GREEK {case} LETTER {name.upper()}")
    except KeyError:
        return name
