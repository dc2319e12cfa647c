-- Sends the requests of a file, each once, in order; a NUL separates them. If the second argument is `again`, it starts
-- over at the end of the file. Otherwise it stops there: a code, a refresh token or an assertion is good once.
local requests, at, again, answers = {}, 0, false, {}

function init(arguments)
  local file = assert(io.open(arguments[1], "rb"))
  for request in (file:read("*a") .. "\0"):gmatch("(.-)%z") do
    if request ~= "" then requests[#requests + 1] = request end
  end
  file:close()
  again = arguments[2] == "again"
end

function request()
  at = at + 1
  if at > #requests then
    if not again then wrk.thread:stop() end
    at = 1
  end
  return requests[at]
end

function done(summary, latency)
  io.write(string.format(
    '{"requests": %d, "seconds": %f, "refused": %d, "lost": %d, "p50": %f, "p99": %f}\n',
    summary.requests, summary.duration / 1e6, summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
