{# What other units' values come to: rows of (grp, n, present, low, high, total, high_squares, mixed, low_squares)
   for a column, in integers at 12 decimals. {{ "squares" }}: of the upper and lower digits, because a square has
   more than 38. #}
{% macro aggregated(need) -%}
{%- set v = "scaled_12(" ~ need.column ~ ")" -%}
SELECT {{ need.key | text }} AS key, {{ "grp" if need.within == "group" else "NULL" }} AS grp,
    count(v) FILTER (counted) AS n, count(v) AS present,
    min(v) FILTER (counted) AS low, max(v) FILTER (counted) AS high, sum(v) FILTER (counted) AS total,
    {% if need.squares -%}
    sum(CAST(v // {{ 10 ** 13 }} AS HUGEINT) * (v // {{ 10 ** 13 }})) FILTER (counted) AS upper,
    sum(CAST(v // {{ 10 ** 13 }} AS HUGEINT) * (v % {{ 10 ** 13 }})) FILTER (counted) AS mixed,
    sum(CAST(v % {{ 10 ** 13 }} AS HUGEINT) * (v % {{ 10 ** 13 }})) FILTER (counted) AS lower
    {%- else %}NULL AS upper, NULL AS mixed, NULL AS lower{% endif %}
FROM (SELECT grp, {{ v }} AS v, {{ need.counted }} AS counted FROM {{ table }} WHERE {{ need.applies }} AND {{ need.column }} IS NOT NULL)
GROUP BY ALL
{%- endmacro %}
{% for need in needs %}
{{ aggregated(need) }}{{ " UNION ALL " if not loop.last }}
{% endfor %};
