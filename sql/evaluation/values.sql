-- The values that the rules use, as decimals; one row per unit and input in the wide table. The checks have
-- proved before that every value used fits (what is not used may be any text).
CREATE OR REPLACE TEMP VIEW typed AS
SELECT unit, coalesce("group", '') AS grp, indicator, rater, {% if textual %}
    CASE WHEN indicator IN ({{ used | map("text") | join(", ") or "NULL" }}) THEN CAST(value AS {{ kind }}) END{% else %}TRY_CAST(value AS {{ kind }}){% endif %} AS value
FROM given;

{% if experts %}
-- Expert scores: the extremes that are dropped, and sum and number of those that are kept.
CREATE OR REPLACE TEMP TABLE ratings AS
WITH
{% for i in experts %}
ordered_{{ i.key }} AS (
    SELECT unit, rater, value, count(*) OVER (PARTITION BY unit) AS raters,
        row_number() OVER (PARTITION BY unit ORDER BY value, rater) AS place
    FROM typed WHERE indicator = {{ i.input | text }} AND value IS NOT NULL
),
judged_{{ i.key }} AS (
    SELECT *, raters >= {{ i.rule.minimum_raters }} AS enough,
        raters >= {{ i.rule.minimum_raters }}
        AND (place <= {{ i.rule.drop_lowest }} OR place > raters - {{ i.rule.drop_highest }}) AS dropped
    FROM ordered_{{ i.key }}
),
panel_{{ i.key }} AS (
    SELECT unit, max(raters) AS raters_{{ i.key }},
        CAST(sum(value) FILTER (NOT dropped) AS DECIMAL(38, 12)) AS sum_{{ i.key }},
        {% if i.rule.mean_of_all %}count(*) FILTER (NOT dropped){% else %}
        nullif(count(*) FILTER (NOT dropped AND enough), 0){% endif %} AS kept_{{ i.key }},
        string_agg('{"rater": ' || to_json(rater) || ', "value": "' || plain(value) || '"}', ', ' ORDER BY place)
            FILTER (dropped) AS dropped_{{ i.key }},
        string_agg('{"rater": ' || to_json(rater) || ', "value": "' || plain(value) || '"}', ', ' ORDER BY place)
            FILTER (NOT dropped) AS counted_{{ i.key }}
    FROM judged_{{ i.key }} GROUP BY unit
),
{% endfor %}
units AS (SELECT DISTINCT unit FROM typed)
SELECT unit
{%- for i in experts %}, raters_{{ i.key }}, sum_{{ i.key }}, kept_{{ i.key }}, dropped_{{ i.key }}, counted_{{ i.key }}{% endfor %}

FROM units {% for i in experts %} LEFT JOIN panel_{{ i.key }} USING (unit){% endfor %};
{% endif %}

{% set bits = "BIGINT" if single | length <= 62 else "HUGEINT" %}
CREATE OR REPLACE TEMP TABLE wide AS
SELECT unit, min(grp) AS grp,
    -- what cannot be right shows here at no further cost: two groups, or an input that stands twice
    max(grp) AS last_grp,
    count(input) AS rows_given,
    {% if single | length <= 126 %}bit_or(CAST(1 AS {{ bits }}) << input){% else %}CAST(0 AS HUGEINT){% endif %} AS inputs_given
{%- for input in inputs %},
    max(CASE WHEN input = {{ single.index(input.name) }} THEN value END) AS {{ input.column }}
{%- endfor %}
FROM (
    SELECT unit, grp, value,
        {% if single %}CAST(CASE indicator {% for n in single %}WHEN {{ n | text }} THEN {{ loop.index0 }} {% endfor %}END AS INTEGER){% else %}CAST(NULL AS INTEGER){% endif %} AS input
    FROM typed
)
GROUP BY unit;
