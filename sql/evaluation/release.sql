-- What only led to the totals gives its memory back.
DROP VIEW pointed;
{% for level in levels | reverse %}
DROP VIEW tree_{{ loop.revindex }};
DROP VIEW weights_{{ loop.revindex }};
{% endfor %}
DROP TABLE normalised;
