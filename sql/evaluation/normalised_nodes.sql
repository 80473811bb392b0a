{% import "methods.sql" as methods with context %}
-- The scores of nodes, over all units, turned into new ones by the nodes' own normalisation; u_*: what they were.
CREATE OR REPLACE TEMP VIEW tree_{{ number }} AS
SELECT * EXCLUDE (
{%- for n in nodes %}{{ ", " if not loop.first }}old_{{ n.key }}{% endfor %})
{%- for n in nodes %},
    old_{{ n.key }} AS u_{{ n.key }},
    CAST(CASE WHEN NOT ({{ n.applies }}) THEN NULL
        WHEN old_{{ n.key }} IS NULL THEN {{ "0" if n.missing == "zero" else "NULL" }}
        ELSE {{ methods.score(n.judged, "scaled_12(" ~ decimal("old_" ~ n.key, decimals) ~ ")") }} END AS HUGEINT) AS {{ n.score }}
{%- endfor %}
FROM (
    SELECT grown.* RENAME ({% for n in nodes %}{{ ", " if not loop.first }}{{ n.score }} AS old_{{ n.key }}{% endfor %})
    {%- if looking %}, {{ looked_at }}.* EXCLUDE (grp){% endif %}
    {%- if placed %}, {{ places }}.* EXCLUDE (unit){% endif %}

    FROM grown_{{ number }} AS grown
    {%- if looking %} LEFT JOIN {{ looked_at }} USING (grp){% endif %}
    {%- if placed %} LEFT JOIN {{ places }} USING (unit){% endif %}

);
