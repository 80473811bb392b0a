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
{%- if t.statistics %}{{ number("members", "n_" ~ t.key) }}{% endif %}
{%- if t.kind == "impute" %} || CASE WHEN {{ t.before }} IS NULL AND {{ t.after }} IS NOT NULL THEN ', "imputed": true' || member('within', within_{{ t.key }}) ELSE '' END
{%- elif t.kind in ("winsorise_share", "winsorise_fences") %}{{ told("low", "a_" ~ t.key) }}{{ told("high", "b_" ~ t.key) }}
{%- if t.kind == "winsorise_fences" %}{% for name in ("q1", "q3") if t.rule.by == "iqr" %} || member('{{ name }}', plain({{ name }}_{{ t.key }})){% endfor %}
{%- for name in ("mean", "deviation") if t.rule.by != "iqr" %} || member('{{ name }}', plain({{ name }}_{{ t.key }})){% endfor %}{% endif %}
{%- elif t.kind == "winsorise_skew" %} || member('treatment', mode_{{ t.key }}){{ told("low", "a_" ~ t.key) }}{{ told("high", "b_" ~ t.key) }}{{ number("drawn", "drawn_" ~ t.key) }}
{%- for name in ("skewness", "kurtosis") %}{% for when in ("before", "after") %} || member('{{ name }}_{{ when }}', plain({{ name }}{{ when }}_{{ t.key }})){% endfor %}{% endfor %}
{%- endif %}
{%- endmacro %}

{# What the method looked at: numbers of the columns that standing.py and benchmarks.sql made. #}
{% macro looked_at(i) -%}
{%- if i.statistics %}
{%- if i.placed %}{{ number("members", "members_" ~ i.key) }}{{ number("below", "below_" ~ i.key) }}{{ number("same", "same_" ~ i.key) }}
{%- if i.method != "percentile_rank" %} || member('place', plain(decimal_1(({{ place(i) }}) * 5))){% endif %}
{%- else %}{{ number("members", "n_" ~ i.key) }}{% endif %}
{%- if i.method == "min_max" %}{{ told("minimum", "a_" ~ i.key) }}{{ told("maximum", "b_" ~ i.key) }}
{%- elif i.method == "z_score" %}{{ told("mean", "a_" ~ i.key) }}{{ told("deviation", "b_" ~ i.key) }}
{%- elif i.method == "distance_to_target" %}{{ told("worst", "a_" ~ i.key) }}
{%- elif i.method == "efficacy" %}{{ told("not_allowed", "a_" ~ i.key) }}{{ told("satisfactory", "b_" ~ i.key) }}
{%- endif %} || CASE WHEN few_{{ i.key }} THEN ', "few": true' ELSE '' END
{%- endif %}
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
