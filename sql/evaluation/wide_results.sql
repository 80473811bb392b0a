-- The results with every node's score beside them, for a file. Columns of nodes have names of their own: codes may
-- differ by upper and lower case alone.
SELECT r.unit, nullif(r."group", '') AS "group", r.total, r.rank, r.group_rank, r.grade, r.passed
{%- for c in nodes if not c.leaf %},
    {{ decimal("s." ~ c.score, c.decimals) }} AS node_{{ loop.index }}
{%- endfor %}
{%- for i in indicators %},
    {% if i.role == "veto" %}CAST(s.x_{{ i.key }} AS INTEGER){% else %}{{ decimal("s.s_" ~ i.key, r) }}{% endif %} AS indicator_{{ loop.index }}
{%- endfor %}
FROM results AS r JOIN scored AS s USING (unit) ORDER BY r.unit
