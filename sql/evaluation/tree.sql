-- Stage "dimension", level {{ number }} from the leaves: scores are integers at {{ rounding.dimension }} decimals; the root's, base at
-- {{ rounding.total }} decimals and, where ranks are given on it, unrounded at 12. NULL: no score.
CREATE OR REPLACE TEMP VIEW tree_{{ number }} AS
SELECT * EXCLUDE ({{ level | map(attribute="hidden") | sum(start=[]) | join(", ") }})
{%- for node in level %}{% for name, sql in node.then.items() %},
    {{ sql }} AS {{ name }}
{%- endfor %}{% endfor %}
FROM (
    SELECT *
    {%- for node in level %}{% for name, sql in node.first.items() %},
        {{ sql }} AS {{ name }}
    {%- endfor %}{% endfor %}
    FROM {{ "leaves" if number == 1 else "tree_" ~ (number - 1) }}
);
