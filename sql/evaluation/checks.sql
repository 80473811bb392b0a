{# What is wrong with the given values. Each macro is one query: rows of (unit, indicator, rater, found, line),
   of which the first {{ limit }} and their number are shown. #}
{% macro wrong(name) -%}
{% if name == "nameless" -%}
SELECT unit, indicator, rater, NULL AS found, line FROM given
WHERE unit IS NULL OR trim(unit) = '' OR indicator IS NULL OR trim(indicator) = ''
{%- elif name == "unknown_indicator" -%}
SELECT unit, indicator, rater, NULL AS found, line FROM given
WHERE indicator NOT IN ({{ allowed | map("text") | join(", ") }})
{%- elif name == "not_decimal" -%}
SELECT unit, indicator, rater, CAST(value AS VARCHAR) AS found, line FROM given
WHERE indicator IN ({{ used | map("text") | join(", ") }}) AND value IS NOT NULL AND NOT coalesce(
    {% if textual %}regexp_full_match(value, '[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]{1,4})?') AND {% endif %}TRY_CAST(value AS DECIMAL(25, 12)) IS NOT NULL, FALSE)
{%- elif name == "two_groups" -%}
SELECT unit, NULL AS indicator, NULL AS rater,
    string_agg(DISTINCT coalesce("group", '（空）'), '、' ORDER BY coalesce("group", '（空）')) AS found, min(line) AS line
FROM given GROUP BY unit HAVING count(DISTINCT coalesce("group", '')) > 1
{%- elif name == "unknown_group" -%}
SELECT unit, NULL AS indicator, NULL AS rater, coalesce(any_value("group"), '（空）') AS found, min(line) AS line
FROM given GROUP BY unit HAVING any_value(coalesce("group", '')) NOT IN ({{ groups | map("text") | join(", ") }})
{%- elif name == "doubled" -%}
SELECT unit, indicator, rater, CAST(count(*) AS VARCHAR) AS found, max(line) AS line
FROM given GROUP BY unit, indicator, rater HAVING count(*) > 1
{%- elif name == "doubled_rating" -%}
SELECT unit, indicator, rater, CAST(count(*) AS VARCHAR) AS found, max(line) AS line
FROM given WHERE indicator IN ({{ rated | map("text") | join(", ") }})
GROUP BY unit, indicator, rater HAVING count(*) > 1
{%- elif name == "no_rater" -%}
SELECT unit, indicator, rater, NULL AS found, line FROM given
WHERE indicator IN ({{ rated | map("text") | join(", ") }}) AND (rater IS NULL OR trim(rater) = '')
{%- elif name == "strange_rater" -%}
SELECT unit, indicator, rater, rater AS found, line FROM given
WHERE indicator IN ({{ counted | map("text") | join(", ") }}) AND rater IS NOT NULL
{%- elif name == "not_yes_no" -%}
SELECT unit, indicator, rater, CAST(value AS VARCHAR) AS found, line FROM given
WHERE indicator IN ({{ yes_no | map("text") | join(", ") }}) AND TRY_CAST(value AS DECIMAL(25, 12)) NOT IN (0, 1)
{%- elif name == "rating_range" -%}
SELECT unit, indicator, rater, CAST(value AS VARCHAR) AS found, line FROM given
WHERE FALSE
{%- for i in experts %}
    OR indicator = {{ i.input | text }} AND TRY_CAST(value AS DECIMAL(25, 12)) NOT BETWEEN {{ i.rule.least }} AND {{ i.rule.most }}
{%- endfor %}
{%- elif name == "quotient_range" -%}
SELECT unit, found AS indicator, NULL AS rater, amount AS found, NULL AS line FROM (
{%- for i in divided %}
    SELECT unit, {{ i.code | text }} AS found, CAST({{ "g" if i.transforms else "v" }}_{{ i.key }} AS VARCHAR) AS amount FROM {{ "measured" if transformed else "quotients" }}
    WHERE abs({{ "g" if i.transforms else "v" }}_{{ i.key }}) >= {{ 10 ** 13 }} {{ "UNION ALL" if not loop.last }}
{%- endfor %})
{%- endif %}
{%- endmacro %}
SELECT count(*) OVER () AS total, * FROM ({{ wrong(check) }}) AS found
ORDER BY line, unit, indicator, rater LIMIT {{ limit }};
