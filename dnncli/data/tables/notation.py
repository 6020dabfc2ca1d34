"""How numbers and dates are written in text: with separators, units, and the day before the month.

A notation is kept in a column's encoding, so that new rows are read as the training table was.
"""

import re
from datetime import datetime

POINT = "point"  # 1,234.5: commas, blanks or apostrophes between thousands; or 12,34,567
COMMA = "comma"  # 1.234,5
MULTIPLES = "multiples"  # 1.2K, 3M, 4B
CLOCK = "clock"  # 18:30, in the unit of the first part: 18.5
LONG_CLOCK = "long clock"  # 1:02:30
NUMBERS = (POINT, COMMA, MULTIPLES, CLOCK, LONG_CLOCK)
DAY_FIRST = "day-first"
MONTH_FIRST = "month-first"
BY_MONTH = "by month"
AFFIX = r"[$€£¥₹%°]|[A-Z]{0,2}\$|usd|eur|gbp|chf|jpy|inr|rs\.?|kr\.?"
UNIT = "[A-Zµ]{1,12}(?:/[A-Z]{1,5})?[²³]?"  # kg, km/h: a column has one, or none; see `unit`
GROUP = "['’ \u00a0\u202f]"
BODIES = {
    POINT: rf"(?:\d{{1,3}}(?:(?:,|{GROUP})\d{{3}})+|\d{{1,2}}(?:,\d\d)+,\d{{3}}|\d+)(?:\.\d*)?"
    r"|\.\d+",
    COMMA: rf"(?:\d{{1,3}}(?:(?:\.|{GROUP})\d{{3}})+|\d+)(?:,\d*)?|,\d+",
}
PATTERNS = {
    name: rf"(?i)[-+−(]?\s*(?:{AFFIX})?\s*[-+−]?\s*(?:{body})\s*(?:{AFFIX}|{UNIT})?\s*[-)]?"
    for name, body in BODIES.items()
}
SCIENTIFIC = r"[-+]?\d*,?\d+[eE][-+]?\d+"  # with a decimal comma
POWERS = {"k": 1e3, "m": 1e6, "b": 1e9}
PATTERNS |= {
    MULTIPLES: rf"[-+−]?\s*(?:{AFFIX})?\s*(?:\d+(?:\.\d*)?|\.\d+)\s*[KMBkm]?",
    CLOCK: r"[-+]?\d+:[0-5]\d",
    LONG_CLOCK: r"[-+]?\d+:[0-5]\d:[0-5]\d(?:\.\d+)?",
}
UNITLESS = "[-+−()0-9.,'’ \u00a0\u202f]"  # what a number has besides its unit
DATES = {
    DAY_FIRST: (
        *("%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y", "%d/%m/%y", "%d-%m-%y", "%d.%m.%y"),
        *("%d-%b-%y", "%d-%b-%Y", "%d %b %Y", "%d %b %y", "%d %B %Y", "%d-%B-%Y", "%d%b%Y"),
        *("%d. %B %Y", "%a, %d %b %Y", "%d/%b/%Y"),
    ),
    MONTH_FIRST: (
        *("%m/%d/%Y", "%m-%d-%Y", "%m.%d.%Y", "%m/%d/%y", "%m-%d-%y", "%m.%d.%y"),
        *("%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%B %d %Y", "%b-%d-%Y"),
    ),
    "year first": ("%Y/%m/%d", "%Y.%m.%d", "%Y %b %d"),
    BY_MONTH: ("%Y-%m", "%m/%Y", "%b-%y", "%b-%Y", "%b %Y", "%B %Y", "%Y %b"),
}
CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", "T%H:%M:%S", ", %H:%M:%S")
TIMES = {
    date + clock: order for order, dates in DATES.items() for date in dates for clock in CLOCKS
}
# Words and marks that stand for a missing value where all else in a column is a number or a date.
MARKS = (
    *("-", "--", "---", "—", ".", "..", "...", "*", "n.a.", "n.d.", "none", "nil", "missing"),
    *("unknown", "not available", "undefined", "#value!", "#div/0!", "#ref!", "#null!", "k.a."),
)


def is_known(format_: str) -> bool:
    """Whether a checkpoint's format is one of ours; it becomes a part of SQL."""
    return format_ in ("", *NUMBERS) or format_ in TIMES


def is_number(text: str, format_: str) -> bool:
    """Whether a text is a number in a format; empty: as programs write it."""
    if format_ and re.fullmatch(PATTERNS[format_], text):
        return True
    if format_ == COMMA:
        return bool(re.fullmatch(SCIENTIFIC, text))
    if format_ in (CLOCK, LONG_CLOCK):
        return False
    try:
        float(text)
    except ValueError:
        return False
    return True


def is_multiple(text: str) -> bool:
    """Whether a text can only be a multiple, as 1.2K; 12B may be a house."""
    return bool(re.search(r"\.\d+\s*[KMBkm]$", text))


