-- Numbers travel between stages as DECIMAL and are computed as integers scaled by a power of ten: in DuckDB
-- "/" on anything, and "//" on decimals, would give DOUBLE.

-- The only division: exact, rounded half away from zero (四舍五入) to an integer; NULL for a zero divisor.
CREATE OR REPLACE TEMP MACRO exact_divide(n, d) AS
    CASE WHEN d = 0 THEN NULL
         WHEN (n < 0) = (d < 0) THEN (2::BIGINT * abs(n) + abs(d)) // (2::BIGINT * abs(d))
         ELSE -((2::BIGINT * abs(n) + abs(d)) // (2::BIGINT * abs(d))) END;

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

-- The same for logarithms and powers (transcendental.py, prepared.sql): x is an integer at 12 decimals. The margins are
-- ten times and more what the few steps in floating point can be wrong by.
CREATE OR REPLACE TEMP MACRO nearest(candidate, margin, exactly) AS
    CASE WHEN abs(candidate - floor(candidate) - 0.5) > margin THEN CAST(floor(candidate + 0.5) AS HUGEINT)
         ELSE CAST(exactly AS HUGEINT) END;

CREATE OR REPLACE TEMP MACRO log_share(x, low, high, lowest, span, decimals) AS
    nearest((lowest + span * ln(CAST(x AS DOUBLE) / low) / ln(CAST(high AS DOUBLE) / low)) * 10.0::DOUBLE ** decimals,
        (abs(lowest) + abs(span) * (1 + abs(ln(CAST(x AS DOUBLE) / low))) * (1 + 1 / ln(CAST(high AS DOUBLE) / low)) ** 2)
            * 3e-15 * 10.0::DOUBLE ** decimals,
        exact_log_share(CAST(x AS VARCHAR), CAST(low AS VARCHAR), CAST(high AS VARCHAR), CAST(lowest AS VARCHAR),
            CAST(span AS VARCHAR), decimals));

-- R is place2 / (2 * members); what is left of 1 - R is taken from the integers, so that no digits cancel.
CREATE OR REPLACE TEMP MACRO exponent_left(place2, members, constant) AS
    (2 * members - place2 + place2 * exp(-100.0::DOUBLE / constant)) / (2.0::DOUBLE * members);
CREATE OR REPLACE TEMP MACRO exponential_rank(place2, members, constant, full_score, decimals) AS
    CASE WHEN place2 < 2 * members
         THEN nearest(-constant * ln(exponent_left(place2, members, constant)) * full_score / 100 * 10.0::DOUBLE ** decimals,
             constant * (1 + abs(ln(exponent_left(place2, members, constant)))) * full_score * 1e-17 * 10.0::DOUBLE ** decimals,
             exact_exponential_rank(place2, members, CAST(constant AS VARCHAR), CAST(full_score AS VARCHAR), decimals))
         ELSE CAST(exact_exponential_rank(place2, members, CAST(constant AS VARCHAR), CAST(full_score AS VARCHAR), decimals) AS HUGEINT) END;
