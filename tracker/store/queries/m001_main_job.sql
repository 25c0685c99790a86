-- Tables are singular and Touchline's own; the plural views over them are for people (readable.sql).

-- Configuration: written by the command line, read by all.
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
CREATE INDEX pool_number_pool ON pool_number (site_no, pool);
CREATE TABLE counter (
  name TEXT PRIMARY KEY,                             -- config_version, change_no, hit_no, counted_hit, counted_hook, unswept_file, unswept_log, key_check
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Facts: append-only.
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
CREATE UNIQUE INDEX hit_event ON hit (event_key, site_no);
CREATE INDEX hit_visitor ON hit (visitor_no, at_ms);
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
CREATE INDEX fact_visitor ON fact (json_extract(content, '$.visitor_id'))
WHERE json_extract(content, '$.visitor_id') IS NOT NULL;
-- `WHERE kind = 'link'` would have each statement that asks for a kind prepared anew at every call.
CREATE INDEX fact_link ON fact (iif(kind = 'link', json_extract(content, '$.from'), NULL))
WHERE iif(kind = 'link', json_extract(content, '$.from'), NULL) IS NOT NULL;
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
CREATE INDEX raw_message_received ON raw_message (received_ms);
CREATE TABLE raw_fact (
  raw_no INTEGER NOT NULL,                           -- a version of a fact that a delivery gave
  kind TEXT NOT NULL,
  site_no INTEGER NOT NULL,
  key TEXT NOT NULL,
  digest BLOB NOT NULL,
  PRIMARY KEY (kind, site_no, key, digest, raw_no)
) STRICT, WITHOUT ROWID;
CREATE INDEX raw_fact_raw ON raw_fact (raw_no);
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

-- Views: a pure function of the facts, kept materialised. view: marks where they begin.
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
CREATE INDEX session_visitor ON session (visitor_no, started_ms);
CREATE TABLE lone (
  visitor_no INTEGER PRIMARY KEY,                    -- whose one page view is all that is known of them
  client_no INTEGER NOT NULL,
  prefix_no INTEGER NOT NULL,                        -- string_no of the masked address
  hour INTEGER NOT NULL,                             -- since 1970, UTC
  site_no INTEGER NOT NULL,
  is_burst INTEGER NOT NULL CHECK (is_burst IN (0, 1)) -- with all others of its crowd
) STRICT;
CREATE INDEX lone_crowd ON lone (client_no, prefix_no, hour, site_no, is_burst);
CREATE TABLE click_use (
  name TEXT NOT NULL,                                -- first use of a click id by each visitor
  value TEXT NOT NULL,
  visitor_no INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  event_id TEXT NOT NULL,
  PRIMARY KEY (value, name, at_ms, event_id, visitor_no)
) STRICT, WITHOUT ROWID;
CREATE INDEX click_use_visitor ON click_use (visitor_no);
CREATE TABLE presence (
  page_no INTEGER NOT NULL,                          -- who was where when, on sites that match chats by it
  at_ms INTEGER NOT NULL,
  visitor_no INTEGER NOT NULL,
  site_no INTEGER NOT NULL,
  PRIMARY KEY (page_no, at_ms, visitor_no, site_no)
) STRICT, WITHOUT ROWID;
CREATE INDEX presence_visitor ON presence (visitor_no);
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
CREATE INDEX identifier_domain ON identifier (domain_no) WHERE domain_no IS NOT NULL;
CREATE UNIQUE INDEX identifier_visitor ON identifier (visitor_no) WHERE visitor_no IS NOT NULL;
CREATE INDEX identifier_person ON identifier (person_no);
CREATE INDEX identifier_id ON identifier (identifier_id);
CREATE TABLE mention (
  identifier_no INTEGER NOT NULL,                    -- a fact that names an identifier
  fact TEXT NOT NULL,
  at_ms INTEGER,                                     -- null: an operator's word is no sighting
  name TEXT,                                         -- full name given with it, folded
  PRIMARY KEY (identifier_no, fact)
) STRICT, WITHOUT ROWID;
CREATE INDEX mention_fact ON mention (fact);
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
CREATE INDEX evidence_a ON evidence (a_no, rule);
CREATE INDEX evidence_b ON evidence (b_no, rule);
CREATE TABLE ownership (
  visitor_no INTEGER NOT NULL,                       -- a device that several persons own in turn
  from_ms INTEGER NOT NULL,                          -- 0: from the beginning
  identifier_no INTEGER NOT NULL,                    -- by which the owner identified
  PRIMARY KEY (visitor_no, from_ms)
) STRICT, WITHOUT ROWID;
CREATE INDEX ownership_identifier ON ownership (identifier_no);
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
CREATE INDEX account_part_account ON account_part (account_no);
CREATE TABLE account_word (
  fact TEXT PRIMARY KEY,                             -- a fact of a CRM that names an account
  reason TEXT NOT NULL CHECK (reason IN ('crm', 'deal')),
  at_ms INTEGER NOT NULL,
  crm_no INTEGER NOT NULL,                           -- account_part; 0: none given
  domain_no INTEGER NOT NULL,
  part_no INTEGER NOT NULL,                          -- the one of both that name and people go to
  name TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX account_word_crm ON account_word (crm_no, domain_no, at_ms, fact);
CREATE INDEX account_word_domain ON account_word (domain_no, crm_no, at_ms, fact);
CREATE INDEX account_word_name ON account_word (part_no, at_ms, fact) WHERE name IS NOT NULL;
CREATE TABLE account_people (
  identifier_no INTEGER NOT NULL,                    -- one whom a fact counts among an account's people
  fact TEXT NOT NULL,
  PRIMARY KEY (identifier_no, fact)
) STRICT, WITHOUT ROWID;
CREATE INDEX account_people_fact ON account_people (fact);
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
CREATE INDEX membership_part ON membership (part_no, reason, from_ms);
CREATE TABLE lease (
  fact TEXT PRIMARY KEY,                             -- a pool's number was shown to a visitor
  site_no INTEGER NOT NULL,
  number TEXT NOT NULL,                              -- E.164
  visitor_no INTEGER NOT NULL,
  from_ms INTEGER NOT NULL,
  to_ms INTEGER NOT NULL,                            -- last seen with it
  pool TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX lease_number ON lease (number, from_ms);
CREATE INDEX lease_length ON lease (number, to_ms - from_ms);
CREATE INDEX lease_visitor ON lease (visitor_no);
CREATE INDEX lease_pool ON lease (site_no, pool, to_ms);
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
CREATE INDEX lead_identifier ON lead (identifier_no);
CREATE INDEX lead_visitor ON lead (visitor_no) WHERE visitor_no IS NOT NULL;
CREATE INDEX lead_duplicate ON lead (duplicate_of) WHERE duplicate_of IS NOT NULL;
CREATE INDEX lead_called ON lead (called, at_ms) WHERE called IS NOT NULL;
CREATE INDEX lead_at ON lead (site_no, at_ms);
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
CREATE INDEX activity_name_value ON activity_name (value, kind);
CREATE INDEX lead_chat ON lead (page_url, at_ms) WHERE kind = 'chat' AND page_url IS NOT NULL;
CREATE TABLE lead_click (
  value TEXT NOT NULL,                               -- a click id that came with a lead
  name TEXT NOT NULL,
  lead_id TEXT NOT NULL,
  PRIMARY KEY (value, name, lead_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX lead_click_lead ON lead_click (lead_id);
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
CREATE INDEX journey_part ON journey (part_id) WHERE part_id IS NOT NULL;
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
CREATE INDEX tombstone_asked ON tombstone (asked, asked_ms);
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
CREATE INDEX erased_tie_a ON erased_tie (a);
CREATE INDEX erased_tie_b ON erased_tie (b);
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
CREATE INDEX erasure_fact ON erasure (fact);

-- What leaves: the outbox, a receipt of every try, and what was noticed last.
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
CREATE INDEX delivery_waiting ON delivery (destination_no, object, delivery_no) WHERE state = 'waiting';
CREATE INDEX delivery_object ON delivery (object);
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
