{% from "details.sql" import detail, looked_at with context %}
-- Every node of every unit, in the order of the tree. `contribution` is what a node brings to the total: the
-- rows of indicators, bonus, deduction and adjustment (and of dimensions whose children cannot be told apart: of
-- a geometric or harmonic mean, of the lowest) sum exactly to the total. Adjustments show what rounding, caps and
-- bounds did. As a view of all, or (`part`: conditions on the unit) as a query of some.
{% set some = "" if part is not defined or not part else " WHERE " ~ part | join(" AND ") %}
{% macro chain() %}
weighed AS (
    SELECT scored.*, evidence.* EXCLUDE (unit, grp
    {%- for i in indicators if i.role == "veto" %}, v_{{ i.key }}{% endfor %})
    {%- for c in nodes %},
        CASE WHEN {{ c.score }} IS NULL THEN 0 ELSE {{ c.weight_sql }} END AS present_{{ c.key }}
    {%- endfor %}
    FROM (FROM scored{{ some }}) AS scored JOIN (FROM evidence{{ some }}) AS evidence USING (unit, grp)
),
summed AS (
    SELECT *
    {%- for level in levels %}{% for node in level %},
        {% if node.whole %}CAST({{ node.whole }} AS BIGINT){% else %}{% for c in node.children %}{{ " + " if not loop.first }}present_{{ c.key }}{% endfor %}{% endif %} AS whole_{{ node.key }}
    {%- endfor %}{% endfor %}
    FROM weighed
),
{% for level in levels | reverse %}
shares_{{ loop.index }} AS (
    SELECT *
    {%- for node in level %}{% for c in node.children %},
        {% if node.told_apart -%} coalesce(exact_divide({{ 10 ** 15 if node.root else "share_" ~ node.key }} * CAST(present_{{ c.key }} AS HUGEINT), whole_{{ node.key }}), 0)
        {%- else -%} CAST(NULL AS HUGEINT) {%- endif %} AS share_{{ c.key }}
    {%- endfor %}{% endfor %}
    FROM {{ "summed" if loop.first else "shares_" ~ loop.index0 }}
),
{% endfor %}
contributions AS (
    SELECT *
    {%- for c in nodes %},
        CASE WHEN total IS NOT NULL THEN decimal_{{ points }}(exact_divide(share_{{ c.key }} * coalesce({{ c.score }}, 0) * {{ 10 ** (points - c.decimals) if points > c.decimals else 1 }}, {{ 10 ** 15 * (10 ** (c.decimals - points) if c.decimals > points else 1) }})) END AS c_{{ c.key }}
    {%- endfor %}
    FROM shares_{{ levels | length }}
)
{% endmacro %}
{% macro node(code, parent, role, value, normalised, weight, contribution, detail) -%}
{'node': {{ code | text }}, 'parent': {{ parent | text if parent else "CAST(NULL AS VARCHAR)" }}, 'role': {{ role | text }},
 'value': CAST({{ value }} AS DECIMAL(38, 12)), 'normalised': CAST({{ normalised }} AS DECIMAL(38, {{ widest }})),
 'weight': CAST({{ weight }} AS DECIMAL(18, 6)), 'contribution': CAST({{ contribution }} AS DECIMAL(38, {{ points }})),
 'detail': {{ detail }}}
{%- endmacro %}
{% if part is not defined %}CREATE OR REPLACE TEMP VIEW scores AS{% endif %}

WITH {{ chain() }},
nodes AS (
    SELECT unit, unnest([
    {%- for i in indicators if i.role == "score" %}
        CASE WHEN {{ i.applies }} THEN {{ node(i.code, i.parent, "score", "v_" ~ i.key, decimal("s_" ~ i.key, r),
            "decimal_6(exact_divide(CAST(present_" ~ i.key ~ " AS HUGEINT) * " ~ 100 * 10 ** 6 ~ ", whole_" ~ i.parent_key ~ "))", "c_" ~ i.key, detail(i)) }} END,
    {%- endfor %}
    {%- for c in nodes if not c.leaf %}
        CASE WHEN {{ c.weight_sql }} > 0 THEN {{ node(c.code, c.parent, "dimension", decimal("u_" ~ c.key, c.decimals) if c.judged else "NULL", decimal(c.score, c.decimals),
            "decimal_6(exact_divide(CAST(present_" ~ c.key ~ " AS HUGEINT) * " ~ 100 * 10 ** 6 ~ ", whole_" ~ c.parent_key ~ "))", "c_" ~ c.key, (c.detail | text) ~ (looked_at(c.judged) if c.judged else "") ~ " || '}'") }} END,
    {%- endfor %}
    {%- for i in indicators if i.role in ("bonus", "deduction") %}
        CASE WHEN {{ i.applies }} THEN {{ node(i.code, "total", i.role, "v_" ~ i.key, decimal("s_" ~ i.key, r), "NULL",
            "CASE WHEN total IS NOT NULL THEN " ~ ("-" if i.role == "deduction") ~ decimal("coalesce(s_" ~ i.key ~ ", 0)", r) ~ " END", detail(i)) }} END,
    {%- endfor %}
    {%- for i in indicators if i.role == "veto" %}
        CASE WHEN {{ i.applies }} THEN {{ node(i.code, "total", "veto", "v_" ~ i.key, "NULL", "NULL", "NULL",
            detail(i)) }} END,
    {%- endfor %}
    {%- for code, amount in adjustments %}
        CASE WHEN total IS NOT NULL AND {{ amount }} <> 0 THEN {{ node(code, "total", "adjustment", "NULL", "NULL", "NULL", amount, "'{}'") }} END,
    {%- endfor %}
        {{ node("total", "", "total", "NULL", shown.base, "NULL", shown.total,
            root_detail | text ~ " || member('base', plain(" ~ shown.base ~ ")) || member('bonus', plain(" ~ shown.bonus ~ ")) || member('deduction', plain(" ~ shown.deduction ~ ")) || '}'") }}
    ]) AS n
    FROM (SELECT * FROM contributions ORDER BY unit)
)
SELECT unit, n.node AS node, n.parent AS parent, n.role AS role, n.value AS value, n.normalised AS normalised,
    n.weight AS weight, n.contribution AS contribution, n.detail AS detail
FROM nodes WHERE n IS NOT NULL;
