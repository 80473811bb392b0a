{% set direction = "DESC" if rounding.first == "highest" else "ASC" %}
{# How many units stand there or better, and how many exactly there, within a part of them. #}
{% macro upto(part) -%} CAST(sum(members) OVER (PARTITION BY {{ part }} ORDER BY ranked_on {{ direction }} RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS BIGINT) {%- endmacro %}
{% macro same(part) -%} CAST(sum(members) OVER (PARTITION BY {{ part }}, ranked_on) AS BIGINT) {%- endmacro %}
{% macro place(part) -%}
{%- if rounding.ties == "dense" -%} dense_rank() OVER (PARTITION BY {{ part }} ORDER BY ranked_on {{ direction }})
{%- elif rounding.ties == "max" -%} {{ upto(part) }}
{%- else -%} {{ upto(part) }} - {{ same(part) }} + 1 {%- endif -%}
{%- endmacro %}
{% macro counted(what, within) -%} coalesce(CAST(sum(members) FILTER ({{ what }}) OVER ({{ "PARTITION BY grp" if within == "group" }}) AS BIGINT), 0) {%- endmacro %}
-- Units of one group with the same total and veto stand together, and take rank and grade together: what is
-- sorted is no longer than the list of different totals. Groups out of competition have no rank and no place of
-- a quota, and nobody counts them.
CREATE OR REPLACE TEMP VIEW graded_0 AS
SELECT *,
    CASE WHEN ranked THEN CAST({{ place("ranked") }} AS INTEGER) END AS rank,
    CASE WHEN ranked AND grp <> '' THEN CAST({{ place("ranked, grp") }} AS INTEGER) END AS group_rank,
    CAST(NULL AS INTEGER) AS grade
FROM (
    SELECT grp, total, ranked_on, vetoed, ranked, count(*) AS members
    FROM scored WHERE total IS NOT NULL GROUP BY grp, total, ranked_on, vetoed, ranked
);

-- Grades from the best down. A veto lowers a unit to the veto grade at best; it keeps its total and rank and
-- counts among those evaluated, but takes no place of a quota above.
{% for g in grades %}
{% set n = loop.index %}
CREATE OR REPLACE TEMP VIEW candidates_{{ n }} AS
SELECT *,
    grade IS NULL
    {%- if g.at_least is not none %} AND total >= {{ g.at_least }}{% endif %}
    {%- if g.at_most is not none %} AND total <= {{ g.at_most }}{% endif %}
    {%- if g.below is not none %} AND total < {{ g.below }}{% endif %}
    {%- if g.quota %} AND ranked{% endif %}
    {%- if loop.index0 < veto_place %} AND NOT vetoed{% endif %} AS candidate_{{ n }}
    {%- if g.quota %},
    {{ counted("ranked", g.quota.within) }} AS evaluated_{{ n }},
    {% if g.quota.from_first %}{{ counted("ranked AND grade IS NOT NULL", g.quota.within) }}{% else %}0{% endif %} AS taken_{{ n }}
    {%- endif %}
FROM graded_{{ loop.index0 }};

{% if g.quota %}
{% set part = "candidate_" ~ n ~ (", grp" if g.quota.within == "group" else "") %}
{% set share = "CAST(evaluated_" ~ n ~ " AS HUGEINT) * " ~ g.quota.share %}
CREATE OR REPLACE TEMP VIEW seated_{{ n }} AS
SELECT *,
    CAST({% if g.quota.rounding == "down" -%} ({{ share }}) // {{ g.quota.unit }}
    {%- elif g.quota.rounding == "up" -%} ({{ share }} + {{ g.quota.unit - 1 }}) // {{ g.quota.unit }}
    {%- else -%} (2 * {{ share }} + {{ g.quota.unit }}) // {{ 2 * g.quota.unit }} {%- endif %} AS BIGINT) - taken_{{ n }} AS seats_{{ n }},
    {{ upto(part) }} - {{ same(part) }} + 1 AS first_place_{{ n }},
    {{ upto(part) }} AS last_place_{{ n }}
FROM candidates_{{ n }};
{% endif %}

CREATE OR REPLACE TEMP VIEW graded_{{ n }} AS
SELECT * EXCLUDE (grade),
    CASE WHEN grade IS NOT NULL THEN grade
         WHEN candidate_{{ n }}
         {%- if g.quota %} AND {{ "first_place_" if g.quota.tie_at_edge == "all_in" else "last_place_" }}{{ n }} <= seats_{{ n }}{% endif %} THEN {{ loop.index0 }} END AS grade
FROM {{ "seated_" if g.quota else "candidates_" }}{{ n }};
{% endfor %}

CREATE OR REPLACE TEMP TABLE classes AS FROM graded_{{ grades | length }};
