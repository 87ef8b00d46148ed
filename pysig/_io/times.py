"""Columns of times as text: numbers or ISO 8601 dates.

Times stay exact until they are subtracted: integers are int64, dates are datetime64[ns] in UTC.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

DATE = re.compile(
    r"(?P<year>\d{4})(?P<dash>-?)(?P<month>\d\d)(?P=dash)(?P<day>\d\d)"
    r"(?:[T ](?P<hour>\d\d)(?P<colon>:?)(?P<minute>\d\d)"
    r"(?:(?P=colon)(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,9}))?)?"
    r"(?P<zone>Z|[+-]\d\d(?::?\d\d)?)?)?"
)
ZONE = re.compile(r"[+-]\d\d:\d\d")
INTEGER = re.compile(r"[+-]?\d{1,18}")
FIRST_YEAR, LAST_YEAR = 1678, 2261  # whole years that int64 nanoseconds since 1970 cover
COMPACT_YEARS = range(1900, 2100)  # eight digits are a date if the year is one of these


class TimeColumn:
    """The times of one column. The first one decides whether they are numbers or dates, and whether
    dates have a time zone. `zone` is that of the first one, such as "+01:00" or "Z".
    """

    def __init__(self) -> None:
        self.dates: bool | None = None
        self.zoned: bool | None = None
        self.zone: str | None = None

    def parse(self, texts: Sequence[str]) -> NDArray[Any]:
        """All times at once, int64, float64 or datetime64[ns]; ValueError for anything unusual."""
        if self.dates is None and texts:
            self.dates = is_date(texts[0].strip())
        if not self.dates:
            return numbers(texts)
        if self.zoned:
            raise ValueError
        found = dates(texts)
        self.zoned = False
        return found

    def one(self, text: str) -> Any:
        """One time; a ValueError states what is wrong with it."""
        text = text.strip()
        if not text or text.lower() in ("nat", "nan"):
            raise ValueError(f"the time is missing{f' ({text!r})' if text else ''}")
        dated, numeric = is_date(text), is_number(text)
        if self.dates is None:
            self.dates = dated
        if not self.dates and numeric:
            return int(text) if INTEGER.fullmatch(text) else finite(text)
        if self.dates and dated:
            self._check_zone(text)
            return moment(text)
        if dated or numeric:
            found, before = ("a date", "numbers") if dated else ("a number", "dates")
            raise ValueError(f"{text!r} is {found}, but the times before it are {before}")
        raise ValueError(
            f"{text!r} is not a time; expected a number or a date like 2024-01-31T09:30:00"
        )

    def _check_zone(self, text: str) -> None:
        match = DATE.fullmatch(text)
        assert match is not None
        zone = match["zone"]
        if self.zoned is None:
            self.zoned = zone is not None
            self.zone = None if zone is None else _colon(zone)
        if self.zoned != (zone is not None):
            found, before = ("no", "one") if zone is None else ("a", "none")
            raise ValueError(
                f"{text!r} has {found} time zone, but the times before it have {before}; give all "
                "times a time zone, or none"
            )


def _colon(zone: str) -> str:
    """A time zone as +01:00 or Z."""
    if zone == "Z":
        return zone
    digits = zone.replace(":", "")[1:].ljust(4, "0")
    return f"{zone[0]}{digits[:2]}:{digits[2:]}"


def numbers(texts: Sequence[str]) -> NDArray[Any]:
    """Numbers; int64 if all are integers, so that their differences are exact."""
    if any("_" in text for text in texts):  # Python reads 1_000
        raise ValueError
    try:
        return np.array(list(map(int, texts)), dtype=np.int64)
    except (ValueError, OverflowError):
        values = np.array(list(map(float, texts)))
    if not np.isfinite(values).all():
        raise ValueError
    return values


def dates(texts: Sequence[str]) -> NDArray[Any]:
    """Dates in the extended format without a time zone; ValueError for others."""
    first, last = min(texts), max(texts)
    if not (f"{FIRST_YEAR}-" <= first and last < f"{LAST_YEAR + 1}-"):
        raise ValueError
    if any(len(text) < 10 or len(text) > 29 or text[4] != "-" or text[7] != "-" for text in texts):
        raise ValueError
    if any("Z" in text or "+" in text or "-" in text[10:] for text in texts):
        raise ValueError
    return np.array(texts, dtype="datetime64[ns]")


def is_number(text: str) -> bool:
    """Whether the text is a number as other programs write it (Python also reads 1_000)."""
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


def finite(text: str) -> float:
    """A finite number."""
    value = float(text)
    if not np.isfinite(value):
        raise ValueError(f"{text!r} is not a time; expected a finite number")
    return value


def is_date(text: str) -> bool:
    """Whether the text is a date of ISO 8601. Eight digits are one if they look like 20240131.

    >>> is_date("2024-01-31T09:30"), is_date("20240131"), is_date("20249931"), is_date("3")
    (True, True, False, False)
    """
    match = DATE.fullmatch(text)
    if match is None:
        return False
    if text.isdigit() and int(match["year"]) not in COMPACT_YEARS:
        return False
    try:
        np.datetime64(f"{match['year']}-{match['month']}-{match['day']}", "D")
    except ValueError:
        return False
    return True


def moment(text: str) -> np.datetime64:
    """A date of ISO 8601 in UTC; without a time zone it is taken as UTC.

    >>> moment("20240131T0930+01:00")
    np.datetime64('2024-01-31T08:30:00.000000000')
    """
    match = DATE.fullmatch(text)
    assert match is not None
    if not FIRST_YEAR <= int(match["year"]) <= LAST_YEAR:
        raise ValueError(f"{text!r} is not between the years {FIRST_YEAR} and {LAST_YEAR}")
    day = f"{match['year']}-{match['month']}-{match['day']}"
    clock = f"{match['hour'] or '00'}:{match['minute'] or '00'}:{match['second'] or '00'}"
    try:
        value = np.datetime64(f"{day}T{clock}.{match['fraction'] or '0'}", "ns")
    except ValueError:
        raise ValueError(f"{text!r} is not a time; there is no such hour") from None
    return value - offset(_colon(match["zone"] or "Z"))


def offset(zone: str) -> np.timedelta64:
    """The distance of a time zone such as +01:00 from UTC; Z and names of places: 0."""
    if ZONE.fullmatch(zone) is None:
        return np.timedelta64(0, "m")
    minutes = int(zone[1:3]) * 60 + int(zone[4:])
    return np.timedelta64(minutes if zone[0] == "+" else -minutes, "m")


def seconds_since(times: NDArray[Any], origin: NDArray[Any]) -> NDArray[np.float64]:
    """Differences as float64: of numbers in their unit, of dates in seconds. They are subtracted
    before they are rounded.
    """
    difference = times - origin
    if difference.dtype.kind == "m":
        difference = difference.astype("timedelta64[ns]").astype(np.int64) / np.float64(1e9)
    seconds: NDArray[np.float64] = difference.astype(np.float64)
    return seconds


def written(times: NDArray[Any], zone: str | None = None) -> list[Any]:
    """Times as a table shows them: integers, numbers, or ISO dates. Dates in UTC are shown in
    `zone`; if that is the name of a place, in UTC.

    >>> written(np.array([2.0, 0.5])), written(np.array(["2024-01-31"], "datetime64[ns]"))
    ([2, 0.5], ['2024-01-31T00:00:00'])
    """
    if times.dtype.kind == "M" and zone is not None:
        plain, end = written(times + offset(zone)), zone if ZONE.fullmatch(zone) else "Z"
        return [text + end for text in plain]
    if times.dtype.kind == "M":
        return [re.sub(r"\.?0+$", "", text) if "." in text else text for text in times.astype(str)]
    if times.dtype.kind == "f":
        return [int(t) if t.is_integer() and abs(t) < 2**53 else t for t in times.tolist()]
    return list(times.tolist())
