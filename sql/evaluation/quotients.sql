-- Stage "value": what each indicator measures: the input, or input x per / denominator at 12 decimals, or the mean
-- of the experts' scores that count. NULL is missing; why_* says why (only where missing). An indicator with
-- transforms has it as g_* ("given"); prepared.sql goes on from there. What is computed is so only where it applies.
CREATE OR REPLACE TEMP VIEW {{ "measured" if transformed else "quotients" }} AS
SELECT wide.*{% if experts %}, ratings.* EXCLUDE (unit){% endif %}
{%- for i in indicators %},
    {% set only, end = ("CASE WHEN " ~ i.applies ~ " THEN ", " END AS ") if i.applies != "TRUE" and (i.transforms or i.denominator) else ("", " AS ") -%}
    {% set end = end ~ ("g_" if i.transforms else "v_") -%}
    {% if i.method == "expert_mean" -%}
    decimal_12(exact_divide(scaled_12(sum_{{ i.key }}), kept_{{ i.key }})) AS v_{{ i.key }},
    CASE WHEN raters_{{ i.key }} IS NULL THEN 'no_value' WHEN kept_{{ i.key }} IS NULL THEN 'too_few_raters' END AS why_{{ i.key }}
    {%- elif i.denominator -%}
    {{ only }}decimal_12(exact_divide(scaled_12({{ i.column }}) * {{ i.per[0] }}, scaled_12({{ i.denominator }}){% if i.per[1] != 1 %} * {{ i.per[1] }}{% endif %})){{ end }}{{ i.key }},
    CASE WHEN {{ i.column }} IS NULL THEN 'no_value' WHEN {{ i.denominator }} IS NULL THEN 'no_denominator'
         WHEN {{ i.denominator }} = 0 THEN 'zero_denominator' END AS why_{{ i.key }}
    {%- else -%}
    {{ only }}CAST({{ i.column }} AS DECIMAL(38, 12)){{ end }}{{ i.key }},
    CASE WHEN {{ i.column }} IS NULL THEN 'no_value' END AS why_{{ i.key }}
    {%- endif %}
{%- endfor %}
FROM wide{% if experts %} LEFT JOIN ratings USING (unit){% endif %};
