# A company's static site: one canonical name, error pages of its own, caching by the kind of file,
# old addresses that live on, hidden files that nobody gets.
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::Weir;

run_tests();

__DATA__

=== the bare name leads to www, with path and arguments
--- full_config
worker_processes 1;
events { worker_connections 256; }
http {
    include %%SRC%%/conf/mime.types;
    default_type application/octet-stream;
    log_format main '$remote_addr - "$request" $status $body_bytes_sent "$http_referer"';
    access_log logs/access.log main;
    sendfile on;
    tcp_nopush on;
    keepalive_timeout 65;
    server_tokens off;
    charset utf-8;

    map $sent_http_content_type $expires {
        default off;
        ~^text/html epoch;
        text/css 30d;
        text/javascript 30d;
        ~^image/ max;
    }

    # Names that nobody has given us.
    server {
        listen 127.0.0.1:%%PORT%% default_server;
        server_name _;
        return 404;
    }
    server {
        listen 127.0.0.1:%%PORT%%;
        server_name example.com;
        return 301 $scheme://www.example.com$request_uri;
    }
    server {
        listen 127.0.0.1:%%PORT%%;
        server_name www.example.com;
        root html/site;
        index index.html index.htm;
        error_page 404 /404.html;
        error_page 403 =404 /404.html;
        error_page 500 502 503 504 /50x.html;
        expires $expires;

        location / { try_files $uri $uri/ =404; }
        location = /404.html { internal; }
        location = /50x.html { internal; root html/shared; }
        location = /favicon.ico { log_not_found off; access_log off; }
        location = /robots.txt { allow all; access_log off; }
        location ~ /\.(?!well-known/) { deny all; }
        location ~ ~$ { deny all; }
        location /downloads/ {
            add_header Content-Disposition attachment;
            add_header X-Content-Type-Options nosniff always;
        }
        location /maintenance { return 503; }
        location /old/ { rewrite ^/old/(.*)\.php$ /$1.html permanent; return 410; }
        location = /contact { return 302 /contact.html; }
        location = /shop { return 307 https://shop.example.com/; }
    }
}
--- user_files
>>> site/index.html @1700000000
<h1>Example</h1>
>>> site/404.html
not here
>>> shared/50x.html
later
>>> site/contact.html
contact
>>> site/style.css @1700000000
body { margin: 0 }
>>> site/app.js
let a = 1;
>>> site/logo.png
png
>>> site/data.bin
bytes
>>> site/robots.txt
User-agent: *
>>> site/docs/index.htm
docs
>>> site/empty/readme.txt
no index here
>>> site/downloads/tool.tar.gz
tool
>>> site/.htpasswd
secret
>>> site/.git/config
secret
>>> site/.well-known/security.txt
Contact: mailto:security@example.com
>>> site/index.html~
backup
--- request
GET /docs/?a=1&b=%20 HTTP/1.1
Host: example.com
--- error_code: 301
--- response_headers
Location: http://www.example.com/docs/?a=1&b=%20
Content-Type: text/html
!Expires
--- response_body_like: <center>\w+</center>

=== a name that is not ours
--- keepalive_requests
GET /
Host: 203.0.113.7
~~~
GET /index.html
Host: www.example.com.evil.test
~~~
GET /
Host: EXAMPLE.com:8080
--- error_code: 404 404 301

=== the front page is never kept without asking
--- request
GET /
Host: www.example.com
--- response_headers
Content-Type: text/html; charset=utf-8
Content-Length: 17
Last-Modified: Tue, 14 Nov 2023 22:13:20 GMT
ETag: "6553f100-11"
Expires: Thu, 01 Jan 1970 00:00:01 GMT
Cache-Control: no-cache
Accept-Ranges: bytes
--- response_headers_like
Server: \w+
--- response_body
<h1>Example</h1>

=== style sheets and scripts are kept a month, pictures for good
--- keepalive_requests
GET /style.css
Host: www.example.com
~~~
GET /app.js
Host: www.example.com
~~~
GET /logo.png
Host: www.example.com
~~~
GET /data.bin
Host: www.example.com
--- response_headers
Content-Type: text/css
Cache-Control: max-age=2592000
~~~
Content-Type: text/javascript
Cache-Control: max-age=2592000
~~~
Content-Type: image/png
Cache-Control: max-age=315360000
Expires: Thu, 31 Dec 2037 23:55:55 GMT
~~~
Content-Type: application/octet-stream
!Cache-Control
!Expires
--- response_headers_like
Expires: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT
~~~
ETag: "[0-9a-f]+-b"
~~~
ETag: "[0-9a-f]+-4"
~~~
ETag: "[0-9a-f]+-6"

=== a visitor who comes back: an answer without a type is not told how long to keep it
--- keepalive_requests
GET /style.css
Host: www.example.com
If-Modified-Since: Tue, 14 Nov 2023 22:13:20 GMT
~~~
GET /style.css
Host: www.example.com
If-None-Match: "6553f100-13"
~~~
GET /style.css
Host: www.example.com
If-None-Match: "another"
If-Modified-Since: Tue, 14 Nov 2023 22:13:20 GMT
~~~
GET /
Host: www.example.com
If-None-Match: W/"6553f100-11"
~~~
HEAD /style.css
Host: www.example.com
--- error_code: 304 304 200 304 200
--- response_headers
ETag: "6553f100-13"
!Cache-Control
!Content-Type
~~~
!Content-Length
~~~
Content-Length: 19
~~~
ETag: "6553f100-11"
~~~
Content-Length: 19

=== what is not there gets the page for it, and keeps its status
--- request
GET /nowhere
Host: www.example.com
--- error_code: 404
--- response_headers
Content-Type: text/html; charset=utf-8
Content-Length: 9
--- response_body
not here

=== the page itself is not to be had
--- keepalive_requests
GET /404.html
Host: www.example.com
~~~
GET /50x.html
Host: www.example.com
--- error_code: 404 404
--- response_body
not here

=== hidden files and backups are not told from missing ones
--- keepalive_requests
GET /.htpasswd
Host: www.example.com
~~~
GET /.git/config
Host: www.example.com
~~~
GET /docs/%2e%2e/.git/config
Host: www.example.com
~~~
GET /index.html~
Host: www.example.com
~~~
GET /.nothing
Host: www.example.com
--- error_code: 404 404 404 404 404
--- response_body
not here
--- error_log
access forbidden by rule

=== but well-known ones are there
--- request
GET /.well-known/security.txt
Host: www.example.com
--- response_headers
Content-Type: text/plain; charset=utf-8
--- response_body
Contact: mailto:security@example.com

=== folders: with an index, without one, without the slash
--- keepalive_requests
GET /docs/
Host: www.example.com
~~~
GET /empty/
Host: www.example.com
~~~
GET /docs
Host: www.example.com
--- error_code: 200 404 301
--- response_headers
Content-Length: 5
~~~
Content-Length: 9
~~~
Location: http://www.example.com:%%PORT%%/docs/
--- response_body_like
\Adocs
~~~
\Anot here
~~~
301 Moved Permanently

=== maintenance has a page that lies elsewhere
--- request
GET /maintenance/x
Host: www.example.com
--- error_code: 503
--- response_headers
Content-Length: 6
!Retry-After
--- response_body
later

=== old addresses
--- keepalive_requests
GET /old/contact.php
Host: www.example.com
~~~
GET /old/team.asp
Host: www.example.com
~~~
GET /contact
Host: www.example.com
~~~
POST /shop
Host: www.example.com

a=1
--- error_code: 301 410 302 307
--- response_headers
Location: http://www.example.com:%%PORT%%/contact.html
~~~
!Location
~~~
Location: http://www.example.com:%%PORT%%/contact.html
~~~
Location: https://shop.example.com/

=== downloads are saved, errors among them keep what is always said
--- keepalive_requests
GET /downloads/tool.tar.gz
Host: www.example.com
~~~
GET /downloads/none.zip
Host: www.example.com
--- error_code: 200 404
--- response_headers
Content-Disposition: attachment
X-Content-Type-Options: nosniff
Content-Length: 5
~~~
!Content-Disposition
!X-Content-Type-Options
Content-Length: 9

=== methods that a static site does not have
--- keepalive_requests
POST /index.html
Host: www.example.com

a=1
~~~
DELETE /style.css
Host: www.example.com
~~~
OPTIONS /
Host: www.example.com
--- error_code: 405 405 405

=== what is logged, and what is not
--- request
GET /docs/
Host: www.example.com
Referer: http://www.example.com/
--- response_body
docs
--- access_log_like: 127\.0\.0\.1 - "GET /docs/ HTTP/1\.1" 200 5 "http://www\.example\.com/"
--- no_error_log
favicon.ico

=== files that browsers ask for by themselves
--- keepalive_requests
GET /favicon.ico
Host: www.example.com
~~~
GET /robots.txt
Host: www.example.com
--- error_code: 404 200
--- response_body
not here
~~~
User-agent: *
--- no_error_log
favicon.ico" failed
