# The first slice of HTTP: choosing a server and a location, `return`, static files, keepalive,
# pipelining, the access log.
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::Weir;

run_tests();

__DATA__

=== return with a code and a text
--- config
location = /text { return 200 "hello\n"; }
location = /empty { return 204; }
location = /plain { return 403; }
location = /own { default_type application/x-own; return 201 made; }
location = /moved { return 301 /else/where; }
location = /full { return 302 http://example.com/a?b=c; }
location = /short { return http://example.com/short; }
location = /see { return 303 https://example.com/; }
location = /kept { return 307 /kept-method; }
location = /perm { return 308 /for-ever; }
--- request
GET /text
--- response_headers
Content-Type: text/plain
Content-Length: 6
Connection: close
!Last-Modified
!ETag
--- response_headers_like
Server: \w+(/[\d.]+)?
Date: [A-Z]\w\w, \d\d [A-Z]\w\w \d{4} \d\d:\d\d:\d\d GMT
--- response_body
hello

=== return without a text: 204 has no body
--- request
GET /empty
--- error_code: 204
--- response_headers
!Content-Length
!Content-Type
--- response_body:

=== return of an error code gives the error page
--- request
GET /plain
--- error_code: 403
--- response_headers
Content-Type: text/html
--- response_body_like
<title>403 Forbidden</title>.*<h1>403 Forbidden</h1>

=== return takes its type from default_type
--- request
GET /own
--- error_code: 201
--- response_headers
Content-Type: application/x-own
Content-Length: 4
--- response_body: made

=== redirect to a path becomes absolute
--- request
GET /moved
--- error_code: 301
--- response_headers
Location: http://localhost:%%PORT%%/else/where
Content-Type: text/html
--- response_body_like
<title>301 Moved Permanently</title>

=== redirect to a full URL stays as it is
--- request
GET /full
--- error_code: 302
--- response_headers
Location: http://example.com/a?b=c

=== a URL alone is a 302
--- request
GET /short
--- error_code: 302
--- response_headers
Location: http://example.com/short

=== 303, 307 and 308 are redirects too
--- keepalive_requests
GET /see
~~~
POST /kept

some body
~~~
GET /perm
--- error_code: 303 307 308
--- response_headers
Location: https://example.com/
~~~
Location: http://localhost:%%PORT%%/kept-method
~~~
Location: http://localhost:%%PORT%%/for-ever

=== the longest prefix wins, in whatever order they stand
--- config
location /a/b/ { return 200 "/a/b/"; }
location / { return 200 "/"; }
location = /a/b/exact { return 200 "exact"; }
location /a/b/c { return 200 "/a/b/c"; }
location /a { return 200 "/a"; }
--- keepalive_requests
GET /
~~~
GET /x/a/b/
~~~
GET /a
~~~
GET /abc
~~~
GET /a/b/
~~~
GET /a/b/cd
~~~
GET /a/b/exact
~~~
GET /a/b/exact/
~~~
GET /a/b/exact?with=args
--- response_body chomp
/
~~~
/
~~~
/a
~~~
/a
~~~
/a/b/
~~~
/a/b/c
~~~
exact
~~~
/a/b/
~~~
exact

=== locations match the decoded and normalized path
--- keepalive_requests
GET /%61/%62/
~~~
GET /a//b/
~~~
GET /x/../a/./b/c
~~~
GET /a/b/%65xact
--- response_body chomp
/a/b/
~~~
/a/b/
~~~
/a/b/c
~~~
exact

=== nested prefix locations
--- config
location /outer/ {
    location /outer/inner/ { return 200 "inner"; }
    return 200 "outer";
}
--- keepalive_requests
GET /outer/x
~~~
GET /outer/inner/x
~~~
GET /outer/inner
--- response_body chomp
outer
~~~
inner
~~~
outer

=== a static file with its head
--- http_config
types {
    text/html html htm;
    text/css css;
    application/json json;
}
default_type application/octet-stream;
--- config
root html;
location /second/ { root html/other; }
location /own-index/ { index missing.html start.txt; }
location /typed/ { types { } default_type text/x-typed; }
--- user_files
>>> style.css @1700000000
body { color: black }
>>> index.html
<p>home</p>
>>> data.json
{}
>>> unknown.zzz
zzz
>>> no-suffix
none
>>> UPPER.CSS
upper
>>> empty.html eval
""
>>> big.bin eval
join "", map { pack "N", $_ } 0 .. 65535
>>> sub/index.html
<p>sub</p>
>>> bare/
>>> own-index/start.txt
start
>>> other/second/file.html
second
>>> typed/a.css
typed
>>> "with space.html"
space
>>> closed.html 0000
secret
--- request
GET /style.css
--- response_headers
Content-Type: text/css
Content-Length: 22
Last-Modified: Tue, 14 Nov 2023 22:13:20 GMT
ETag: "6553f100-16"
--- response_body
body { color: black }

=== / is answered with index.html
--- request
GET /
--- response_headers
Content-Type: text/html
--- response_headers_like
ETag: "[0-9a-f]+-c"
--- response_body
<p>home</p>

=== types by the last suffix, in any case, and the default type
--- keepalive_requests
GET /data.json
~~~
GET /unknown.zzz
~~~
GET /no-suffix
~~~
GET /UPPER.CSS
~~~
GET /typed/a.css
--- response_headers
Content-Type: application/json
~~~
Content-Type: application/octet-stream
~~~
Content-Type: application/octet-stream
~~~
Content-Type: text/css
~~~
Content-Type: text/x-typed

=== arguments, escapes and another root
--- keepalive_requests
GET /data.json?x=/../y
~~~
GET /with%20space.html
~~~
GET /second/file.html
--- response_body
{}
~~~
space
~~~
second

=== an empty file
--- request
GET /empty.html
--- response_headers
Content-Length: 0
Content-Type: text/html
--- response_body:

=== a file larger than any buffer
--- request
GET /big.bin
--- response_headers
Content-Length: 262144
--- response_body eval
join "", map { pack "N", $_ } 0 .. 65535

=== a folder without a slash is redirected, with its arguments
--- request
GET /sub?a=b
--- error_code: 301
--- response_headers
Location: http://localhost:%%PORT%%/sub/?a=b

=== index files of a folder
--- keepalive_requests
GET /sub/
~~~
GET /own-index/
--- response_body
<p>sub</p>
~~~
start

=== a folder without an index file is forbidden
--- request
GET /bare/
--- error_code: 403
--- response_headers
Content-Type: text/html
--- response_body_like
<title>403 Forbidden</title>
--- error_log
directory index of "%%DIR%%/html/bare/" is forbidden

=== 404 for a missing file
--- request
GET /missing.css
--- error_code: 404
--- response_headers
Content-Type: text/html
Connection: close
!Last-Modified
!ETag
--- response_headers_like
Content-Length: [1-9]\d+
--- response_body_like
^<html>.*<title>404 Not Found</title>.*<h1>404 Not Found</h1>.*</html>\s*$
--- error_log
open() "%%DIR%%/html/missing.css" failed (2: No such file or directory)
/ client: 127\.0\.0\.1, server: localhost, request: "GET \/missing\.css HTTP\/1\.1", host: "localhost"$/

=== a file that may not be read is forbidden
--- request
GET /closed.html
--- error_code: 403
--- error_log
open() "%%DIR%%/html/closed.html" failed (13: Permission denied)

=== a file is no folder
--- request
GET /data.json/
--- error_code: 404
--- error_log
(20: Not a directory)

=== methods that a file does not know
--- request
POST /data.json

some body
--- error_code: 405
--- response_headers
Content-Type: text/html

=== HEAD has the same head and no body
--- keepalive_requests
HEAD /style.css
~~~
HEAD /missing
~~~
HEAD /
--- error_code: 200 404 200
--- response_headers
Content-Type: text/css
Content-Length: 22
Last-Modified: Tue, 14 Nov 2023 22:13:20 GMT
ETag: "6553f100-16"
~~~
Content-Type: text/html
~~~
Content-Type: text/html
Content-Length: 12
--- response_body:
--- error_log
/html/missing" failed

=== two requests on one connection
--- keepalive_requests
GET /data.json
~~~
GET /style.css
Connection: keep-alive
--- response_headers
Connection: keep-alive
~~~
Connection: keep-alive
--- response_body
{}
~~~
body { color: black }
--- connection: open

=== two requests at once are answered in order
--- pipelined_requests
GET /style.css
~~~
GET /missing
~~~
GET /data.json
--- error_code: 200 404 200
--- response_body_like
^body
~~~
404 Not Found
~~~
^\{\}$
--- response_headers
Connection: keep-alive
~~~
Connection: keep-alive
~~~
Connection: close
--- error_log
/html/missing" failed

=== what follows a request that closes is not answered
--- raw_request
GET /data.json HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n
GET /style.css HTTP/1.1\r\nHost: localhost\r\n\r\n
--- response_body
{}
--- connection: closed

=== HTTP/1.0 closes after the answer
--- request
GET /data.json HTTP/1.0
--- response_headers
Connection: close
--- response_body
{}
--- connection: closed

=== HTTP/1.0 can ask for keepalive
--- raw_request
GET /data.json HTTP/1.0\r\nConnection: keep-alive\r\n\r\n
--- response_headers
Connection: keep-alive
--- connection: open

=== a head that comes in pieces
--- raw_request
GET /da
--- raw_request
ta.json HTTP/1.1\r\nHost: loc
--- raw_request
alhost\r\n\r
--- raw_request
\n
--- response_body
{}
--- connection: open

=== empty lines before a request are passed over
--- raw_request
\r\n\r\nGET /data.json HTTP/1.1\r\nHost: localhost\r\n\r\n
--- response_body
{}

=== a bad request line
--- raw_request
GET\r\n\r\n
--- error_code: 400
--- response_headers
Content-Type: text/html
Connection: close
--- response_body_like
<title>400 Bad Request</title>
--- connection: closed
--- error_log
client sent invalid method while reading client request line

=== no Host in HTTP/1.1
--- raw_request
GET / HTTP/1.1\r\n\r\n
--- error_code: 400
--- connection: closed
--- error_log
client sent HTTP/1.1 request without "Host" header

=== a bad version
--- raw_request
GET / HTTP/2.9\r\nHost: localhost\r\n\r\n
--- error_code: 505
--- connection: closed
--- error_log
client sent invalid version while reading client request line

=== a path that leaves the root
--- raw_request
GET /../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n
--- error_code: 400
--- connection: closed
--- error_log
client sent invalid request while reading client request line

=== keepalive_timeout 0 closes after each answer
--- config
keepalive_timeout 0;
location / { return 200 "once"; }
--- keepalive_requests
GET /
Connection: keep-alive
--- response_headers
Connection: close
--- response_body: once
--- connection: closed

=== keepalive_timeout ends an idle connection
--- config
keepalive_timeout 1s 7s;
location / { return 200 "briefly"; }
--- keepalive_requests
GET /
Connection: keep-alive
--- response_headers
Connection: keep-alive
Keep-Alive: timeout=7
--- response_body: briefly
--- connection: closed

=== the server is chosen by Host, without regard to case and port
--- http_config
server {
    listen 127.0.0.1:%%PORT%%;
    server_name first.example one.example;
    return 200 "first $server_name";
}
server {
    listen 127.0.0.1:%%PORT%%;
    server_name second.example;
    return 200 "second $server_name";
}
--- keepalive_requests
GET /
Host: first.example
~~~
GET /
Host: one.example
~~~
GET /
Host: second.example
~~~
GET /
Host: SECOND.Example:8080
~~~
GET /
Host: second.example.
~~~
GET /
Host: unknown.example
--- response_body chomp
first first.example
~~~
first first.example
~~~
second second.example
~~~
second second.example
~~~
second second.example
~~~
first first.example

=== the host of an absolute request target counts, not the header
--- raw_request
GET http://second.example/ HTTP/1.1\r\nHost: first.example\r\n\r\n
--- response_body: second second.example

=== HTTP/1.0 without Host goes to the default server
--- raw_request
GET / HTTP/1.0\r\n\r\n
--- response_body: first first.example

=== default_server
--- http_config
server {
    listen 127.0.0.1:%%PORT%%;
    server_name a.example;
    return 200 "a";
}
server {
    listen 127.0.0.1:%%PORT%% default_server;
    server_name b.example;
    return 200 "b";
}
--- keepalive_requests
GET /
Host: a.example
~~~
GET /
Host: b.example
~~~
GET /
Host: c.example
--- response_body chomp
a
~~~
b
~~~
b

=== two default servers on one address are refused
--- http_config
server { listen 127.0.0.1:%%PORT%% default_server; }
server { listen 127.0.0.1:%%PORT%% default_server; }
--- conf_error
[emerg] a duplicate default server for 127.0.0.1:%%PORT%% in %%CONF%%:

=== servers that differ by address
--- full_config
events { }
http {
    server { listen 127.0.0.1:%%PORT%%; listen 127.0.0.1:%%PORT1%%; return 200 "$server_port"; }
    server { listen 127.0.0.2:%%PORT%%; return 200 "other address"; }
}
--- request
GET /
--- response_body eval
"%%PORT%%"

=== access log in the combined format
--- config
location / { return 200 "logged\n"; }
--- request
GET /path?x=%20
Referer: http://from.example/
User-Agent: test "agent"
--- response_body
logged
--- access_log_like
^127\.0\.0\.1 - - \[\d\d/[A-Z]\w\w/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "GET /path\?x=%20 HTTP/1\.1" 200 7 "http://from\.example/" "test \\x22agent\\x22"$

=== missing fields are dashes in the combined format
--- request
HEAD /
--- access_log_like
"HEAD / HTTP/1\.1" 200 0 "-" "-"$

=== a bad request is logged too
--- raw_request
FOO\x01BAR / HTTP/1.1\r\n\r\n
--- error_code: 400
--- access_log_like
"FOO\\x01BAR / HTTP/1\.1" 400 \d+ "-" "-"$

=== log_format of one's own
--- http_config
log_format short '$request_method|$uri|$args|$status|$http_x_own|$remote_addr';
access_log logs/access.log short;
--- config
location / { return 204; }
location /off { access_log off; return 204; }
--- request
GET /%61?b=c
X-Own: value
--- error_code: 204
--- access_log_like
^GET\|/a\|b=c\|204\|value\|127\.0\.0\.1$

=== an unknown log format is refused
--- config
access_log logs/access.log nowhere;
--- conf_error
[emerg] unknown log format "nowhere" in %%CONF%%:
