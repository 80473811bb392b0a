"""Twelve platforms, three, two, four and three of a kind, with a value for every field of the form."""

from __future__ import annotations

import pyarrow as pa
from ipgov.policy.rules import RuleVersion
from small_rules import table

# Each platform's values in the order of the fields of numbers and of yes and no that its kind fills in; "" is
# missing. Repeated so that ties, zero denominators and every step of the rules occur.
NATION = {
    "P01": ("trading", {"F01": "61250.55", "F02": "118", "F08": "420", "F09": "301", "F10": "93.45"}),
    "P02": ("trading", {"F01": "48999.99", "F02": "99", "F08": "300", "F09": "240", "F10": "88", "F20": "0"}),
    "P03": ("trading", {"F01": "12000", "F02": "19", "F08": "120", "F09": "", "F10": "71.5", "F26": "1"}),
    "P04": ("financial", {"F03": "80000", "F04": "55", "F08": "260", "F09": "208", "F10": "90.01"}),
    "P05": ("financial", {"F03": "10000.01", "F04": "9", "F08": "90", "F09": "30", "F10": "64", "F22": "1"}),
    "P06": (
        "characteristic",
        {"F01": "20000", "F02": "60", "F05": "120", "F08": "500", "F09": "450", "F10": "97"},
    ),
    "P07": (
        "characteristic",
        {"F01": "18000", "F02": "60", "F05": "97", "F08": "500", "F09": "390", "F10": "91"},
    ),
    "P08": (
        "characteristic",
        {"F01": "9000", "F02": "25", "F05": "40", "F08": "200", "F09": "70", "F10": ""},
    ),
    "P09": ("characteristic", {"F01": "", "F02": "", "F05": "", "F08": "0", "F09": "0", "F10": "60"}),
    "P10": ("tool", {"F06": "2345", "F07": "41", "F08": "300", "F09": "190", "F10": "92.22", "F25": "5"}),
    "P11": ("tool", {"F06": "999", "F07": "60", "F08": "150", "F09": "125", "F10": "85.5"}),
    "P12": (
        "tool",
        {"F06": "5000", "F07": "7", "F08": "80", "F09": "9", "F10": "79", "F24": "3", "F23": "1"},
    ),
}
REST = {
    "F11": "36",
    "F12": "31",
    "F13": "17",
    "F14": "4",
    "F15": "23",
    "F16": "1800.5",
    "F17": "99.37",
    "F18": "5",
    "F19": "1",
    "F20": "3",
    "F21": "2",
    "F22": "0",
    "F23": "0",
    "F24": "0",
    "F25": "1",
    "F26": "0",
    "F29": "12",
}


def rows_of(rules: RuleVersion) -> list[dict[str, str | None]]:
    """A row for every unit and field of its form; dates and texts have no value."""
    return [
        {"unit": unit, "indicator": code, "value": (own.get(code, REST.get(code)) or None), "group": kind}
        for unit, (kind, own) in NATION.items()
        for code in rules.form.fields_for(kind)
    ]


def values_of(rules: RuleVersion) -> pa.Table:
    """The rows as a table."""
    return table(*((r["unit"], r["indicator"], r["value"], r["group"]) for r in rows_of(rules)))
