{% if benchmarked %}
-- Stage "benchmark": of the group's own values, those of units excluded for another value among them, at 12
-- decimals; the fixed number where the group has too few members or its statistic is not positive.
CREATE OR REPLACE TEMP TABLE benchmarks AS
WITH statistics AS (
    SELECT grp
    {%- for i in benchmarked %},
        count(v_{{ i.key }}) FILTER ({{ i.applies }}) AS members_{{ i.key }},
        {% if i.rule.statistic == "mean" -%}
        exact_divide(scaled_12(sum(v_{{ i.key }}) FILTER ({{ i.applies }})), count(v_{{ i.key }}) FILTER ({{ i.applies }}))
        {%- elif i.rule.statistic == "maximum" -%}
        scaled_12(max(v_{{ i.key }}) FILTER ({{ i.applies }}))
        {%- else -%}
        -- the middle value, or half the sum of the two in the middle
        exact_divide(scaled_12(quantile_disc(v_{{ i.key }}, 0.5) FILTER ({{ i.applies }}))
            - scaled_12(quantile_disc(-v_{{ i.key }}, 0.5) FILTER ({{ i.applies }})), 2)
        {%- endif %} AS statistic_{{ i.key }}
    {%- endfor %}
    FROM quotients GROUP BY grp
)
SELECT grp
{%- for i in benchmarked %},
    members_{{ i.key }},
    coalesce(members_{{ i.key }} >= {{ i.rule.minimum_members }} AND statistic_{{ i.key }} > 0, FALSE) AS own_{{ i.key }},
    decimal_12(CASE WHEN coalesce(members_{{ i.key }} >= {{ i.rule.minimum_members }} AND statistic_{{ i.key }} > 0, FALSE)
         THEN statistic_{{ i.key }} ELSE {{ i.rule.otherwise }} END) AS b_{{ i.key }}
{%- endfor %}
FROM statistics;
{% endif %}
