-- wrk's side of `sales.py`: every request a distinct sale, put together from prepared parts.
-- Arguments: folder, first sequence, business day, members, regulars, their share of visits in percent.
-- Run with one thread: sequences count per thread.

local tills, baskets = {}, {}
local number, first, day, members, regulars, percent
local clock, shown = 0, ""

function init(args)
   first, day = tonumber(args[2]), args[3]
   members, regulars, percent = tonumber(args[4]), tonumber(args[5]), tonumber(args[6])
   for row in io.lines(args[1] .. "/tills.tsv") do
      local store, till, key = row:match("^([^\t]+)\t([^\t]+)\t([^\t]+)$")
      tills[#tills + 1] = {
         head = "POST /v1/checkouts HTTP/1.1\r\nHost: " .. wrk.host .. "\r\nAuthorization: Bearer " .. key
            .. "\r\nContent-Type: application/json\r\nContent-Length: ",
         body = '{"store":"' .. store .. '","till":"' .. till .. '","business_day":"' .. day .. '","sequence":',
         fiscal = ',"fiscal":{"fn":"' .. (store .. till):gsub("%-", "") .. '","i":',
      }
   end
   for row in io.lines(args[1] .. "/baskets.txt") do
      baskets[#baskets + 1] = { fiscal = row:sub(1, 1) == "F", text = row:sub(2) }
   end
   number = 0
   math.randomseed(first)
end

function request()
   local till = tills[number % #tills + 1]
   local basket = baskets[number % #baskets + 1]
   local sequence = first + math.floor(number / #tills)
   number = number + 1
   local now = os.time()
   if now ~= clock then
      clock, shown = now, os.date("!%Y-%m-%dT%H:%M:%S", now + 7 * 3600)
   end
   local most = math.random(100) <= percent and regulars or members
   local body = till.body .. sequence .. ',"occurred_at":"' .. shown .. '+07:00","card":"29'
      .. string.format("%011d", math.random(most)) .. '",' .. basket.text
   if basket.fiscal then
      body = body .. till.fiscal .. sequence .. ',"fp":"' .. sequence .. '"}'
   end
   return till.head .. (#body + 1) .. "\r\n\r\n" .. body .. "}"
end

function done(summary, latency, requests)
   local errors = summary.errors
   io.write(string.format(
      '\nBENCH {"requests": %d, "seconds": %f, "refused": %d, "broken": %d,'
         .. ' "p50_ms": %f, "p99_ms": %f, "max_ms": %f}\n',
      summary.requests, summary.duration / 1e6, errors.status,
      errors.connect + errors.read + errors.write + errors.timeout,
      latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3))
end
