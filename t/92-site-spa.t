# A single-page application: every path that is no file is the application, what is built with a
# hash in its name is kept for good, what is packed already is sent packed; an API beside it.
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::Weir;

run_tests();

__DATA__

=== the application
--- full_config
worker_processes 1;
events { worker_connections 128; }
http {
    include %%SRC%%/conf/mime.types;
    default_type application/octet-stream;
    access_log off;
    sendfile on;
    server_tokens off;
    gzip on;
    gzip_vary on;
    gzip_min_length 256;
    gzip_types text/css text/javascript application/javascript application/json image/svg+xml;

    map $http_origin $cors_origin {
        default "";
        ~^https://([a-z]+\.)?app\.example$ $http_origin;
    }
    map $uri $robots {
        default "";
        ~^/(?:account|admin)(?:/|$) noindex;
    }

    server {
        listen 127.0.0.1:%%PORT%%;
        server_name app.example;
        root html/dist;
        index index.html;

        add_header X-Frame-Options DENY always;
        add_header X-Robots-Tag $robots;

        location / { try_files $uri $uri/ /index.html; }

        location = /index.html {
            add_header Cache-Control "no-cache";
            add_header X-Frame-Options DENY always;
        }
        location = /sw.js { expires off; add_header Cache-Control "no-store"; }

        location /assets/ {
            gzip_static on;
            expires 1y;
            add_header Cache-Control "public, immutable";
            try_files $uri =404;
        }
        location ~* \.map$ { return 404; }

        location /api/ {
            default_type application/json;
            error_page 404 405 = @api_unknown;
            if ($request_method = OPTIONS) { return 204; }
            add_header Access-Control-Allow-Origin $cors_origin;
            add_header Vary Origin;
            return 404;

            location = /api/health { return 200 '{"ok":true}\n'; }
            location ~ ^/api/users/(?<id>\d+)$ {
                add_header X-User $id;
                limit_except GET { deny all; }
                try_files /data/users/$id.json =404;
            }
            location /api/v1/ { rewrite ^/api/v1/(.*)$ /api/$1 last; }
            location /api/config {
                return 200 '{"host":"$host","lang":"$arg_lang","path":"$uri"}\n';
            }
        }
        location @api_unknown {
            default_type application/json;
            return 404 '{"error":"unknown"}\n';
        }
    }
}
--- user_files
>>> dist/index.html @1700000000
<div id="app"></div>
>>> dist/favicon.svg
<svg/>
>>> dist/sw.js
self.skipWaiting();
>>> dist/help/index.html
help
>>> dist/assets/app.3f2a.js @1700000000
plain script
>>> dist/assets/app.3f2a.js.gz @1700000000
packed script
>>> dist/assets/app.3f2a.js.map
{}
>>> dist/assets/style.77.css
plain style
>>> dist/assets/big.js eval
"let x = 'abcdefgh';\n" x 100
>>> dist/data/users/7.json
{"id":7}
>>> dist/data.json eval
"[" . "1, " x 500 . "1]\n"
--- keepalive_requests
GET /
Host: app.example
~~~
GET /index.html
Host: app.example
~~~
GET /products/17?tab=2
Host: app.example
~~~
GET /a/b/c.d
Host: app.example
--- response_headers
Content-Type: text/html
Content-Length: 21
Cache-Control: no-cache
X-Frame-Options: DENY
ETag: "6553f100-15"
!X-Robots-Tag
--- response_body
<div id="app"></div>

=== what the robots header of a rewritten path says: index.html has headers of its own
--- keepalive_requests
GET /account/settings
Host: app.example
~~~
GET /favicon.svg
Host: app.example
~~~
GET /help/
Host: app.example
~~~
GET /admin.txt/..//help/index.html
Host: app.example
--- response_headers
!X-Robots-Tag
--- response_body_like
\A<div
~~~
\A<svg/>
~~~
\Ahelp
~~~
\Ahelp

=== a client that has the application already
--- keepalive_requests
GET /some/view
Host: app.example
If-None-Match: "6553f100-15"
~~~
HEAD /some/view
Host: app.example
~~~
POST /some/view
Host: app.example

x
--- error_code: 304 200 405
--- response_headers
ETag: "6553f100-15"
Cache-Control: no-cache
~~~
Content-Length: 21
~~~
X-Frame-Options: DENY

