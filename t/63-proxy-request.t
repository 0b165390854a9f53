# What a backend receives: the URI by all forms of proxy_pass, fields, bodies.

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::Weir;
use Test::Weir::Backend qw(answer);
use Test::Weir::Conn;

skip_without('proxy_pass');

my $t = Test::Weir->new(name => 'proxy');
$t->write_conf(<<'CONF');
worker_processes 1;
events { }
http {
    map $uri $backend { default http://127.0.0.1:%%PORT1%%; }
    upstream named { server 127.0.0.1:%%PORT1%%; }
    map $uri $group { default named; }
    client_body_buffer_size 1k;
    server {
        listen 127.0.0.1:%%PORT%%;
        server_name localhost;
        proxy_http_version 1.0;
        proxy_set_header Host $proxy_host;
        proxy_set_header Connection close;

        location / { proxy_pass http://127.0.0.1:%%PORT1%%; }
        location /slash/ { proxy_pass http://127.0.0.1:%%PORT1%%/; }
        location /path/ { proxy_pass http://127.0.0.1:%%PORT1%%/other/; }
        location /short/ { proxy_pass http://127.0.0.1:%%PORT1%%/short; }
        location /open { proxy_pass http://127.0.0.1:%%PORT1%%/other/; }
        location = /exact { proxy_pass http://127.0.0.1:%%PORT1%%/new; }
        location = /exact-args { proxy_pass http://127.0.0.1:%%PORT1%%/new?a=b; }
        location ~ ^/regex/ { proxy_pass http://127.0.0.1:%%PORT1%%; }
        location ~ ^/capture/(\w+)/(.*)$ { proxy_pass http://127.0.0.1:%%PORT1%%/$2/$1; }
        location /whole/ { proxy_pass $backend; }
        location /whole-path/ { proxy_pass $backend/fixed; }
        location /whole-args/ { proxy_pass $backend/fixed?$args; }
        location /whole-uri/ { proxy_pass $backend$request_uri; }
        location /decoded/ { proxy_pass $backend$uri; }
        location /group/ { proxy_pass http://$group; }
        location /group-path/ { proxy_pass http://$group/p; }
        location /named/ { proxy_pass http://named; }
        location /named-path/ { proxy_pass http://named/x/; }
        location /break/ { rewrite ^/break/(.*) /new/$1 break; proxy_pass
            http://127.0.0.1:%%PORT1%%; }
        location /break-path/ { rewrite ^/break-path/(.*) /new/$1 break; proxy_pass
            http://127.0.0.1:%%PORT1%%/ignored/; }
        location /break-args/ { rewrite ^/break-args/(.*) /new?x=$1 break; proxy_pass
            http://127.0.0.1:%%PORT1%%; }
        location /break-only/ { rewrite ^/break-only/(.*) /new?x=$1? break; proxy_pass
            http://127.0.0.1:%%PORT1%%; }
        location /last/ { rewrite ^/last/(.*) /slash/$1 last; }
        location /if/ {
            if ($arg_if) { proxy_pass http://127.0.0.1:%%PORT1%%; }
            proxy_pass http://127.0.0.1:%%PORT1%%/else/;
        }
        location /tried/ { try_files /none @named; }
        location @named { proxy_pass http://127.0.0.1:%%PORT1%%; }
        location /error/ { error_page 404 = @named; return 404; }
        location /error-path/ { error_page 404 = /slash/error; return 404; }
        location /except/ {
            limit_except GET { proxy_pass http://127.0.0.1:%%PORT1%%; }
            proxy_pass http://127.0.0.1:%%PORT1%%/get/;
        }
        location /socket/ { proxy_pass http://unix:%%DIR%%/backend.sock; }
        location /socket-path/ { proxy_pass http://unix:%%DIR%%/backend.sock:/p/; }
        location /method/ { proxy_method PUT; proxy_pass http://127.0.0.1:%%PORT1%%; }
        location /method-variable/ { proxy_method $arg_m; proxy_pass http://127.0.0.1:%%PORT1%%; }
    }
}
CONF
$t->start;

sub echo { return answer(200, $_[0]{raw}, 'X-Line' => $_[0]{line}) }

my $backend = Test::Weir::Backend->new($t->port(1), \&echo);
my $socket = Test::Weir::Backend->new($t->dir . '/backend.sock', \&echo);

# --- the request line ---------------------------------------------------------------------------

for my $case (
    # without a URI: as the client sent it
    ['/a/b?c=d', '/a/b?c=d'],
    ['/a//b/../c/./%7Ed', '/a//b/../c/./%7Ed'],
    ['/%61%2Fb%20c', '/%61%2Fb%20c'],
    ['/a?', '/a?'],
    ['/a?x=%20+"<>', '/a?x=%20+"<>'],
    ['/a%3Fb', '/a%3Fb'],
    ["/\xc3\xa4", "/\xc3\xa4"],
    ['http://localhost/abs?x', '/abs?x'],
    ['/regex/%7E', '/regex/%7E'],
    ['/named/%7E?a', '/named/%7E?a'],
    ['/tried/%7E?a', '/tried/%7E?a'],
    ['/error/%7E?a', '/error/%7E?a'],
    ['/if/%7E?if=1', '/if/%7E?if=1'],
    ['/if/%7E?if=', '/else/~?if='],
    ['/socket/%7E?a', '/socket/%7E?a'],
    # with one: what the location matched is replaced, the rest is normalised and escaped anew
    ['/slash/a/b?c=d', '/a/b?c=d'],
    ['/slash/', '/'],
    ['/slash/?x', '/?x'],
    ['/slash//a//b', '/a/b'],
    ['/slash/a/../b/./c', '/b/c'],
    ['/slash/%7Ea', '/~a'],
    ['/slash/a%20b', '/a%20b'],
    ['/slash/a%2Fb', '/a/b'],
    ['/slash/a%3Fb%23c%25d', '/a%3Fb%23c%25d'],
    ['/slash/a%3Bb;c', '/a;b;c'],
    ['/slash/a%0Ab', '/a%0Ab'],
    ['/slash/a%22b', '/a%22b'],
    ['/slash/a+b&c=d', '/a+b&c=d'],
    ["/slash/%C3%A4\xc3\xa4", "/%C3%A4%C3%A4"],
    ['/path/a', '/other/a'],
    ['/short/a', '/shorta'],
    ['/open', '/other/'],
    ['/openx/y', '/other/x/y'],
    ['/exact', '/new'],
    ['/exact?x=1', '/new?x=1'],
    ['/exact-args', '/new?a=b'],
    ['/exact-args?x=1', '/new?a=b?x=1'],
    ['/named-path/a%20b', '/x/a%20b'],
    ['/last/a%20b?c', '/a%20b?c'],
    ['/error-path/x?y', '/error'],
    ['/socket-path/a?b', '/p/a?b'],
    # with variables: what they give
    ['/capture/a/b?d', '/b/a'],
    ['/whole/%7E?a', '/whole/%7E?a'],
    ['/whole-path/a?b', '/fixed'],
    ['/whole-args/a?b', '/fixed?b'],
    ['/whole-uri/%7E?b', '/whole-uri/%7E?b'],
    ['/decoded/%7E?b', '/decoded/~'],
    ['/group/%7E?b', '/group/%7E?b'],
    ['/group-path/a?b', '/p'],
    # after a rewrite: the new URI, whatever proxy_pass says
    ['/break/%7Ea%20b?c', '/new/~a%20b?c'],
    ['/break-path/a?c', '/new/a?c'],
    ['/break-args/a?c', '/new?x=a&c'],
    ['/break-only/a?c', '/new?x=a'],
    ['/except/a', '/get/a'],
    )
{
    my ($uri, $want) = @$case;
    my $answer = get($t->port, $uri);
    is($answer->{header}{'x-line'}, "GET $want HTTP/1.0", "GET $uri");
}
for my $case (
    ['POST', '/except/a?b', 'POST /except/a?b'],
    ['HEAD', '/slash/a', 'HEAD /a'],
    ['OPTIONS', '/a', 'OPTIONS /a'],
    ['PROPFIND', '/slash/a', 'PROPFIND /a'],
    ['POST', '/method/a', 'PUT /method/a'],
    ['GET', '/method-variable/a?m=FOO', 'FOO /method-variable/a?m=FOO'],
    )
{
    my ($method, $uri, $want) = @$case;
    my $answer = request($t->port, $method, $uri);
    is($answer->{header}{'x-line'}, "$want HTTP/1.0", "$method $uri");
}
$t->stop;

# --- request bodies -----------------------------------------------------------------------------

$t = Test::Weir->new(name => 'bodies');
$t->write_conf(<<'CONF');
worker_processes 1;
events { }
http {
    client_body_buffer_size 1k;
    server {
        listen 127.0.0.1:%%PORT%%;
        proxy_set_header Connection close;
        location / { proxy_pass http://127.0.0.1:%%PORT1%%; proxy_http_version 1.1; }
        location /old/ { proxy_pass http://127.0.0.1:%%PORT1%%; proxy_http_version 1.0; }
        location /direct/ {
            proxy_pass http://127.0.0.1:%%PORT1%%;
            proxy_http_version 1.1;
            proxy_request_buffering off;
        }
        location /direct-old/ {
            proxy_pass http://127.0.0.1:%%PORT1%%;
            proxy_http_version 1.0;
            proxy_request_buffering off;
        }
    }
}
CONF
$t->start;
$backend = Test::Weir::Backend->new($t->port(1), answer(200, 'taken'));

# [the place, chunked from the client, chunked to the backend]
my $large = join '', map { chr(33 + $_ * 7 % 90) } 1 .. 300_000;
for my $case (['/', 0, 0], ['/', 1, 0], ['/old/', 0, 0], ['/old/', 1, 0], ['/direct/', 0, 0],
    ['/direct/', 1, 1], ['/direct-old/', 0, 0], ['/direct-old/', 1, 0])
{
    my ($place, $chunked, $out) = @$case;
    for my $body ('', 'a', $large) {
        my $length = length $body;
        my $name = "$place, $length bytes" . ($chunked ? ' in chunks' : '');
        $backend->script(answer(200, 'taken'));
        my $sent = $body;
        if ($chunked) {
            $sent = join '', map({ sprintf "%x;ext\r\n%s\r\n", length, $_ } $body =~ /.{1,7000}/gs),
                "0\r\nTrailer: x\r\n\r\n";
        }
        my $answer = request($t->port, 'POST', $place, body => $sent,
            headers => [$chunked ? ('Transfer-Encoding' => 'chunked') : ()]);
        is($answer->{body}, 'taken', "$name: answered");
        my ($request) = $backend->requests;
        ok($request->{body} eq $body, "$name: the body");
        my ($its_length, $coding) = @{$request->{header}}{qw(content-length transfer-encoding)};
        # One that came with its head may have got a length.
        my $either = $out && $length < 1000 && defined $its_length;
        is($its_length, $out && !$either ? undef : $length, "$name: its length");
        is($coding, $out && !$either ? 'chunked' : undef, "$name: its coding");
        is($request->{header}{trailer}, undef, "$name: no field from behind the body");
    }
}

# Buffering keeps the backend waiting, streaming does not.
for my $case (['/', 0], ['/direct/', 1]) {
    my ($place, $early) = @$case;
    $backend->script(answer(200, 'taken'));
    my $conn = Test::Weir::Conn->new($t->port);
    $conn->write("POST $place HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab");
    $conn->drained;
    if ($early) {
        ok(wait_for(sub { $backend->received(1) =~ /ab\z/ }, 5, 'bytes'), 'streamed: at once');
    } else {
        # A whole other request goes by.
        is(get($t->port, '/')->{body}, 'taken', 'buffered: another one');
        is(scalar $backend->connections, 1, 'buffered: is alone');
    }
    $conn->write('cd');
    is($conn->read_response->{body}, 'taken', "$place: the answer");
    is(($backend->requests)[-1]{body}, 'abcd', "$place: the body");
}

# A client that leaves amid its body, streamed: the backend sees an end, no complete request.
$backend->script(answer(200, 'taken'));
my $conn = Test::Weir::Conn->new($t->port);
$conn->write("POST /direct/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n");
wait_for(sub { $backend->received(1) =~ /ab\r\n\z/ }, 5, 'bytes');
$conn->close;
ok($backend->wait_closed(1), 'a client that leaves');
is(scalar $backend->requests, 0, 'is no complete request');

# Expect is answered here, not there.
$backend->script(answer(200, 'taken'));
$conn = Test::Weir::Conn->new($t->port);
$conn->write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
like($conn->read_until(qr/\r\n\r\n/), qr/^HTTP\S+ 100 /, 'Expect: 100 from the proxy');
$conn->write('abc');
is($conn->read_response->{body}, 'taken', 'Expect: the answer');
is(($backend->requests)[0]{header}{expect}, undef, 'Expect: not passed on');
$t->stop;

# --- what must not get into a head --------------------------------------------------------------

unless (skipped('bytes of variables', differs => 'CR, LF and blanks never split a head')) {
    $t = Test::Weir->new(name => 'splitting');
    $t->write_conf(<<'CONF');
worker_processes 1;
events { }
http {
    server {
        listen 127.0.0.1:%%PORT%%;
        location ~ "(?s)^/line/(.*)$" { proxy_pass http://127.0.0.1:%%PORT1%%/$1; }
        location ~ "(?s)^/field/(.*)$" {
            proxy_pass http://127.0.0.1:%%PORT1%%;
            proxy_set_header X-Path $1;
        }
        location ~ "(?s)^/method/(.*)$" {
            proxy_pass http://127.0.0.1:%%PORT1%%;
            proxy_method $1;
        }
    }
}
CONF
    $t->start;
    for my $place (qw(line field method)) {
        for my $bytes ('a%20HTTP/1.0%0d%0aX-Evil:%20b', 'a%0aX-Evil:%20b', 'a%0dX-Evil:%20b',
            'a%00b', 'a%0d%0a%0d%0aGET%20/second%20HTTP/1.1%0d%0aX-Evil:%20c')
        {
            $backend->script(answer(200, 'taken'));
            my $answer = get($t->port, "/$place/$bytes");
            ok($answer && !defined $answer->{error}, "$place $bytes: an answer");
            my $evil = join '', map { $_->{bytes} } $backend->connections;
            unlike($evil, qr/[\r\n]X-Evil|[\r\n]GET \/second|\0|\r(?!\n)|(?<!\r)\n/,
                "$place $bytes: nothing is split");
            unlike($evil, qr/^\S+ [^\r\n]* [^\r\n]* HTTP/, "$place $bytes: one line");
        }
    }
    $t->stop;
}

run_tests();

__DATA__

=== what is passed on, and what is not
--- config
proxy_http_version 1.0;
location / { proxy_pass http://127.0.0.1:%%PORT1%%; proxy_set_header Connection close; }
--- request
GET /a
Host: front.test
X-One: 1
X-One: 2
Connection: close, X-Hop
Keep-Alive: timeout=5
TE: trailers
Upgrade: foo
Accept: */*
Cookie: a=b
X-Empty:
--- tcp_reply: HTTP/1.1 200 OK\r\n\r\n
--- tcp_query_like: ^GET /a HTTP/1\.0\r\n.*\r\n\r\n$
--- tcp_query_headers
Host: 127.0.0.1:%%PORT1%%
Connection: close
X-One: 1
X-One: 2
Accept: */*
Cookie: a=b
X-Empty:
!Keep-Alive
!TE
!Upgrade
!Content-Length

=== the defaults
--- since: 1.29.7
--- config
location / { proxy_pass http://127.0.0.1:%%PORT1%%; }
--- request: GET /a
--- tcp_reply: HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n
--- tcp_query_like: ^GET /a HTTP/1\.1\r\n
--- tcp_query_headers
Host: 127.0.0.1:%%PORT1%%
!Connection

=== Connection of the client does not get through
--- since: 1.29.7
--- request
GET /a
Connection: X-Other, close
--- tcp_reply: HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n
--- tcp_query_headers
!Connection

=== connections are kept by default
--- since: 1.29.7
--- http_config
upstream backend { server 127.0.0.1:%%PORT1%%; }
--- config
location / { proxy_pass http://backend; }
--- keepalive_requests
GET /a
~~~
GET /b
--- tcp_reply_close: no
--- tcp_reply: HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na
--- tcp_reply: HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb
--- tcp_query_like: ^GET /a HTTP/1\.1\r\n
--- tcp_query_like: ^GET /b HTTP/1\.1\r\n
--- tcp_query_headers
!Connection
--- response_body chomp
a
~~~
b

=== Host by default is that of proxy_pass
--- http_config
upstream backend.test { server 127.0.0.1:%%PORT1%%; }
--- config
location / { proxy_pass http://backend.test; }
location /upper { proxy_pass http://BACKEND.test; }
location /port { proxy_pass http://127.0.0.1:%%PORT1%%/x; }
location /variable { set $b backend.test; proxy_pass http://$b; }
location /own { proxy_pass http://backend.test; proxy_set_header host $http_host; }
location /name { proxy_pass http://backend.test; proxy_set_header Host $host:$server_port; }
location /none { proxy_pass http://backend.test; proxy_set_header Host ""; }
location /both {
    proxy_pass http://backend.test;
    proxy_set_header Host one;
    proxy_set_header X-Host $proxy_host;
    proxy_set_header X-Port $proxy_port;
    proxy_set_header X-For $proxy_add_x_forwarded_for;
}
--- pipelined_requests
GET /
~~~
GET /upper
~~~
GET /port
~~~
GET /variable
~~~
GET /own
Host: A.test:81
~~~
GET /name
Host: A.test:81
~~~
GET /none
~~~
GET /both
X-Forwarded-For: 192.0.2.1
X-Forwarded-For: 192.0.2.2
--- tcp_reply: HTTP/1.0 204 OK\r\n\r\n
--- tcp_query_headers
Host: backend.test
--- tcp_query_headers
Host: BACKEND.test
--- tcp_query_headers
Host: 127.0.0.1:%%PORT1%%
--- tcp_query_headers
Host: backend.test
--- tcp_query_headers
Host: A.test:81
--- tcp_query_headers
Host: a.test:%%PORT%%
--- tcp_query_headers
!Host
--- tcp_query_headers
Host: one
X-Host: backend.test
X-Port: 80
X-For: 192.0.2.1, 192.0.2.2, 127.0.0.1
--- error_code: 204

=== proxy_set_header
--- http_config
proxy_set_header X-Http http;
proxy_set_header X-Both http;
upstream backend.test { server 127.0.0.1:%%PORT1%%; }
--- config
location / { proxy_pass http://backend.test; }
location /own {
    proxy_pass http://backend.test;
    proxy_set_header X-Both location;
    proxy_set_header X-Twice 1;
    proxy_set_header X-Twice 2;
    proxy_set_header x-client "";
    proxy_set_header X-Empty $arg_none;
    proxy_set_header X-Mixed "a${arg_none}b";
    proxy_set_header User-Agent weir-test;
    proxy_set_header Accept-Encoding "";
    location /own/nested { proxy_pass http://backend.test; }
    location /own/new { proxy_pass http://backend.test; proxy_set_header X-New n; }
}
--- more_headers
X-Client: c
X-Both: client
User-Agent: client
Accept-Encoding: gzip
--- pipelined_requests
GET /
~~~
GET /own
~~~
GET /own/nested
~~~
GET /own/new
--- tcp_reply: HTTP/1.0 204 OK\r\n\r\n
--- tcp_query_headers
X-Http: http
X-Both: http
X-Client: c
User-Agent: client
Accept-Encoding: gzip
--- tcp_query_headers
!X-Http
X-Both: location
X-Twice: 1
X-Twice: 2
!X-Client
!X-Empty
X-Mixed: ab
User-Agent: weir-test
!Accept-Encoding
--- tcp_query_headers
X-Both: location
User-Agent: weir-test
--- tcp_query_headers
X-New: n
X-Both: client
X-Client: c
User-Agent: client
--- error_code: 204

=== fields and bodies that are not passed
--- config
proxy_http_version 1.1;
proxy_set_header Connection close;
location / { proxy_pass http://127.0.0.1:%%PORT1%%; }
location /nofields {
    proxy_pass http://127.0.0.1:%%PORT1%%;
    proxy_pass_request_headers off;
    proxy_set_header X-Own o;
}
location /nobody { proxy_pass http://127.0.0.1:%%PORT1%%; proxy_pass_request_body off; }
location /nobody-length {
    proxy_pass http://127.0.0.1:%%PORT1%%;
    proxy_pass_request_body off;
    proxy_set_header Content-Length "";
}
location /other { proxy_pass http://127.0.0.1:%%PORT1%%; proxy_set_body "<$arg_a>"; }
location /empty { proxy_pass http://127.0.0.1:%%PORT1%%; proxy_set_body ""; }
--- request
POST /nofields
X-Client: c

body
--- tcp_reply: HTTP/1.0 204 OK\r\n\r\n
--- tcp_query_headers
X-Own: o
!X-Client
Content-Length: 4
--- tcp_query_like: \r\n\r\nbody$
--- error_code: 204

=== no body at all
--- request
POST /nobody-length
X-Client: c

body
--- tcp_reply: HTTP/1.0 204 OK\r\n\r\n
--- tcp_query_headers
X-Client: c
!Content-Length
--- tcp_query_like: \r\n\r\n$
--- error_code: 204

=== a body of the configuration
--- request
POST /other?a=12345

body
--- tcp_reply: HTTP/1.0 204 OK\r\n\r\n
--- tcp_query_headers
Content-Length: 7
--- tcp_query_like: \r\n\r\n<12345>$
--- error_code: 204

=== also for a GET
--- request
GET /other?a=x
--- tcp_reply: HTTP/1.0 204 OK\r\n\r\n
--- tcp_query_headers
Content-Length: 3
--- tcp_query_like: \r\n\r\n<x>$
--- error_code: 204

=== a GET with a body
--- request
GET /

body
--- tcp_reply: HTTP/1.0 204 OK\r\n\r\n
--- tcp_query_headers
Content-Length: 4
--- tcp_query_like: ^GET / .*\r\n\r\nbody$
--- error_code: 204

=== a POST without a body
--- request
POST /
Content-Length: 0
--- tcp_reply: HTTP/1.0 204 OK\r\n\r\n
--- tcp_query_headers
Content-Length: 0
--- error_code: 204

=== a URI is not for a regex location
--- config
location ~ /a { proxy_pass http://127.0.0.1:%%PORT1%%/b; }
--- conf_error
[emerg] "proxy_pass" cannot have URI part in location given by regular expression

=== nor for if
--- config
location / { if ($arg_a) { proxy_pass http://127.0.0.1:%%PORT1%%/b; } }
--- conf_error
[emerg] "proxy_pass" cannot have URI part in location given by regular expression

=== a scheme is needed
--- config
location / { proxy_pass 127.0.0.1:%%PORT1%%; }
--- conf_error
[emerg] invalid URL prefix in %%CONF%%:

=== a name that is not found
--- differs: it may be found later
--- config
location / { proxy_pass http://nowhere.invalid; }
--- conf_ok
[warn] host not found in upstream "nowhere.invalid" in %%CONF%%:

=== once is enough
--- config
location / { proxy_pass http://127.0.0.1:1; proxy_pass http://127.0.0.1:2; }
--- conf_error
[emerg] "proxy_pass" directive is duplicate in %%CONF%%:
