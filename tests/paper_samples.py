"""One made-up document of every kind of ``policies/papers.yaml``, and the parties of each."""

from __future__ import annotations

import copy
import datetime as dt
from typing import Any

from ipgov.documents import papers
from ipgov.documents.model import SIMULATION_BANNER, OfficialDocument
from ipgov.policy import papers as policy

DAY = dt.date(2026, 5, 8)
EARLIER = {
    "title": "关于虚构特色平台丙2025年度绩效评价结果的通知",
    "number": "国知平评函〔2026〕7号",
    "issued_on": "2026-04-20",
}
BODIES = [
    {
        "name": "国家级虚构新材料产业知识产权运营中心",
        "category": "新材料",
        "host": "虚构新材料研究院有限公司",
        "operating": "虚构新材料知识产权运营有限公司",
        "recommended_by": "江苏省知识产权局",
    },
    {
        "name": "国家级虚构人工智能产业知识产权运营中心",
        "category": "新一代信息技术",
        "host": "虚构智能科技集团有限公司",
        "operating": "虚构智能知识产权服务有限公司",
        "recommended_by": "中央企业直接申报",
    },
    {
        "name": "国家级虚构海洋装备产业知识产权运营中心",
        "category": "高端装备制造",
        "host": "虚构海洋装备工程股份有限公司",
        "operating": "虚构海洋装备知识产权运营中心有限公司",
        "recommended_by": "山东省知识产权局",
    },
]
PLATFORMS = [
    {
        "name": "虚构南方知识产权运营服务平台",
        "category": "交易服务类",
        "host": "虚构南方产权交易所有限公司",
        "operating": "虚构南方知识产权运营有限公司",
        "recommended_by": "广东省知识产权局",
    }
]

DAYS = {"public_notice_outcome": dt.date(2026, 5, 18)}  # the others: DAY

