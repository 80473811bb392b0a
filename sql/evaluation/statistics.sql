{% from "listed.sql" import listed %}
-- What the values of others come to. Squares are summed of the upper and lower digits: they have more than 38.
SELECT number, among, count(*) FILTER (counted) AS n, count(*) AS present,
    min(v) FILTER (counted) AS low, max(v) FILTER (counted) AS high, sum(v) FILTER (counted) AS total,
    {% if squares -%}
    sum(CAST(v // {{ 10 ** 13 }} AS HUGEINT) * (v // {{ 10 ** 13 }})) FILTER (counted AND squared) AS upper,
    sum(CAST(v // {{ 10 ** 13 }} AS HUGEINT) * (v % {{ 10 ** 13 }})) FILTER (counted AND squared) AS mixed,
    sum(CAST(v % {{ 10 ** 13 }} AS HUGEINT) * (v % {{ 10 ** 13 }})) FILTER (counted AND squared) AS lower
    {%- else %}NULL AS upper, NULL AS mixed, NULL AS lower{% endif %}
FROM (SELECT *, number IN ({{ (squares or [-1]) | join(", ") }}) AS squared FROM ({{ listed(needs, table, counted) }}))
GROUP BY number, among;
