-- Values that transform {{ t.kind }} of an indicator is not defined for, or that it makes too large.
SELECT count(*) OVER () AS total, unit, plain({{ t.before }}) AS found, {{ t.after }} IS NULL AS undefined
FROM prepared_{{ step + 1 }}
WHERE {{ t.before }} IS NOT NULL AND ({% if t.strict %}{{ t.after }} IS NULL OR {% endif %}abs({{ t.after }}) >= {{ 10 ** 13 }})
ORDER BY undefined, unit LIMIT {{ limit }};
