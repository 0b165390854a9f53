# One server for many customers: the host says whose site it is, a table says what they have paid
# for, the address of the visitor (told by the balancer in front) says where he is and whether he
# may come in; a part of the visitors sees what comes next.
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::Weir;

run_tests();

__DATA__

=== whose site it is
--- full_config
worker_processes 1;
events { worker_connections 128; }
http {
    include %%SRC%%/conf/mime.types;
    default_type application/octet-stream;
    log_format tenant '$tenant $plan $region $remote_addr $status "$request_uri"';
    access_log logs/access.log tenant if=$logged;
    map_hash_bucket_size 128;

    # The balancer, and another one before it.
    set_real_ip_from 127.0.0.1;
    set_real_ip_from 10.9.0.0/16;
    set_real_ip_from fd00:9::/32;
    real_ip_header X-Forwarded-For;
    real_ip_recursive on;

    map $host $tenant {
        hostnames;
        default "";
        include %%DIR%%/html/etc/tenants.map;
        ~^(?<sub>[a-z][a-z0-9-]*)\.sites\.example$ $sub;
    }
    map $tenant $plan {
        default free;
        acme gold;
        initech silver;
        umbrella closed;
    }
    map $plan $rate { default 64k; gold 0; silver 512k; }
    map $plan:$uri $kept {
        default 60;
        ~^gold:.+\.css$ 86400;
        "free:/index.html" 5;
        volatile;
    }
    geo $region {
        default other;
        192.0.2.0/24 eu;
        192.0.2.128/25 us;
        192.0.2.200 asia;
        198.51.100.0/24 us;
        2001:db8::/32 eu;
        2001:db8:1::/48 asia;
        127.0.0.1 home;
        include %%DIR%%/html/etc/networks.geo;
        delete 203.0.113.9;
    }
    geo $ranged {
        ranges;
        default none;
        198.51.100.10-198.51.100.19 office;
        198.51.100.15-198.51.100.15 printer;
    }
    geo $arg_as $pretended { default -; 192.0.2.0/24 eu; 198.51.100.7 seven; }
    geo $blocked { default 0; 203.0.113.0/24 1; 203.0.113.77 0; }
    map $region $language { default en; eu de; asia ja; }
    map "$cookie_lang:$http_accept_language" $speaks {
        default $language;
        "~^(?<chosen>[a-z]{2}):" $chosen;
        ~^:(?<first>[a-z][a-z])\b $first;
    }
    split_clients "${remote_addr}$tenant" $variant { 50% a; * b; }
    map $tenant:$arg_variant $look { default $variant; ~:(?<asked>[ab])$ $asked; }
    map $request_uri $logged { default 1; ~^/ping 0; }

    server {
        listen 127.0.0.1:%%PORT%%;
        server_name _;
        root html/none;

        error_page 402 /_pages/closed.html;
        error_page 403 /_pages/blocked.html;
        error_page 404 /_pages/missing.html;
        add_header X-Tenant "$tenant/$plan" always;
        add_header X-Region $region;

        location = /ping { return 200 "pong\n"; }
        location = /who {
            return 200 "$tenant $plan $region $ranged $speaks $remote_addr $rate\n";
        }
        location = /as { return 200 "$pretended\n"; }
        location = /variant { return 200 "$look\n"; }
        location = /kept { rewrite ^ /index.html; set $before $kept; return 200 "$before $kept\n"; }

        location /_pages/ {
            internal;
            root html/tenants/$tenant;
            try_files $uri @shared;
        }
        location @shared { root html/shared; }

        location / {
            if ($tenant = "") { return 404; }
            if ($blocked) { return 403; }
            if ($plan = closed) { return 402; }
            root html/tenants/$tenant;
            limit_rate $rate;
            try_files $uri.$speaks $uri $uri/ =404;
            index index.html.$speaks index.html;
            location ~* \.css$ {
                # What is asked outside is not asked for what is in here.
                if ($tenant = "") { return 404; }
                add_header Cache-Control "max-age=$kept";
            }
        }
        location /static/ { alias html/tenants/$tenant/public/; }
    }
}
--- user_files
>>> etc/tenants.map
.acme.example acme;
acme-shop.example acme;
www.initech.* initech;
*.initech.example initech;
umbrella.example umbrella;
>>> etc/networks.geo
203.0.113.8/29 us;
203.0.113.9 eu;
>>> tenants/acme/index.html
acme
>>> tenants/acme/index.html.de
acme auf deutsch
>>> tenants/acme/about
about acme
>>> tenants/acme/about.ja
acme ni tsuite
>>> tenants/acme/style.css
css
>>> tenants/acme/public/logo.svg
<svg/>
>>> tenants/acme/_pages/missing.html
acme has lost it
>>> tenants/initech/index.html
initech
>>> tenants/initech/style.css
initech css
>>> tenants/bob/index.html
bob
>>> tenants/secret.txt
not for anybody
>>> shared/_pages/missing.html
nobody has it
>>> shared/_pages/blocked.html
go away
>>> shared/_pages/closed.html
please pay
--- keepalive_requests
GET /who
Host: acme.example
~~~
GET /who
Host: WWW.Acme.Example:8080
~~~
GET /who
Host: acme-shop.example
~~~
GET /who
Host: www.initech.net
~~~
GET /who
Host: a.b.initech.example
~~~
GET /who
Host: initech.example
~~~
GET /who
Host: bob.sites.example
~~~
GET /who
Host: bob.builder.sites.example
~~~
GET /who
Host: umbrella.example
--- response_body
acme gold home none en 127.0.0.1 0
~~~
acme gold home none en 127.0.0.1 0
~~~
acme gold home none en 127.0.0.1 0
~~~
initech silver home none en 127.0.0.1 512k
~~~
initech silver home none en 127.0.0.1 512k
~~~
 free home none en 127.0.0.1 64k
