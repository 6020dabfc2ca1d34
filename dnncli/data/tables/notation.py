"""How numbers and dates are written in text: with separators, units, and the day before the month.

A notation is kept in a column's encoding, so that new rows are read as the training table was.
"""

import re
from datetime import datetime

POINT = "point"  # 1,234.5: commas, blanks or apostrophes between thousands
COMMA = "comma"  # 1.234,5
NUMBERS = (POINT, COMMA)
DAY_FIRST = "day-first"
MONTH_FIRST = "month-first"
AFFIX = r"[$€£¥₹%°]|[A-Z]{0,2}\$|usd|eur|gbp|chf|jpy|inr|rs\.?|kr\.?"
GROUP = "['’ \u00a0\u202f]"
BODIES = {
    POINT: rf"(?:\d{{1,3}}(?:(?:,|{GROUP})\d{{3}})+|\d+)(?:\.\d*)?|\.\d+",
    COMMA: rf"(?:\d{{1,3}}(?:(?:\.|{GROUP})\d{{3}})+|\d+)(?:,\d*)?|,\d+",
}
PATTERNS = {
    name: rf"(?i)[-+−(]?\s*(?:{AFFIX})?\s*[-+−]?\s*(?:{body})\s*(?:{AFFIX})?\s*[-)]?"
    for name, body in BODIES.items()
}
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
    try:
        float(text)
    except ValueError:
        return False
    return format_ != COMMA


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
    mark = "." if format_ == POINT else ","
    amount = f"regexp_replace({quoted}, '[A-Za-z]+\\.?', '', 'g')"
    digits = f"replace(regexp_replace({amount}, '[^0-9{mark}]', '', 'g'), '{mark}', '.')"
    sign = f"CASE WHEN regexp_matches({quoted}, '[-−(]') THEN -1 ELSE 1 END"
    fits = f"regexp_full_match({quoted}, {_literal(PATTERNS[format_])})"
    written = f"CASE WHEN {fits} THEN {sign} * TRY_CAST({digits} AS DOUBLE) END"
    return f"coalesce(TRY_CAST({quoted} AS DOUBLE), {written})" if format_ == POINT else written


def shown(text: str, format_: str) -> str:
    """The value of a text, to show how it is read."""
    if format_ in TIMES:
        return datetime.strptime(text, format_).isoformat(" ").removesuffix(" 00:00:00")
    mark = "," if format_ == COMMA else "."
    amount = re.sub(r"[A-Za-z]+\.?", "", text)
    digits = re.sub(rf"[^0-9{mark}]", "", amount).replace(mark, ".")
    return f"-{digits}" if re.search("[-−(]", text) else digits


def _literal(text: str) -> str:
    """A string in SQL."""
    return "'" + text.replace("'", "''") + "'"
