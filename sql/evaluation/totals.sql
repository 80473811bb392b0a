-- Stage "total": base + bonus - deduction, between the bounds. NULL: not evaluated.
{% macro layered(n) -%}
{% if n < 0 %}tree_{{ levels | length }}{% else %}(
SELECT *{% for name, sql in totals.layers[n].items() %},
    {{ sql }} AS {{ name }}
{%- endfor %}
FROM {{ layered(n - 1) }}){% endif %}
{%- endmacro %}
CREATE OR REPLACE TEMP TABLE scored AS
SELECT * EXCLUDE (excluded, summed, between{{ ", exactly, ranked_on" if unrounded }}, total, unit, grp),
    unit, grp, excluded, {{ ranked }} AS ranked, {{ vetoed }} AS vetoed,
    CASE WHEN NOT excluded THEN total END AS total,
    CASE WHEN NOT excluded AND total IS NOT NULL THEN {{ "ranked_on" if unrounded else "total" }} END AS ranked_on
FROM (
    SELECT * REPLACE (excluded
    {%- for n in nodes_excluding %} OR (({{ n.applies }}) AND {{ n.score }} IS NULL){% endfor %} AS excluded)
    FROM {{ layered(4) }}
);
