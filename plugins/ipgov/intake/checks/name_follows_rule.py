"""A name applied for is made as policy says: level, industry, ending (2024-1155#27)."""

from ipgov.core.errors import Problem
from ipgov.intake.submitted import Answer, Submitted


def name_follows_rule(submitted: Submitted, answer: Answer) -> Problem | None:
    """Find a name that is not that of a body of the industry which the same application states."""
    rule = submitted.rules.rules.recognition
    name = answer.converted.text_value
    if rule is None or answer.field.code != rule.naming.field or name is None:
        return None
    naming = rule.naming
    stated = next((a for a in submitted.answers if a.field.code == naming.industry), None)
    industry = stated.converted.text_value if stated else None
    right = naming.name(industry) if industry else naming.name("＋所属产业＋")
    fits = name == right if industry else name.startswith(naming.level) and name.endswith(naming.ending)
    bare = industry is not None and (naming.level in industry or naming.ending in industry)
    if fits and not bare:
        return None
    expected = naming.name("＋所属产业＋") if bare else right
    found = f"“{answer.field.label}”为“{name}”"
    sheet, cell = (answer.place.sheet, answer.place.cell) if answer.place else (answer.form_sheet, "")
    basis = naming.basis or answer.question.basis
    return Problem(
        "name_follows_rule", found, expected, file=submitted.filename, sheet=sheet, cell=cell, basis=basis
    )
