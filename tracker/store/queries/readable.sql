-- What people read: plural views with readable names, ISO times and the columns of the exports.
CREATE VIEW person_of_visitor AS
SELECT visitor.visitor_no,
  coalesce(person.identifier_id, visitor.identifier_id) AS person_id,
  coalesce(identifier.apart = 'shared_device', 0) AS is_shared
FROM visitor
LEFT JOIN identifier ON identifier.visitor_no = visitor.visitor_no
LEFT JOIN identifier AS person ON person.identifier_no = identifier.person_no;

CREATE VIEW owner AS
SELECT ownership.visitor_no, ownership.from_ms, person.identifier_id AS person_id,
  person.identifier_no AS person_no
FROM ownership
JOIN identifier ON identifier.identifier_no = ownership.identifier_no
JOIN identifier AS person ON person.identifier_no = identifier.person_no;

CREATE VIEW person_of_session AS
SELECT session.session_id, CASE WHEN who.is_shared THEN (
    SELECT owner.person_id FROM owner
    WHERE owner.visitor_no = session.visitor_no AND owner.from_ms <= session.started_ms
    ORDER BY owner.from_ms DESC LIMIT 1
  ) ELSE who.person_id END AS person_id
FROM session JOIN person_of_visitor AS who USING (visitor_no);

CREATE VIEW account_of_person AS
SELECT person.identifier_id AS person_id, account.part_id AS account_id
FROM identifier AS person
JOIN membership ON membership.person_no = person.identifier_no AND membership.is_shown
JOIN account_part AS part ON part.part_no = membership.part_no
JOIN account_part AS account ON account.part_no = part.account_no;

CREATE VIEW sessions AS
SELECT session.session_id, site.key AS site, visitor.visitor_id, who.person_id,
  strftime('%Y-%m-%dT%H:%M:%fZ', session.started_ms / 1000.0, 'unixepoch') AS started_at,
  strftime('%Y-%m-%dT%H:%M:%fZ', session.ended_ms / 1000.0, 'unixepoch') AS ended_at,
  session.hits, session.pages, session.engaged_ms / 1000.0 AS engaged_s,
  landing.value AS landing_page, leaving.value AS exit_page, session.opened_by,
  source.channel, source.source, source.medium, source.campaign, source.term, source.content,
  session.click_name AS click_id_name, click.value AS click_id,
  source.referrer_host, source.rule, source.rules_version,
  client.browser, client.os, client.device, session.country, session.is_repeat_click
FROM session
JOIN site USING (site_no)
JOIN visitor USING (visitor_no)
JOIN person_of_session AS who USING (session_id)
JOIN source USING (source_no)
JOIN string AS landing ON landing.string_no = session.landing_no
JOIN string AS leaving ON leaving.string_no = session.exit_no
LEFT JOIN string AS click ON click.string_no = session.click_no
LEFT JOIN client ON client.client_no = session.client_no;

CREATE VIEW leads AS
SELECT lead.lead_id, site.key AS site, lead.kind, lead.provider, lead.provider_id,
  strftime('%Y-%m-%dT%H:%M:%fZ', lead.at_ms / 1000.0, 'unixepoch') AS at,
  lead.name, lead.email, lead.phone, lead.company, lead.tracking_number, lead.page_url,
  lead.duration_s, lead.answered, lead.is_junk, person.identifier_id AS person_id,
  visitor.visitor_id, lead.session_id, lead.match_rule, lead.match_confidence,
  lead.match_evidence, lead.status, lead.duplicate_of,
  source.channel, source.source, source.medium, source.campaign, source.term, source.content,
  lead.click_name AS click_id_name, click.value AS click_id,
  landing.value AS landing_page, source.referrer_host, source.rule, source.rules_version,
  lead.value, lead.currency,
  strftime('%Y-%m-%dT%H:%M:%fZ', lead.status_ms / 1000.0, 'unixepoch') AS status_at,
  lead.status_by, lead.status_rule, lead.status_reason,
  strftime('%Y-%m-%dT%H:%M:%fZ', lead.response_ms / 1000.0, 'unixepoch') AS first_response_at,
  (lead.response_ms - lead.at_ms) / 1000 AS response_s, lead.response_owner
