{% from "listed.sql" import listed %}
-- The values at given places of the ascending order of those that count.
WITH placed AS (
    SELECT number, among, v, row_number() OVER (PARTITION BY number, among ORDER BY v) AS place
    FROM ({{ listed(needs, table, counted) }}) WHERE counted
)
SELECT placed.number, placed.among, placed.place, placed.v
FROM placed JOIN wanted_places USING (number, among, place);
