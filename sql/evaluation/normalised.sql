{% import "methods.sql" as methods with context %}
-- Stage "indicator": scores and points as integers at {{ r }} decimals, and vetoes. s_* is NULL where the indicator does not apply
-- to the unit's group, or is missing and dropped.
CREATE OR REPLACE TEMP TABLE normalised AS
SELECT unit, grp
{%- for i in indicators %},
    {% set q = quick.get(i.key) -%}
    {% set rule, value, given, kind = (q.plan, q.value, q.column, q.kind) if q else (i, "scaled_12(v_" ~ i.key ~ ")", "v_" ~ i.key, "HUGEINT") -%}
    {% if i.role == "veto" -%}
    coalesce({{ i.applies }} AND {{ value }} >= {{ rule.rule.at_least }}, FALSE) AS x_{{ i.key }},
    v_{{ i.key }}
    {%- else -%}
    CAST(CASE WHEN {{ "" if i.applies == "TRUE" else "NOT " ~ i.applies ~ " THEN NULL
        WHEN " }}{{ given }} IS NULL THEN {{ "NULL" if i.missing == "drop_and_rescale" else "0" }}
        ELSE {{ methods.score(rule, value) }} END AS {{ kind }}) AS s_{{ i.key }}
    {%- endif %}
{%- endfor %}
{%- for key in covered %},
    v_{{ key }} IS NOT NULL AS given_{{ key }}
{%- endfor %},
    {% for i in indicators if i.missing == "exclude_unit" -%}
    CASE WHEN {{ i.applies }} THEN why_{{ i.key }} END AS excluded_{{ i.key }},
    {% endfor %}
    {% for i in indicators if i.missing == "exclude_unit" -%}
    ({{ i.applies }} AND v_{{ i.key }} IS NULL) OR {% endfor %}FALSE AS excluded
FROM evidence;