FROM lead
JOIN site USING (site_no)
LEFT JOIN visitor ON visitor.visitor_no = lead.visitor_no
LEFT JOIN identifier ON identifier.identifier_no = lead.identifier_no
LEFT JOIN identifier AS person ON person.identifier_no = identifier.person_no
LEFT JOIN source ON source.source_no = lead.source_no
LEFT JOIN session ON session.session_id = lead.session_id
LEFT JOIN string AS landing ON landing.string_no = session.landing_no
LEFT JOIN string AS click ON click.string_no = lead.click_no;

CREATE VIEW statuses AS
SELECT lead_status.lead_id || ' ' || lead_status.step AS status_id, site.key AS site, lead_status.lead_id, lead_status.step,
  strftime('%Y-%m-%dT%H:%M:%fZ', lead_status.at_ms / 1000.0, 'unixepoch') AS at,
  lead_status.status, lead_status.is_junk, lead_status.said_by, lead_status.rule, lead_status.reason
FROM lead_status
JOIN lead USING (lead_id)
JOIN site USING (site_no);

CREATE VIEW activity_identifier AS
SELECT name.fact, own.identifier_no, own.person_no
FROM activity_name AS name
JOIN identifier AS own ON own.value = name.value AND own.kind = name.kind AND own.apart IS NULL
WHERE NOT EXISTS (
  SELECT 1 FROM activity_name AS surer
  JOIN identifier ON identifier.value = surer.value AND identifier.kind = surer.kind
    AND identifier.apart IS NULL
  WHERE surer.fact = name.fact AND surer.place < name.place
);

CREATE VIEW activities AS
SELECT activity.activity_id, site.key AS site,
  strftime('%Y-%m-%dT%H:%M:%fZ', activity.at_ms / 1000.0, 'unixepoch') AS at,
  activity.kind, activity.provider, activity.provider_id, person.identifier_id AS person_id,
  activity.owner, activity.title
FROM activity
JOIN site USING (site_no)
LEFT JOIN activity_identifier AS own USING (fact)
LEFT JOIN identifier AS person ON person.identifier_no = own.person_no;

CREATE VIEW touch AS
SELECT session.session_id AS touch_id, session.site_no, who.person_id, session.started_ms AS at_ms,
  'session' AS kind, session.session_id, session.visitor_no, session.source_no,
  session.click_name, session.click_no, session.landing_no, session.client_no, session.country,
  session.changed_no
FROM session JOIN person_of_session AS who USING (session_id)
UNION ALL
SELECT lead.lead_id, lead.site_no, person.identifier_id, lead.at_ms,
  'lead', lead.session_id, lead.visitor_no, lead.source_no,
  lead.click_name, lead.click_no, session.landing_no, session.client_no, session.country,
  lead.changed_no
FROM lead
LEFT JOIN identifier ON identifier.identifier_no = lead.identifier_no
LEFT JOIN identifier AS person ON person.identifier_no = identifier.person_no
LEFT JOIN session ON session.session_id = lead.session_id;

CREATE VIEW touchpoints AS
SELECT touch.touch_id, site.key AS site, touch.person_id, (
    SELECT own.account_id FROM account_of_person AS own WHERE own.person_id = touch.person_id
  ) AS account_id,
  row_number() OVER (
    PARTITION BY coalesce(touch.person_id, touch.touch_id) ORDER BY touch.at_ms, touch.touch_id
  ) AS position,
  strftime('%Y-%m-%dT%H:%M:%fZ', touch.at_ms / 1000.0, 'unixepoch') AS at,
  touch.kind, touch.session_id, visitor.visitor_id,
  source.channel, source.source, source.medium, source.campaign, source.term, source.content,
  touch.click_name AS click_id_name, click.value AS click_id,
  landing.value AS landing_page, source.referrer_host, client.device, touch.country,
  source.rule, source.rules_version
FROM touch
JOIN site USING (site_no)
LEFT JOIN visitor USING (visitor_no)
LEFT JOIN source USING (source_no)
LEFT JOIN string AS landing ON landing.string_no = touch.landing_no
LEFT JOIN string AS click ON click.string_no = touch.click_no
LEFT JOIN client ON client.client_no = touch.client_no;