~~~
bob free home none en 127.0.0.1 64k
~~~
 free home none en 127.0.0.1 64k
~~~
umbrella closed home none en 127.0.0.1 64k

=== where the visitor is
--- keepalive_requests
GET /who
Host: acme.example
X-Forwarded-For: 192.0.2.5
~~~
GET /who
Host: acme.example
X-Forwarded-For: 192.0.2.129
~~~
GET /who
Host: acme.example
X-Forwarded-For: 192.0.2.200
~~~
GET /who
Host: acme.example
X-Forwarded-For: 2001:db8::7
~~~
GET /who
Host: acme.example
X-Forwarded-For: 2001:db8:1::7
~~~
GET /who
Host: acme.example
X-Forwarded-For: 198.51.100.12
~~~
GET /who
Host: acme.example
X-Forwarded-For: 198.51.100.15
~~~
GET /who
Host: acme.example
X-Forwarded-For: 203.0.113.8
~~~
GET /who
Host: acme.example
X-Forwarded-For: 203.0.113.9
~~~
GET /who
Host: acme.example
X-Forwarded-For: not an address
--- response_body
acme gold eu none de 192.0.2.5 0
~~~
acme gold us none en 192.0.2.129 0
~~~
acme gold asia none ja 192.0.2.200 0
~~~
acme gold eu none de 2001:db8::7 0
~~~
acme gold asia none ja 2001:db8:1::7 0
~~~
acme gold us office en 198.51.100.12 0
~~~
acme gold us printer en 198.51.100.15 0
~~~
acme gold us none en 203.0.113.8 0
~~~
acme gold us none en 203.0.113.9 0
~~~
acme gold home none en 127.0.0.1 0

=== through several balancers: the last one that is not ours
--- keepalive_requests
GET /who
Host: acme.example
X-Forwarded-For: 192.0.2.5, 198.51.100.1, 10.9.8.7
~~~
GET /who
Host: acme.example
X-Forwarded-For: 192.0.2.5, fd00:9::1,10.9.0.1
~~~
GET /who
Host: acme.example
X-Forwarded-For: 10.9.0.2, 10.9.0.1
~~~
GET /who
Host: acme.example
X-Forwarded-For: 192.0.2.5, rubbish, 10.9.0.1
--- response_body
acme gold us none en 198.51.100.1 0
~~~
acme gold eu none de 192.0.2.5 0
~~~
acme gold other none en 10.9.0.2 0
~~~
acme gold other none en 10.9.0.1 0

=== an address from a variable
--- keepalive_requests
GET /as?as=192.0.2.77
~~~
GET /as?as=198.51.100.7
~~~
GET /as?as=198.51.100.8
~~~
GET /as?as=x
~~~
GET /as
--- response_body
eu
~~~
seven
~~~
-
~~~
-
~~~
-

