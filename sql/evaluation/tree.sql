-- Stage "dimension", from the leaves up: scores are integers at {{ rounding.dimension }} decimals; then the root: base at
-- {{ rounding.total }} decimals and, where ranks are given on it, unrounded at 12. NULL: no score.
{% for level in level_sql %}
CREATE OR REPLACE TEMP VIEW tree_{{ loop.index }} AS
SELECT * EXCLUDE ({{ level | map(attribute="hidden") | sum(start=[]) | join(", ") }})
{%- for node in level %}{% for name, sql in node.then.items() %},
    {{ sql }} AS {{ name }}
{%- endfor %}{% endfor %}
FROM (
    SELECT *
    {%- for node in level %}{% for name, sql in node.first.items() %},
        {{ sql }} AS {{ name }}
    {%- endfor %}{% endfor %}
    FROM {{ "leaves" if loop.first else "tree_" ~ loop.index0 }}
);
{% endfor %}
