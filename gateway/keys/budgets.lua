-- What one API key has used on all nodes: gateway/keys/budgets.py on the shared server, with the server's clock.
--
-- KEYS  1  the state of the key
--       2  a number that changes when the server has forgotten everything
-- ARGV  1  what to do: "take" a request, "hold" processor seconds, "settle" a hold, "release" it as if it hadn't been,
--          "look"
--       2  requests allowed within any minute; 0: any number
--       3  processor seconds allowed, likewise
--       4  processor seconds used without a hold since the last call
--       5  hold, settle and release: the hold's name
--       6  hold: most that the job can use; settle: what it used
--       7  hold: seconds after which the hold lapses, if its node is lost
--
-- Returns texts: the number of KEYS[2]; what is held; seconds to wait, 0 if granted; then of requests and of processor
-- seconds what is left, seconds until more is left, and what is used or held.

local WINDOW, STEP, FIRST_GUESS, CRUMB, WEIGHT = 60, 1, 1.0, 1e-6, 0.1
local FORGET = 3600 -- seconds for which the estimate of an idle key is remembered
local LONGEST = 2678400 -- most seconds, a month, for which a hold or debt counts: nobody locks a key for good from here

local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000

local op = ARGV[1]
local requests, compute, owed = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])

local generation = redis.pcall('GET', KEYS[2])
if type(generation) ~= 'string' or #generation > 32 or not string.match(generation, '^%d+%.%d+$') then
  generation = clock[1] .. '.' .. clock[2]
  redis.call('SET', KEYS[2], generation)
end

-- Whatever isn't a state of ours counts as nothing used, and as something forgotten.
local function number(value)
  assert(type(value) == 'number' and value == value and value >= 0 and value < 1e12)
  return value
end

local function steps(found)
  local kept = {}
  for _, step in ipairs(found) do
    -- A clock that was set back leaves steps in the future: they count for a minute from now.
    local ends = math.min(number(step[1]), (math.floor(now / STEP) + 1) * STEP)
    if ends > now - WINDOW then kept[#kept + 1] = {ends, number(step[2])} end
  end
  return kept
end

local function decoded(raw)
  local found = cmsgpack.unpack(raw)
  local state = {
    requests = steps(found.requests), compute = steps(found.compute), holds = {},
    estimate = number(found.estimate), debt = number(found.debt), at = number(found.at),
  }
  for name, hold in pairs(found.holds) do
    assert(number(hold[3]) <= LONGEST)
    local lapses = math.min(number(hold[2]), now + hold[3])
    if lapses > now then state.holds[name] = {number(hold[1]), lapses, hold[3]} end
  end
  return state
end

local raw = redis.pcall('GET', KEYS[1])
local state
if raw then
  local is_ours, found = pcall(decoded, raw)
  if is_ours then
    state = found
  else
    redis.call('DEL', KEYS[1])
    generation = 'broken ' .. generation
  end
end
state = state or {requests = {}, compute = {}, holds = {}, estimate = FIRST_GUESS, debt = 0, at = now}

local function used(window)
  local sum = 0
  for _, step in ipairs(window) do sum = sum + step[2] end
  return sum
end

local function charge(window, amount)
  if amount <= 0 then return end
  local ends = (math.floor(now / STEP) + 1) * STEP
  local last = window[#window]
  if last and last[1] >= ends then last[2] = last[2] + amount else window[#window + 1] = {ends, amount} end
end

local function until_fits(window, amount, allowance)
  local over = used(window) + amount - allowance
  for _, step in ipairs(window) do
    if over <= CRUMB then return 0 end
    over = over - step[2]
    if over <= CRUMB then return math.max(0, step[1] + WINDOW - now) end
  end
  return 0
end

local function held()
  local sum = 0
  for _, hold in pairs(state.holds) do sum = sum + hold[1] end
  return sum
end

local function pay()
  local debt = state.debt - math.max(0, now - state.at) * compute / WINDOW
  state.debt = debt > CRUMB and math.min(debt, LONGEST * compute / WINDOW) or 0
  state.at = now
end

local function until_available(amount)
  local over = state.debt + amount - compute
  local paid_in = over > CRUMB and over * WINDOW / compute or 0
  return math.max(until_fits(state.compute, amount, compute), paid_in)
end

local function count(amount)
  charge(state.compute, amount)
  state.debt = state.debt + amount
end

if compute > 0 then
  pay()
  count(owed)
end

local wait, granted = 0, 0
if op == 'take' then
  wait = until_fits(state.requests, 1, requests)
  if wait == 0 then charge(state.requests, 1) end
elseif op == 'hold' then
  local wanted = math.min(state.estimate, tonumber(ARGV[6]), compute)
  wait = until_available(wanted)
  if wait == 0 and math.max(used(state.compute), state.debt) + held() + wanted > compute + CRUMB then wait = STEP end
  if wait == 0 then
    granted = wanted
    state.holds[ARGV[5]] = {wanted, now + tonumber(ARGV[7]), tonumber(ARGV[7])}
  end
elseif op == 'settle' then
  local amount = tonumber(ARGV[6])
  state.holds[ARGV[5]] = nil
  count(amount)
  local weight = amount > state.estimate and 1 or WEIGHT
  state.estimate = math.max(FIRST_GUESS, state.estimate + (amount - state.estimate) * weight)
elseif op == 'release' then
  state.holds[ARGV[5]] = nil
elseif op == 'look' then
  wait = compute > 0 and until_available(2 * CRUMB) or 0
end

local requests_left, requests_more, cpu_left, cpu_more = 0, WINDOW, 0, WINDOW
if requests > 0 then
  requests_left = math.max(0, requests - used(state.requests))
  if requests_left < requests then requests_more = until_fits(state.requests, requests_left + 1, requests) end
end
if compute > 0 then
  local left = compute - math.max(used(state.compute), state.debt) - held()
  cpu_left = math.max(0, math.floor(left + CRUMB))
  if cpu_left < compute then cpu_more = until_available(cpu_left + 1) end
end

local keep = WINDOW + STEP
if compute > 0 then keep = math.max(keep, state.debt * WINDOW / compute) end
if state.estimate > FIRST_GUESS then keep = math.max(keep, FORGET) end
for _, hold in pairs(state.holds) do keep = math.max(keep, hold[2] - now) end
redis.call('SET', KEYS[1], cmsgpack.pack(state), 'PX', math.ceil((keep + STEP) * 1000))

local reply = {generation}
for _, value in ipairs({
  granted, wait, requests_left, requests_more, used(state.requests), cpu_left, cpu_more, used(state.compute) + held(),
}) do
  reply[#reply + 1] = string.format('%.17g', value)
end
return reply