=== which language: asked for, then the browser's, then the region's
--- keepalive_requests
GET /who
Host: acme.example
Cookie: a=b; lang=fr
Accept-Language: es
~~~
GET /who
Host: acme.example
Accept-Language: es-ES,es;q=0.5
~~~
GET /who
Host: acme.example
Cookie: lang=french
X-Forwarded-For: 192.0.2.5
--- response_body
acme gold home none fr 127.0.0.1 0
~~~
acme gold home none es 127.0.0.1 0
~~~
acme gold eu none de 192.0.2.5 0

=== pages of a tenant, in a language that there is
--- keepalive_requests
GET /
Host: acme.example
~~~
GET /
Host: acme.example
X-Forwarded-For: 192.0.2.5
~~~
GET /about
Host: acme.example
X-Forwarded-For: 192.0.2.200
~~~
GET /about
Host: acme.example
Cookie: lang=xx
~~~
GET /
Host: bob.sites.example
~~~
GET /static/logo.svg
Host: acme.example
--- response_headers
X-Tenant: acme/gold
X-Region: home
~~~
X-Tenant: acme/gold
X-Region: eu
~~~
X-Region: asia
~~~
X-Region: home
~~~
X-Tenant: bob/free
~~~
Content-Type: image/svg+xml
--- response_body
acme
~~~
acme auf deutsch
~~~
acme ni tsuite
~~~
about acme
~~~
bob
~~~
<svg/>

=== nothing that lies between tenants
--- keepalive_requests
GET /static/../secret.txt
Host: acme.example
~~~
GET /static/a/..%2f..%2fsecret.txt
Host: acme.example
~~~
GET /secret.txt
Host: nobody.example
~~~
GET /acme/style.css
Host: nobody.example
~~~
GET /index.html
Host: bob.sites.example
~~~
GET /static/../../secret.txt
Host: acme.example
--- error_code: 404 404 404 404 200 400

=== pages of errors: the tenant's own, or those for all
--- keepalive_requests
GET /none
Host: acme.example
~~~
GET /none
Host: bob.sites.example
~~~
GET /
Host: nobody.example
~~~
GET /
Host: umbrella.example
~~~
GET /
Host: acme.example
X-Forwarded-For: 203.0.113.1
~~~
GET /
Host: acme.example
X-Forwarded-For: 203.0.113.77
~~~
GET /_pages/missing.html
Host: acme.example
--- error_code: 404 404 404 402 403 200 404
--- response_headers
X-Tenant: acme/gold
!X-Region
~~~
X-Tenant: bob/free
~~~
X-Tenant: /free
~~~
X-Tenant: umbrella/closed
~~~
X-Tenant: acme/gold
~~~
X-Region: other
~~~
X-Tenant: acme/gold
--- response_body
acme has lost it
~~~
nobody has it
~~~
nobody has it
~~~
please pay
~~~
go away
~~~
acme
~~~
acme has lost it

=== how long style sheets are kept depends on the plan
--- keepalive_requests
GET /style.css
Host: acme.example
~~~
GET /style.css
Host: x.initech.example
--- response_headers
Cache-Control: max-age=86400
!X-Tenant
~~~
Cache-Control: max-age=60
--- response_body
css
~~~
initech css

=== a map that is asked again, since its source has changed
--- request
GET /kept
Host: bob.sites.example
--- response_body
5 5

=== which look: the same one each time, unless one is asked for
--- keepalive_requests
GET /variant?variant=b
Host: acme.example
~~~
GET /variant?variant=a
Host: acme.example
--- response_body
b
~~~
a

=== visitors are spread over both
--- keepalive_requests
GET /variant
Host: acme.example
X-Forwarded-For: 192.0.2.1
~~~
GET /variant
Host: acme.example
X-Forwarded-For: 192.0.2.1
~~~
GET /variant
Host: acme.example
X-Forwarded-For: 192.0.2.2
~~~
GET /variant
Host: acme.example
X-Forwarded-For: 192.0.2.3
~~~
GET /variant
Host: acme.example
X-Forwarded-For: 192.0.2.4
~~~
GET /variant
Host: bob.sites.example
X-Forwarded-For: 192.0.2.1
--- response_body
b
~~~
b
~~~
a
~~~
b
~~~
b
~~~
b

=== one log for all, without what only programs ask
--- keepalive_requests
GET /about?x=1
Host: acme.example
X-Forwarded-For: 198.51.100.9
~~~
GET /ping
Host: acme.example
--- response_body
about acme
~~~
pong
--- access_log_like: ^acme gold us 198\.51\.100\.9 200 "/about\?x=1"$
