-- One row per unit: what it got, and why where that is not plain from the score.
CREATE OR REPLACE TEMP TABLE results AS
SELECT unit, s.grp AS "group", {{ decimal("s.total", rounding.total) }} AS total, rank, group_rank,
    {% if grades %}CASE grade {% for g in grades %}WHEN {{ loop.index0 }} THEN {{ g.name | text }} {% endfor %}END{% else %}CAST(NULL AS VARCHAR){% endif %} AS grade,
    {% if grades %}CASE grade {% for g in grades %}WHEN {{ loop.index0 }} THEN {{ "TRUE" if g.passes else "FALSE" }} {% endfor %}END{% else %}CAST(NULL AS BOOLEAN){% endif %} AS passed,
    CASE WHEN s.total IS NULL OR s.vetoed
    {%- for g in grades if g.quota %} OR (candidate_{{ g.place }} AND (grade <> {{ g.place - 1 }} OR last_place_{{ g.place }} > seats_{{ g.place }})){% endfor %} THEN
    '[' || array_to_string(list_filter([
    {%- for i in indicators if i.missing == "exclude_unit" %}
        CASE excluded_{{ i.key }} {% for cause in causes %}WHEN {{ cause | text }} THEN {{ i.excluded[cause] | text }} {% endfor %}END,
    {%- endfor %}
    {%- for n in nodes_excluding %}
        CASE WHEN ({{ n.applies }}) AND {{ n.score }} IS NULL THEN {{ excluding[n.code] }} END,
    {%- endfor %}
        CASE WHEN s.total IS NULL AND NOT excluded THEN {{ nothing_left }} END,
    {%- for i in indicators if i.role == "veto" %}
        CASE WHEN x_{{ i.key }} THEN {{ i.vetoed[0] | text }} || plain(v_{{ i.key }}) || {{ i.vetoed[1] | text }} END,
    {%- endfor %}
    {%- for g in grades if g.quota %}
        {% set n = g.place -%}
        CASE WHEN candidate_{{ n }} AND grade <> {{ n - 1 }} THEN
            CASE WHEN first_place_{{ n }} <= seats_{{ n }} THEN {{ g.tied_out[0] | text }} || seats_{{ n }} || {{ g.tied_out[1] | text }}
                 ELSE {{ g.no_seat[0] | text }} || greatest(seats_{{ n }}, 0) || {{ g.no_seat[1] | text }} || first_place_{{ n }} || {{ g.no_seat[2] | text }} END
             WHEN candidate_{{ n }} AND last_place_{{ n }} > seats_{{ n }} THEN
                {{ g.tied_in[0] | text }} || seats_{{ n }} || {{ g.tied_in[1] | text }} END,
    {%- endfor %}
        NULL], lambda reason: reason IS NOT NULL), ', ') || ']' ELSE '[]' END AS reasons
FROM scored AS s LEFT JOIN classes AS c
    ON s.grp = c.grp AND s.total = c.total AND s.ranked_on = c.ranked_on AND s.vetoed = c.vetoed;
