# A site put together from a collection of small files, one for each concern, as boilerplates are
# built: maps by the type of an answer, headers that always hold, types, caching, what is denied,
# one server for every spelling of the name. Sites include what they want.
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::Weir;

run_tests();

__DATA__

=== the site, with everything that is included
--- full_config
# The main file has little of its own.
include %%DIR%%/html/etc/main.d/*.conf;

events { include %%DIR%%/html/etc/events.conf; }

http {
    include %%SRC%%/conf/mime.types;
    include %%DIR%%/html/etc/types.conf;
    default_type application/octet-stream;
    charset_types text/css text/plain text/javascript application/json application/manifest+json
        image/svg+xml;
    include %%DIR%%/html/etc/http.d/*.conf;
    server { listen 127.0.0.1:%%PORT%% default_server; server_name _; return 444; }
    include %%DIR%%/html/etc/sites/*.conf;
}
--- user_files
>>> etc/main.d/10-workers.conf
worker_processes auto;
worker_rlimit_nofile 4096;
>>> etc/main.d/README
This is no configuration {
>>> etc/events.conf
worker_connections 200;
multi_accept off;
>>> etc/types.conf
# What the list of types does not have, or has otherwise.
types {
    application/manifest+json webmanifest;
    application/geo+json geojson;
    text/x-cross-domain-policy+xml domain-policy;
}
>>> etc/http.d/00-basic.conf
server_tokens off;
sendfile on;
tcp_nopush on;
keepalive_timeout 20s;
charset utf-8;
access_log off;
log_not_found off;
>>> etc/http.d/10-compression.conf
gzip on;
gzip_comp_level 5;
gzip_min_length 256;
gzip_proxied any;
gzip_vary on;
gzip_types application/geo+json application/json application/manifest+json image/svg+xml
           text/css text/javascript text/plain;
>>> etc/http.d/20-maps.conf
map $sent_http_content_type $cache_control {
    default                             "public, immutable";
    ""                                  "no-store";
    ~*application/manifest\+json        "public";
    ~*text/html                         "private";
    ~*application/json                  "";
}
map $sent_http_content_type $expires_after {
    default                             1M;
    ~*text/html                         0;
    ~*application/(?:geo\+)?json        0;
    ~*application/manifest\+json        1w;
    ~*image/x-icon                      1w;
    ~*(?:audio|font|image|video)/       1y;
    ~*text/css                          1y;
}
map $sent_http_content_type $policy {
    ~*text/(?:html|xml)                 "default-src 'self'; img-src *";
}
map $sent_http_content_type $frame_options {
    ~*text/html                         DENY;
}
map $sent_http_content_type $cors {
    ~*font/                             "*";
    ~*image/                            "*";
}
map $http_dnt$http_sec_gpc $tracking {
    default                             yes;
    ~1                                  no;
}
>>> etc/parts/all.conf
include %%DIR%%/html/etc/parts/security/*.conf;
include %%DIR%%/html/etc/parts/caching.conf;
error_page 404 /404.html;
>>> etc/parts/caching.conf
expires $expires_after;
add_header Cache-Control $cache_control;
etag on;
>>> etc/parts/security/deny.conf
location ~ /\.(?!well-known/) { deny all; }
location ~* [~#]$ { deny all; }
location ~* \.(?:bak|ini|log|old|orig|sh|sql|sw[nop])$ { deny all; }
>>> etc/parts/security/headers.conf
add_header X-Content-Type-Options nosniff always;
add_header Content-Security-Policy $policy always;
add_header X-Frame-Options $frame_options always;
add_header Referrer-Policy strict-origin-when-cross-origin always;
add_header Access-Control-Allow-Origin $cors;
>>> etc/parts/one-name.conf
# Names with www lead to those without.
if ($host ~* ^www\.(?<bare>.+)$) { return 301 $scheme://$bare$request_uri; }
>>> etc/parts/busting.conf
# style.1700000000.css is style.css.
location ~ ^(?<base>/.+)\.\w+\.(?<kind>css|js|png|svg)$ {
    try_files $uri $base.$kind =404;
}
>>> etc/sites/a.example.conf
server {
    listen 127.0.0.1:%%PORT%%;
    server_name a.example www.a.example;
    root %%DIR%%/html/a;
    include %%DIR%%/html/etc/parts/one-name.conf;
    include %%DIR%%/html/etc/parts/all.conf;
    include %%DIR%%/html/etc/parts/busting.conf;
}
>>> etc/sites/b.example.conf
server {
    listen 127.0.0.1:%%PORT%%;
    server_name .b.example;
    root %%DIR%%/html/b;
    error_page 403 404 = @missing;
    charset off;
    include %%DIR%%/html/etc/parts/security/*.conf;
    location / { add_header X-Tracking $tracking; }
    location @missing { return 404 "nothing\n"; }
}
>>> etc/sites/c.example.conf.disabled
server { this is not read }
>>> a/index.html
<h1>a</h1>
>>> a/404.html
lost
>>> a/style.css
body { }
>>> a/app.js
let a;
>>> a/app.old.js
let old;
>>> a/icon.svg
<svg/>
>>> a/favicon.ico
icon
>>> a/site.webmanifest
{}
>>> a/map.geojson
{"type":"Point"}
>>> a/data.json eval
"[" . "10, " x 200 . "1]\n"
>>> a/page.html.bak
backup
>>> a/.env
secret
>>> a/.well-known/change-password
elsewhere
>>> a/font.woff2
font
>>> b/index.html
<h1>b</h1>
>>> b/.git/HEAD
ref
--- request
GET /
Host: a.example
--- response_headers
Content-Type: text/html; charset=utf-8
Cache-Control: max-age=0
Cache-Control: private
X-Content-Type-Options: nosniff
Content-Security-Policy: default-src 'self'; img-src *
X-Frame-Options: DENY
Referrer-Policy: strict-origin-when-cross-origin
!Access-Control-Allow-Origin
--- response_body
<h1>a</h1>

=== answers by their type
--- keepalive_requests
GET /style.css
Host: a.example
~~~
GET /icon.svg
Host: a.example
~~~
GET /favicon.ico
Host: a.example
~~~
GET /site.webmanifest
Host: a.example
~~~
GET /map.geojson
Host: a.example
~~~
GET /font.woff2
Host: a.example
~~~
GET /app.js
Host: a.example
--- response_headers
Content-Type: text/css; charset=utf-8
Cache-Control: max-age=31536000
Cache-Control: public, immutable
!Content-Security-Policy
!X-Frame-Options
~~~
Content-Type: image/svg+xml; charset=utf-8
Cache-Control: max-age=31536000
Cache-Control: public, immutable
Access-Control-Allow-Origin: *
~~~
Content-Type: image/x-icon
Cache-Control: max-age=604800
Cache-Control: public, immutable
~~~
Content-Type: application/manifest+json; charset=utf-8
Cache-Control: max-age=604800
Cache-Control: public
~~~
Content-Type: application/geo+json
Cache-Control: max-age=0
Cache-Control: public, immutable
~~~
Content-Type: font/woff2
Cache-Control: max-age=31536000
Cache-Control: public, immutable
Access-Control-Allow-Origin: *
~~~
Content-Type: text/javascript; charset=utf-8
Cache-Control: max-age=2592000
Cache-Control: public, immutable

=== data: compressed when it is worth it, with no words about caching but the age
--- keepalive_requests
GET /data.json
Host: a.example
Accept-Encoding: gzip
~~~
GET /style.css
Host: a.example
Accept-Encoding: gzip
~~~
GET /data.json
Host: a.example
Accept-Encoding: gzip
Via: 1.1 proxy
--- response_headers
Content-Type: application/json; charset=utf-8
Content-Encoding: gzip
Vary: Accept-Encoding
Cache-Control: max-age=0
~~~
!Content-Encoding
~~~
Content-Encoding: gzip

=== names with www lead to those without
--- keepalive_requests
GET /style.css?v=1
Host: www.a.example
~~~
GET /.env
Host: WWW.A.example:8080
--- error_code: 301
--- response_headers
Location: http://a.example/style.css?v=1
X-Content-Type-Options: nosniff
~~~
Location: http://a.example/.env

=== versions in names of files: the real one first
--- keepalive_requests
GET /style.1700000000.css
Host: a.example
~~~
GET /app.old.js
Host: a.example
~~~
GET /app.9.js
Host: a.example
~~~
GET /none.9.js
Host: a.example
--- error_code: 200 200 200 404
--- response_body
body { }
~~~
let old;
~~~
let a;
~~~
lost

=== what is denied
--- keepalive_requests
GET /.env
Host: a.example
~~~
GET /page.html.bak
Host: a.example
~~~
GET /page.HTML.SQL
Host: a.example
~~~
GET /%23x%23
Host: a.example
~~~
GET /x/.svn/entries
Host: a.example
--- error_code: 403
--- response_headers
X-Content-Type-Options: nosniff
X-Frame-Options: DENY
!Cache-Control
--- response_body_like: <h1>403 Forbidden</h1>

=== well-known files are not, and have no type
--- request
GET /.well-known/change-password
Host: a.example
--- response_headers
Content-Type: application/octet-stream
--- response_body
elsewhere

=== a page that is not there keeps what always holds
--- request
GET /nowhere
Host: a.example
--- error_code: 404
--- response_headers
Content-Type: text/html; charset=utf-8
Content-Security-Policy: default-src 'self'; img-src *
X-Frame-Options: DENY
!Cache-Control
!Expires
--- response_body
lost

=== an answer that says nothing new
--- request
GET /style.css
Host: a.example
If-None-Match: *
--- error_code: 304
--- response_headers
Cache-Control: max-age=2592000
Cache-Control: no-store
X-Content-Type-Options: nosniff

=== the other site takes a part only
--- keepalive_requests
GET /
Host: b.example
~~~
GET /index.html
Host: deep.sub.b.example
DNT: 1
~~~
GET /
Host: www.b.example
Sec-GPC: 1
DNT: 0
~~~
GET /.git/HEAD
Host: b.example
~~~
GET /x
Host: b.example
--- error_code: 200 200 200 404 404
--- response_headers
Content-Type: text/html
X-Tracking: yes
!X-Frame-Options
!Cache-Control
~~~
X-Tracking: no
~~~
X-Tracking: no
~~~
X-Content-Type-Options: nosniff
!X-Tracking
~~~
X-Content-Type-Options: nosniff
Content-Type: application/octet-stream
--- response_body
<h1>b</h1>
~~~
<h1>b</h1>
~~~
<h1>b</h1>
~~~
nothing
~~~
nothing

=== nobody's name
--- request
GET /
Host: other.example
--- error_code: none
