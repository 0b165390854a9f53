# The front of a WordPress site, without the PHP behind it: pretty addresses end in index.php, what
# scripts may run is told apart from what must never run, files of themes and uploads are kept long.
# Where PHP would be asked, `return` tells what it would have been given.
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::Weir;

run_tests();

__DATA__

=== pretty addresses are the front script's affair
--- full_config
worker_processes 1;
events { worker_connections 128; }
http {
    include %%SRC%%/conf/mime.types;
    default_type application/octet-stream;
    access_log off;
    sendfile on;
    client_max_body_size 1k;
    index index.php index.html;

    # A zone for those who guess passwords, and none for the others.
    map $request_method $login_key {
        default "";
        POST $binary_remote_addr;
    }
    limit_req_zone $login_key zone=login:1m rate=1r/m;

    map $http_cookie $logged_in {
        default 0;
        ~*wordpress_logged_in 1;
    }
    map "$request_method:$args:$logged_in" $cacheable {
        default no;
        GET::0 yes;
    }

    server {
        listen 127.0.0.1:%%PORT%%;
        server_name www.blog.example;
        return 301 http://blog.example$request_uri;
    }

    server {
        listen 127.0.0.1:%%PORT%% default_server;
        server_name blog.example;
        root html/wp;

        location = /favicon.ico { log_not_found off; }
        location = /robots.txt { allow all; log_not_found off; try_files $uri /index.php?robots=1; }

        # One's own addresses, and those of older releases.
        rewrite /wp-admin$ $scheme://$host$uri/ permanent;
        rewrite ^/sitemap\.xml$ /index.php?sitemap=1 last;
        rewrite ^/feed/(rss2|atom)/?$ /feed/?type=$1 permanent;
        rewrite "^/(\d{4})/(\d{2})/(\d{2})/([^/]+)/?$" /$4/ permanent;

        location / { try_files $uri $uri/ /index.php?$args; }

        location ~* /(?:uploads|files)/.*\.php$ { deny all; }
        location ~* /(?:\.|wp-config\.php|readme\.html|license\.txt|wp-config-sample\.php) {
            deny all;
        }
        location = /xmlrpc.php { deny all; error_page 403 =404 /index.php; }
        location ~* ^/wp-(?:content|includes)/.*\.(?:engine|inc|sql|sh|bak|log)$ { return 404; }

        location = /wp-login.php {
            limit_req zone=login burst=1 nodelay;
            limit_req_status 429;
            add_header X-Robots-Tag "noindex" always;
            try_files /none @login;     # `return` would answer before it is counted
        }
        location @login { return 200 "php $uri login $request_method\n"; }

        location ~ [^/]\.php(/|$) {
            set $script $uri;
            set $info "";
            if ($uri ~ ^(?<before>.+?\.php)(?<behind>/.*)$) {
                set $script $before;
                set $info $behind;
            }
            if (!-f $document_root$script) { return 404; }
            add_header X-Cacheable $cacheable;
            return 200 "php $script|$info|$args\n";
        }

        location ~* \.(?:css|js|jpe?g|png|gif|ico|svg|webp|woff2?)$ {
            expires 30d;
            add_header Cache-Control public;
            log_not_found off;
            try_files $uri =404;
        }
    }
}
--- user_files
>>> wp/index.php
<?php front
>>> wp/wp-config.php
<?php secret
>>> wp/wp-login.php
<?php login
>>> wp/xmlrpc.php
<?php rpc
>>> wp/readme.html
version
>>> wp/wp-admin/index.php
<?php admin
>>> wp/wp-admin/admin-ajax.php
<?php ajax
>>> wp/wp-content/themes/plain/style.css
body { }
>>> wp/wp-content/themes/plain/functions.php
<?php functions
>>> wp/wp-content/uploads/2023/11/cat.jpg
cat
>>> wp/wp-content/uploads/2023/11/evil.php
<?php evil
>>> wp/wp-content/backup.sql
dump
>>> wp/static-page/index.html
a page of its own
>>> wp/.htaccess
rules
--- keepalive_requests
GET /
~~~
GET /hello-world/
~~~
GET /category/news/page/2/?sort=new&x=%20y
~~~
GET /hello%20w%C3%B6rld/
~~~
GET /index.php
--- response_headers
Content-Type: application/octet-stream
!Expires
--- response_body
php /index.php||
~~~
php /index.php||
~~~
php /index.php||sort=new&x=%20y
~~~
php /index.php||
~~~
php /index.php||

=== www is another name for it
--- request
GET /hello-world/?a=b
Host: www.blog.example
--- error_code: 301
--- response_headers
Location: http://blog.example/hello-world/?a=b

=== a folder that has a page of its own
--- keepalive_requests
GET /static-page/
~~~
GET /static-page
--- error_code: 200 301
--- response_body_like
\Aa page of its own$
~~~
301 Moved Permanently

