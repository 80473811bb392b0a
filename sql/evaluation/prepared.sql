{# One transform each: t has the key of its columns and its numbers; v is the value as an integer at 12 decimals.
   A function that is not rational has a candidate in floating point first, at 12 decimals, where that can be near
   enough; then the new value as an integer at 12 decimals, NULL where it is not defined. #}

{% macro in_double(v) -%} CAST({{ v }} AS DOUBLE) / 1e12 {%- endmacro %}

{% macro candidate(t, v) -%}
{%- if t.kind == "log" %}CASE WHEN {{ v }} + ({{ t.numbers.plus }}) > 0 THEN ln(CAST({{ v }} + ({{ t.numbers.plus }}) AS DOUBLE) / 1e12) * {{ {"e": "1e12", "2": "1e12 / ln(2)", "10": "1e12 / ln(10)"}[t.numbers.base] }} END
{%- elif t.kind == "exp" %}CASE WHEN abs({{ in_double(v) }} * {{ t.numbers.rate }}) < 20 THEN exp({{ in_double(v) }} * {{ t.numbers.rate }}) * 1e12 END
{%- elif t.kind == "power" %}CASE WHEN {{ v }} > 0 AND abs(ln({{ in_double("greatest(" ~ v ~ ", 1)") }}) * {{ t.numbers.exponent }}) < 20 THEN pow({{ in_double(v) }}, {{ t.numbers.exponent }}) * 1e12 END
{%- elif t.kind == "winsorise_skew" %}CASE WHEN distance_{{ t.key }} >= 0 THEN ln(distance_{{ t.key }} * slope_{{ t.key }} + start_{{ t.key }}) * 1e12 END
{%- endif %}
{%- endmacro %}

{# What the candidate can be wrong by is a tenth of this and less. #}
{% macro margin(t, v) -%}
{%- if t.kind in ("log", "winsorise_skew") %}0.004 + abs(f_{{ t.key }}) * 2e-15
{%- elif t.kind == "exp" %}1e-9 + f_{{ t.key }} * (abs({{ in_double(v) }} * {{ t.numbers.rate }}) + 1) * 4e-15
{%- else %}1e-9 + f_{{ t.key }} * (abs(ln({{ in_double("greatest(" ~ v ~ ", 1)") }}) * {{ t.numbers.exponent }}) + 1) * 4e-15
{%- endif %}
{%- endmacro %}

{% macro settled(t, v, exactly) -%}
CASE WHEN f_{{ t.key }} IS NOT NULL THEN nearest(f_{{ t.key }}, {{ margin(t, v) }}, {{ exactly }}) ELSE TRY_CAST({{ exactly }} AS HUGEINT) END
{%- endmacro %}

{% macro logarithm(t) -%}
exact_log(CAST(whole_{{ t.key }} AS VARCHAR), multiplier_{{ t.key }}, addend_{{ t.key }}, divisor_{{ t.key }}, 'e', 12)
{%- endmacro %}

{% macro apply(t, v) -%}
{%- if t.kind == "multiply" %}exact_divide(CAST({{ v }} AS HUGEINT) * {{ t.numbers.times }}, {{ t.numbers.over }})
{%- elif t.kind == "log" %}CASE WHEN f_{{ t.key }} IS NOT NULL THEN {{ settled(t, v, "exact_log(CAST(" ~ v ~ " + (" ~ t.numbers.plus ~ ") AS VARCHAR), '1', '0', '1000000000000', " ~ (t.numbers.base | text) ~ ", 12)") }} END
{%- elif t.kind == "exp" %}{{ settled(t, v, "exact_exp(CAST(" ~ v ~ " AS VARCHAR), " ~ (t.numbers.rate | text) ~ ")") }}
{%- elif t.kind == "power" %}CASE WHEN {{ v }} = 0 AND {{ t.numbers.exponent }} < 0{% if not t.numbers.whole %} OR {{ v }} < 0{% endif %} THEN NULL
    ELSE {{ settled(t, v, "exact_power(CAST(" ~ v ~ " AS VARCHAR), " ~ (t.numbers.exponent | text) ~ ")") }} END
{%- elif t.kind == "clip" %}
{%- if t.numbers.minimum is none %}least({{ v }}, {{ t.numbers.maximum }})
{%- elif t.numbers.maximum is none %}greatest({{ v }}, {{ t.numbers.minimum }})
{%- else %}least(greatest({{ v }}, {{ t.numbers.minimum }}), {{ t.numbers.maximum }}){% endif %}
{%- else %}CASE mode_{{ t.key }} WHEN 'clamp' THEN least(greatest({{ v }}, low_{{ t.key }}), high_{{ t.key }})
    {%- if t.kind == "winsorise_skew" %}
    {#- a unit that does not count among the others may lie so far beyond them that there is no logarithm #}
    WHEN 'log' THEN {{ settled(t, v, logarithm(t)) }}
    WHEN 'mirrored_log' THEN -({{ settled(t, v, logarithm(t)) }})
    WHEN 'undefined' THEN NULL
    {%- endif %} ELSE {{ v }} END
{%- endif %}
{%- endmacro %}

{% set curved = transforms | selectattr("curved") | list %}
{% set skewed = transforms | selectattr("kind", "eq", "winsorise_skew") | list %}
{% set clamping = transforms | selectattr("clamping") | list %}
{% set passing = [] %}
{% for t in transforms %}{% set _ = passing.append("w_" ~ t.key) %}{% endfor %}
{% for t in curved %}{% set _ = passing.append("f_" ~ t.key) %}{% endfor %}
{% for t in skewed %}{% for name in ("distance", "whole", "slope", "start") %}{% set _ = passing.append(name ~ "_" ~ t.key) %}{% endfor %}{% endfor %}
{% for t in clamping %}{% for name in ("low", "high") %}{% set _ = passing.append(name ~ "_" ~ t.key) %}{% endfor %}{% endfor %}
{% if first %}
CREATE OR REPLACE TEMP TABLE prepared_0 AS FROM measured;
{% endif %}
-- Stage "prepared": one transform of each indicator that has {{ step + 1 }} or more, at 12 decimals.
CREATE OR REPLACE TEMP TABLE prepared_{{ step + 1 }} AS
SELECT * EXCLUDE ({{ passing | join(", ") }})
{%- for t in transforms %},
    {% if t.kind == "impute" -%}
    CASE WHEN {{ t.before }} IS NOT NULL THEN {{ t.before }} WHEN {{ t.applies }} THEN a_{{ t.key }} END AS {{ t.after }}
    {%- else -%}
    CASE WHEN {{ t.before }} IS NOT NULL THEN decimal_12({{ apply(t, "w_" ~ t.key) }}) END AS {{ t.after }}
    {%- endif %}
{%- endfor %}
FROM (
    SELECT *
    {%- for t in curved %}, {{ candidate(t, "w_" ~ t.key) }} AS f_{{ t.key }}{% endfor %}

    FROM (
        SELECT *
        {%- for t in skewed %},
            CASE mode_{{ t.key }} WHEN 'log' THEN w_{{ t.key }} - low_{{ t.key }} WHEN 'mirrored_log' THEN high_{{ t.key }} - w_{{ t.key }} END AS whole_{{ t.key }},
            CAST(whole_{{ t.key }} AS DOUBLE) AS distance_{{ t.key }}
        {%- endfor %}
        FROM (
            SELECT *{% for t in transforms %}, scaled_12({{ t.before }}) AS w_{{ t.key }}{% endfor %}
            FROM prepared_{{ step }}
        ) AS p
        {%- if statistics %} LEFT JOIN (
            SELECT *
            {%- for t in skewed %}, CASE WHEN NOT starts_with(multiplier_{{ t.key }}, '-') THEN CAST(multiplier_{{ t.key }} AS DOUBLE) / CAST(divisor_{{ t.key }} AS DOUBLE) END AS slope_{{ t.key }},
                CAST(addend_{{ t.key }} AS DOUBLE) / CAST(divisor_{{ t.key }} AS DOUBLE) AS start_{{ t.key }}{% endfor %}
            {%- for t in clamping %}, scaled_12(a_{{ t.key }}) AS low_{{ t.key }}, scaled_12(b_{{ t.key }}) AS high_{{ t.key }}{% endfor %}

            FROM statistics_{{ step }}
        ) USING (grp){% endif %}

    )
);
DROP TABLE prepared_{{ step }};
{% if last %}
CREATE OR REPLACE TEMP VIEW quotients AS
SELECT * REPLACE (
{%- for i in transformed %}{{ ", " if not loop.first }}
    CASE WHEN {{ i.transforms[-1].after }} IS NULL THEN coalesce(why_{{ i.key }}, 'not_defined') END AS why_{{ i.key }}
{%- endfor %})
{%- for i in transformed %}, {{ i.transforms[-1].after }} AS v_{{ i.key }}{% endfor %}
FROM prepared_{{ step + 1 }};
{% endif %}
