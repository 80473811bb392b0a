-- The scores of indicators as integers of the narrowest type that holds them.
CREATE OR REPLACE TEMP VIEW leaves AS
SELECT * {% if narrow %}REPLACE (
{%- for name in narrow %}{{ ", " if not loop.first }}CAST({{ name }} AS BIGINT) AS {{ name }}{% endfor %}){% endif %}

FROM normalised;
