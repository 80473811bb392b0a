{% if benchmarked %}
-- Stage "benchmark": of the values of the unit's own group or of all, those of units excluded for another value
-- among them, at 12 decimals; the fixed number where there are too few of them or their statistic is not positive.
{% macro statistics(those, within) -%}
SELECT {{ "grp" if within == "group" else "1 AS everybody" }}
    {%- for i in those %},
        {% set filter = i.applies if within == "group" else "(" ~ i.applies ~ ") AND " ~ counted -%}
        count(v_{{ i.key }}) FILTER ({{ filter }}) AS members_{{ i.key }},
        {% if i.rule.statistic == "mean" -%}
        exact_divide(scaled_12(sum(v_{{ i.key }}) FILTER ({{ filter }})), count(v_{{ i.key }}) FILTER ({{ filter }}))
        {%- elif i.rule.statistic == "maximum" -%}
        scaled_12(max(v_{{ i.key }}) FILTER ({{ filter }}))
        {%- else -%}
        -- the middle value, or half the sum of the two in the middle
        exact_divide(scaled_12(quantile_disc(v_{{ i.key }}, 0.5) FILTER ({{ filter }}))
            - scaled_12(quantile_disc(-v_{{ i.key }}, 0.5) FILTER ({{ filter }})), 2)
        {%- endif %} AS statistic_{{ i.key }}
    {%- endfor %}
    FROM quotients{% if within == "group" %} GROUP BY grp{% endif %}
{%- endmacro %}
{% set own, all = benchmarked | selectattr("rule.benchmark_within", "eq", "group") | list, benchmarked | selectattr("rule.benchmark_within", "eq", "all") | list %}
CREATE OR REPLACE TEMP TABLE benchmarks AS
WITH groups AS ({{ statistics(own, "group") }}){% if all %},
everybody AS ({{ statistics(all, "all") }}){% endif %}

SELECT grp
{%- for i in benchmarked %},
    members_{{ i.key }},
    coalesce(members_{{ i.key }} >= {{ i.rule.minimum_members }} AND statistic_{{ i.key }} > 0, FALSE) AS own_{{ i.key }},
    CAST(CASE WHEN coalesce(members_{{ i.key }} >= {{ i.rule.minimum_members }} AND statistic_{{ i.key }} > 0, FALSE)
         THEN statistic_{{ i.key }} ELSE {{ i.rule.otherwise }} END AS HUGEINT) AS whole_b_{{ i.key }},
    decimal_12(whole_b_{{ i.key }}) AS b_{{ i.key }}
{%- endfor %}
FROM groups{% if all %} CROSS JOIN everybody{% endif %};
{% endif %}
