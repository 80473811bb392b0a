-- The values at given places of the ascending order, of each key and group.
WITH counted AS (
{%- for need in needs %}
    SELECT {{ need.key | text }} AS key, {{ "grp" if need.within == "group" else "NULL" }} AS grp, scaled_12({{ need.column }}) AS v
    FROM {{ table }} WHERE {{ need.applies }} AND {{ need.counted }} AND {{ need.column }} IS NOT NULL{{ " UNION ALL" if not loop.last }}
{%- endfor %}
),
placed AS (
    SELECT key, grp, v, row_number() OVER (PARTITION BY key, grp ORDER BY v) AS place FROM counted
)
SELECT placed.key, placed.grp, placed.place, placed.v
FROM placed JOIN wanted_places AS w
    ON placed.key = w.key AND placed.grp IS NOT DISTINCT FROM w.grp AND placed.place = w.place;
