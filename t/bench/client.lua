-- Requests for wrk, and its result as one line that a program can read.
--
-- BENCH_LIST names a file with a request a line, "path" or "path host", sent in turn.
-- BENCH_TOGETHER requests are sent at once. BENCH_BODY makes them POSTs of so many bytes. With none
-- of these, wrk sends its own request unchanged, which costs the client least.

local list = os.getenv("BENCH_LIST")
local together = tonumber(os.getenv("BENCH_TOGETHER") or "1")
local body = tonumber(os.getenv("BENCH_BODY") or "0")

if body > 0 then
    wrk.method = "POST"
    wrk.body = string.rep("upload ", body / 7 + 1):sub(1, body)
end

if list or together > 1 then
    local requests, at = {}, 0

    local function format(path, host)
        local headers = {}
        for name, value in pairs(wrk.headers) do headers[name] = value end
        if host ~= "" then headers["Host"] = host end
        return wrk.format("GET", path, headers)
    end

    function init(args)
        if list then
            for line in io.lines(list) do
                local path, host = line:match("^(%S+) ?(%S*)$")
                requests[#requests + 1] = format(path, host)
            end
        else
            requests[1] = format(wrk.path, ""):rep(together)
        end
    end

    function request()
        at = at % #requests + 1
        return requests[at]
    end
end

function done(summary, latency, requests)
    local e = summary.errors
    print(string.format("RESULT requests=%d us=%d bytes=%.0f p99_us=%.0f connect=%d read=%d " ..
        "write=%d status=%d timeout=%d", summary.requests, summary.duration, summary.bytes,
        latency:percentile(99), e.connect, e.read, e.write, e.status, e.timeout))
end
