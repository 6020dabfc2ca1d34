"""What is odd about a text file that holds a table, found from its first lines.

DuckDB reads ordinary CSV. Here files are recognised that it does not read, or reads wrong: values
between runs of blanks, titles and comments, lines that end with a delimiter or are quoted as a
whole, line ends of several kinds. `rewriting` then makes ordinary CSV of them.
"""

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

DELIMITERS = ",;\t|"
BLANKS = " "  # stands for runs of blanks and tabs between values
COMMENTS = ("#", "%", "//")
MOST_LINES = 200  # that are looked at
REGULAR = 0.9  # share of lines that have as many fields as most
WORDS = re.compile(r'(?:"[^"]*"|\S)+')


@dataclass(frozen=True)
class TextForm:
    """What to do to a text file before DuckDB reads it.

    above: lines above the table. comment: what lines start with that are left out. header: the
    comment that names the columns, and stays. delimiter: found here, or BLANKS; empty: DuckDB
    finds it.
    wrapped: every line is one quoted field that holds the others. trailing: every line ends with so
    many delimiters that separate nothing. row_names: rows start with a name for which the header
    line has no column.
    line_ends: they are of several kinds. unquoted: quotes between tabs are letters like others.
    cut: the last line ends before its row does. single_quotes: values stand in single quotes.
    """

    above: tuple[str, ...] = ()
    comment: str = ""
    header: str = ""
    delimiter: str = ""
    wrapped: bool = False
    trailing: int = 0
    row_names: bool = False
    line_ends: bool = False
    unquoted: bool = False
    cut: bool = False
    single_quotes: bool = False

    @property
    def ordinary(self) -> bool:
        """Whether DuckDB can read the file as it is."""
        odd = (
            *(self.above, self.comment, self.wrapped, self.trailing, self.row_names),
            *(self.line_ends, self.unquoted, self.cut, self.single_quotes),
            self.delimiter == BLANKS,
        )
        return not any(odd)


def fields(line: str, delimiter: str) -> list[str]:
    """A line's fields; a quoted one may go over several lines."""
    if delimiter == BLANKS:
        return WORDS.findall(line)
    return next(csv.reader(line.splitlines(keepends=True), delimiter=delimiter), [])


def detect(head: str, delimiter: str | None = None) -> TextForm:
    """The form of a file that starts with `head`; `delimiter`: what --delimiter says."""
    lines = [line for line in head.splitlines()[:MOST_LINES] if line.strip()]
    if not lines:
        return TextForm()
    wrapped = delimiter is None and _wrapped(lines)
    if wrapped:
        lines = [unwrapped(line) for line in lines]
    comment = _comment(lines)
    table = _without_comments(lines, comment)
    found = delimiter or _delimiter(table)
    if found in ("", BLANKS) and len(joined := _records(lines)) < len(lines):
        table = _without_comments(joined, comment)
        found = delimiter or _delimiter(table)
    if not found or not table:
        return TextForm(wrapped=wrapped)
    counts = [len(fields(line, found)) for line in table]
    above = _above(table, counts, found)
    if found == BLANKS and _ends_with_names(above, table):
        del above[-1]
    rows = [fields(line, found) for line in table[len(above) :]]
    return TextForm(
        above=tuple(above),
        comment=comment,
        header=_header(lines, comment, found, rows),
        delimiter=found,
        wrapped=wrapped,
        trailing=(found != BLANKS) * _trailing(rows),
        single_quotes=found != BLANKS and _single_quotes(table, found),
        row_names=_row_names(rows),
    )


def _without_comments(lines: Sequence[str], comment: str) -> list[str]:
    """The lines that do not start with the mark of comments, where there is one."""
    return [line for line in lines if not comment or not line.lstrip().startswith(comment)]


def _records(lines: Sequence[str]) -> list[str]:
    """The lines with those as one that a quoted field goes over; the last one may be cut."""
    found: list[str] = []
    inside = False
    for line in lines:
        if inside:
            found[-1] += "\n" + line
        else:
            found.append(line)
        inside ^= line.count('"') % 2 == 1
    return found[:-1] if inside else found


def mixed_line_ends(data: bytes) -> bool:
    """Whether some lines end with a return, a feed or both, and others do not."""
    both = data.count(b"\r\n")
    returns = data.count(b"\r") - both
    feeds = data.count(b"\n") - both
    return sum(map(bool, (both, returns, feeds))) > 1


def is_cut(text: str, form: TextForm, closed: bool) -> bool:
    """Whether a file's last line has too few fields, and no line end or an open quote.

    closed: whether the whole file has as many quotes that open as quotes that close.
    """
    lines = text.splitlines()
    if len(lines) < 3 or form.delimiter in ("", BLANKS):
        return False
    ends = lines[-2:]
    if form.wrapped:
        ends = list(map(unwrapped, ends))
    before = len(fields(ends[0], form.delimiter))
    last = len(fields(ends[1], form.delimiter))
    odd = ends[1].count('"') % 2 == 1
    if odd and closed and not form.wrapped:  # the end of a field of several lines
        return False
    ended = text.endswith(("\n", "\r")) and not odd
    return not ended and 0 < last < before


def has_lone_quotes(text: str) -> bool:
    """Whether quotes between tabs are letters: lines are rows although some quotes stand alone."""
    lines = [line for line in text.splitlines() if line]
    alone = any(line.count('"') % 2 for line in lines)
    return alone and len({line.count("\t") for line in lines}) == 1


def unwrapped(line: str) -> str:
    """The line that is quoted as one field, as it was before."""
    cells = fields(line, ",")
    return cells[0] if len(cells) == 1 else line


