{# One macro per transform: t has a key (of its columns), its numbers; v is the value as an integer at 12 decimals.
   Each gives the new value as an integer at 12 decimals, NULL where it is not defined. #}

{% macro winsorised(t, v) -%}
CASE mode_{{ t.key }}
    WHEN 'clamp' THEN least(greatest({{ v }}, scaled_12(a_{{ t.key }})), scaled_12(b_{{ t.key }}))
    {%- if t.kind == "winsorise_skew" %}
    WHEN 'log' THEN logarithm({{ v }} - scaled_12(a_{{ t.key }}), multiplier_{{ t.key }}, addend_{{ t.key }}, divisor_{{ t.key }}, 'e')
    WHEN 'mirrored_log' THEN -logarithm(scaled_12(b_{{ t.key }}) - {{ v }}, multiplier_{{ t.key }}, addend_{{ t.key }}, divisor_{{ t.key }}, 'e')
    WHEN 'undefined' THEN NULL
    {%- endif %}
    ELSE {{ v }} END
{%- endmacro %}

{% macro power(t, v) -%}
CASE WHEN {{ v }} = 0 AND {{ t.numbers.exponent }} < 0 THEN NULL
    {% if not t.numbers.whole %}WHEN {{ v }} < 0 THEN NULL{% endif %}
    WHEN {{ v }} > 0 AND abs(ln(CAST(abs({{ v }}) AS DOUBLE) / 1e12) * {{ t.numbers.exponent }}) < 20
    THEN nearest(pow(CAST({{ v }} AS DOUBLE) / 1e12, {{ t.numbers.exponent }}) * 1e12,
        1e-9 + pow(CAST({{ v }} AS DOUBLE) / 1e12, {{ t.numbers.exponent }}) * (abs(ln(CAST({{ v }} AS DOUBLE) / 1e12) * {{ t.numbers.exponent }}) + 1) * 4e-3,
        exact_power(CAST({{ v }} AS VARCHAR), {{ t.numbers.exponent | text }}))
    ELSE CAST(exact_power(CAST({{ v }} AS VARCHAR), {{ t.numbers.exponent | text }}) AS HUGEINT) END
{%- endmacro %}

{% macro apply(t, v) -%}
{%- if t.kind == "multiply" %}exact_divide({{ v }} * {{ t.numbers.times }}, {{ t.numbers.over }})
{%- elif t.kind == "log" %}logarithm({{ v }}{% if t.numbers.plus %} + ({{ t.numbers.plus }}){% endif %}, 1, 0, {{ 10 ** 12 }}, {{ t.numbers.base | text }})
{%- elif t.kind == "exp" %}exponential({{ v }}, CAST({{ t.numbers.rate }} AS DOUBLE), {{ t.numbers.rate | text }})
{%- elif t.kind == "power" %}{{ power(t, v) }}
{%- elif t.kind == "clip" %}
{%- if t.numbers.minimum is none %}least({{ v }}, {{ t.numbers.maximum }})
{%- elif t.numbers.maximum is none %}greatest({{ v }}, {{ t.numbers.minimum }})
{%- else %}least(greatest({{ v }}, {{ t.numbers.minimum }}), {{ t.numbers.maximum }}){% endif %}
{%- else %}{{ winsorised(t, v) }}{% endif -%}
{%- endmacro %}

{% if first %}
CREATE OR REPLACE TEMP TABLE prepared_0 AS FROM measured;
{% endif %}
-- Stage "prepared": one transform of each indicator that has {{ step + 1 }} or more, at 12 decimals.
CREATE OR REPLACE TEMP TABLE prepared_{{ step + 1 }} AS
SELECT *
{%- for t in transforms %},
    CASE WHEN {{ t.before }} IS NULL THEN {% if t.kind == "impute" %}CASE WHEN {{ t.applies }} THEN a_{{ t.key }} END{% else %}NULL{% endif %}
        ELSE {% if t.kind == "impute" %}{{ t.before }}{% else %}decimal_12({{ apply(t, "scaled_12(" ~ t.before ~ ")") }}){% endif %} END AS {{ t.after }}
{%- endfor %}
FROM prepared_{{ step }}{% if statistics %} LEFT JOIN statistics_{{ step }} USING (grp){% endif %};
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