=== the administration
--- keepalive_requests
GET /wp-admin
Host: blog.example
~~~
GET /wp-admin/
~~~
GET /wp-admin/admin-ajax.php?action=x
~~~
GET /wp-admin/none.php
--- error_code: 301 200 200 404
--- response_headers
Location: http://blog.example/wp-admin/
~~~
!Location
~~~
!Location
~~~
!Location
--- response_body_like
301 Moved
~~~
\Aphp /wp-admin/index\.php\|\|$
~~~
\Aphp /wp-admin/admin-ajax\.php\|\|action=x$
~~~
404 Not Found

=== a script with a path behind it, and a picture that claims to be one
--- keepalive_requests
GET /index.php/archives/12?p=1
~~~
GET /wp-content/uploads/2023/11/cat.jpg/x.php
~~~
GET /index.php/
--- error_code: 200 403 200
--- response_body_like
\Aphp /index\.php\|/archives/12\|p=1$
~~~
403 Forbidden
~~~
\Aphp /index\.php\|/\|$

=== what must never run, or be read
--- keepalive_requests
GET /wp-content/uploads/2023/11/evil.php
~~~
GET /wp-content/uploads/2023/11/EVIL.PHP
~~~
GET /wp-config.php
~~~
GET /wp-admin/..//wp-config.php
~~~
GET /%77p-config.php
~~~
GET /readme.html
~~~
GET /.htaccess
~~~
GET /.git/HEAD
--- error_code: 403
--- error_log
access forbidden by rule

=== what is said not to be there
--- keepalive_requests
GET /wp-content/backup.sql
~~~
GET /wp-content/debug.log
~~~
GET /wp-content/themes/plain/none.css
~~~
GET /favicon.ico
--- error_code: 404
--- no_error_log
[error]

=== remote calls are turned off: the front script tells of a page that is not there
--- request
GET /xmlrpc.php?rsd
--- error_code: 404
--- response_body
php /index.php||

=== files are kept long
--- keepalive_requests
GET /wp-content/themes/plain/style.css
~~~
GET /wp-content/uploads/2023/11/cat.jpg
~~~
GET /wp-content/themes/plain/style.css?ver=6.4
--- response_headers
Content-Type: text/css
Cache-Control: max-age=2592000
Cache-Control: public
~~~
Content-Type: image/jpeg
~~~
Content-Type: text/css
--- response_body
body { }
~~~
cat
~~~
body { }

=== older addresses
--- keepalive_requests
GET /2023/11/14/hello-world/
Host: blog.example
~~~
GET /2023/11/14/hello-world?preview=1
Host: blog.example
~~~
GET /feed/atom
Host: blog.example
~~~
GET /2023/11/14/
Host: blog.example
--- error_code: 301 301 301 200
--- response_headers
Location: http://blog.example:%%PORT%%/hello-world/
~~~
Location: http://blog.example:%%PORT%%/hello-world/?preview=1
~~~
Location: http://blog.example:%%PORT%%/feed/?type=atom
~~~
!Location

=== pages that the script makes in the place of files
--- keepalive_requests
GET /sitemap.xml
~~~
GET /robots.txt
--- response_body
php /index.php||sitemap=1
~~~
php /index.php||robots=1

=== what a cache in front may keep
--- keepalive_requests
GET /hello-world/
~~~
GET /hello-world/?s=x
~~~
GET /hello-world/
Cookie: a=1; wordpress_logged_in_abc=admin
~~~
GET /hello-world/
Cookie: a=1
--- response_headers
X-Cacheable: yes
~~~
X-Cacheable: no
~~~
X-Cacheable: no
~~~
X-Cacheable: yes

=== guessing passwords
--- keepalive_requests
GET /wp-login.php
~~~
GET /wp-login.php
~~~
GET /wp-login.php
~~~
POST /wp-login.php

a=1
~~~
POST /wp-login.php

a=2
~~~
POST /wp-login.php

a=3
~~~
GET /wp-login.php
--- error_code: 200 200 200 200 200 429 200
--- response_headers
!X-Robots-Tag
~~~
!X-Robots-Tag
~~~
!X-Robots-Tag
~~~
!X-Robots-Tag
~~~
!X-Robots-Tag
~~~
X-Robots-Tag: noindex
~~~
!X-Robots-Tag
--- response_body_like
\Aphp /wp-login\.php login GET$
~~~
\Aphp /wp-login\.php login GET$
~~~
\Aphp /wp-login\.php login GET$
~~~
\Aphp /wp-login\.php login POST$
~~~
\Aphp /wp-login\.php login POST$
~~~
429 Too Many Requests
~~~
\Aphp /wp-login\.php login GET$
--- error_log
/limiting requests, excess: [12]\.\d+ by zone "login"/

=== a file that is too large
--- request eval
"POST /wp-admin/async-upload.php\n\n" . 'x' x 2000
--- error_code: 413
