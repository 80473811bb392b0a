"""A year in acts, each what one DAG task, one person or one command does; every act can be done again.

An act takes what earlier acts handed on (plain data, as Airflow hands it on) and returns what it hands on.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from played_nation import PROGRAMME, Nation

PERIOD = 2025  # attachments, an extension, a returned list, a title cancelled
Act = Callable[[Nation, dict[str, Any]], dict[str, Any]]


def setting(nation: Nation) -> None:
    """What was before: the bodies, the officers, and the year before, in which FP08 failed as well."""
    from ipgov.core.database import transaction
    from ipgov.decisions.officers import Officer, register_officer
    from ipgov.simulation import nation as synthetic

    with transaction() as connection:
        synthetic.register(connection)
        for login, role in (("reviewer1", "reviewer"), ("reviewer2", "reviewer"), ("issuer1", "issuer")):
            known_at = nation.at(dt.date(2023, 9, 5))
            register_officer(connection, Officer(login, login, (role,), None, True), known_at)
    nation.open(PERIOD - 2)  # somebody later uses its form
    nation.year(PERIOD - 1)


def _day(nation: Nation) -> dt.date:
    return nation.days(PERIOD).evaluate_on.date


def _cycle(nation: Nation) -> Any:
    return nation.cycle(PERIOD, _day(nation))


def _extend(nation: Nation, told: dict[str, Any]) -> dict[str, Any]:
    from ipgov.procedures import extensions
    from ipgov.simulation import nation as synthetic

    opened = nation.days(PERIOD).opens.date
    for e in synthetic.extensions(PERIOD):
        extensions.grant(PROGRAMME, str(PERIOD), e.unit, e.until, "运行组", e.reason, nation.at(opened))
    return {}


def world(nation: Nation, told: dict[str, Any]) -> dict[str, Any]:
    """The bodies send their files (not ours, so never killed)."""
    nation.send(PERIOD)
    return {}


def _first(nation: Nation) -> dt.date:
    return nation.days(PERIOD).due.date - dt.timedelta(days=10)


def _last(nation: Nation) -> dt.date:
    from ipgov.simulation import nation as synthetic

    return max([nation.days(PERIOD).late_until.date, *(e.until for e in synthetic.extensions(PERIOD))])


def _list(day: Callable[[Nation], dt.date]) -> Act:
    def act(nation: Nation, told: dict[str, Any]) -> dict[str, Any]:
        from ipgov.procedures import submission_intake

        return {"keys": submission_intake.new_objects(nation.at(day(nation)))}

    return act


def _receive(day: Callable[[Nation], dt.date]) -> Act:
    def act(nation: Nation, told: dict[str, Any]) -> dict[str, Any]:
        from ipgov.procedures import submission_intake

        on = day(nation)
        submission_intake.receive(told["keys"], on, nation.at(on))
        return {}

    return act


def _send(day: Callable[[Nation], dt.date]) -> Act:
    def act(nation: Nation, told: dict[str, Any]) -> dict[str, Any]:
        from ipgov.procedures import approval

        approval.send(nation.at(day(nation)))
        return {}

    return act


def _open(nation: Nation, told: dict[str, Any]) -> dict[str, Any]:
    from ipgov.procedures import cycles

    opened = nation.cycle(PERIOD, nation.days(PERIOD).opens.date)
    return {"forms": cycles.open_cycle(opened).output["forms"]}


def _freeze(nation: Nation, told: dict[str, Any]) -> dict[str, Any]:
    from ipgov.procedures import evaluation_cycle as procedure

    return dict(procedure.freeze(_cycle(nation)).output)


def _check(nation: Nation, told: dict[str, Any]) -> dict[str, Any]:
    from ipgov.procedures import evaluation_cycle as procedure

    return dict(procedure.check(_cycle(nation), told["snapshot_id"]).output)


def _evaluate(nation: Nation, told: dict[str, Any]) -> dict[str, Any]:
    from ipgov.procedures import evaluation_cycle as procedure

    return dict(procedure.evaluate(_cycle(nation), told["snapshot_id"]).output)


def _rating_list(nation: Nation, told: dict[str, Any]) -> dict[str, Any]:
    from ipgov.procedures import evaluation_cycle as procedure

    return dict(procedure.make_rating_list(_cycle(nation), told["result_set_id"]).output)


def _open_round(nation: Nation, told: dict[str, Any]) -> dict[str, Any]:
    from ipgov.procedures import evaluation_cycle as procedure

    return dict(
        procedure.open_round(_cycle(nation), told["result_set_id"], told["rating_list_sha256"]).output
    )


def fill_in(nation: Nation, told: dict[str, Any]) -> dict[str, Any]:
    """A reviewer fills in the rating list (a spreadsheet program writes the time into it)."""
    from ipgov.core import objects
    from ipgov.simulation import nation as synthetic
    from ipgov.simulation import returned_list

    marks = {unit: (mark, remark) for unit, (mark, remark) in synthetic.nation()["marks"].items()}
    listed = objects.get_content(told["rating_list_sha256"])
    return {"returned": returned_list.fill(listed, "同意", "核对无误", marks).hex()}


def _audit_by_workbook(nation: Nation, told: dict[str, Any]) -> dict[str, Any]:
    from ipgov.procedures import approval

    at = nation.at(_day(nation))
    if approval.resume(told["round_id"], "audit", at).step_complete:
        return {}  # a person who finds it answered has no more to do
    returned = bytes.fromhex(told["returned"])
    assert not approval.answer_by_workbook(told["round_id"], returned, "reviewer1", at, at).refused
    return {}


def _answer(step: str, actor: str, day: Callable[[Nation], dt.date]) -> Act:
    """As the approval task does: what is answered already is not asked again."""

    def act(nation: Nation, told: dict[str, Any]) -> dict[str, Any]:
        from ipgov.procedures import approval

        at = nation.at(day(nation))
        if not approval.resume(told["round_id"], step, at).step_complete:
            assert not nation.answer(told, step, actor, day(nation)).refused
        return {}

    return act


def _issue(day: Callable[[Nation], dt.date]) -> Act:
    def act(nation: Nation, told: dict[str, Any]) -> dict[str, Any]:
        from ipgov.procedures import approval

        on = day(nation)
        approval.issue(told["round_id"], on, nation.at(on))
        return {}

    return act


def _after(nation: Nation) -> dt.date:
    return _day(nation) + dt.timedelta(days=20)


def late_world(nation: Nation, told: dict[str, Any]) -> dict[str, Any]:
    """After the issue a body gets an extension and sends corrected data."""
    from ipgov.procedures import extensions
    from ipgov.simulation import nation as synthetic

    day, unit = _after(nation), "FP01"
    body = nation.units(nation.days(PERIOD).opens.date)[unit]
    extensions.grant(PROGRAMME, str(PERIOD), unit, day, "运行组", "发文后更正", nation.at(day, 8))
    values = synthetic._values(body, PERIOD, synthetic._rules(PERIOD), day, {"level": Decimal("0.55")})
    key = f"inbox/{PROGRAMME}/{PERIOD}/{body.province}/{unit}/更正.xlsx"
    nation.put(key, synthetic.fill(nation.blank(str(PERIOD), unit), values), nation.at(day, 10))
    return {}


def _correct(nation: Nation, told: dict[str, Any]) -> dict[str, Any]:
    from ipgov.procedures import correction

    opened = correction.prepare(
        PROGRAMME, str(PERIOD), nation.at(_after(nation)), "reviewer1", "报送数据有误"
    )
    return {"round_id": opened.round_id, "fingerprint": opened.fingerprint}


def _night(nation: Nation, told: dict[str, Any]) -> dict[str, Any]:
    from ipgov.procedures import nightly_seal

    day = _after(nation) + dt.timedelta(days=1)
    nightly_seal.seal(day, nation.at(day))
    nightly_seal.verify()
    return {}


WORLD = ("world", "fill_in", "late_world")
ACTS: dict[str, Act] = {
    "open": _open,
    "extend": _extend,
    "world": world,
    "list": _list(_first),
    "receive": _receive(_first),
    "send": _send(_first),
    "list_late": _list(_last),
    "receive_late": _receive(_last),
    "send_late": _send(_last),
    "freeze": _freeze,
    "check": _check,
    "evaluate": _evaluate,
    "rating_list": _rating_list,
    "open_round": _open_round,
    "fill_in": fill_in,
    "audit": _audit_by_workbook,
    "sign": _answer("sign", "issuer1", _day),
    "issue": _issue(_day),
    "send_issued": _send(_day),
    "late_world": late_world,
    "list_after": _list(_after),
    "receive_after": _receive(_after),
    "correct": _correct,
    "audit_correction": _answer("audit", "reviewer2", _after),
    "sign_correction": _answer("sign", "issuer1", _after),
    "issue_correction": _issue(_after),
    "send_correction": _send(_after),
    "night": _night,
}
