-- How long leads that count waited for sales: by who answered, by channel, by the hour of the week they came.
-- :by, :site (null: all), :from_on and :to_on (days in the site's zone), :from_ms and :to_ms (a day around)
WITH asked AS (
  SELECT (lead.response_ms - lead.at_ms) / 1000.0 AS waited_s,
    CASE :by
      WHEN 'hour' THEN site_hour(lead.at_ms, site.timezone)
      ELSE 0
    END AS hour,
    CASE :by
      WHEN 'owner' THEN CASE
        WHEN lead.response_ms IS NULL THEN '(nobody yet)'
        ELSE coalesce(lead.response_owner, '(unknown)')
      END
      WHEN 'channel' THEN coalesce(source.channel, '(unknown)')
      WHEN 'site' THEN site.key
    END AS label
  FROM lead
  JOIN site USING (site_no)
  LEFT JOIN source USING (source_no)
  WHERE lead.is_junk = 0 AND lead.duplicate_of IS NULL
    AND lead.at_ms BETWEEN :from_ms AND :to_ms
    AND (:site IS NULL OR site.key = :site)
    AND site_day(lead.at_ms, site.timezone) BETWEEN :from_on AND :to_on
), named AS (
  SELECT waited_s, hour, coalesce(
      label, substr('MonTueWedThuFriSatSun', hour / 24 * 3 + 1, 3) || printf(' %02d:00', hour % 24)
    ) AS label
  FROM asked
), ranked AS (
  SELECT label, hour, waited_s,
    row_number() OVER (PARTITION BY label ORDER BY waited_s NULLS LAST) - 1 AS place,
    count(waited_s) OVER (PARTITION BY label) - 1 AS last_place
  FROM named
)
-- A percentile lies between its two neighbours, nearer to the nearer: each weighs 1 less its distance.
SELECT label, count(*) AS leads, count(waited_s) AS answered, count(*) - count(waited_s) AS waiting,
  round(100.0 * count(waited_s) / count(*), 1) AS answered_pct,
  round(sum(waited_s * max(0.0, 1 - abs(place - last_place * 0.25))), 1) AS p25_s,
  round(sum(waited_s * max(0.0, 1 - abs(place - last_place * 0.5))), 1) AS median_s,
  round(sum(waited_s * max(0.0, 1 - abs(place - last_place * 0.75))), 1) AS p75_s,
  round(sum(waited_s * max(0.0, 1 - abs(place - last_place * 0.9))), 1) AS p90_s
FROM ranked
GROUP BY label
ORDER BY hour, 2 DESC, 1;