CREATE VIEW journeys AS
SELECT journey.journey_id, site.key AS site, journey.conversion_kind, journey.conversion_id,
  strftime('%Y-%m-%dT%H:%M:%fZ', journey.at_ms / 1000.0, 'unixepoch') AS at,
  person.identifier_id AS person_id, account.part_id AS account_id, journey.touch_count,
  strftime('%Y-%m-%dT%H:%M:%fZ', journey.first_ms / 1000.0, 'unixepoch') AS first_at,
  one.channel AS first_channel, one.source AS first_source, one.medium AS first_medium,
  one.campaign AS first_campaign,
  two.channel AS last_channel, two.source AS last_source, two.medium AS last_medium,
  two.campaign AS last_campaign,
  journey.lead_channel, journey.days, journey.path, journey.touch_ids
FROM journey
JOIN site USING (site_no)
LEFT JOIN identifier ON identifier.identifier_no = journey.identifier_no
LEFT JOIN identifier AS person ON person.identifier_no = identifier.person_no
LEFT JOIN source AS one ON one.source_no = journey.first_source_no
LEFT JOIN source AS two ON two.source_no = journey.last_source_no
LEFT JOIN account_part AS part ON part.part_id = journey.part_id
LEFT JOIN account_part AS account ON account.part_no = part.account_no;

CREATE VIEW visitor_span AS
SELECT visitor_no, min(started_ms) AS first_ms, max(ended_ms) AS last_ms FROM session GROUP BY visitor_no;

CREATE VIEW persons AS
SELECT known.person_id,
  json_group_array(known.identifier_id) FILTER (WHERE known.identifier_id <> known.person_id) AS aliases,
  json_group_array(known.value) FILTER (WHERE known.kind = 'visitor') AS visitors,
  json_group_array(known.value) FILTER (WHERE known.kind = 'email') AS emails,
  json_group_array(known.value) FILTER (WHERE known.kind = 'phone') AS phones,
  json_group_array(known.value) FILTER (WHERE known.kind = 'crm') AS crm_ids, (
    SELECT own.account_id FROM account_of_person AS own WHERE own.person_id = known.person_id
  ) AS account_id,
  strftime('%Y-%m-%dT%H:%M:%fZ', min(known.first_ms) / 1000.0, 'unixepoch') AS first_seen_at,
  strftime('%Y-%m-%dT%H:%M:%fZ', max(known.last_ms) / 1000.0, 'unixepoch') AS last_seen_at
FROM (
  SELECT person.identifier_id AS person_id, identifier.identifier_id, identifier.value,
    CASE WHEN identifier.apart = 'shared_device' THEN 'device' ELSE identifier.kind END AS kind,
    identifier.first_ms, max(
      identifier.first_ms,
      CASE WHEN identifier.apart = 'shared_device' THEN 0 ELSE coalesce(span.last_ms, 0) END,
      CASE WHEN identifier.apart = 'shared_device' THEN 0 ELSE (
        SELECT coalesce(max(mention.at_ms), 0) FROM mention
        WHERE mention.identifier_no = identifier.identifier_no
      ) END
    ) AS last_ms
  FROM identifier
  JOIN identifier AS person ON person.identifier_no = identifier.person_no
  LEFT JOIN visitor_span AS span ON span.visitor_no = identifier.visitor_no
  WHERE identifier.apart IS NULL OR identifier.apart IN ('shared_device', 'contested_line') OR EXISTS (
    SELECT 1 FROM identifier AS other
    WHERE other.person_no = identifier.person_no AND other.identifier_no <> identifier.identifier_no
  )
  UNION ALL
  SELECT who.person_id, who.person_id, NULL, NULL, min(session.started_ms), max(session.ended_ms)
  FROM session
  JOIN (SELECT DISTINCT visitor_no FROM ownership) USING (visitor_no)
  JOIN person_of_session AS who USING (session_id)
  GROUP BY who.person_id
) AS known
GROUP BY known.person_id
UNION ALL
SELECT visitor.identifier_id, '[]', json_array(visitor.visitor_id), '[]', '[]', '[]', NULL,
  strftime('%Y-%m-%dT%H:%M:%fZ', span.first_ms / 1000.0, 'unixepoch'),
  strftime('%Y-%m-%dT%H:%M:%fZ', span.last_ms / 1000.0, 'unixepoch')
FROM visitor_span AS span JOIN visitor USING (visitor_no)
WHERE NOT EXISTS (SELECT 1 FROM identifier WHERE identifier.visitor_no = visitor.visitor_no);

