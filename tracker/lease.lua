-- Lease a number of a pool to a visitor, or keep the lease, and write what became of it to the log: one
-- atomic step, so that no number is ever held by two and no lease is without its fact.
--
-- KEYS  1 the pool: hash of number -> "visitor from seen told", the latest lease of each
--       2 the log: a stream
--       3 the visitor's numbers of this pool, the latest first
--       4 the channel of the visitor's session
--       5 until when this visitor's want of a number is counted as one
--       6 the pools there are: a set
--       7 how many wants each pool had: a hash
-- ARGV  1 the pool: {site, pool, numbers, hold_ms, channels}
--       2 who asks: {visitor, channel, has_hits, session_hint, now_ms, gap_ms}; null now_ms: this server's clock
--       3 limits: {tell_ms, past_ms, most_past}
-- Returns the number ("" where there is none to show) and why: kept, again, new, exhausted, waiting, elsewhere.
local pool_key, log_key, past_key, came_key, want_key, pools_key, wants_key = unpack(KEYS)
local pool, ask, limit = cjson.decode(ARGV[1]), cjson.decode(ARGV[2]), cjson.decode(ARGV[3])
for name, value in pairs(ask) do
  if value == cjson.null then ask[name] = nil end
end

local now = ask.now_ms
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end

local function whole(number)
  return string.format('%.0f', number)
end

local function append(entry)
  redis.call('XADD', log_key, '*', 'm', cjson.encode(entry))
end

local function parse(text)
  local visitor, from, seen, told = string.match(text, '^(%S+) (%d+) (%d+) (%d+)$')
  return { visitor = visitor, from = tonumber(from), seen = tonumber(seen), told = tonumber(told) }
end

local function write(number, lease)
  local words = { lease.visitor, whole(lease.from), whole(lease.seen), whole(lease.told) }
  redis.call('HSET', pool_key, number, table.concat(words, ' '))
end

-- A version of the lease's fact; one that lost its visitor to an erasure has none.
local function tell(number, lease, hint)
  lease.told = lease.seen
  if lease.visitor ~= '-' then
    append({ k = 'lease', site = pool.site, pool = pool.pool, number = number, visitor_id = lease.visitor,
      from_ms = lease.from, to_ms = lease.seen, session_hint = hint })
  end
end

local function is_live(lease)
  return lease.seen + pool.hold_ms > now
end

local function is_listed(list, wanted)
  for _, each in ipairs(list) do
    if each == wanted then return true end
  end
  return false
end

-- The channel of the session: a hit that names a source begins it, others go on with it.
local function is_served()
  if #pool.channels == 0 then return true end
  local came = ask.channel or redis.call('GET', came_key)
  if ask.has_hits or came then
    came = came or 'Direct'
    redis.call('SET', came_key, came, 'PX', whole(ask.gap_ms))
  end
  return came and is_listed(pool.channels, came)
end

local function past_numbers()
  local numbers = {}
  for number in string.gmatch(redis.call('GET', past_key) or '', '%S+') do
    table.insert(numbers, number)
  end
  return numbers
end

local function remember(number, past)
  local words = { number }
  for _, each in ipairs(past) do
    if each ~= number and #words < limit.most_past then table.insert(words, each) end
  end
  redis.call('SET', past_key, table.concat(words, ' '), 'PX', whole(limit.past_ms))
end

local function keep(number)
  local text = number and is_listed(pool.numbers, number) and redis.call('HGET', pool_key, number)
  local lease = text and parse(text)
  if not lease or lease.visitor ~= ask.visitor or not is_live(lease) then return false end
  lease.seen = math.max(lease.seen, now)
  if lease.seen - lease.told >= limit.tell_ms then tell(number, lease) end
  write(number, lease)
  redis.call('PEXPIRE', past_key, whole(limit.past_ms))
  return true
end

local function latest_leases()
  local leases, flat = {}, redis.call('HGETALL', pool_key)
  for i = 1, #flat, 2 do leases[flat[i]] = parse(flat[i + 1]) end
  return leases
end

-- One that this visitor had before, else the one unused for longest.
local function choose(leases, past)
  local free, best, oldest = {}, nil, nil
  for _, number in ipairs(pool.numbers) do
    local lease = leases[number]
    if not lease or not is_live(lease) then
      local unused_since = lease and lease.seen or -1
      free[number] = true
      if not oldest or unused_since < oldest then best, oldest = number, unused_since end
    end
  end
  for _, number in ipairs(past) do
    if free[number] then return number, 'again' end
  end
  return best, 'new'
end

local function count_want()
  if now < tonumber(redis.call('GET', want_key) or 0) then return 'waiting' end
  redis.call('SET', want_key, whole(now + pool.hold_ms), 'PX', whole(pool.hold_ms))
  local serial = redis.call('HINCRBY', wants_key, pool.site .. ' ' .. pool.pool, 1)
  append({ k = 'exhausted', site = pool.site, pool = pool.pool, at_ms = now, serial = serial })
  return 'exhausted'
end

local served, past = is_served(), past_numbers()
if keep(past[1]) then return { past[1], 'kept' } end
if not served then return { '', 'elsewhere' } end
local leases = latest_leases()
local number, why = choose(leases, past)
if not number then return { '', count_want() } end
local former = leases[number]
if former and former.told < former.seen then tell(number, former) end
local lease = { visitor = ask.visitor, from = now, seen = now, told = now }
tell(number, lease, ask.session_hint)
write(number, lease)
remember(number, past)
redis.call('DEL', want_key)
redis.call('SADD', pools_key, pool.site .. ' ' .. pool.pool)
return { number, why }
