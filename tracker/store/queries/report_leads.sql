-- Leads by what brought them: how many came, how many of them count, and what those turned out to be.
-- :by, :site (null: all), :from_on and :to_on (days in the site's zone), :from_ms and :to_ms (a day around)
WITH received AS (
  SELECT lead.is_junk, lead.duplicate_of, lead.status, lead.match_rule,
    lead.is_junk = 0 AND lead.duplicate_of IS NULL AS counts,
    coalesce(CASE :by
      WHEN 'channel' THEN source.channel
      WHEN 'source' THEN source.source
      WHEN 'campaign' THEN source.campaign
      WHEN 'kind' THEN lead.kind
      WHEN 'provider' THEN lead.provider
      WHEN 'site' THEN site.key
    END, '(unknown)') AS label
  FROM lead
  JOIN site USING (site_no)
  LEFT JOIN source USING (source_no)
  WHERE lead.at_ms BETWEEN :from_ms AND :to_ms
    AND (:site IS NULL OR site.key = :site)
    AND site_day(lead.at_ms, site.timezone) BETWEEN :from_on AND :to_on
)
SELECT label, count(*) AS received,
  sum(counts) AS leads,
  sum(is_junk = 0 AND duplicate_of IS NOT NULL) AS duplicates,
  sum(is_junk) AS junk,
  sum(counts AND status IN ('qualified', 'sales_qualified', 'customer')) AS qualified,
  sum(counts AND status IN ('sales_qualified', 'customer')) AS sales_qualified,
  sum(counts AND status = 'customer') AS customers,
  sum(counts AND status = 'disqualified') AS disqualified,
  sum(counts AND match_rule = 'unmatched') AS unmatched,
  sum(counts AND match_rule = 'ambiguous') AS ambiguous
FROM received
GROUP BY label
UNION ALL
SELECT '(erased)', sum(erased.count), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM anonymous_total AS erased
JOIN site USING (site_no)
WHERE erased.what = 'leads' AND (:site IS NULL OR site.key = :site)
  AND erased.counted_on BETWEEN :from_on AND :to_on
HAVING count(*) > 0
ORDER BY 3 DESC NULLS LAST, 2 DESC, 1;
