{# What a score was reckoned from, as JSON: the parameters of the rule, and the numbers of this unit and of others. #}

{# A member whose value is a number or NULL in the SQL, not a text. #}
{% macro number(key, sql) -%}
 || coalesce(', "{{ key }}": ' || {{ sql }}, '')
{%- endmacro %}

{# A statistic as the value, with the place it stands at. #}
{% macro told(key, sql) -%}
 || member('{{ key }}', plain({{ sql }}))
{%- endmacro %}

{# One transform: what came out, and what of others it came from. Starts after "{". #}
{% macro transformed(t) -%}
'"transform": {{ '"' ~ t.kind ~ '"' }}' || member('value', plain({{ t.after }}))
{%- if t.statistics %} || told_{{ t.key }}{% endif %}
{%- if t.kind == "impute" %} || CASE WHEN {{ t.before }} IS NULL AND {{ t.after }} IS NOT NULL THEN ', "imputed": true' ELSE '' END{% endif %}
{%- endmacro %}

{# What the method looked at: of others (standing.py), and the place among them. #}
{% macro looked_at(i) -%}
{%- if i.placed %}{{ number("members", "members_" ~ i.key) }}{{ number("below", "below_" ~ i.key) }}{{ number("same", "same_" ~ i.key) }}
{%- if i.method != "percentile_rank" %} || member('place', plain(decimal_1(({{ place(i) }}) * 5))){% endif %}{% endif %}
{%- if i.statistics %} || told_{{ i.key }}{% endif %}
{%- endmacro %}

{% from "methods.sql" import place with context %}
{% macro detail(i) -%}
{{ i.detail | text }}
{%- if i.method == "expert_mean" %} || coalesce(', "raters": ' || raters_{{ i.key }}, '')
    || coalesce(', "counted": [' || counted_{{ i.key }} || ']', '') || coalesce(', "dropped": [' || dropped_{{ i.key }} || ']', '')
{%- elif i.denominator %} || member('numerator', plain({{ i.column }})) || member('divisor', plain({{ i.denominator }}))
{%- endif %}
{%- if i.transforms %}{{ told("given", "g_" ~ i.key) }} || ', "transforms": [{' || {% for t in i.transforms %}{{ transformed(t) }}{{ " || '}, {' || " if not loop.last }}{% endfor %} || '}]'{% endif %}
{%- if i in benchmarked %} || member('benchmark', plain(b_{{ i.key }})) || coalesce(', "members": ' || members_{{ i.key }}, '')
    || member('benchmark_from', CASE WHEN own_{{ i.key }} THEN {{ i.rule.statistic | text }} ELSE 'otherwise' END)
{%- elif i.method == "ratio_to_benchmark" %} || member('benchmark', plain(CAST({{ i.benchmark_shown }} AS DECIMAL(38, 12)))) || ', "benchmark_from": "fixed"'
{%- endif %}
{{- looked_at(i) }}
    || member('missing', why_{{ i.key }}) || CASE WHEN v_{{ i.key }} IS NULL THEN {{ (', "handling": "' ~ i.missing ~ '"') | text }} ELSE '' END || '}'
{%- endmacro %}