CREATE VIEW account_identifier AS
SELECT part.account_no, own.identifier_no, own.visitor_no, own.apart, own.first_ms
FROM account_part AS part
JOIN membership ON membership.part_no = part.part_no
JOIN identifier AS own ON own.person_no = membership.person_no;

CREATE VIEW account_owned AS
SELECT own.account_no, session.session_id, session.started_ms, session.ended_ms, session.source_no
FROM account_identifier AS own
JOIN ownership ON ownership.identifier_no = own.identifier_no
JOIN session ON session.visitor_no = ownership.visitor_no AND session.started_ms >= ownership.from_ms
WHERE NOT EXISTS (
  SELECT 1 FROM ownership AS later WHERE later.visitor_no = ownership.visitor_no
    AND later.from_ms > ownership.from_ms AND later.from_ms <= session.started_ms
);

CREATE VIEW accounts AS
SELECT account.part_id AS account_id, account.name, (
    SELECT json_group_array(own.value) FROM account_part AS own
    WHERE own.account_no = account.part_no AND own.kind = 'domain' AND own.first_ms IS NOT NULL
  ) AS domains, (
    SELECT json_group_array(own.value) FROM account_part AS own
    WHERE own.account_no = account.part_no AND own.kind = 'account' AND own.first_ms IS NOT NULL
  ) AS crm_ids, (
    SELECT count(DISTINCT membership.person_no) FROM account_part AS own
    JOIN membership ON membership.part_no = own.part_no WHERE own.account_no = account.part_no
  ) AS persons,
  strftime('%Y-%m-%dT%H:%M:%fZ', min(account.first_ms, coalesce((
    SELECT min(own.first_ms) FROM account_identifier AS own WHERE own.account_no = account.part_no
  ), account.first_ms), coalesce((
    SELECT min(own.started_ms) FROM account_owned AS own WHERE own.account_no = account.part_no
  ), account.first_ms)) / 1000.0, 'unixepoch') AS first_seen_at,
  strftime('%Y-%m-%dT%H:%M:%fZ', max(account.first_ms, coalesce((
    SELECT max(mention.at_ms) FROM account_identifier AS own
    JOIN mention ON mention.identifier_no = own.identifier_no
    WHERE own.account_no = account.part_no AND own.apart IS NOT 'shared_device'
  ), 0), coalesce((
    SELECT max(session.ended_ms) FROM account_identifier AS own
    JOIN session ON session.visitor_no = own.visitor_no
    WHERE own.account_no = account.part_no AND own.apart IS NOT 'shared_device'
  ), 0), coalesce((
    SELECT max(own.ended_ms) FROM account_owned AS own WHERE own.account_no = account.part_no
  ), 0)) / 1000.0, 'unixepoch') AS last_seen_at
FROM account_part AS account
WHERE account.part_no = account.account_no AND account.first_ms IS NOT NULL;

CREATE VIEW memberships AS
SELECT person.identifier_id || ' ' || part.part_id || ' ' || membership.reason AS membership_id,
  account.part_id AS account_id, person.identifier_id AS person_id, membership.reason,
  part.value AS through,
  strftime('%Y-%m-%dT%H:%M:%fZ', membership.from_ms / 1000.0, 'unixepoch') AS from_at,
  strftime('%Y-%m-%dT%H:%M:%fZ', membership.last_ms / 1000.0, 'unixepoch') AS last_at,
  membership.is_shown
FROM membership
JOIN identifier AS person ON person.identifier_no = membership.person_no
JOIN account_part AS part ON part.part_no = membership.part_no
JOIN account_part AS account ON account.part_no = part.account_no;

CREATE VIEW account_touch AS
SELECT DISTINCT account_no, at_ms, touch_id, source_no FROM (
  SELECT own.account_no, session.started_ms AS at_ms, session.session_id AS touch_id, session.source_no
  FROM account_identifier AS own JOIN session ON session.visitor_no = own.visitor_no
  WHERE own.apart IS NOT 'shared_device'
  UNION ALL
  SELECT account_no, started_ms, session_id, source_no FROM account_owned
  UNION ALL
  SELECT own.account_no, session.started_ms, session.session_id, session.source_no
  FROM account_identifier AS own JOIN lead ON lead.identifier_no = own.identifier_no
  JOIN session ON session.session_id = lead.session_id
  WHERE lead.match_rule IN ('M1', 'M2', 'M3', 'M4') AND session.started_ms <= lead.at_ms
  UNION ALL
  SELECT own.account_no, lead.at_ms, lead.lead_id, lead.source_no
  FROM account_identifier AS own JOIN lead ON lead.identifier_no = own.identifier_no
  WHERE lead.session_id IS NULL AND lead.source_no IS NOT NULL
);

