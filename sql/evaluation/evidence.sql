-- Everything that an indicator's score is reckoned from: the values, and beside them what others' values come to.
CREATE OR REPLACE TEMP VIEW evidence AS
SELECT quotients.*
{%- if benchmarked %}, benchmarks.* EXCLUDE (grp){% endif %}
{%- if looking %}, looked_at.* EXCLUDE (grp){% endif %}
{%- if placed %}, places.* EXCLUDE (unit){% endif %}

FROM quotients
{%- if benchmarked %} LEFT JOIN benchmarks USING (grp){% endif %}
{%- if looking %} LEFT JOIN looked_at USING (grp){% endif %}
{%- if placed %} LEFT JOIN places USING (unit){% endif %};