=== assets are kept for good
--- keepalive_requests
GET /assets/app.3f2a.js
Host: app.example
~~~
GET /assets/style.77.css
Host: app.example
~~~
GET /assets/none.js
Host: app.example
--- error_code: 200 200 404
--- response_headers
Content-Type: text/javascript
Cache-Control: max-age=31536000
Cache-Control: public, immutable
!X-Frame-Options
!Content-Encoding
Vary: Accept-Encoding
~~~
Content-Type: text/css
Cache-Control: max-age=31536000
Cache-Control: public, immutable
~~~
!Cache-Control
--- response_body_like
\Aplain script$
~~~
\Aplain style$
~~~
404 Not Found

=== packed already
--- keepalive_requests
GET /assets/app.3f2a.js
Host: app.example
Accept-Encoding: gzip, deflate, br
~~~
GET /assets/app.3f2a.js
Host: app.example
Accept-Encoding: br, gzip;q=0
~~~
HEAD /assets/app.3f2a.js
Host: app.example
Accept-Encoding: gzip
~~~
GET /assets/style.77.css
Host: app.example
Accept-Encoding: gzip
--- response_headers
Content-Type: text/javascript
Content-Encoding: gzip
Content-Length: 14
ETag: "6553f100-e"
Vary: Accept-Encoding
~~~
!Content-Encoding
Content-Length: 13
~~~
Content-Encoding: gzip
Content-Length: 14
~~~
!Content-Encoding
Content-Length: 12

=== packed on the way
--- keepalive_requests
GET /assets/big.js
Host: app.example
Accept-Encoding: gzip
~~~
GET /data.json
Host: app.example
Accept-Encoding: gzip
~~~
GET /data.json
Host: app.example
--- response_headers
Content-Encoding: gzip
Transfer-Encoding: chunked
!Content-Length
Vary: Accept-Encoding
~~~
Content-Encoding: gzip
Content-Type: application/json
~~~
!Content-Encoding
Content-Length: 1504
--- response_headers_like
ETag: W/"[0-9a-f]+-7d0"
~~~
ETag: W/"[0-9a-f]+-5e0"
~~~
ETag: "[0-9a-f]+-5e0"

=== sources stay at home
--- keepalive_requests
GET /assets/app.3f2a.js.map
Host: app.example
~~~
GET /x.MAP
Host: app.example
--- error_code: 404 404

=== the service worker is always asked for
--- request
GET /sw.js
Host: app.example
--- response_headers
Cache-Control: no-store
!Expires
!X-Frame-Options

=== the API answers
--- keepalive_requests
GET /api/health
Host: app.example
~~~
GET /api/v1/health
Host: app.example
~~~
GET /api/config?lang=eo
Host: app.example
~~~
GET /api/v1/config/deep?lang=fr&x=1
Host: app.example
--- response_headers
Content-Type: application/json
--- response_body
{"ok":true}
~~~
{"ok":true}
~~~
{"host":"app.example","lang":"eo","path":"/api/config"}
~~~
{"host":"app.example","lang":"fr","path":"/api/config/deep"}

=== the API does not know
--- keepalive_requests
GET /api/
Host: app.example
~~~
GET /api/users/x
Host: app.example
~~~
GET /api/users/12
Host: app.example
~~~
GET /api/v1/nothing
Host: app.example
--- error_code: 404
--- response_headers
Content-Type: application/json
Content-Length: 20
--- response_body
{"error":"unknown"}

=== a user, under either version of the path
--- keepalive_requests
GET /api/users/7
Host: app.example
~~~
GET /api/v1/users/7
Host: app.example
--- response_headers
X-User: 7
Content-Type: application/json
!Access-Control-Allow-Origin
!X-Frame-Options
--- response_body
{"id":7}

=== who may read the API from other pages
--- keepalive_requests
GET /api/health
Host: app.example
Origin: https://admin.app.example
~~~
GET /api/health
Host: app.example
Origin: https://app.example.evil.example
~~~
GET /api/health
Host: app.example
--- response_headers
Access-Control-Allow-Origin: https://admin.app.example
Vary: Origin
~~~
!Access-Control-Allow-Origin
Vary: Origin
~~~
!Access-Control-Allow-Origin

=== a question before the question
--- request
OPTIONS /api/
Host: app.example
Origin: https://app.example
--- error_code: 204
--- response_headers
Access-Control-Allow-Origin: https://app.example
!Content-Type
!Content-Length
--- response_body:

=== methods that the API refuses
--- keepalive_requests
POST /api/users/12
Host: app.example

{}
~~~
DELETE /api/users/12
Host: app.example
--- error_code: 403 403
--- error_log
access forbidden by rule
