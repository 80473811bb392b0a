-- One row per unit: what it got, and why where that is not plain from the score.
CREATE OR REPLACE TEMP TABLE results AS
SELECT unit, grp AS "group", total, rank, group_rank,
    CASE grade {% for g in grades %}WHEN {{ loop.index0 }} THEN {{ g.name | text }} {% endfor %}END AS grade,
    CASE grade {% for g in grades %}WHEN {{ loop.index0 }} THEN {{ "TRUE" if g.passes else "FALSE" }} {% endfor %}END AS passed,
    '[' || array_to_string(list_filter([
    {%- for i in indicators if i.missing == "exclude_unit" %}
        CASE excluded_{{ i.key }} {% for cause in causes %}WHEN {{ cause | text }} THEN {{ i.excluded[cause] | text }} {% endfor %}END,
    {%- endfor %}
        CASE WHEN total IS NULL AND NOT excluded THEN {{ nothing_left | text }} END,
    {%- for i in indicators if i.role == "veto" %}
        CASE WHEN x_{{ i.key }} THEN {{ i.vetoed[0] | text }} || plain(v_{{ i.key }}) || {{ i.vetoed[1] | text }} END,
    {%- endfor %}
    {%- for g in grades if g.quota %}
        {% set n = g.place -%}
        CASE WHEN candidate_{{ n }} AND grade <> {{ n - 1 }} THEN
            CASE WHEN first_place_{{ n }} <= seats_{{ n }} THEN {{ g.tied_out[0] | text }} || seats_{{ n }} || {{ g.tied_out[1] | text }}
                 ELSE {{ g.no_seat[0] | text }} || seats_{{ n }} || {{ g.no_seat[1] | text }} || first_place_{{ n }} || {{ g.no_seat[2] | text }} END
             WHEN candidate_{{ n }} AND last_place_{{ n }} > seats_{{ n }} THEN
                {{ g.tied_in[0] | text }} || seats_{{ n }} || {{ g.tied_in[1] | text }} END,
    {%- endfor %}
        NULL], lambda reason: reason IS NOT NULL), ', ') || ']' AS reasons
FROM graded_{{ grades | length }};
