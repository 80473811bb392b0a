{% macro place(order) -%}
{%- if ties == "dense" -%} dense_rank() OVER ({{ order }})
{%- elif ties == "max" -%} count(*) OVER ({{ order }} RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
{%- else -%} rank() OVER ({{ order }}) {%- endif -%}
{%- endmacro %}
CREATE OR REPLACE TEMP VIEW totals AS
SELECT unit, grp, total, {{ "unrounded_total" if unrounded else "total" }} AS ranked_on, excluded,
    {% for i in indicators if i.role == "veto" %}x_{{ i.key }} OR {% endfor %}FALSE AS vetoed
    {%- for i in indicators if i.role == "veto" %}, x_{{ i.key }}, v_{{ i.key }}{% endfor %}
    {%- for i in indicators if i.missing == "exclude_unit" %}, excluded_{{ i.key }}{% endfor %}
FROM scored;

-- Ranks over those evaluated, all together and within each group.
CREATE OR REPLACE TEMP VIEW graded_0 AS
SELECT *,
    CASE WHEN total IS NOT NULL THEN CAST({{ place("PARTITION BY total IS NULL ORDER BY ranked_on DESC") }} AS INTEGER) END AS rank,
    CASE WHEN total IS NOT NULL AND grp <> '' THEN
        CAST({{ place("PARTITION BY grp, total IS NULL ORDER BY ranked_on DESC") }} AS INTEGER) END AS group_rank,
    CAST(NULL AS INTEGER) AS grade
FROM totals;

-- Grades from the highest down. A veto lowers a unit to the veto grade at best; it keeps its total and rank and
-- counts among those evaluated, but takes no place of a quota above.
{% for g in grades %}
CREATE OR REPLACE TEMP VIEW candidates_{{ loop.index }} AS
SELECT *,
    total IS NOT NULL AND grade IS NULL
    {%- if g.floor is not none %} AND total >= {{ g.floor }}{% endif %}
    {%- if loop.index0 < veto_place %} AND NOT vetoed{% endif %} AS candidate_{{ loop.index }}
    {%- if g.quota %},
    count(total) OVER ({{ "PARTITION BY grp" if g.quota.within == "group" }}) AS evaluated_{{ loop.index }}
    {%- endif %}
FROM graded_{{ loop.index0 }};

{% if g.quota %}
{% set within = "PARTITION BY candidate_" ~ loop.index ~ (", grp" if g.quota.within == "group" else "") ~ " ORDER BY ranked_on DESC" %}
CREATE OR REPLACE TEMP VIEW seated_{{ loop.index }} AS
SELECT *,
    {% if g.quota.rounding == "down" -%} evaluated_{{ loop.index }} * {{ g.quota.share }} // {{ g.quota.unit }}
    {%- elif g.quota.rounding == "up" -%} (evaluated_{{ loop.index }} * {{ g.quota.share }} + {{ g.quota.unit - 1 }}) // {{ g.quota.unit }}
    {%- else -%} exact_divide(evaluated_{{ loop.index }} * {{ g.quota.share }}, {{ g.quota.unit }}) {%- endif %} AS seats_{{ loop.index }},
    rank() OVER ({{ within }}) AS first_place_{{ loop.index }},
    count(*) OVER ({{ within }} RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS last_place_{{ loop.index }}
FROM candidates_{{ loop.index }};
{% endif %}

CREATE OR REPLACE TEMP VIEW graded_{{ loop.index }} AS
SELECT * EXCLUDE (grade),
    CASE WHEN grade IS NOT NULL THEN grade
         WHEN candidate_{{ loop.index }}
         {%- if g.quota %} AND {{ "first_place_" if g.quota.tie_at_edge == "all_in" else "last_place_" }}{{ loop.index }} <= seats_{{ loop.index }}{% endif %} THEN {{ loop.index0 }} END AS grade
FROM {{ "seated_" if g.quota else "candidates_" }}{{ loop.index }};
{% endfor %}
