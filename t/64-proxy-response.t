# What the client gets of a backend's answer: fields, framing, buffers, redirects, what is logged.

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::Weir;
use Test::Weir::Backend qw(answer);
use Test::Weir::Conn;
use Test::Weir::Util qw(slurp);

skip_without('proxy_pass');

my $t = Test::Weir->new(name => 'proxy');
$t->write_conf(<<'CONF');
worker_processes 1;
events { }
http {
    log_format up '$request_uri $status $upstream_status $upstream_addr $upstream_response_length '
        '$upstream_bytes_received $upstream_bytes_sent '
        '$upstream_http_x_one $upstream_cookie_c $upstream_connect_time $upstream_header_time '
        '$upstream_response_time $upstream_trailer_t';
    access_log logs/access.log up;
    upstream two { server 127.0.0.1:%%PORT2%%; server 127.0.0.1:%%PORT1%%; }
    server {
        listen 127.0.0.1:%%PORT%%;
        proxy_http_version 1.1;
        proxy_set_header Connection close;
        location / { proxy_pass http://127.0.0.1:%%PORT1%%; }
        location /unbuffered/ { proxy_pass http://127.0.0.1:%%PORT1%%; proxy_buffering off; }
        location /nofile/ { proxy_pass http://127.0.0.1:%%PORT1%%; proxy_max_temp_file_size 0; }
        location /two/ { proxy_pass http://two; }
        location /local/ { return 200 "local\n"; }
        location /store/ {
            proxy_pass http://127.0.0.1:%%PORT1%%;
            proxy_store %%DIR%%/stored$uri;
            proxy_store_access user:rw group:rw all:r;
        }
        location /abort/ { proxy_pass http://127.0.0.1:%%PORT1%%; proxy_ignore_client_abort on; }
    }
}
CONF
mkdir $t->dir . '/stored', 0777;
chmod 0777, $t->dir . '/stored';
$t->start;
my $backend = Test::Weir::Backend->new($t->port(1));
my $large = join '', map { sprintf "%07x\n", $_ } 1 .. 524_288;

# --- bodies -------------------------------------------------------------------------------------

sub chunked { return join '', map({ sprintf "%x\r\n%s\r\n", length, $_ } @_), "0\r\n\r\n" }

my %framing = (
    'a length' => sub { return "Content-Length: " . length($_[0]) . "\r\n\r\n$_[0]" },
    'chunks' => sub {
        return "Transfer-Encoding: chunked\r\n\r\n" . chunked($_[0] =~ /.{1,9000}/gs);
    },
    'an end' => sub { return "\r\n$_[0]" },
);
for my $place ('/', '/unbuffered/', '/nofile/') {
    for my $kind (sort keys %framing) {
        for my $size (0, 1, 300_000) {
            my $body = substr $large, 0, $size;
            $backend->script([\'body', "HTTP/1.1 200 OK\r\n" . $framing{$kind}->($body), \'close']);
            my $answer = get($t->port, $place);
            ok($answer && $answer->{body} eq $body, "$place $size bytes with $kind");
            is($answer->{error}, undef, "$place $size bytes with $kind: whole");
            is($answer->{header}{'content-length'}, $size, "$place $size bytes: the length is kept")
                if $kind eq 'a length';
        }
    }
}

# Without a body, whatever the fields say: the client's connection goes on.
for my $case (['HEAD', "200 OK\r\nContent-Length: 7"],
    ['HEAD', "200 OK\r\nTransfer-Encoding: chunked"], ['HEAD', '200 OK'],
    ['GET', '204 No Content'], ['GET', "304 Not Modified\r\nContent-Length: 7"],
    ['GET', "304 Not Modified\r\nETag: \"a\""])
{
    my ($method, $head) = @$case;
    $backend->script([\'body', "HTTP/1.1 $head\r\n\r\n", \'close'], answer(200, 'next'));
    my $conn = Test::Weir::Conn->new($t->port);
    $conn->write("$method / HTTP/1.1\r\nHost: a\r\n\r\n");
    my $answer = $conn->read_response(method => $method);
    is($answer->{status}, substr($head, 0, 3), "$method $head: status");
    is($answer->{header}{'content-length'}, 7, "$method $head: length")
        if $method eq 'HEAD' && $head =~ /Length/;
    $conn->write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    is(($conn->read_response // {})->{body}, 'next', "$method $head: the next answer");
}

# A client that reads nothing for a while: the backend is done long before, by a temporary file.
$backend->script([\'body', "HTTP/1.1 200 OK\r\n" . $framing{'a length'}->($large), \'close']);
my $conn = Test::Weir::Conn->new($t->port);
$conn->write("GET /slow HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
ok($backend->wait_closed(1), 'the backend has sent all');
my $answer = $conn->read_response;
ok($answer->{body} eq $large, 'four MiB, read late');
ok($conn->eof, 'and the end');

# Without files the backend has to wait for the client.
for my $place ('/unbuffered/', '/nofile/') {
    my $most = $large x 6;
    $backend->script([\'body', "HTTP/1.1 200 OK\r\n" . $framing{'a length'}->($most), \'close']);
    $conn = Test::Weir::Conn->new($t->port);
    $conn->write("GET $place HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    $conn->read_until(qr/\r\n\r\n/);
    is(($backend->connections)[0]{closed}, undef, "$place: the backend waits");
    ok($conn->read_bytes(length $most) eq $most, "$place: all comes");
    $conn->close;
}

# --- storing ------------------------------------------------------------------------------------

$backend->script(answer(200, "kept\n", 'Last-Modified' => 'Tue, 14 Nov 2023 22:13:20 GMT'));
is(get($t->port, '/store/deep/a.txt')->{body}, "kept\n", 'an answer that is stored');
my $path = $t->dir . '/stored/store/deep/a.txt';
wait_for { -e $path } 5, 'the file';
is(slurp($path), "kept\n", 'its body');
is((stat $path)[9], 1_700_000_000, 'its time');
is((stat _)[2] & 0777, 0664, 'its mode');
for my $case ([404, 'Content-Length: 3', 'b.txt'], [200, 'Content-Length: 9', 'c.txt']) {
    my ($status, $length, $name) = @$case;
    $backend->script([\'body', "HTTP/1.1 $status X\r\n$length\r\n\r\nabc", \'close']);
    is(get($t->port, "/store/$name")->{status}, $status, "$status $length");
    ok(!-e $t->dir . "/stored/store/$name", 'is not stored');
}

# A client that leaves does not matter where the backend is to be heard to the end.
$backend->script([\'body', "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc", \'go', 'def']);
$conn = Test::Weir::Conn->new($t->port);
$conn->write("GET /abort/ HTTP/1.1\r\nHost: a\r\n\r\n");
$backend->wait_for_requests(1);
$conn->close;
is(($backend->connections)[0]{closed}, undef, 'the connection to the backend stays');
$backend->go;
ok(wait_for(sub { $t->access_log =~ m{^/abort/ 200 200 }m }, 5, 'the log'), 'the answer is read');

# --- what is logged -----------------------------------------------------------------------------

my $time = qr/\d+\.\d{3}/;
my ($one, $two) = map { '127\.0\.0\.1:' . $t->port($_) } 1, 2;
$backend->script([\'body', "HTTP/1.1 200 OK\r\nX-One: 1\r\nSet-Cookie: c=d; Path=/\r\n"
    . "Content-Length: 5\r\n\r\nhello", \'close']);
for my $case (
    ['/log', qr{/log 200 200 $one 5 \d+ \d+ 1 d $time $time $time -}],
    ['/two/log', join ' ', '/two/log 200 502, 200', "$two, $one", '0, 5', '0, \d+', '0, \d+',
        '1 d', "-, $time", "-, $time", "$time, $time", '-'],
    ['/local/log', qr{/local/log 200 - - - - - - - - - - -}],
    )
{
    my ($uri, $pattern) = @$case;
    get($t->port, $uri);
    ok(wait_for(sub { $t->access_log =~ m{^\Q$uri\E }m }, 5, 'the log'), "$uri is logged");
    my ($line) = $t->access_log =~ m{^(\Q$uri\E .*)$}m;
    like($line, qr/\A$pattern\z/, "$uri: variables");
}
$t->stop;

run_tests();

__DATA__

=== fields that are passed and those that are not
--- config
location / { proxy_pass http://127.0.0.1:%%PORT1%%; }
--- request: GET /
--- tcp_reply
HTTP/1.1 200 Very Good\r\n
Server: backend\r\n
Date: Tue, 14 Nov 2023 22:13:20 GMT\r\n
Content-Type: text/x-test; charset=koi8-r\r\n
Content-Length: 2\r\n
ETag: "e"\r\n
Last-Modified: Tue, 14 Nov 2023 22:13:20 GMT\r\n
Set-Cookie: a=b\r\n
Set-Cookie: c=d\r\n
X-One: 1\r\n
X-One: 2\r\n
x-pad: p\r\n
X-Accel-Unknown: u\r\n
X-Accel-Expires: 1\r\n
X-Accel-Charset: utf-8\r\n
X-Accel-Limit-Rate: 100000\r\n
X-Accel-Buffering: no\r\n
Keep-Alive: timeout=5\r\n
Connection: close\r\n
Vary: Accept\r\n
\r\nok
--- response_headers
Content-Type: text/x-test; charset=koi8-r
Content-Length: 2
ETag: "e"
Last-Modified: Tue, 14 Nov 2023 22:13:20 GMT
Set-Cookie: a=b
Set-Cookie: c=d
X-One: 1
X-One: 2
Connection: close
Vary: Accept
X-Accel-Unknown: u
!X-Pad
!X-Accel-Expires
!X-Accel-Charset
!X-Accel-Limit-Rate
!X-Accel-Buffering
!Keep-Alive
--- response_headers_like
Server: (?:nginx|weir).*
Date: (?!Tue, 14 Nov 2023).*
--- response_body chomp
ok

=== hidden and passed
--- config
proxy_hide_header X-Two;
location / {
    proxy_pass http://127.0.0.1:%%PORT1%%;
    proxy_hide_header x-one;
    proxy_pass_header Server;
    proxy_pass_header Date;
    proxy_pass_header X-Pad;
    proxy_pass_header X-Accel-Limit-Rate;
}
location /inherited { proxy_pass http://127.0.0.1:%%PORT1%%; }
--- pipelined_requests
GET /
~~~
GET /inherited
--- tcp_reply
HTTP/1.1 200 OK\r\nServer: backend\r\nDate: Tue, 14 Nov 2023 22:13:20 GMT\r\nX-Pad: p\r\n
X-One: 1\r\nX-Two: 2\r\nX-Accel-Limit-Rate: 0\r\nContent-Length: 0\r\n\r\n
--- response_headers
Server: backend
Date: Tue, 14 Nov 2023 22:13:20 GMT
X-Pad: p
X-Accel-Limit-Rate: 0
!X-One
X-Two: 2
~~~
X-One: 1
!X-Two
!X-Pad

=== X-Accel-Redirect
--- config
location / { proxy_pass http://127.0.0.1:%%PORT1%%; }
location /internal/ { internal; alias html/; add_header X-Here $uri?$args; }
location @named { return 200 "named $uri\n"; }
--- user_files
>>> a.txt
file
--- request: GET /
--- tcp_reply
HTTP/1.1 200 OK\r\nX-Accel-Redirect: /internal/a.txt?x=y\r\nContent-Type: text/x-own\r\n
Set-Cookie: a=b\r\nCache-Control: no-store\r\nX-Other: lost\r\nContent-Length: 4\r\n\r\ngone
--- response_headers
Content-Type: text/x-own
Content-Length: 5
X-Here: /internal/a.txt?x=y
Set-Cookie: a=b
Cache-Control: no-store
!X-Other
!X-Accel-Redirect
--- response_body
file

=== to a named location
--- request: GET /path
--- tcp_reply: HTTP/1.1 404 No\r\nX-Accel-Redirect: @named\r\nContent-Length: 4\r\n\r\ngone
--- response_body
named /path

=== a POST becomes a GET
--- request
POST /

x
--- tcp_reply: HTTP/1.1 200 OK\r\nX-Accel-Redirect: /internal/a.txt\r\nContent-Length: 0\r\n\r\n
--- response_body
file

=== not where it is ignored
--- config
location / { proxy_pass http://127.0.0.1:%%PORT1%%; proxy_ignore_headers X-Accel-Redirect Expires; }
--- request: GET /
--- tcp_reply: HTTP/1.1 200 OK\r\nX-Accel-Redirect: /a\r\nContent-Length: 2\r\n\r\nok
--- response_headers
!X-Accel-Redirect
--- response_body chomp
ok

=== X-Accel-Charset
--- http_config
charset_map koi8-r utf-8 { C1 D0B0; }
--- config
charset utf-8;
charset_types text/plain;
location / { proxy_pass http://127.0.0.1:%%PORT1%%; }
--- pipelined_requests
GET /
~~~
GET /
--- tcp_reply
HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Accel-Charset: koi8-r\r\n
Content-Length: 1\r\n\r\n\xc1
--- tcp_reply
HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1\r\n\r\n\xc1
--- response_headers
Content-Type: text/plain; charset=koi8-r
~~~
Content-Type: text/plain; charset=utf-8
--- response_body eval
"\xc1"

=== errors of the backend stay its own
--- config
error_page 404 500 = /error;
location = /error { return 200 "own\n"; }
location / { proxy_pass http://127.0.0.1:%%PORT1%%; }
location /intercept { proxy_pass http://127.0.0.1:%%PORT1%%; proxy_intercept_errors on; }
--- pipelined_requests
GET /
~~~
GET /intercept
~~~
GET /intercept
--- tcp_reply: HTTP/1.1 404 No\r\nContent-Length: 6\r\n\r\ntheirs
--- tcp_reply: HTTP/1.1 404 No\r\nContent-Length: 6\r\n\r\ntheirs
--- tcp_reply: HTTP/1.1 403 No\r\nContent-Length: 6\r\n\r\ntheirs
--- error_code: 404 200 403
--- response_body chomp
theirs
~~~
own

~~~
theirs

=== WWW-Authenticate survives
--- config
error_page 401 /error;
location = /error { return 401 "own\n"; }
location / { proxy_pass http://127.0.0.1:%%PORT1%%; proxy_intercept_errors on; }
--- request: GET /
--- tcp_reply: HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n
--- error_code: 401
--- response_headers
WWW-Authenticate: Basic realm=x

=== error_page for no backend
--- config
error_page 502 504 /sorry;
location = /sorry { return 200 "sorry\n"; }
location / { proxy_pass http://127.0.0.1:%%PORT1%%; }
--- request: GET /
--- error_code: 502
--- response_body
sorry

=== redirects
--- config
location /default/ { proxy_pass http://127.0.0.1:%%PORT1%%/path/; }
location /off/ { proxy_pass http://127.0.0.1:%%PORT1%%/path/; proxy_redirect off; }
location /own/ {
    proxy_pass http://127.0.0.1:%%PORT1%%/path/;
    proxy_redirect default;
    proxy_redirect http://other.test/ /other/;
    proxy_redirect ~^http://(\w+)\.re\.test(:\d+)?/(.*)$ /re/$1/$3;
    proxy_redirect ~*^HTTP://ci\.test/ $scheme://$host/ci/;
    proxy_redirect / /slash/;
}
--- pipelined_requests
GET /default/
~~~
GET /default/
~~~
GET /off/
~~~
GET /own/
~~~
GET /own/
~~~
GET /own/
~~~
GET /own/
~~~
GET /own/
~~~
GET /own/
--- tcp_reply
HTTP/1.1 302 F\r\nLocation: http://127.0.0.1:%%PORT1%%/path/x?y#z\r\nContent-Length: 0\r\n\r\n
--- tcp_reply: HTTP/1.1 302 F\r\nLocation: http://elsewhere.test/path/x\r\nContent-Length: 0\r\n\r\n
--- tcp_reply
HTTP/1.1 302 F\r\nLocation: http://127.0.0.1:%%PORT1%%/path/x\r\nContent-Length: 0\r\n\r\n
--- tcp_reply
HTTP/1.1 302 F\r\nLocation: http://127.0.0.1:%%PORT1%%/path/x\r\nContent-Length: 0\r\n\r\n
--- tcp_reply: HTTP/1.1 302 F\r\nLocation: http://other.test/a\r\nContent-Length: 0\r\n\r\n
--- tcp_reply: HTTP/1.1 302 F\r\nLocation: http://a.re.test:81/b/c\r\nContent-Length: 0\r\n\r\n
--- tcp_reply: HTTP/1.1 302 F\r\nLocation: http://CI.test/a\r\nContent-Length: 0\r\n\r\n
--- tcp_reply: HTTP/1.1 201 C\r\nLocation: /a\r\nContent-Length: 0\r\n\r\n
--- tcp_reply
HTTP/1.1 200 O\r\nRefresh: 5; url=http://other.test/a\r\nContent-Length: 0\r\n\r\n
--- error_code: 302 302 302 302 302 302 302 201 200
--- response_headers
Location: http://localhost:%%PORT%%/default/x?y#z
~~~
Location: http://elsewhere.test/path/x
~~~
Location: http://127.0.0.1:%%PORT1%%/path/x
~~~
Location: http://localhost:%%PORT%%/own/x
~~~
Location: http://localhost:%%PORT%%/other/a
~~~
Location: http://localhost:%%PORT%%/re/a/b/c
~~~
Location: http://localhost/ci/
~~~
Location: http://localhost:%%PORT%%/slash/a
~~~
Refresh: 5; url=/other/a

=== redirects by default need a fixed place
--- config
location / { set $b 127.0.0.1; proxy_pass http://$b:1; proxy_redirect default; }
--- conf_error
[emerg] "proxy_redirect default" cannot be used with "proxy_pass" directive with variables

=== cookies
--- config
location / {
    proxy_pass http://127.0.0.1:%%PORT1%%;
    proxy_cookie_domain backend.test $host;
    proxy_cookie_domain ~^(\w+)\.re\.test$ $1.front.test;
    proxy_cookie_path /app/ /;
    proxy_cookie_path ~^/v\d+/(.*)$ /$1;
    proxy_cookie_flags one httponly secure samesite=lax;
    proxy_cookie_flags ~^two nohttponly nosecure nosamesite;
}
location /off { proxy_pass http://127.0.0.1:%%PORT1%%; }
--- pipelined_requests
GET /
~~~
GET /off
--- tcp_reply
HTTP/1.1 200 OK\r\n
Set-Cookie: one=1; Domain=backend.test; Path=/app/x\r\n
Set-Cookie: two2=2; domain=.backend.test; path=/v1/y; HttpOnly; Secure; SameSite=Strict\r\n
Set-Cookie: three=3; Domain=a.re.test; Path=/other; Max-Age=5\r\n
Content-Length: 0\r\n\r\n
--- response_headers
Set-Cookie: one=1; Domain=localhost; Path=/x; Secure; HttpOnly; SameSite=Lax
Set-Cookie: two2=2; domain=.localhost; path=/y
Set-Cookie: three=3; Domain=a.front.test; Path=/other; Max-Age=5
~~~
Set-Cookie: one=1; Domain=backend.test; Path=/app/x
Set-Cookie: two2=2; domain=.backend.test; path=/v1/y; HttpOnly; Secure; SameSite=Strict
Set-Cookie: three=3; Domain=a.re.test; Path=/other; Max-Age=5

=== values of one name are joined in its variable
--- since: 1.23.0
--- config
location / { proxy_pass http://127.0.0.1:%%PORT1%%; add_header X-All "$upstream_http_x_one"; }
--- request: GET /
--- tcp_reply: HTTP/1.1 200 OK\r\nX-One: 1\r\nX-One: 2\r\nContent-Length: 0\r\n\r\n
--- response_headers
X-All: 1, 2

=== ranges
--- config
location / { proxy_pass http://127.0.0.1:%%PORT1%%; }
location /force { proxy_pass http://127.0.0.1:%%PORT1%%; proxy_force_ranges on; }
--- more_headers
Range: bytes=1-2
--- pipelined_requests
GET /
~~~
GET /
~~~
GET /force
--- tcp_reply: HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello
--- tcp_reply: HTTP/1.1 200 OK\r\nAccept-Ranges: bytes\r\nContent-Length: 5\r\n\r\nhello
--- tcp_reply: HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello
--- error_code: 200 200 206
--- response_body chomp
hello
~~~
hello
~~~
el

=== a rate is no matter for small bodies
--- config
location / { proxy_pass http://127.0.0.1:%%PORT1%%; proxy_limit_rate 1m; }
--- request: GET /
--- tcp_reply: HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello
--- response_body chomp
hello

=== an answer is compressed, and its strong ETag weakened
--- config
gzip on;
gzip_min_length 1;
gzip_proxied any;
gzip_types text/plain;
location / { proxy_pass http://127.0.0.1:%%PORT1%%; }
--- request
GET /
Accept-Encoding: gzip
--- tcp_reply
HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nETag: "e"\r\nContent-Length: 5\r\n\r\nhello
--- response_headers
Content-Encoding: gzip
ETag: W/"e"
!Content-Length

=== HTTP/1.0 at the backend, the client's connection is kept
--- config
location / { proxy_pass http://127.0.0.1:%%PORT1%%; }
--- keepalive_requests
GET /
~~~
GET /
--- tcp_reply: HTTP/1.0 200 OK\r\n\r\nhello
--- response_headers
Transfer-Encoding: chunked
--- response_body chomp
hello

=== a head that is too large
--- config
location / { proxy_pass http://127.0.0.1:%%PORT1%%; proxy_buffer_size 1k; proxy_buffers 4 1k;
    proxy_busy_buffers_size 2k; }
--- request: GET /
--- tcp_reply eval
'HTTP/1.1 200 OK\r\nX: ' . 'x' x 1000 . '\r\nContent-Length: 0\r\n\r\n'
--- error_code: 502
--- error_log: upstream sent too big header while reading response header from upstream

=== a backend that is silent
--- config
location / { proxy_pass http://127.0.0.1:%%PORT1%%; proxy_read_timeout 200ms; }
--- request: GET /
--- tcp_reply: HTTP/1.1 200 OK\r\n
--- tcp_reply_close: no
--- error_code: 504
--- error_log: upstream timed out (110: Connection timed out) while reading response header
