{# Values of several columns, one under the other: number (of the need), among (the group, or '' for all), counted
   (whether it counts there), v (an integer at 12 decimals). Only those that there are, of units that it is for. #}
{% macro numbers_within(needs, within) -%}
{% for n in needs if n.within == within %}{{ ", " if not loop.first }}{{ needs.index(n) }}{% else %}-1{% endfor %}
{%- endmacro %}
{% macro listed(needs, table, counted, unit=False) -%}
SELECT {{ "unit, " if unit }}number, CASE WHEN number IN ({{ numbers_within(needs, "group") }}) THEN grp ELSE '' END AS among,
    counted OR number IN ({{ numbers_within(needs, "group") }}) AS counted, scaled_12(v) AS v
FROM (
    SELECT {{ "unit, " if unit }}grp, {{ counted }} AS counted, unnest([{{ range(needs | length) | join(", ") }}]) AS number,
        unnest([{% for n in needs %}{{ ", " if not loop.first }}{% if n.applies == "TRUE" %}{{ n.column }}{% else %}CASE WHEN {{ n.applies }} THEN {{ n.column }} END{% endif %}{% endfor %}]) AS v
    FROM {{ table }}
)
WHERE v IS NOT NULL
{%- endmacro %}
