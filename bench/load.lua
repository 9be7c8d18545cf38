-- What wrk sends, and what it prints at the end.
--
-- REQUESTS names a file with one request per line: method, path, content type and body, with tabs between. They are sent in an order
-- that jumps about, so that no cache of recent things helps. Eight number signs in a path or body (once per line at most) stand for a
-- number that is another one each time; they count from FIRST.

local mark = '########'
local before, after = {}, {}
local count, at, step = 0, 0, 1
local number = tonumber(os.getenv('FIRST') or '0')

local function divisor(a, b)
  while b ~= 0 do a, b = b, a % b end
  return a
end

function init()
  local token = 'Bearer ' .. os.getenv('TOKEN')
  for line in io.lines(os.getenv('REQUESTS')) do
    local method, path, kind, body = line:match('^([^\t]*)\t([^\t]*)\t([^\t]*)\t(.*)$')
    local headers = { Authorization = token, Accept = 'application/json' }
    if kind ~= '' then headers['Content-Type'] = kind end
    local whole = wrk.format(method, path, headers, body ~= '' and body or nil)
    count = count + 1
    local from, to = whole:find(mark, 1, true)
    before[count] = from and whole:sub(1, from - 1) or whole
    after[count] = from and whole:sub(to + 1) or false
  end
  -- A step without a common divisor comes to every line before it comes to one twice.
  step = math.max(1, math.floor(count * 0.618))
  while divisor(step, count) > 1 do step = step + 1 end
end

function request()
  at = (at + step) % count
  local rest = after[at + 1]
  if not rest then return before[at + 1] end
  number = number + 1
  return before[at + 1] .. string.format('%08d', number) .. rest
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\nRESULT {"requests":%d,"seconds":%.6f,"bytes":%d,"p50":%.3f,"p99":%.3f,"refused":%d,"broken":%d}\n',
    summary.requests, summary.duration / 1e6, summary.bytes, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
