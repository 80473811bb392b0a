"""Every check of the lifecycles finds what it is for: the project's own, spoiled in one place each."""

from __future__ import annotations

import re

import pytest
from ipgov.core.errors import GovernanceError
from ipgov.policy import lifecycles
from ipgov.policy.check import check
from ipgov.policy.check.lifecycles import LIFECYCLE_CHECKS
from ipgov.policy.store import read_yaml, validated
from spoiling import Changes, Policies, one

PLATFORMS, CENTRES = "lifecycles/functional_platform.yaml", "lifecycles/industry_centre.yaml"
APPROVED, BACK = "    needs: [approval]\n", "\n    to: recognised\n    by: issuer\n"

# name: file, its changes, the check that finds them, what it says
SPOILED: dict[str, tuple[str, Changes, str, str]] = {
    "another programme's": (
        PLATFORMS, one("programme: functional_platform", "programme: industry_centre"), "life_named",
        "programme 为 industry_centre；应为：与文件名一致：functional_platform",
    ),
    "another title": (
        PLATFORMS, one("title: 功能性国家", "title: 国家"), "life_named",
        "title 为“国家知识产权运营服务平台”",
    ),
    "another word for it": (
        CENTRES, one("name: 取消资格\n", "name: 取消称号\n"), "life_named",
        r"events\[cancelled\].name 为“取消称号”；应为：titles.yaml 所载“取消资格”",
    ),
    "no such clause": (
        CENTRES, one("clause: 2024-1155#45\n", "clause: 2024-1155#99\n"), "life_clauses",
        r"events\[kept\].clause “2024-1155#99”不在条款清单中",
    ),
    "a later clause": (
        PLATFORMS, one("clause: 2023-156#21", "clause: 2024-1155#45"), "life_clauses",
        r"events\[cancelled\].clause “2024-1155#45”在 2023-09-05 尚未施行",
    ),
    "an event without a basis": (
        PLATFORMS, one("    clause: 2023-156#21\n", ""), "life_clauses",
        r"events\[cancelled\] 没有自己的依据",
    ),
    "a dead state": (
        CENTRES, one("    to: listed\n", ""), "life_reachable", r"states\[listed\] 无法到达",
    ),
    "an event out of nowhere": (
        CENTRES, one("    to: in_publicity\n", ""), "life_reachable",
        r"events\[publicity_expired\].from 所列状态均无法到达",
    ),
    "a title by listing": (
        CENTRES, one("    to: listed\n", "    to: recognised\n"), "life_recognition",
        r"states\[recognised\] 不经 recognised 即可到达",
    ),
    "recognition of nobody": (
        PLATFORMS,
        one("[not_titled, cancelled]\n    to: titled", "[not_titled, cancelled]\n    to: cancelled"),
        "life_recognition", r"events\[recognised\].to 为 cancelled",
    ),
    "no way back": (
        PLATFORMS, one("code: restored", "code: reinstated"), "life_recognition", "events 缺少 restored",
    ),
    "an end without approval": (
        PLATFORMS, one(APPROVED, ""), "life_endings", r"events\[cancelled\].needs 结束称号而无须审批",
    ),
    "given back without approval": (
        CENTRES,
        one(f"[cancelled]{BACK}{APPROVED}", f"[cancelled]{BACK}"),
        "life_endings", r"events\[restored\].needs 恢复称号而无须审批",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SPOILED)
def test_a_spoiled_lifecycle_is_found(policies: Policies, name: str) -> None:
    file, changes, expected, message = SPOILED[name]
    policies.edit(file, *changes)
    found = [p for p in check() if p.file == f"policies/{file}"]
    assert {p.check.removeprefix("policy_") for p in found} >= {expected}
    texts = "\n".join(map(str, found))
    assert re.search(message, texts), texts
    assert all(re.search(r"[\u4e00-\u9fff]", p.found) and p.expected for p in found)


def test_every_check_of_the_lifecycles_has_a_spoiled_one() -> None:
    assert {c.__name__ for c in LIFECYCLE_CHECKS} <= {expected for _, _, expected, _ in SPOILED.values()}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            ("code: cancelled, name: 称号", "code: titled, name: 称号"),
            "states 的 code 重复：titled",
        ),
        (("code: restored", "code: renamed"), "events 的 code 重复：renamed"),
        ((", initial: true", ""), "须有且只有一个初始状态"),
        (("titled: true}", "titled: true, initial: true}"), "须有且只有一个初始状态"),
        (("from: [titled]", "from: [titld]"), "事项 cancelled 所指的状态“titld”未列于 states"),
        (("by: issuer", "by: minister"), "取值不在"),
        (("needs: [approval]", "needs: [blessing]"), "取值不在"),
        (("from: [titled]", "from: []"), "至少应有 1 项"),
    ],
)
def test_a_misshapen_lifecycle_is_refused_with_the_place(
    policies: Policies, change: tuple[str, str], message: str
) -> None:
    policies.edit(PLATFORMS, change)
    text = policies.read(PLATFORMS).encode()
    with pytest.raises(GovernanceError) as refused:
        validated(lifecycles.Lifecycle, read_yaml(text, PLATFORMS), PLATFORMS)
    assert message in "\n".join(map(str, refused.value.problems))
    assert any(message in str(p) for p in check())  # and by the command


def test_a_programme_whose_title_has_no_life_is_told(policies: Policies) -> None:
    (policies.folder / PLATFORMS).unlink()
    assert any("业务“functional_platform”所管称号“functional_platform”没有周期" in str(p) for p in check())


def test_an_unknown_programme_state_and_event_name_what_there_is() -> None:
    with pytest.raises(GovernanceError, match=r"“nonsense”没有称号周期.*现有：.*industry_centre"):
        lifecycles.lifecycle("nonsense")
    life = lifecycles.lifecycle("functional_platform")
    with pytest.raises(GovernanceError, match="没有名为“x”的称号状态；可用：not_titled、titled、cancelled"):
        life.state("x")
    with pytest.raises(GovernanceError, match="没有名为“x”的称号事项；可用：recognised、cancelled"):
        life.event("x")
