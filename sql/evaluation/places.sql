-- Where a value stands among others, counted from the worst: how many are worse (below), how many the same (itself
-- among them), how many different ones there are up to it (dense), how many there are (members). A unit that does
-- not count among the others is placed as if it alone did.
CREATE OR REPLACE TEMP TABLE {{ places }} AS
WITH listed AS (
{%- for i in needs %}
    SELECT unit, {{ loop.index0 }} AS number, {{ "grp" if i.within == "group" else "''" }} AS among, {{ i.counted }} AS counted,
        {{ "-" if i.down }}{{ i.column }} AS v
    FROM {{ table }} WHERE {{ i.applies }} AND {{ i.column }} IS NOT NULL{{ " UNION ALL" if not loop.last }}
{%- endfor %}
),
-- those with the same value stand together: what is sorted is no longer than the list of different values
counts AS (
    SELECT number, among, v, count(*) FILTER (counted) AS here FROM listed GROUP BY ALL
),
ordered AS (
    SELECT number, among, v, here,
        sum(here) OVER (PARTITION BY number, among ORDER BY v) - here AS below,
        sum(CASE WHEN here > 0 THEN 1 ELSE 0 END) OVER (PARTITION BY number, among ORDER BY v) AS dense,
        sum(here) OVER (PARTITION BY number, among) AS members
    FROM counts
),
placed AS (
    SELECT unit, number, CAST(below AS BIGINT) AS below, here + CASE WHEN counted THEN 0 ELSE 1 END AS same,
        CAST(dense AS BIGINT) + CASE WHEN here = 0 THEN 1 ELSE 0 END AS dense,
        CAST(members AS BIGINT) + CASE WHEN counted THEN 0 ELSE 1 END AS members
    FROM listed JOIN ordered USING (number, among, v)
)
SELECT unit
{%- for i in needs %},
    any_value(below) FILTER (number = {{ loop.index0 }}) AS below_{{ i.key }},
    any_value(same) FILTER (number = {{ loop.index0 }}) AS same_{{ i.key }},
    any_value(dense) FILTER (number = {{ loop.index0 }}) AS dense_{{ i.key }},
    any_value(members) FILTER (number = {{ loop.index0 }}) AS members_{{ i.key }}
{%- endfor %}
FROM placed GROUP BY unit;
