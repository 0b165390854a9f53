# What proxy_pass has of its own beside nginx, and the errors of its sizes.

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::Weir;

skip_without('proxy_pass');

run_tests();

__DATA__

=== WebSocket is passed on by itself
--- differs: proxy_upgrade is ours
--- config
location / { proxy_pass http://127.0.0.1:%%PORT1%%; }
--- request
GET /
Upgrade: WebSocket
Connection: keep-alive, Upgrade
Sec-WebSocket-Key: x
--- tcp_reply: HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n
--- tcp_query_headers
Upgrade: WebSocket
Connection: upgrade
Sec-WebSocket-Key: x
--- error_code: 400

=== h2c is not
--- differs: proxy_upgrade is ours
--- config
location / { proxy_pass http://127.0.0.1:%%PORT1%%; proxy_upgrade on; }
--- request
GET /
Upgrade: h2c
Connection: Upgrade, HTTP2-Settings
HTTP2-Settings: x
--- tcp_reply: HTTP/1.1 204 OK\r\n\r\n
--- tcp_query_headers
!Upgrade
!Connection
!HTTP2-Settings
--- error_code: 204

=== nor is anything else, unless it is asked for
--- differs: proxy_upgrade is ours
--- config
location / { proxy_pass http://127.0.0.1:%%PORT1%%; }
--- request
GET /
Upgrade: other
Connection: Upgrade
--- tcp_reply: HTTP/1.1 204 OK\r\n\r\n
--- tcp_query_headers
!Upgrade
!Connection
--- error_code: 204

=== it is asked for
--- differs: proxy_upgrade is ours
--- config
location / { proxy_pass http://127.0.0.1:%%PORT1%%; proxy_upgrade on; }
--- request
GET /
Upgrade: other
Connection: Upgrade
--- tcp_reply: HTTP/1.1 204 OK\r\n\r\n
--- tcp_query_headers
Upgrade: other
Connection: upgrade
--- error_code: 204

=== or not at all
--- differs: proxy_upgrade is ours
--- config
location / { proxy_pass http://127.0.0.1:%%PORT1%%; proxy_upgrade off; }
--- request
GET /
Upgrade: websocket
Connection: Upgrade
--- tcp_reply: HTTP/1.1 204 OK\r\n\r\n
--- tcp_query_headers
!Upgrade
!Connection
--- error_code: 204

=== what proxy_set_header says wins
--- differs: proxy_upgrade is ours
--- config
location / { proxy_pass http://127.0.0.1:%%PORT1%%; proxy_set_header Connection ""; }
--- request
GET /
Upgrade: websocket
Connection: Upgrade
--- tcp_reply: HTTP/1.1 204 OK\r\n\r\n
--- tcp_query_headers
!Upgrade
!Connection
--- error_code: 204

=== a server that switches for a client that has not asked
--- differs: nginx makes a tunnel of it
--- config
location / {
    proxy_pass http://127.0.0.1:%%PORT1%%;
    proxy_http_version 1.1;
    proxy_set_header Upgrade websocket;
    proxy_set_header Connection upgrade;
}
--- request: GET /
--- tcp_reply: HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\nraw
--- error_code: 502
--- error_log: upstream

=== fields that Connection names are not passed, but for those that are not its own
--- differs: nginx passes all of them
--- config
location / { proxy_pass http://127.0.0.1:%%PORT1%%; }
--- request
GET /
Connection: X-Hop, Authorization, Cookie, X-Forwarded-For
X-Hop: 1
Authorization: a
Cookie: b
X-Forwarded-For: 192.0.2.1
--- tcp_reply: HTTP/1.1 204 OK\r\n\r\n
--- tcp_query_headers
!X-Hop
Authorization: a
Cookie: b
X-Forwarded-For: 192.0.2.1
--- error_code: 204

=== lengths are always those of the body
--- differs: nginx sends what it is told
--- config
location / {
    proxy_pass http://127.0.0.1:%%PORT1%%;
    proxy_set_header Content-Length 1;
    proxy_set_header Transfer-Encoding chunked;
}
--- request
POST /

body
--- tcp_reply: HTTP/1.1 204 OK\r\n\r\n
--- tcp_query_headers
Content-Length: 4
!Transfer-Encoding
--- tcp_query_like: \r\n\r\nbody$
--- error_code: 204

=== a line end in a value is where it ends
--- differs: CR and LF never get into a head
--- config
location / {
    proxy_pass http://127.0.0.1:%%PORT1%%/x$uri;
    proxy_set_header X-Path "<$uri>";
}
--- request: GET /a%20HTTP/1.1%0d%0aX-Evil:%20b
--- tcp_reply: HTTP/1.1 204 OK\r\n\r\n
--- tcp_query_headers
X-Path: </a HTTP/1.1
!X-Evil
--- tcp_query_like: ^GET /x/a%20HTTP/1\.1%0D%0AX-Evil:%20b HTTP/1\.[01]\r\n
--- error_code: 204

=== TLS to servers
--- differs: not built yet
--- config
location / { proxy_pass https://127.0.0.1:%%PORT1%%; }
--- conf_error
[emerg] https protocol requires TLS to servers, which is not built into weir yet in %%CONF%%:

=== HTTP/2 to servers
--- differs: not built yet
--- config
proxy_http_version 2;
--- conf_error
[emerg] HTTP/2 to servers is not built into weir yet

=== two buffers
--- config
location / { proxy_buffers 1 8k; }
--- conf_error
[emerg] there must be at least 2 "proxy_buffers" in %%CONF%%:

=== a large head needs large buffers
--- config
location / { proxy_buffer_size 64k; }
--- conf_error
[emerg] "proxy_busy_buffers_size" must be less than the size of all "proxy_buffers" minus one buffer in %%CONF%%:

=== busy ones
--- config
location / { proxy_busy_buffers_size 1k; }
--- conf_error
[emerg] "proxy_busy_buffers_size" must be equal to or greater than the maximum of the value of "proxy_buffer_size" and one of the "proxy_buffers" in %%CONF%%:

=== a small file
--- config
location / { proxy_max_temp_file_size 1k; }
--- conf_error
[emerg] "proxy_max_temp_file_size" must be equal to zero to disable temporary files usage or must be equal to or greater than the maximum of the value of "proxy_buffer_size" and one of the "proxy_buffers" in %%CONF%%:

=== an address of our own
--- config
location / { proxy_bind nowhere; }
--- conf_error
[emerg] invalid address "nowhere" in %%CONF%%:
