-- Stage "total": base + bonus - deduction, between 0 and the maximum. NULL: not evaluated.
{% macro points(role) -%}
{% for i in indicators if i.role == role %}coalesce(s_{{ i.key }}, 0) + {% endfor %}CAST(0 AS DECIMAL(38, {{ r }}))
{%- endmacro %}
{# least and greatest pass over NULL, so NULL must be kept away from them. #}
{% macro bounded(x) -%} greatest(least({{ x }}, {{ maximum }}), 0) {%- endmacro %}
CREATE OR REPLACE TEMP VIEW pointed AS
SELECT *, CAST({{ points("bonus") }} AS DECIMAL(38, {{ r }})) AS bonus_all,
    CAST({{ points("deduction") }} AS DECIMAL(38, {{ r }})) AS deduction_all
FROM tree_{{ levels | length }};

CREATE OR REPLACE TEMP TABLE scored AS
SELECT * EXCLUDE (
    {%- for c in nodes %}present_{{ c.key }}, {% endfor %}{% for level in levels %}{% for n in level %}w_{{ n.key }}{{ ", " if not loop.last }}{% endfor %}{{ ", " if not loop.last }}{% endfor %}),
    least(bonus_all, CAST({{ bonus_cap }} AS DECIMAL(38, 12))) AS bonus,
    {% if deduction_cap is none %}CAST(deduction_all AS DECIMAL(38, 12)){% else %}least(deduction_all, CAST({{ deduction_cap }} AS DECIMAL(38, 12))){% endif %} AS deduction,
    CASE WHEN NOT excluded AND base IS NOT NULL THEN
        CAST({{ bounded("CAST(base AS DECIMAL(38, 12)) + bonus - deduction") }} AS DECIMAL(38, {{ rounding.total }})) END AS total,
    CASE WHEN NOT excluded AND base IS NOT NULL THEN
        CAST({{ bounded("CAST(" ~ ("unrounded" if unrounded else "base") ~ " AS DECIMAL(38, 12)) + bonus - deduction") }} AS DECIMAL(38, 12)) END AS unrounded_total
FROM pointed;

