{# One Jinja macro per normalisation. Each gives an integer expression: the score times 10^{{r}}, rounded once.
   `v` is the value as an integer at 12 decimals; the numbers of the rules are integers at the named scales. #}

{% macro goalposts(i, v) -%}
{%- if i.rule.down -%}
exact_divide(({{ i.rule.maximum }} - least(greatest({{ v }}, {{ i.rule.minimum }}), {{ i.rule.maximum }})) * {{ 100 * 10 ** r }}, {{ i.rule.maximum - i.rule.minimum }})
{%- else -%}
exact_divide((least(greatest({{ v }}, {{ i.rule.minimum }}), {{ i.rule.maximum }}) - {{ i.rule.minimum }}) * {{ 100 * 10 ** r }}, {{ i.rule.maximum - i.rule.minimum }})
{%- endif -%}
{%- endmacro %}

{% macro steps(i, v) -%}
CASE
{%- for step in i.rule.steps | reverse %}
{%- set points = step.score if not step.per_unit else step.score ~ " + " ~ step.per_unit ~ " * (" ~ v ~ " - " ~ step.at_least ~ ")" %}
{% if step.at_least is not none %}WHEN {{ v }} >= {{ step.at_least }} THEN{% else %}ELSE{% endif %} exact_divide({% if step.cap is none %}{{ points }}{% else %}least({{ points }}, {{ step.cap }}){% endif %}, {{ step.divisor }})
{%- endfor %} END
{%- endmacro %}

{% macro ratio_to_benchmark(i, v) -%}
least(exact_divide(least(greatest({{ v }}, 0), {{ i.benchmark }} * {{ i.rule.clamp }}) * {{ 100 * 10 ** r }}, {{ i.benchmark }}), {{ i.rule.cap }})
{%- endmacro %}

{% macro boolean(i, v) -%}
CASE WHEN {{ v }} = {{ 10 ** 12 }} THEN {{ i.rule.score }} ELSE {{ i.rule.otherwise }} END
{%- endmacro %}

{% macro expert_mean(i, v) -%}
exact_divide((scaled_12(sum_{{ i.key }}){% if i.rule.lowest %} - {{ i.rule.lowest }} * kept_{{ i.key }}{% endif %}) * {{ i.rule.times }}, kept_{{ i.key }} * {{ i.rule.over }})
{%- endmacro %}

{% macro per_unit(i, v) -%}
exact_divide(least(greatest({{ v }}, 0) * {{ i.rule.points }}, {{ i.rule.cap }}), {{ i.rule.divisor }})
{%- endmacro %}

{% macro normalise(i) -%}
{%- set v = "scaled_12(v_" ~ i.key ~ ")" -%}
{%- if i.method == "goalposts" %}{{ goalposts(i, v) }}
{%- elif i.method == "steps" %}{{ steps(i, v) }}
{%- elif i.method == "ratio_to_benchmark" %}{{ ratio_to_benchmark(i, v) }}
{%- elif i.method == "boolean" %}{{ boolean(i, v) }}
{%- elif i.method == "expert_mean" %}{{ expert_mean(i, v) }}
{%- elif i.method == "per_unit" %}{{ per_unit(i, v) }}
{%- endif -%}
{%- endmacro %}