CREATE VIEW account_step AS
SELECT account_no, journey_id, at_ms,
  count(touch_id) OVER earlier AS touch_count,
  min(touch_ms) OVER earlier AS first_ms,
  json_group_array(channel) FILTER (WHERE touch_id IS NOT NULL) OVER earlier AS path,
  json_group_array(touch_id) FILTER (WHERE touch_id IS NOT NULL) OVER earlier AS touch_ids
FROM (
  SELECT touch.account_no, touch.at_ms, touch.at_ms AS touch_ms, touch.touch_id, source.channel,
    NULL AS journey_id
  FROM account_touch AS touch JOIN source USING (source_no)
  UNION ALL
  SELECT part.account_no, journey.at_ms, NULL, NULL, NULL, journey.journey_id
  FROM account_part AS part JOIN journey ON journey.part_id = part.part_id
)
WINDOW earlier AS (
  PARTITION BY account_no ORDER BY at_ms, journey_id IS NOT NULL, touch_id, journey_id
  ROWS UNBOUNDED PRECEDING
);

CREATE VIEW account_journeys AS
SELECT journey.journey_id, site.key AS site, journey.conversion_kind, journey.conversion_id,
  strftime('%Y-%m-%dT%H:%M:%fZ', journey.at_ms / 1000.0, 'unixepoch') AS at,
  person.identifier_id AS person_id, account.part_id AS account_id, step.touch_count,
  strftime('%Y-%m-%dT%H:%M:%fZ', step.first_ms / 1000.0, 'unixepoch') AS first_at,
  one.channel AS first_channel, one.source AS first_source, one.medium AS first_medium,
  one.campaign AS first_campaign,
  two.channel AS last_channel, two.source AS last_source, two.medium AS last_medium,
  two.campaign AS last_campaign,
  journey.lead_channel, coalesce((step.at_ms - step.first_ms) / 86400000, 0) AS days,
  step.path, step.touch_ids
FROM account_step AS step
JOIN journey ON journey.journey_id = step.journey_id
JOIN account_part AS account ON account.part_no = step.account_no
JOIN site USING (site_no)
JOIN identifier ON identifier.identifier_no = journey.identifier_no
JOIN identifier AS person ON person.identifier_no = identifier.person_no
LEFT JOIN source AS one ON one.source_no = coalesce(
  (SELECT source_no FROM session WHERE session_id = json_extract(step.touch_ids, '$[0]')),
  (SELECT source_no FROM lead WHERE lead_id = json_extract(step.touch_ids, '$[0]'))
)
LEFT JOIN source AS two ON two.source_no = coalesce(
  (SELECT source_no FROM session WHERE session_id = json_extract(step.touch_ids, '$[#-1]')),
  (SELECT source_no FROM lead WHERE lead_id = json_extract(step.touch_ids, '$[#-1]'))
);

CREATE VIEW decisions AS
SELECT replace(evidence.fact, char(31), ' ') || ' ' || one.identifier_id || ' ' || two.identifier_id
    AS evidence_id,
  replace(evidence.fact, char(31), ' ') AS fact, evidence.rule, one.kind || ':' || one.value AS a, two.kind || ':' || two.value AS b,
  strftime('%Y-%m-%dT%H:%M:%fZ', evidence.at_ms / 1000.0, 'unixepoch') AS at,
  evidence.verdict, evidence.why, evidence.is_verified
FROM evidence
JOIN identifier AS one ON one.identifier_no = evidence.a_no
JOIN identifier AS two ON two.identifier_no = evidence.b_no;

CREATE VIEW ownerships AS
SELECT visitor.visitor_id || ' ' || owner.from_ms AS ownership_id, visitor.visitor_id,
  CASE WHEN owner.from_ms > 0
    THEN strftime('%Y-%m-%dT%H:%M:%fZ', owner.from_ms / 1000.0, 'unixepoch') END AS from_at,
  strftime('%Y-%m-%dT%H:%M:%fZ', lead(owner.from_ms) OVER (
    PARTITION BY owner.visitor_no ORDER BY owner.from_ms
  ) / 1000.0, 'unixepoch') AS to_at,
  owner.person_id