def is_time(text: str, format_: str) -> bool:
    """Whether a text is a date in a format."""
    try:
        datetime.strptime(text, format_)
    except ValueError:
        return False
    return True


def expression(quoted: str, format_: str) -> str:
    """SQL of a text column's value: a DOUBLE, or for a date a TIMESTAMP; null where it has none."""
    if format_ in TIMES:
        return f"try_strptime({quoted}, {_literal(format_)})"
    if format_ == "":
        return f"TRY_CAST({quoted} AS DOUBLE)"
    if format_ in (CLOCK, LONG_CLOCK):
        return _clock(quoted, format_)
    if format_ == MULTIPLES:
        return f"coalesce(TRY_CAST({quoted} AS DOUBLE), {_multiple(quoted)})"
    written = _written(quoted, format_)
    if format_ == POINT:
        return f"coalesce(TRY_CAST({quoted} AS DOUBLE), {written})"
    power = f"TRY_CAST(replace({quoted}, ',', '.') AS DOUBLE)"
    return f"CASE WHEN {_matches(quoted, SCIENTIFIC)} THEN {power} ELSE {written} END"


def unit(quoted: str, format_: str) -> str:
    """SQL of what a text has besides a number, in lower case; empty where a format has no unit."""
    if format_ not in (POINT, COMMA, MULTIPLES):
        return "''"
    ending = "[KMBkm]" if format_ == MULTIPLES else "[eE][-+]?[0-9]+"
    plain = f"regexp_replace({quoted}, '{ending}$', '')"
    return f"lower(regexp_replace({plain}, {_literal(UNITLESS)}, '', 'g'))"


def is_currency(unit: str) -> bool:
    """Whether a unit may stand at some numbers of a column and not at others."""
    return unit != "%" and bool(re.fullmatch(rf"(?i){AFFIX}", unit))


def _written(quoted: str, format_: str) -> str:
    """SQL of a number with separators and a unit."""
    mark = "," if format_ == COMMA else "."
    amount = f"regexp_replace({quoted}, '[A-Za-z]+\\.?', '', 'g')"
    digits = f"replace(regexp_replace({amount}, '[^0-9{mark}]', '', 'g'), '{mark}', '.')"
    sign = f"CASE WHEN regexp_matches({quoted}, '[-−(]') THEN -1 ELSE 1 END"
    fits = _matches(quoted, PATTERNS[format_])
    return f"CASE WHEN {fits} THEN {sign} * TRY_CAST({digits} AS DOUBLE) END"


def _multiple(quoted: str) -> str:
    """SQL of a number of thousands, millions or billions."""
    power = f"lower(regexp_extract({quoted}, '[KMBkm]$'))"
    cases = " ".join(f"WHEN '{letter}' THEN {value}" for letter, value in POWERS.items())
    number = f"CASE {power} {cases} ELSE 1 END * {_written(quoted, POINT)}"
    return f"CASE WHEN {_matches(quoted, PATTERNS[MULTIPLES])} THEN {number} END"


def _clock(quoted: str, format_: str) -> str:
    """SQL of a time of day or a duration, in the unit of its first part."""
    parts = f"string_split(regexp_replace({quoted}, '[-+]', ''), ':')"
    terms = [f"TRY_CAST({parts}[{n + 1}] AS DOUBLE) / {60**n}" for n in range(3)]
    count = 2 if format_ == CLOCK else 3
    value = " + ".join(terms[:count])
    sign = f"CASE WHEN {quoted} LIKE '-%' THEN -1 ELSE 1 END"
    return f"CASE WHEN {_matches(quoted, PATTERNS[format_])} THEN {sign} * ({value}) END"


def _matches(quoted: str, pattern: str) -> str:
    """SQL of whether a text has a form."""
    return f"regexp_full_match({quoted}, {_literal(pattern)})"


def shown(text: str, format_: str) -> str:
    """The value of a text, to show how it is read."""
    if format_ in TIMES:
        return datetime.strptime(text, format_).isoformat(" ").removesuffix(" 00:00:00")
    if format_ in (CLOCK, LONG_CLOCK, MULTIPLES):
        return f"{_value(text, format_):g}"
    mark = "," if format_ == COMMA else "."
    if format_ == COMMA and re.fullmatch(SCIENTIFIC, text):
        return text.replace(",", ".")
    amount = re.sub(r"[A-Za-z]+\.?", "", text)
    digits = re.sub(rf"[^0-9{mark}]", "", amount).replace(mark, ".")
    return f"-{digits}" if re.search("[-−(]", text) else digits


def _value(text: str, format_: str) -> float:
    """A clock's or a multiple's number."""
    if format_ == MULTIPLES:
        power = POWERS.get(text[-1].lower(), 1.0)
        return power * float(shown(text, POINT))
    parts = [float(part) for part in text.lstrip("+-").split(":")]
    value = sum(part / 60**place for place, part in enumerate(parts))
    return -value if text.startswith("-") else value


def _literal(text: str) -> str:
    """A string in SQL."""
    return "'" + text.replace("'", "''") + "'"
