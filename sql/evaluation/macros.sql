-- Numbers travel between stages as DECIMAL and are computed as integers scaled by a power of ten: in DuckDB
-- "/" on anything, and "//" on decimals, would give DOUBLE.

-- The only division: exact, rounded half away from zero (四舍五入) to an integer; NULL for a zero divisor.
CREATE OR REPLACE TEMP MACRO exact_divide(n, d) AS
    CASE WHEN d = 0 THEN NULL
         WHEN (n < 0) = (d < 0) THEN (2 * abs(n) + abs(d)) // (2 * abs(d))
         ELSE -((2 * abs(n) + abs(d)) // (2 * abs(d))) END;

-- A DECIMAL with {s} decimals as an integer, and back. No digit is lost either way.
{% for s in range(13) %}
CREATE OR REPLACE TEMP MACRO scaled_{{ s }}(x) AS
    CAST(CAST(x AS DECIMAL(38, {{ s }})) * {{ 10 ** s }} AS HUGEINT);
CREATE OR REPLACE TEMP MACRO decimal_{{ s }}(q) AS
    CAST(CAST(q AS DECIMAL(38, 0)) * CAST({{ s | smallest }} AS DECIMAL({{ s + 1 }}, {{ s }})) AS DECIMAL(38, {{ s }}));
{% endfor %}

-- A decimal as people write it: no zeros at its end.
CREATE OR REPLACE TEMP MACRO plain(x) AS
    CASE WHEN contains(CAST(x AS VARCHAR), '.') THEN rtrim(rtrim(CAST(x AS VARCHAR), '0'), '.')
         ELSE CAST(x AS VARCHAR) END;

-- A member of a JSON object, or nothing where the value is NULL.
CREATE OR REPLACE TEMP MACRO member(key, value) AS
    coalesce(', "' || key || '": "' || value || '"', '');

-- The candidate in floating point counts where it is clearly nearer to one integer than its error is large;
-- elsewhere the exact function decides. The result is the same on every machine.
CREATE OR REPLACE TEMP MACRO geometric_mean(candidate, terms, decimals) AS
    CASE WHEN abs(candidate - floor(candidate) - 0.5) > candidate * 1e-12 + 1e-9
         THEN CAST(floor(candidate + 0.5) AS HUGEINT)
         ELSE CAST(exact_geometric_mean(terms, decimals) AS HUGEINT) END;
