-- Over the values that the rules use: most digits before the point (or some more; 13 with a number like 1.2e-05,
-- whose digits may stand anywhere), most decimals, and how many values have more than {{ most }} of those. Read from
-- the digits of a text, never through floating point.
{% set used_values %}FROM given WHERE indicator IN ({{ used | map("text") | join(", ") or "NULL" }}) AND value IS NOT NULL{% endset %}
{% if textual %}
SELECT coalesce(max(digits), 1), CASE WHEN count(exponent) > 0 THEN {{ most }} ELSE coalesce(max(decimals), 0) END, count(*) FILTER (decimals > {{ most }})
FROM (
    SELECT exponent, CASE WHEN exponent IS NULL THEN CASE WHEN point > 0 THEN point - 1 ELSE length(value) END
                ELSE 13 END AS digits,
        CASE WHEN exponent IS NULL THEN CASE WHEN point > 0 THEN length(rtrim(value, '0')) - point ELSE 0 END
             WHEN rtrim(whole || fraction, '0') = '' THEN 0
             ELSE greatest(0, length(fraction) - exponent
                 - (length(whole || fraction) - length(rtrim(whole || fraction, '0')))) END AS decimals
    FROM (
        SELECT value, strpos(value, '.') AS point,
            CASE WHEN scientific THEN CAST(regexp_extract(value, '[eE]([+-]?[0-9]+)$', 1) AS INTEGER) END AS exponent,
            CASE WHEN scientific THEN regexp_extract(value, '^[+-]?([0-9]*)', 1) END AS whole,
            CASE WHEN scientific THEN regexp_extract(value, '[.]([0-9]*)', 1) END AS fraction
        FROM (SELECT value, contains(value, 'e') OR contains(value, 'E') AS scientific {{ used_values }})
    )
);
{% else %}
SELECT 13, 12, count(*) FILTER (CAST(value AS DECIMAL(25, 12)) <> value) {{ used_values }};
{% endif %}