FROM owner JOIN visitor USING (visitor_no);

CREATE VIEW hit_id AS
SELECT hit_no, CASE typeof(event_key) WHEN 'text' THEN event_key ELSE lower(
    substr(hex(event_key), 1, 8) || '-' || substr(hex(event_key), 9, 4) || '-' ||
    substr(hex(event_key), 13, 4) || '-' || substr(hex(event_key), 17, 4) || '-' ||
    substr(hex(event_key), 21)) END AS event_id
FROM hit;

CREATE VIEW hits AS
SELECT hit.hit_no, site.key AS site,
  hit_id.event_id,
  strftime('%Y-%m-%dT%H:%M:%fZ', hit.at_ms / 1000.0, 'unixepoch') AS at,
  visitor.visitor_id, CASE WHEN who.is_shared THEN (
    SELECT owner.person_id FROM owner
    WHERE owner.visitor_no = hit.visitor_no AND owner.from_ms <= hit.at_ms
    ORDER BY owner.from_ms DESC LIMIT 1
  ) ELSE who.person_id END AS person_id,
  CASE WHEN hit.flags = 0 AND client.bot_reason IS NULL THEN (
    SELECT session.session_id FROM session
    JOIN hit AS opened ON opened.hit_no = session.opened_hit_no
    JOIN hit_id AS opened_id ON opened_id.hit_no = opened.hit_no
    WHERE session.visitor_no = hit.visitor_no AND session.site_no = hit.site_no
      AND session.started_ms <= hit.at_ms AND session.ended_ms >= hit.at_ms
      AND (session.started_ms, coalesce(opened.seq, -1), opened_id.event_id)
        <= (hit.at_ms, coalesce(hit.seq, -1), hit_id.event_id)
    ORDER BY session.started_ms DESC, coalesce(opened.seq, -1) DESC, opened_id.event_id DESC LIMIT 1
  ) END AS session_id,
  CASE hit.kind WHEN 0 THEN 'page' WHEN 1 THEN 'event' ELSE 'engagement' END AS type,
  name.value AS name, page.value AS url, title.value AS title, referrer.value AS referrer,
  tags.value AS tags, hit.seq, hit.engaged_ms / 1000.0 AS engaged_s, hit.scroll_pct,
  client.browser, client.os, client.device,
  hit.flags <> 0 OR client.bot_reason IS NOT NULL OR lone.visitor_no IS NOT NULL AS is_dropped,
  CASE WHEN hit.flags & 4 THEN 'prefetch' WHEN hit.flags & 8 THEN 'internal'
    WHEN hit.flags & 2 THEN 'bot:webdriver' WHEN hit.flags & 1 THEN 'bot:said_so'
    WHEN client.bot_reason IS NOT NULL THEN 'bot:' || client.bot_reason
    WHEN lone.visitor_no IS NOT NULL THEN 'bot:burst' END AS dropped_because,
  CASE hit.consent WHEN 1 THEN 'granted' WHEN 0 THEN 'denied' END AS consent, hit.extra,
  strftime('%Y-%m-%dT%H:%M:%fZ', hit.received_ms / 1000.0, 'unixepoch') AS received_at
FROM hit
JOIN hit_id USING (hit_no)
JOIN site USING (site_no)
JOIN visitor USING (visitor_no)
JOIN person_of_visitor AS who USING (visitor_no)
JOIN string AS page ON page.string_no = hit.page_no
LEFT JOIN string AS name ON name.string_no = hit.name_no
LEFT JOIN string AS title ON title.string_no = hit.title_no
LEFT JOIN string AS tags ON tags.string_no = hit.tags_no
LEFT JOIN string AS referrer ON referrer.string_no = hit.referrer_no
LEFT JOIN client ON client.client_no = hit.client_no
LEFT JOIN lone ON lone.visitor_no = hit.visitor_no AND lone.is_burst;

CREATE VIEW changes AS
SELECT change_no, strftime('%Y-%m-%dT%H:%M:%fZ', recorded_ms / 1000.0, 'unixepoch') AS recorded_at,
  noun, id, what, before, after, because
FROM change;
