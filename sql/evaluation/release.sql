-- What only led to the totals gives its memory back.
{% for level in levels | reverse %}
DROP VIEW tree_{{ loop.revindex }};
DROP TABLE IF EXISTS grown_{{ loop.revindex }};
{% endfor %}
DROP VIEW leaves;
DROP TABLE normalised;
