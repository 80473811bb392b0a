{# A node's score: children with their weights; a child without a score has weight 0, the others share the rest. #}
{% macro mean(node, decimals) -%}
{%- if node.geometric -%}
decimal_{{ decimals }}(CASE WHEN w_{{ node.key }} = 0 THEN NULL
    WHEN {% for c in node.children %}(present_{{ c.key }} > 0 AND {{ c.score }} = 0){{ " OR " if not loop.last }}{% endfor %} THEN 0
    ELSE geometric_mean(exp(({% for c in node.children -%}
    {{ " + " if not loop.first }}CASE WHEN present_{{ c.key }} > 0 THEN present_{{ c.key }} * ln(CAST({{ c.score }} AS DOUBLE)) ELSE 0 END{% endfor -%}
    ) / w_{{ node.key }}) * {{ 10 ** decimals }}, {% for c in node.children -%}
    {{ " || ' ' || " if not loop.first }}present_{{ c.key }} || '*' || coalesce({{ c.score }}, 0){% endfor %}, {{ decimals }}) END)
{%- else -%}
decimal_{{ decimals }}(exact_divide(({% for c in node.children -%}
    {{ " + " if not loop.first }}present_{{ c.key }} * coalesce(scaled_{{ c.decimals }}({{ c.score }}), 0) * {{ 10 ** (node.scale - c.decimals) }}{% endfor -%}
    ) * {{ 10 ** decimals }}, CAST(w_{{ node.key }} AS HUGEINT) * {{ 10 ** node.scale }}))
{%- endif -%}
{%- endmacro %}
-- Stage "dimension", from the leaves up, at {{ rounding.dimension }} decimals; then the root: the weighted total at
-- {{ rounding.total }} decimals (base) and at 12 (unrounded).
{% for level in levels %}
CREATE OR REPLACE TEMP VIEW weights_{{ loop.index }} AS
SELECT *
{%- for node in level %}{% for c in node.children %},
    CASE WHEN {{ c.score }} IS NULL THEN 0 ELSE {{ c.weight }} END AS present_{{ c.key }}
{%- endfor %}{% endfor %}
{%- for node in level %},
    {% for c in node.children %}{{ " + " if not loop.first }}CASE WHEN {{ c.score }} IS NULL THEN 0 ELSE {{ c.weight }} END{% endfor %} AS w_{{ node.key }}
{%- endfor %}
FROM {{ "normalised" if loop.first else "tree_" ~ loop.index0 }};

CREATE OR REPLACE TEMP VIEW tree_{{ loop.index }} AS
SELECT *
{%- for node in level %},
    {% if node.root -%}
    {{ mean(node, rounding.total) }} AS base{% if unrounded %},
    {{ mean(node, 12) }} AS unrounded{% endif %}
    {%- else -%}
    {{ mean(node, rounding.dimension) }} AS {{ node.score }}
    {%- endif %}
{%- endfor %}
FROM weights_{{ loop.index }};
{% endfor %}