def _wrapped(lines: Sequence[str]) -> bool:
    """Whether every line is one quoted field that holds others."""
    if not all(line.startswith('"') and line.rstrip().endswith('"') for line in lines):
        return False
    inner = [fields(line, ",") for line in lines]
    if any(len(cells) != 1 for cells in inner):
        return False
    found = _delimiter([cells[0] for cells in inner])
    return found not in ("", BLANKS) and _delimiter(lines) in ("", BLANKS)


def _comment(lines: Sequence[str]) -> str:
    """What lines start with that are comments: the first line does, but most others do not."""
    for mark in COMMENTS:
        marked = sum(line.lstrip().startswith(mark) for line in lines)
        if marked and marked < len(lines) / 2 and lines[0].lstrip().startswith(mark):
            return mark
    return ""


def _delimiter(lines: Sequence[str]) -> str:
    """The delimiter that gives nearly all lines the same number of fields, at least 2; or none."""
    regular = {mark: _regularity(lines, mark) for mark in (*DELIMITERS, BLANKS)}
    visible = [mark for mark in DELIMITERS if regular[mark] >= REGULAR]
    if not visible:
        return BLANKS if len(lines) > 2 and _between_blanks(lines) else ""
    if visible == ["\t"] and _between_blanks(lines) and not _only_tabs(lines, regular["\t"]):
        return BLANKS
    # Between semicolons or tabs a comma can be a decimal comma, hardly the reverse.
    return next((mark for mark in ";\t|" if mark in visible and regular[mark] == 1), visible[0])


def _only_tabs(lines: Sequence[str], regular: float) -> bool:
    """Whether tabs alone separate values: regularly, and without runs of blanks beside them."""
    return regular == 1 and not all("  " in line for line in lines)


def _between_blanks(lines: Sequence[str]) -> bool:
    """Whether all lines have the same number of words, at least 2, titles at the top aside."""
    counts = [len(fields(line, BLANKS)) for line in lines]
    usual = counts[-1]
    first = counts.index(usual)
    return usual > 1 and first < len(lines) / 4 and set(counts[first:]) == {usual}


def _regularity(lines: Sequence[str], delimiter: str) -> float:
    """The share of lines with the commonest number of fields; 0 where that is 1."""
    counts = Counter(len(fields(line, delimiter)) for line in lines)
    if not counts:
        return 0.0
    number, share = counts.most_common(1)[0]
    return share / len(lines) if number > 1 else 0.0


def _above(lines: Sequence[str], counts: Sequence[int], delimiter: str) -> list[str]:
    """Titles above the table: lines of one field, before those that have as many as most."""
    usual, _ = Counter(counts).most_common(1)[0]
    above: list[str] = []
    for line, count in zip(lines, counts, strict=True):
        full = sum(bool(cell.strip()) for cell in fields(line, delimiter))
        short = 2 * count <= usual or bool(above)
        irregular = count != usual and (short or delimiter == BLANKS)
        if count > 1 and not irregular and (full > 1 or usual == 2):
            break
        above.append(line)
    return above if len(above) < len(lines) / 2 else []


def _ends_with_names(above: Sequence[str], lines: Sequence[str]) -> bool:
    """Whether the last line above a table between blanks names all columns but that of row names.

    R quotes all of them; a title of so many words does not.
    """
    if not above or not all(cell.startswith('"') for cell in fields(above[-1], BLANKS)):
        return False
    return _row_names([fields(line, BLANKS) for line in lines[len(above) - 1 :]])


def _header(
    lines: Sequence[str], comment: str, delimiter: str, rows: Sequence[Sequence[str]]
) -> str:
    """The last comment above the table where it names the columns of a table that has numbers."""
    if not comment or not rows:
        return ""
    above = list(takewhile(lambda line: line.lstrip().startswith(comment), lines))
    text = above[-1].lstrip().removeprefix(comment).strip()
    names = fields(text, delimiter)
    numbers = any(map(is_number, rows[0]))
    named = not any(map(is_number, names))
    return text if len(names) == len(rows[0]) and numbers and named else ""


def _trailing(rows: Sequence[Sequence[str]]) -> int:
    """How many delimiters every line ends with that separate nothing."""
    body = rows[1:] or rows
    empty = min(_empty_at_end(row) for row in body)
    first = rows[0]
    named = len(first) - _empty_at_end(first)
    kept = len(body[0]) - empty
    return empty if empty and kept > 1 and named == kept else 0


def _empty_at_end(row: Sequence[str]) -> int:
    """How many of a row's last values are empty."""
    return len(list(takewhile(lambda cell: not cell.strip(), reversed(row))))


def _single_quotes(lines: Sequence[str], delimiter: str) -> bool:
    """Whether values stand in single quotes, on every line at least one."""
    if any('"' in line for line in lines):
        return False
    quoted = re.compile(rf"(?:^|{re.escape(delimiter)})\s*'[^']*'\s*(?:{re.escape(delimiter)}|$)")
    return all(quoted.search(line) for line in lines)


def _row_names(rows: Sequence[Sequence[str]]) -> bool:
    """Whether rows have a name in front for which the header line has no column, as R writes."""
    if len(rows) < 3 or len(rows[0]) < 2:
        return False
    body = rows[1:]
    names = [row[0] for row in body]
    longer = all(len(row) == len(rows[0]) + 1 for row in body)
    trailing = all(not row[-1].strip() for row in body)
    return longer and not trailing and len(set(names)) == len(names)


def is_number(text: str) -> bool:
    """Whether a text is a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True
