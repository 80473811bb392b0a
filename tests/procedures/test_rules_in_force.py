"""Two people put a changed rule file in force by command; what two versions differ in is a sheet to read."""

from __future__ import annotations

import datetime as dt
import io
import json
import shutil
import sys
from pathlib import Path

import openpyxl
import pytest
from ipgov import cli
from ipgov.core.errors import RefusedError
from ipgov.core.steps import Mode
from played_nation import PROGRAMME

VERSION = "2025-06-01"


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project with policies of its own."""
    from ipgov.core.settings import settings
    from ipgov.policy import store

    root, folder = settings().root, tmp_path / "project"
    shutil.copytree(root / "policies", folder / "policies")
    for name in ("sql", "expectations", "reports"):
        (folder / name).symlink_to(root / name)
    monkeypatch.setenv("IPGOV_ROOT", str(folder))
    settings.cache_clear()
    store._versions.cache_clear()
    return folder / "policies" / PROGRAMME


@pytest.fixture
def ipgov(passwords, monkeypatch, capsys):
    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["ipgov", "policy", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return run


def edit(path: Path, old: str, new: str) -> Path:
    from ipgov.policy import store

    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    store._versions.cache_clear()
    return path


def open_2025(nation, mode=Mode.LIVE):
    from ipgov.procedures import cycles

    day = nation.days(2025).opens.date + dt.timedelta(days=1)
    return cycles.open_cycle(nation.cycle(2025, day, mode))


def test_the_rules_that_lay_there_open_a_period_with_no_further_step(files, nation):
    assert open_2025(nation).output["rule_version"] == VERSION


def test_a_changed_file_opens_no_live_period_before_two_people_put_it_in_force(files, nation, ipgov):
    path = edit(files / f"{VERSION}.yaml", "floor: 88", "floor: 89")
    day = nation.days(2025).opens.date
    with pytest.raises(RefusedError, match="未经批准，不能用于正式办理"):
        open_2025(nation)
    code, out, _ = ipgov("propose", path, "--by", "reviewer1", "--note", "上调优秀线", "--as-of", day)
    assert code == 0
    proof = out.partition("校验码 ")[2].split()[0]
    assert f"ipgov policy approve {PROGRAMME} {VERSION}" in out
    with pytest.raises(RefusedError, match="已由 reviewer1 提出，尚未批准"):
        open_2025(nation)
    approve = ("approve", PROGRAMME, VERSION, "--as-of", day, "--by")
    code, _, err = ipgov(*approve, "reviewer1")
    assert code == 1
    assert "不同的两人" in err
    assert ipgov(*approve, "issuer1", "--comment", "同意", "--code", proof)[0] == 0
    assert open_2025(nation).output["rule_sha256"] != ""
    code, out, _ = ipgov("changes", PROGRAMME, "--as-of", day)
    assert "已批准；reviewer1：上调优秀线；issuer1：同意" in out
    assert "未采纳：functional_platform 2025-06-01，reviewer1 批准：" in out
    told = json.loads(ipgov("changes", "--json", "--as-of", day)[1])
    own = [c for c in told["changes"] if c["programme"] == PROGRAMME]
    assert [c["state"] for c in own] == ["initial", "initial", "approved"]


def test_a_file_that_cannot_govern_is_not_proposed(files, nation, ipgov):
    path = edit(files / f"{VERSION}.yaml", "floor: 88", "floor: many")
    code, _, err = ipgov("propose", path, "--by", "reviewer1", "--note", "试")
    assert code == 1
    assert "floor" in err


def test_a_recalculation_may_use_a_file_that_nobody_approved(files, nation):
    from ipgov.core.database import reading
    from ipgov.procedures import cycles

    edit(files / f"{VERSION}.yaml", "floor: 88", "floor: 89")
    cycle = nation.cycle(2025, dt.date(2026, 4, 20), Mode.RECALCULATE)
    with reading() as connection:
        assert cycles.rules_of(connection, cycle).rules.version == VERSION


def test_the_differences_of_two_versions_are_a_sheet_that_people_read(files, ipgov, tmp_path):
    draft = tmp_path / "draft.yaml"
    shutil.copy(files / f"{VERSION}.yaml", draft)
    edit(draft, "floor: 88", "floor: 90")
    code, out, _ = ipgov("diff", PROGRAMME, VERSION, draft, "-o", tmp_path / "d.xlsx")
    assert code == 0
    assert "评分 › 等级 › 优秀 › 分数线：88 → 90" in out
    book = openpyxl.load_workbook(tmp_path / "d.xlsx")
    (line,) = list(book["差异"].iter_rows(min_row=5, values_only=True))
    assert line[1:6] == ("等级、分数线与名额", "修改", "评分 › 等级 › 优秀 › 分数线", "88", "90")
    assert "2023-156#22" in line[6]
    assert "“" in line[6]  # the clause's own words
    assert "运行方自定" in line[6]
    assert line[7] == "同左"
    code, out, _ = ipgov("diff", PROGRAMME, "2023-09-05", VERSION, "--json")
    assert {"path", "label", "old", "new", "old_basis", "new_basis"} <= set(json.loads(out)[0])
    assert ipgov("diff", PROGRAMME, VERSION, VERSION)[1] == "两版规则内容相同\n"
    code, _, err = ipgov("diff", PROGRAMME, "2020-01-01", VERSION)
    assert code == 2
    assert "2023-09-05" in err


def test_the_same_two_files_give_the_same_sheet_and_every_place_has_a_word(files):
    from ipgov.documents.policy_difference_sheet import touched
    from ipgov.policy.rules import RuleVersion
    from ipgov.procedures import policy_changes

    compared = policy_changes.compare(PROGRAMME, "2023-09-05", VERSION)
    first = policy_changes.sheet(compared)
    assert first == policy_changes.sheet(compared)
    book = openpyxl.load_workbook(io.BytesIO(first))
    assert book.sheetnames == ["概览", "差异"]
    named = {"clause", "operator", "programme", "version", "effective", "status", "title", "note"}
    assert {f for f in RuleVersion.model_fields if touched(f) == "其他"} <= named
