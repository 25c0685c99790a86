-- Generated: python -m tracker.store.schema > tracker/store/schema.sql

CREATE TABLE site (
  site_no INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE CHECK (key <> ''),
  domains TEXT NOT NULL CHECK (json_valid(domains)), -- list of host names
  timezone TEXT NOT NULL,
  currency TEXT NOT NULL CHECK (length(currency) = 3),
  region TEXT NOT NULL CHECK (length(region) = 2),   -- by which national phone numbers are read
  consent TEXT NOT NULL CHECK (consent IN ('granted', 'required')),
  honour_gpc INTEGER NOT NULL CHECK (honour_gpc IN (0, 1)),
  honour_dnt INTEGER NOT NULL CHECK (honour_dnt IN (0, 1)),
  cross_site INTEGER NOT NULL CHECK (cross_site IN (0, 1)),
  rules TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(rules)), -- the site's own, before the defaults
  quality TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(quality)) -- its own rules of what leads are worth
) STRICT;

CREATE TABLE page_matching (
  site_no INTEGER PRIMARY KEY REFERENCES site        -- chats without a name are matched by page and time
) STRICT;

CREATE TABLE token (
  token_hash TEXT PRIMARY KEY,                       -- SHA-256 of the token, hex
  site_no INTEGER NOT NULL REFERENCES site,
  purpose TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  revoked_ms INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE static_number (
  site_no INTEGER NOT NULL REFERENCES site,
  number TEXT NOT NULL,                              -- E.164
  source TEXT NOT NULL,
  medium TEXT NOT NULL,
  campaign TEXT,
  PRIMARY KEY (site_no, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE hook_source (
  source_no INTEGER PRIMARY KEY,                     -- a provider that posts to an address of its own
  site_no INTEGER NOT NULL REFERENCES site,
  provider TEXT NOT NULL,
  token_hash TEXT NOT NULL UNIQUE,                   -- SHA-256 of the token in its address, hex
  sealed TEXT NOT NULL,                              -- token and secrets, encrypted
  public_url TEXT,                                   -- the address that the provider signs, behind a proxy
  options TEXT NOT NULL CHECK (json_valid(options)), -- field map and the like
  created_ms INTEGER NOT NULL,
  removed_ms INTEGER
) STRICT;

CREATE TABLE pool (
  site_no INTEGER NOT NULL REFERENCES site,
  name TEXT NOT NULL CHECK (name <> ''),
  fallback TEXT NOT NULL,                            -- E.164; stands on the page, shown where none is free
  hold_s INTEGER NOT NULL CHECK (hold_s > 0),        -- how long a number is held after its visitor was seen
  channels TEXT NOT NULL CHECK (json_valid(channels)), -- whose sessions get a number; []: all
  PRIMARY KEY (site_no, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE pool_number (
  number TEXT PRIMARY KEY,                           -- E.164, of one pool
  site_no INTEGER NOT NULL,
  pool TEXT NOT NULL,
  FOREIGN KEY (site_no, pool) REFERENCES pool (site_no, name) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE counter (
  name TEXT PRIMARY KEY,                             -- config_version, change_no, hit_no, counted_hit, counted_hook, unswept_file, unswept_log, key_check
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE exhaustion (
  site_no INTEGER NOT NULL,                          -- a visitor got the fallback: no number was free
  pool TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  serial INTEGER NOT NULL,                           -- tells those of one instant apart
  PRIMARY KEY (site_no, pool, at_ms, serial)
) STRICT, WITHOUT ROWID;

CREATE TABLE string (
  string_no INTEGER PRIMARY KEY,                     -- stands for a long text wherever it recurs
  digest BLOB NOT NULL UNIQUE,                       -- 12 bytes of BLAKE2b
  value TEXT NOT NULL
) STRICT;

CREATE TABLE visitor (
  visitor_no INTEGER PRIMARY KEY,
  visitor_id TEXT NOT NULL UNIQUE,
  identifier_id TEXT NOT NULL                        -- keyed hash: the person's id while alone
) STRICT;

CREATE TABLE hit (
  hit_no INTEGER PRIMARY KEY,                        -- order of arrival
  site_no INTEGER NOT NULL,
  event_key ANY NOT NULL,                            -- 16 bytes of a UUID, or the text of another id
  visitor_no INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,                            -- corrected for the client's clock
  seq INTEGER,
  kind INTEGER NOT NULL CHECK (kind IN (0, 1, 2)),   -- page, event, engagement
  name_no INTEGER,
  page_no INTEGER NOT NULL,                          -- canonical URL
  title_no INTEGER,
  tags_no INTEGER,                                   -- campaign parameters and click ids, JSON
  referrer_no INTEGER,
  prev_no INTEGER,                                   -- the page before, of a route change
  client_no INTEGER,                                 -- user agent, hints, language, screen; JSON
  ip_no INTEGER,                                     -- masked
  flags INTEGER NOT NULL,                            -- 1 bot said so, 2 webdriver, 4 prefetch, 8 internal
  consent INTEGER,                                   -- 1 granted, 0 denied
  engaged_ms INTEGER,
  scroll_pct INTEGER,
  extra TEXT,                                        -- props, link, mail and unknown fields, JSON
  received_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE hit_version (
  site_no INTEGER NOT NULL,                          -- all versions of a hit that was told differently
  event_key ANY NOT NULL,
  digest BLOB NOT NULL,
  content TEXT NOT NULL CHECK (json_valid(content)),
  PRIMARY KEY (site_no, event_key, digest)
) STRICT, WITHOUT ROWID;

CREATE TABLE fact (
  fact_no INTEGER PRIMARY KEY,                       -- order of arrival
  kind TEXT NOT NULL,
  site_no INTEGER NOT NULL,                          -- 0: of no one site
  key TEXT NOT NULL,                                 -- natural key
  version_ms INTEGER NOT NULL,
  digest BLOB NOT NULL,
  content TEXT NOT NULL CHECK (json_valid(content)),
  origin TEXT NOT NULL,                              -- script, api, load
  received_ms INTEGER NOT NULL,
  UNIQUE (kind, site_no, key, digest)
) STRICT;

CREATE TABLE raw_message (
  raw_no INTEGER PRIMARY KEY AUTOINCREMENT,          -- a delivery as it came; what is counted by it needs new numbers
  source_no INTEGER NOT NULL,
  digest BLOB NOT NULL,                              -- of the body, and of its day where it bears no id
  received_ms INTEGER NOT NULL,
  headers TEXT NOT NULL CHECK (json_valid(headers)),
  body BLOB NOT NULL,
  problem TEXT,                                      -- why it could not be parsed
  UNIQUE (source_no, digest)
) STRICT;

CREATE TABLE raw_fact (
  raw_no INTEGER NOT NULL,                           -- a version of a fact that a delivery gave
  kind TEXT NOT NULL,
  site_no INTEGER NOT NULL,
  key TEXT NOT NULL,
  digest BLOB NOT NULL,
  PRIMARY KEY (kind, site_no, key, digest, raw_no)
) STRICT, WITHOUT ROWID;

CREATE TABLE reject (
  reject_no INTEGER PRIMARY KEY,                     -- what could not be understood, for replay
  received_ms INTEGER NOT NULL,
  code TEXT NOT NULL,
  message TEXT NOT NULL,
  site TEXT,
  ip TEXT,
  origin TEXT NOT NULL,
  hash TEXT NOT NULL,
  body TEXT NOT NULL,
  is_let_in INTEGER NOT NULL DEFAULT 0               -- its sender may say such things: replay takes it as it stands
) STRICT;

CREATE TABLE load_count (
  origin TEXT PRIMARY KEY,                           -- one run of load
  added INTEGER NOT NULL,
  repeated INTEGER NOT NULL,
  rejected INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE dirty (
  noun TEXT NOT NULL,                                -- what must be recomputed
  key ANY NOT NULL,
  because TEXT NOT NULL,                             -- the fact that made it stale
  PRIMARY KEY (noun, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE source (
  source_no INTEGER PRIMARY KEY,
  digest BLOB NOT NULL UNIQUE,
  channel TEXT NOT NULL,
  source TEXT NOT NULL,
  medium TEXT NOT NULL,
  campaign TEXT,
  term TEXT,
  content TEXT,
  referrer_host TEXT,
  rule TEXT NOT NULL,
  rules_version TEXT NOT NULL
) STRICT;

CREATE TABLE client (
  client_no INTEGER PRIMARY KEY,                     -- string_no of its text
  browser TEXT,
  os TEXT,
  device TEXT,
  bot_reason TEXT
) STRICT;

CREATE TABLE session (
  session_no INTEGER PRIMARY KEY,
  session_id TEXT NOT NULL UNIQUE,
  site_no INTEGER NOT NULL,
  visitor_no INTEGER NOT NULL,
  started_ms INTEGER NOT NULL,
  ended_ms INTEGER NOT NULL CHECK (ended_ms >= started_ms),
  hits INTEGER NOT NULL CHECK (hits > 0),
  pages INTEGER NOT NULL,
  engaged_ms INTEGER NOT NULL,
  opened_hit_no INTEGER NOT NULL,
  landing_no INTEGER NOT NULL,
  exit_no INTEGER NOT NULL,
  opened_by TEXT NOT NULL CHECK (opened_by IN ('first', 'gap', 'max_length', 'new_source')),
  source_no INTEGER NOT NULL,
  click_name TEXT,
  click_no INTEGER,                                  -- string_no of the click id
  client_no INTEGER,
  country TEXT,
  is_repeat_click INTEGER NOT NULL CHECK (is_repeat_click IN (0, 1)),
  changed_no INTEGER NOT NULL
) STRICT;

CREATE TABLE lone (
  visitor_no INTEGER PRIMARY KEY,                    -- whose one page view is all that is known of them
  client_no INTEGER NOT NULL,
  prefix_no INTEGER NOT NULL,                        -- string_no of the masked address
  hour INTEGER NOT NULL,                             -- since 1970, UTC
  site_no INTEGER NOT NULL,
  is_burst INTEGER NOT NULL CHECK (is_burst IN (0, 1)) -- with all others of its crowd
) STRICT;

CREATE TABLE click_use (
  name TEXT NOT NULL,                                -- first use of a click id by each visitor
  value TEXT NOT NULL,
  visitor_no INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  event_id TEXT NOT NULL,
  PRIMARY KEY (value, name, at_ms, event_id, visitor_no)
) STRICT, WITHOUT ROWID;

CREATE TABLE presence (
  page_no INTEGER NOT NULL,                          -- who was where when, on sites that match chats by it
  at_ms INTEGER NOT NULL,
  visitor_no INTEGER NOT NULL,
  site_no INTEGER NOT NULL,
  PRIMARY KEY (page_no, at_ms, visitor_no, site_no)
) STRICT, WITHOUT ROWID;

CREATE TABLE identifier (
  identifier_no INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  value TEXT NOT NULL,
  identifier_id TEXT NOT NULL,
  visitor_no INTEGER,
  person_no INTEGER NOT NULL,                        -- identifier_no of the person's oldest identifier
  first_ms INTEGER NOT NULL,
  apart TEXT,                                        -- why it links nobody, or several in turn
  domain_no INTEGER,                                 -- account_part: the company domain of an address
  changed_no INTEGER NOT NULL,
  UNIQUE (kind, value)
) STRICT;

CREATE TABLE mention (
  identifier_no INTEGER NOT NULL,                    -- a fact that names an identifier
  fact TEXT NOT NULL,
  at_ms INTEGER,                                     -- null: an operator's word is no sighting
  name TEXT,                                         -- full name given with it, folded
  PRIMARY KEY (identifier_no, fact)
) STRICT, WITHOUT ROWID;

CREATE TABLE evidence (
  fact TEXT NOT NULL,                                -- a fact that says two identifiers belong together
  rule TEXT NOT NULL,
  a_no INTEGER NOT NULL,
  b_no INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  on_no INTEGER,                                     -- the visitor on whose browser a line was given
  once TEXT,                                         -- mailing or link that one browser may use
  flaw TEXT,                                         -- why it never counts
  is_undo INTEGER NOT NULL CHECK (is_undo IN (0, 1)),
  is_verified INTEGER NOT NULL CHECK (is_verified IN (0, 1)), -- not only typed into a page
  verdict TEXT CHECK (verdict IN ('joined', 'redundant', 'refused')),
  why TEXT,
  PRIMARY KEY (fact, a_no, b_no)
) STRICT, WITHOUT ROWID;

CREATE TABLE ownership (
  visitor_no INTEGER NOT NULL,                       -- a device that several persons own in turn
  from_ms INTEGER NOT NULL,                          -- 0: from the beginning
  identifier_no INTEGER NOT NULL,                    -- by which the owner identified
  PRIMARY KEY (visitor_no, from_ms)
) STRICT, WITHOUT ROWID;

CREATE TABLE account_part (
  part_no INTEGER PRIMARY KEY,                       -- a company's domain, or an account of a CRM
  kind TEXT NOT NULL CHECK (kind IN ('account', 'domain')),
  value TEXT NOT NULL,                               -- acme.com, or <system>:<id>
  part_id TEXT NOT NULL UNIQUE,
  account_no INTEGER NOT NULL,                       -- part_no of the account's oldest part
  first_ms INTEGER,                                  -- null: nobody names it
  name TEXT,                                         -- of the oldest part: the account's
  moved_no INTEGER NOT NULL,                         -- pass in which it came to this account
  changed_no INTEGER NOT NULL,                       -- pass in which its account or people last moved
  UNIQUE (kind, value)
) STRICT;

CREATE TABLE account_word (
  fact TEXT PRIMARY KEY,                             -- a fact of a CRM that names an account
  reason TEXT NOT NULL CHECK (reason IN ('crm', 'deal')),
  at_ms INTEGER NOT NULL,
  crm_no INTEGER NOT NULL,                           -- account_part; 0: none given
  domain_no INTEGER NOT NULL,
  part_no INTEGER NOT NULL,                          -- the one of both that name and people go to
  name TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE account_people (
  identifier_no INTEGER NOT NULL,                    -- one whom a fact counts among an account's people
  fact TEXT NOT NULL,
  PRIMARY KEY (identifier_no, fact)
) STRICT, WITHOUT ROWID;

CREATE TABLE membership (
  person_no INTEGER NOT NULL,                        -- identifier_no of the person's oldest identifier
  part_no INTEGER NOT NULL,                          -- account_part through which they belong
  reason TEXT NOT NULL CHECK (reason IN ('crm', 'deal', 'email_domain')),
  from_ms INTEGER NOT NULL,
  last_ms INTEGER NOT NULL,                          -- when it was last said
  is_shown INTEGER NOT NULL CHECK (is_shown IN (0, 1)), -- of all, the one that the person is shown with
  changed_no INTEGER NOT NULL,
  PRIMARY KEY (person_no, part_no, reason)
) STRICT, WITHOUT ROWID;

CREATE TABLE lease (
  fact TEXT PRIMARY KEY,                             -- a pool's number was shown to a visitor
  site_no INTEGER NOT NULL,
  number TEXT NOT NULL,                              -- E.164
  visitor_no INTEGER NOT NULL,
  from_ms INTEGER NOT NULL,
  to_ms INTEGER NOT NULL,                            -- last seen with it
  pool TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE lead (
  lead_no INTEGER PRIMARY KEY,
  lead_id TEXT NOT NULL UNIQUE,
  fact TEXT NOT NULL UNIQUE,
  site_no INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('form', 'call', 'chat', 'booking')),
  provider TEXT NOT NULL,
  provider_id TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  name TEXT,
  email TEXT,                                        -- as given
  phone TEXT,
  company TEXT,
  tracking_number TEXT,
  page_url TEXT,
  duration_s INTEGER,
  answered INTEGER,
  value TEXT,                                        -- decimal, major units
  currency TEXT,
  tags TEXT,                                         -- what the provider says of the source, JSON
  referrer TEXT,                                     -- as the provider saw it
  proved_visitor_no INTEGER,
  email_no INTEGER,                                  -- identifiers
  user_no INTEGER,
  crm_no INTEGER,
  phone_no INTEGER,
  chat_no INTEGER,
  called TEXT,                                       -- tracking number, E.164
  is_withheld INTEGER NOT NULL CHECK (is_withheld IN (0, 1)), -- consent had been withdrawn
  identifier_no INTEGER,                             -- the one that names its person
  visitor_no INTEGER,
  session_id TEXT,
  match_rule TEXT,
  match_confidence REAL,
  match_evidence TEXT,
  source_no INTEGER,
  click_name TEXT,
  click_no INTEGER,
  status TEXT CHECK (status IN ('new', 'qualified', 'sales_qualified', 'disqualified', 'customer')),
  is_junk INTEGER NOT NULL DEFAULT 0 CHECK (is_junk IN (0, 1)),
  status_ms INTEGER,                                 -- since when
  status_by TEXT,                                    -- who said so; rule: nobody did
  status_rule TEXT,
  status_reason TEXT,
  duplicate_of TEXT,                                 -- lead_id of the first of the same enquiry
  response_ms INTEGER,                               -- when sales first answered
  response_owner TEXT,
  changed_no INTEGER NOT NULL
) STRICT;

CREATE TABLE lead_status (
  lead_id TEXT NOT NULL,                             -- one step of the history of its status
  at_ms INTEGER NOT NULL,
  step INTEGER NOT NULL,                             -- 0: what the rules say
  status TEXT NOT NULL,
  is_junk INTEGER NOT NULL CHECK (is_junk IN (0, 1)),
  said_by TEXT NOT NULL,
  rule TEXT,
  reason TEXT,
  PRIMARY KEY (lead_id, step)
) STRICT, WITHOUT ROWID;

CREATE TABLE activity (
  fact TEXT PRIMARY KEY,                             -- sales did something with somebody
  activity_id TEXT NOT NULL UNIQUE,
  site_no INTEGER NOT NULL,
  provider TEXT NOT NULL,
  provider_id TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  kind TEXT NOT NULL,
  owner TEXT,
  title TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE activity_name (
  fact TEXT NOT NULL,                                -- with whom: names of one person, known or not yet
  place INTEGER NOT NULL,                            -- 0: the surest of them
  kind TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (fact, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE lead_click (
  value TEXT NOT NULL,                               -- a click id that came with a lead
  name TEXT NOT NULL,
  lead_id TEXT NOT NULL,
  PRIMARY KEY (value, name, lead_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE journey (
  journey_id TEXT PRIMARY KEY,
  conversion_kind TEXT NOT NULL,
  conversion_id TEXT NOT NULL,
  site_no INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  identifier_no INTEGER,
  first_ms INTEGER,
  first_source_no INTEGER,
  last_source_no INTEGER,
  lead_channel TEXT,
  days INTEGER NOT NULL,
  touch_count INTEGER NOT NULL,
  path TEXT NOT NULL CHECK (json_valid(path)),
  touch_ids TEXT NOT NULL CHECK (json_valid(touch_ids)),
  part_id TEXT,                                      -- account_part that its person is shown with
  changed_no INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE change (
  change_no INTEGER NOT NULL,                        -- one pass of stitch
  noun TEXT NOT NULL,
  id TEXT NOT NULL,
  what TEXT NOT NULL CHECK (what IN ('created', 'merged', 'split', 'erased', 'moved', 'gone')),
  before TEXT,                                       -- what moved, JSON; null: it is new
  after TEXT,                                        -- null: nothing is left of it
  because TEXT NOT NULL,                             -- the fact that moved it
  recorded_ms INTEGER NOT NULL,
  PRIMARY KEY (change_no, noun, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE tombstone (
  identifier_id TEXT NOT NULL,                       -- keyed hash of a name that was erased
  kind TEXT NOT NULL,                                -- an identifier's, or lead; person: of any kind
  asked_kind TEXT NOT NULL,                          -- by which erasure: the name that was asked for,
  asked TEXT NOT NULL,                               -- its keyed hash,
  asked_ms INTEGER NOT NULL,                         -- and until when
  from_ms INTEGER NOT NULL,                          -- 0: from the beginning
  until_ms INTEGER NOT NULL,                         -- nothing of this time or before comes back
  PRIMARY KEY (identifier_id, asked, asked_ms, from_ms)
) STRICT, WITHOUT ROWID;

CREATE TABLE erased_tie (
  fact TEXT NOT NULL,                                -- keyed hash of a fact that tied two names
  rule TEXT NOT NULL,                                -- as in evidence; lead: whose an erased lead was
  a TEXT NOT NULL,                                   -- keyed hashes, as all that stands for a name here
  a_kind TEXT NOT NULL,                              -- a contact's with its system
  b TEXT NOT NULL,
  b_kind TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  since_ms INTEGER,                                  -- start of the session in which it was said
  on_hash TEXT,                                      -- the browser on which a line was given
  once TEXT,                                         -- mailing or link that one browser may use
  flaw TEXT,
  is_undo INTEGER NOT NULL CHECK (is_undo IN (0, 1)),
  PRIMARY KEY (fact, a, b)
) STRICT, WITHOUT ROWID;

CREATE TABLE erased_sighting (
  identifier_id TEXT NOT NULL,                       -- keyed hash of a name that an erased fact gave
  kind TEXT NOT NULL,
  name TEXT NOT NULL,                                -- of the full name given with it; empty: none
  PRIMARY KEY (identifier_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE erased_consent (
  site_no INTEGER NOT NULL,                          -- a word on consent outlives who gave it
  identifier_id TEXT NOT NULL,                       -- keyed hash of the visitor
  at_ms INTEGER NOT NULL,
  is_refused INTEGER NOT NULL CHECK (is_refused IN (0, 1)),
  PRIMARY KEY (site_no, identifier_id, at_ms)
) STRICT, WITHOUT ROWID;

CREATE TABLE erased_row (
  hash BLOB PRIMARY KEY                              -- keyed; a hit or lead that was erased is counted once
) STRICT, WITHOUT ROWID;

CREATE TABLE anonymous_total (
  site_no INTEGER NOT NULL,                          -- what was erased, as numbers of nobody
  counted_on TEXT NOT NULL,                          -- day, UTC
  what TEXT NOT NULL CHECK (what IN ('hits', 'sessions', 'leads')),
  count INTEGER NOT NULL CHECK (count > 0),
  PRIMARY KEY (site_no, counted_on, what)
) STRICT, WITHOUT ROWID;

CREATE TABLE erasure (
  erasure_no INTEGER PRIMARY KEY,                    -- proof that somebody's data went; names nobody
  fact TEXT NOT NULL,                                -- key of the erase fact; empty: of what came late
  until_ms INTEGER NOT NULL,
  erased_ms INTEGER NOT NULL,
  counts TEXT NOT NULL CHECK (json_valid(counts)),   -- rows by what they were
  tombstones TEXT NOT NULL CHECK (json_valid(tombstones)),
  is_clean INTEGER CHECK (is_clean IN (0, 1))        -- no byte of it left in the file; null: not looked yet
) STRICT;

CREATE TABLE destination (
  destination_no INTEGER PRIMARY KEY,
  destination_id TEXT NOT NULL UNIQUE,
  site_no INTEGER NOT NULL REFERENCES site,
  kind TEXT NOT NULL CHECK (kind IN ('webhook', 'slack', 'mail')),
  shown TEXT NOT NULL,                               -- the address without what opens it
  sealed TEXT NOT NULL,                              -- address and secret, JSON, with the workspace's key
  wants TEXT NOT NULL CHECK (json_valid(wants)),     -- list of what it is told
  within_s INTEGER NOT NULL,                         -- sales is to answer a lead within this
  is_pii INTEGER NOT NULL CHECK (is_pii IN (0, 1)),  -- contact details in full
  mode TEXT NOT NULL CHECK (mode IN ('on', 'dry', 'off')),
  why TEXT,                                          -- it was switched off
  made_ms INTEGER NOT NULL,
  held_ms INTEGER NOT NULL DEFAULT 0                 -- nothing is sent before
) STRICT;

CREATE TABLE delivery (
  delivery_no INTEGER PRIMARY KEY,                   -- order of one object's
  delivery_id TEXT NOT NULL UNIQUE,                  -- by which a receiver knows a repeat
  destination_no INTEGER NOT NULL REFERENCES destination ON DELETE CASCADE,
  key TEXT NOT NULL,                                 -- what is told once
  object TEXT NOT NULL,                              -- what it is about: its deliveries leave in order
  payload TEXT NOT NULL CHECK (json_valid(payload)),
  state TEXT NOT NULL CHECK (state IN ('waiting', 'delivered', 'dead', 'dry')),
  tries INTEGER NOT NULL DEFAULT 0,
  made_ms INTEGER NOT NULL,
  since_ms INTEGER NOT NULL,                         -- first to leave; anew when an operator retries
  due_ms INTEGER NOT NULL,
  UNIQUE (destination_no, key)
) STRICT;

CREATE TABLE receipt (
  delivery_no INTEGER NOT NULL REFERENCES delivery ON DELETE CASCADE,
  receipt_no INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  result TEXT NOT NULL CHECK (result IN ('delivered', 'retry', 'refused', 'gone')),
  code INTEGER NOT NULL,                             -- 0: nobody answered
  answer TEXT NOT NULL,
  PRIMARY KEY (delivery_no, receipt_no)
) STRICT, WITHOUT ROWID;

CREATE TABLE outcome (
  destination_no INTEGER NOT NULL REFERENCES destination ON DELETE CASCADE,
  result TEXT NOT NULL,
  count INTEGER NOT NULL,                            -- tries, ever
  PRIMARY KEY (destination_no, result)
) STRICT, WITHOUT ROWID;

CREATE TABLE alarm (
  site_no INTEGER NOT NULL,
  kind TEXT NOT NULL,                                -- what is wrong
  object TEXT NOT NULL,                              -- with which part of the site
  is_on INTEGER NOT NULL CHECK (is_on IN (0, 1)),
  since_ms INTEGER NOT NULL,
  told_ms INTEGER NOT NULL,
  PRIMARY KEY (site_no, kind, object)
) STRICT, WITHOUT ROWID;

CREATE TABLE hour_count (
  kind TEXT NOT NULL CHECK (kind IN ('hit', 'hook')), -- of people on a site; of a hook source's deliveries
  of_no INTEGER NOT NULL,                            -- site_no or source_no
  hour INTEGER NOT NULL,                             -- since 1970, UTC
  count INTEGER NOT NULL,
  PRIMARY KEY (kind, of_no, hour)
) STRICT, WITHOUT ROWID;

CREATE INDEX pool_number_pool ON pool_number (site_no, pool);

CREATE UNIQUE INDEX hit_event ON hit (event_key, site_no);

CREATE INDEX hit_visitor ON hit (visitor_no, at_ms);

CREATE INDEX fact_visitor ON fact (json_extract(content, '$.visitor_id'))
WHERE json_extract(content, '$.visitor_id') IS NOT NULL;

CREATE INDEX fact_link ON fact (iif(kind = 'link', json_extract(content, '$.from'), NULL))
WHERE iif(kind = 'link', json_extract(content, '$.from'), NULL) IS NOT NULL;

CREATE INDEX raw_message_received ON raw_message (received_ms);

CREATE INDEX raw_fact_raw ON raw_fact (raw_no);

CREATE INDEX session_visitor ON session (visitor_no, started_ms);

CREATE INDEX lone_crowd ON lone (client_no, prefix_no, hour, site_no, is_burst);

CREATE INDEX click_use_visitor ON click_use (visitor_no);

CREATE INDEX presence_visitor ON presence (visitor_no);

CREATE INDEX identifier_domain ON identifier (domain_no) WHERE domain_no IS NOT NULL;

CREATE UNIQUE INDEX identifier_visitor ON identifier (visitor_no) WHERE visitor_no IS NOT NULL;

CREATE INDEX identifier_person ON identifier (person_no);

CREATE INDEX identifier_id ON identifier (identifier_id);

CREATE INDEX mention_fact ON mention (fact);

CREATE INDEX evidence_a ON evidence (a_no, rule);

CREATE INDEX evidence_b ON evidence (b_no, rule);

CREATE INDEX ownership_identifier ON ownership (identifier_no);

CREATE INDEX account_part_account ON account_part (account_no);

CREATE INDEX account_word_crm ON account_word (crm_no, domain_no, at_ms, fact);

CREATE INDEX account_word_domain ON account_word (domain_no, crm_no, at_ms, fact);

CREATE INDEX account_word_name ON account_word (part_no, at_ms, fact) WHERE name IS NOT NULL;

CREATE INDEX account_people_fact ON account_people (fact);

CREATE INDEX membership_part ON membership (part_no, reason, from_ms);

CREATE INDEX lease_number ON lease (number, from_ms);

CREATE INDEX lease_length ON lease (number, to_ms - from_ms);

CREATE INDEX lease_visitor ON lease (visitor_no);

CREATE INDEX lease_pool ON lease (site_no, pool, to_ms);

CREATE INDEX lead_identifier ON lead (identifier_no);

CREATE INDEX lead_visitor ON lead (visitor_no) WHERE visitor_no IS NOT NULL;

CREATE INDEX lead_duplicate ON lead (duplicate_of) WHERE duplicate_of IS NOT NULL;

CREATE INDEX lead_called ON lead (called, at_ms) WHERE called IS NOT NULL;

CREATE INDEX lead_at ON lead (site_no, at_ms);

CREATE INDEX activity_name_value ON activity_name (value, kind);

CREATE INDEX lead_chat ON lead (page_url, at_ms) WHERE kind = 'chat' AND page_url IS NOT NULL;

CREATE INDEX lead_click_lead ON lead_click (lead_id);

CREATE INDEX journey_part ON journey (part_id) WHERE part_id IS NOT NULL;

CREATE INDEX tombstone_asked ON tombstone (asked, asked_ms);

CREATE INDEX erased_tie_a ON erased_tie (a);

CREATE INDEX erased_tie_b ON erased_tie (b);

CREATE INDEX erasure_fact ON erasure (fact);

CREATE INDEX delivery_waiting ON delivery (destination_no, object, delivery_no) WHERE state = 'waiting';

CREATE INDEX delivery_object ON delivery (object);

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
