{# One Jinja macro per normalisation. Each gives an integer expression: the score times 10^r, rounded once.
   `i` has a key, a method, its numbers (`rule`, integers at the named scales) and its decimals `r`; `v` is the
   value as an integer at 12 decimals. Statistics of other units stand in columns named by the key (statistics.sql,
   places.py): few_* too few, low_* and high_* as integers at 12 decimals, below_*, same_*, dense_*, members_*. #}

{% macro line(i, distance, length) -%}
exact_divide(CAST({{ distance }} AS HUGEINT) * {{ i.rule.times }}{% if i.rule.plus %} + CAST({{ length }} AS HUGEINT) * {{ i.rule.plus }}{% endif %}, CAST({{ length }} AS HUGEINT) * {{ i.rule.over }})
{%- endmacro %}

{% macro within(v, least, most) -%}
{%- if least is not none and most is not none %}least(greatest({{ v }}, {{ least }}), {{ most }})
{%- elif least is not none %}greatest({{ v }}, {{ least }})
{%- elif most is not none %}least({{ v }}, {{ most }})
{%- else %}{{ v }}{% endif -%}
{%- endmacro %}

{% macro goalposts(i, v) -%}
{%- set x = within(v, i.rule.least, i.rule.most) -%}
{%- if not i.rule.log -%}
exact_divide(({{ x }} - {{ i.rule.minimum }}) * {{ i.rule.times }} + {{ i.rule.plus }}, {{ i.rule.over }})
{%- else -%}
CASE WHEN {{ x }} <= 0 THEN NULL ELSE log_share({{ x }}, {{ i.rule.minimum }}, {{ i.rule.maximum }}, {{ i.rule.lowest }}, {{ i.rule.span }}, {{ i.r }}) END
{%- endif -%}
{%- endmacro %}

{% macro min_max(i, v) -%}
{%- set a, b = "low_" ~ i.key, "high_" ~ i.key -%}
{{ line(i, b ~ " - " ~ v if i.rule.down else v ~ " - " ~ a, b ~ " - " ~ a) }}
{%- endmacro %}

{% macro z_score(i, v) -%}
{%- set a, b = "low_" ~ i.key, "high_" ~ i.key -%}
{{ line(i, a ~ " - " ~ v if i.rule.down else v ~ " - " ~ a, b) }}
{%- endmacro %}

{# Twice the place counted from the worst. #}
{% macro place(i) -%}
{%- if i.rule.ties == "min" %}2 * (below_{{ i.key }} + 1)
{%- elif i.rule.ties == "max" %}2 * (below_{{ i.key }} + same_{{ i.key }})
{%- elif i.rule.ties == "dense" %}2 * dense_{{ i.key }}
{%- else %}2 * below_{{ i.key }} + same_{{ i.key }} + 1{% endif -%}
{%- endmacro %}

{% macro rank(i, v) -%}
{{ line(i, place(i), "2") }}
{%- endmacro %}

{% macro percentile_rank(i, v) -%}
{%- set below, same, n = "below_" ~ i.key, "same_" ~ i.key, "members_" ~ i.key -%}
{%- if i.rule.definition == "inclusive" %}{{ line(i, below, n ~ " - 1") }}
{%- elif i.rule.definition == "exclusive" %}{{ line(i, below ~ " + 1", n ~ " + 1") }}
{%- elif i.rule.definition == "midpoint" %}{{ line(i, "2 * " ~ below ~ " + " ~ same, "2 * " ~ n) }}
{%- else %}{{ line(i, below ~ " + " ~ same, n) }}{% endif -%}
{%- endmacro %}

{% macro exponential_rank(i, v) -%}
exponential_rank({{ place(i) }}, members_{{ i.key }}, {{ i.rule.constant }}, {{ i.rule.full }}, {{ i.r }})
{%- endmacro %}

{% macro distance_to_target(i, v) -%}
{%- set worst = i.rule.worst if i.rule.worst is not none else "low_" ~ i.key -%}
least({% if i.rule.down %}{{ line(i, "greatest(" ~ worst ~ " - " ~ v ~ ", 0)", worst ~ " - " ~ i.rule.target) }}
{%- else %}{{ line(i, "greatest(" ~ v ~ " - (" ~ worst ~ "), 0)", i.rule.target ~ " - (" ~ worst ~ ")") }}{% endif %}, {{ i.rule.cap }})
{%- endmacro %}

{% macro efficacy(i, v) -%}
{%- set worst = i.rule.not_allowed if i.rule.not_allowed is not none else "low_" ~ i.key -%}
{%- set best = i.rule.satisfactory if i.rule.satisfactory is not none else "high_" ~ i.key -%}
{%- set x = "least(greatest(" ~ v ~ ", least(" ~ worst ~ ", " ~ best ~ ")), greatest(" ~ worst ~ ", " ~ best ~ "))" if i.rule.clamp else v -%}
{{ line(i, x ~ " - (" ~ worst ~ ")", best ~ " - (" ~ worst ~ ")") }}
{%- endmacro %}

{% macro piecewise(i, v) -%}
CASE WHEN {{ v }} <= {{ i.rule.first }} THEN {{ i.rule.below }}
{%- for p in i.rule.pieces %}
    WHEN {{ v }} < {{ p.to }} THEN exact_divide(({{ v }} - ({{ p.from }})) * {{ p.times }} + {{ p.plus }}, {{ p.over }})
{%- endfor %} ELSE {{ i.rule.above }} END
{%- endmacro %}

{% macro steps(i, v) -%}
CASE
{%- for step in i.rule.steps | reverse %}
{%- set points = step.score if not step.per_unit else step.score ~ " + " ~ step.per_unit ~ " * (" ~ v ~ " - " ~ step.at_least ~ ")" %}
{% if step.at_least is not none %}WHEN {{ v }} >= {{ step.at_least }} THEN{% else %}ELSE{% endif %} exact_divide({% if step.cap is none %}{{ points }}{% else %}least({{ points }}, {{ step.cap }}){% endif %}, {{ step.divisor }})
{%- endfor %} END
{%- endmacro %}

{% macro ratio_to_benchmark(i, v) -%}
least(exact_divide(least(greatest({{ v }}, 0), {{ i.benchmark }} * {{ i.rule.clamp }}) * {{ i.rule.times }}, {{ i.benchmark }}{% if i.rule.over != 1 %} * {{ i.rule.over }}{% endif %}), {{ i.rule.cap }})
{%- endmacro %}

{% macro boolean(i, v) -%}
CASE WHEN {{ v }} = {{ i.rule.one | default(10 ** 12) }} THEN {{ i.rule.score }} ELSE {{ i.rule.otherwise }} END
{%- endmacro %}

{% macro expert_mean(i, v) -%}
exact_divide((scaled_12(sum_{{ i.key }}){% if i.rule.lowest %} - {{ i.rule.lowest }} * kept_{{ i.key }}{% endif %}) * {{ i.rule.times }}, kept_{{ i.key }} * {{ i.rule.over }})
{%- endmacro %}

{% macro per_unit(i, v) -%}
exact_divide(least(greatest({{ v }}, 0) * {{ i.rule.points }}, {{ i.rule.cap }}), {{ i.rule.divisor }})
{%- endmacro %}

{% macro normalise(i, v) -%}
{%- if i.method == "goalposts" %}{{ goalposts(i, v) }}
{%- elif i.method == "min_max" %}{{ min_max(i, v) }}
{%- elif i.method == "z_score" %}{{ z_score(i, v) }}
{%- elif i.method == "rank" %}{{ rank(i, v) }}
{%- elif i.method == "percentile_rank" %}{{ percentile_rank(i, v) }}
{%- elif i.method == "exponential_rank" %}{{ exponential_rank(i, v) }}
{%- elif i.method == "distance_to_target" %}{{ distance_to_target(i, v) }}
{%- elif i.method == "efficacy" %}{{ efficacy(i, v) }}
{%- elif i.method == "piecewise" %}{{ piecewise(i, v) }}
{%- elif i.method == "steps" %}{{ steps(i, v) }}
{%- elif i.method == "ratio_to_benchmark" %}{{ ratio_to_benchmark(i, v) }}
{%- elif i.method == "boolean" %}{{ boolean(i, v) }}
{%- elif i.method == "expert_mean" %}{{ expert_mean(i, v) }}
{%- elif i.method == "per_unit" %}{{ per_unit(i, v) }}
{%- endif -%}
{%- endmacro %}

{# The score, or what too few other units give. `statistics`: whether the method looks at other units. #}
{% macro score(i, v) -%}
{%- if i.statistics and i.rule.otherwise is not none -%}
CASE WHEN few_{{ i.key }} THEN {{ i.rule.otherwise }} ELSE {{ normalise(i, v) }} END
{%- else %}{{ normalise(i, v) }}{% endif -%}
{%- endmacro %}