# kind, or kind and programme → programme, what is given, parties
SAMPLES: dict[str, tuple[str, dict[str, Any], dict[str, list[str]]]] = {
    "public_notice": (
        "industry_centre",
        {
            "bodies": BODIES,
            "starts_on": "2026-05-08",
            "ends_on": "2026-05-15",
            "working_days": 5,
            "telephone": "010-00000000",
            "address": "虚构市虚构路1号",
            "email": "objection@example.org",
        },
        {},
    ),
    "public_notice_outcome": (
        "industry_centre",
        {
            "notice_title": "关于国家级产业知识产权运营中心拟认定名单的公示",
            "starts_on": "2026-05-08",
            "ends_on": "2026-05-15",
            "bodies": BODIES[:2],
            "listed": 3,
            "objections": [
                {
                    "name": BODIES[2]["name"],
                    "received_on": "2026-05-12",
                    "summary": "建设主体申报材料所列交易合同不实",
                    "finding": "所列3份合同均未履行",
                    "upheld": True,
                },
                {
                    "name": BODIES[0]["name"],
                    "received_on": "2026-05-13",
                    "summary": "运营单位专职人员不足",
                    "finding": "社会保险缴纳记录与申报材料一致",
                    "upheld": False,
                },
            ],
        },
        {},
    ),
    "recognition_notice": (
        "industry_centre",
        {
            "bodies": [{**b, "unit": f"IC{n:02}"} for n, b in enumerate(BODIES, 1)],
            "batch": "第一批",
            "recognised_on": "2026-05-18",
        },
        {},
    ),
    "recognition_notice/platform": (
        "functional_platform",
        {"bodies": [{**PLATFORMS[0], "unit": "FP16"}], "recognised_on": "2026-05-18"},
        {},
    ),
    "praise_circular": (
        "industry_centre",
        {
            "first_year": 2023,
            "last_year": 2025,
            "evaluated": 28,
            "bodies": [
                {
                    "name": b["name"],
                    "category": b["category"],
                    "host": b["host"],
                    "achievement": "三年累计促成专利转化运用项目120项，服务中小企业860家",
                }
                for b in BODIES[:2]
            ],
        },
        {},
    ),
    "praise_case": (
        "industry_centre",
        {
            "name": BODIES[0]["name"],
            "category": "新材料",
            "host": BODIES[0]["host"],
            "headline": "以专利池带动新材料产业链协同创新",
            "situation": ["中心于2025年3月由虚构新材料研究院有限公司牵头建设，成员单位32家"],
            "practice": ["组建专利池，入池专利410件，统一许可条件", "按季度征集中小企业技术需求，逐项匹配"],
            "results": ["三年累计促成专利许可96项，许可金额1.2亿元"],
            "lessons": ["运营收益按贡献分配，成员单位才有持续投入的积极性。"],
            "figures": [
                {"name": "入池专利", "value": "410", "unit": "件", "source": "2025年度自评报告表2第5行"},
                {
                    "name": "许可金额",
                    "value": "12000.50",
                    "unit": "万元",
                    "source": "2025年度自评报告表1",
                },
            ],
        },
        {},
    ),
    "interview_invitation": (
        "functional_platform",
        {
            "subject": "虚构特色平台丙",
            "matters": ["以平台名义跨区域设立分支机构", "2025年度业务数据连续两个季度未按时报送"],
            "at": "2026-05-20T09:30:00+08:00",
            "place": "我局第二会议室",
            "attendees": ["主要负责同志", "分管负责同志", "运营单位主要负责人"],
            "bring": ["有关事项的书面说明", "整改措施和完成时限"],
            "confirm_by": "2026-05-15",
        },
        {"subject": ["虚构特色平台丙"], "province": ["浙江省知识产权局"]},
    ),
    "violation_circular": (
        "functional_platform",
        {
            "violations": [
                {
                    "unit": "虚构甲知识产权运营有限公司",
                    "fact": "2025年以3份未履行的合同申报交易补贴42万元",
                    "handling": "已责令退回补贴，并移送有关部门处理",
                },
                {
                    "unit": "虚构乙知识产权运营有限公司",
                    "fact": "以平台名称刻制公章1枚并对外签订合同",
                    "handling": "公章已收缴销毁，现正限期整改",
                },
            ],
            "demands": [
                "各地知识产权管理部门要对照通报的问题开展自查",
                "发现套取补贴资金、编造虚假交易等行为的，依法依规严肃处理",
            ],
        },
        {"subject": ["虚构甲知识产权运营有限公司", "虚构乙知识产权运营有限公司"]},
    ),
    "withdrawal": (
        "functional_platform",
        {"earlier": EARLIER, "reason": "所依据的年度数据有误，评价结果须重新核定"},
        {"recipients": ["虚构特色平台丙"], "copies": ["浙江省知识产权局"]},
    ),
    "public_withdrawal": (
        "industry_centre",
        {
            "earlier": {
                "title": "关于国家级产业知识产权运营中心拟认定名单的公示",
                "number": None,
                "issued_on": "2026-05-07",
            },
            "reason": "名单所列名称有误",
            "restored": "所附名单的公示自本公告发布之日起终止，更正后重新公示，公示期重新计算",
        },
        {},
    ),
    "document_correction": (
        "functional_platform",
        {
            "earlier": EARLIER,
            "reason": "文字录入有误",
            "changes": [
                {"place": "正文第二段", "before": "总分为58.35分", "after": "总分为85.35分"},
                {"place": "附件第3行", "before": "知识产权交意额", "after": "知识产权交易额"},
            ],
        },
        {"recipients": ["虚构特色平台丙"], "copies": ["浙江省知识产权局"]},
    ),
    "objection_reply": (
        "functional_platform",
        {
            "earlier": EARLIER,
            "received_on": "2026-04-28",
            "claims": [
                {
                    "claim": "知识产权交易额未计入2025年12月签订的合同",
                    "finding": "该合同于2026年1月9日生效，不属于2025年度",
                    "holds": False,
                },
                {
                    "claim": "服务企业数少计12家",
                    "finding": "所附清单与报送表附件一致，评价时漏计",
                    "holds": True,
                },
            ],
            "remedy": "我局将按更正后的数据重新计算，结果另文更正",
        },
        {"objector": ["虚构特色平台丙"]},
    ),
    "objection_outcome": (
        "industry_centre",
        {
            "earlier": {
                "title": "关于国家级产业知识产权运营中心拟认定名单的公示",
                "number": None,
                "issued_on": "2026-04-20",
            },
            "name": "国家级虚构产业知识产权运营中心",
            "findings": ["申报书所列合同3份未实际履行"],
            "remedy": "国家级虚构产业知识产权运营中心不予认定",
            "objection": 3,
        },
        {"body": ["国家级虚构产业知识产权运营中心"], "province": ["浙江省知识产权局"]},
    ),
    "monthly_data_letter": (
        "product_filing",
        {
            "locality": "浙江省",
            "month": "2026-04",
            "counted_to": "2026-04-30",
            "places": [
                {"name": "虚构市甲区", "filed": 120, "total": 4310, "firms": 812, "patents": 9021},
                {"name": "虚构市乙区", "filed": 0, "total": 77, "firms": 31, "patents": 160},
            ],
        },
        {"locality": ["浙江省知识产权局"]},
    ),
    "self_evaluation_call": (
        "industry_centre",
        {
            "year": 2026,
            "due_on": "2026-12-31",
            "audited_by": "2027-01-22",
            "contents": [
                "中心建设任务进展和专项任务完成情况",
                "专利转化运用项目、服务企业等数据及佐证材料",
                "存在的问题和下一年度工作安排",
            ],
            "form_title": "国家级产业知识产权运营中心年度自评报告",
            "provisional": True,
        },
        {},
    ),
}


def kind_of(name: str) -> str:
    """Return the kind of a sample."""
    return name.partition("/")[0]


def given(name: str, /, **changes: Any) -> dict[str, Any]:
    """Return what a drafter of the sample would give."""
    return {**copy.deepcopy(SAMPLES[name][1]), **changes}


def draft(name: str, /, *, parties: dict[str, list[str]] | None = None, **changes: Any) -> OfficialDocument:
    """Return the document of a sample, with a number where its series has one."""
    programme, _, own = SAMPLES[name]
    kind = kind_of(name)
    series = policy.paper(kind, programme).series
    document, _ = papers.write(
        kind,
        programme,
        papers.subject(kind, given(name, **changes)),
        own if parties is None else parties,
        date=DAYS.get(kind, DAY),
        number=f"{series}〔2026〕3号" if series else None,
        banner=SIMULATION_BANNER,
        seal_code="ABCD-1234-5678",
    )
    return document
