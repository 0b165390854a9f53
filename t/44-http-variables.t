# The variables of a request, of its connection and of its answer: values, empty and repeated
# ones, and when they are known. Those of the answer are looked at in the access log.
use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::INET;
use Sys::Hostname;
use Test::Weir;

# What depends on the process, the machine or the client's socket.
{
    my $t = Test::Weir->new(name => 'variables');
    $t->write_file('html/data/a.txt', "text\n");
    symlink 'html', $t->dir . '/link' or die "symlink: $!";
    $t->write_conf(<<'CONF');
events { }
http {
    log_format sent '$uri $body_bytes_sent $bytes_sent';
    access_log logs/access.log sent;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /pid { return 200 $pid; }
        location /hostname { return 200 $hostname; }
        location /port { return 200 $remote_port; }
        location /now { return 200 "$msec $time_iso8601 $time_local"; }
        location /id { return 200 "$request_id $request_id"; }
        location /conn { return 200 $connection; }
        location /link/ { root link; return 200 "$document_root $realpath_root"; }
        location /linkalias/ { alias link/data/; return 200 "$document_root $realpath_root"; }
        location /nowhere/ { root nowhere; return 200 "[$document_root] [$realpath_root]"; }
        location /data/ { root html; }
        location /long { return 200 "0123456789"; }
    }
}
CONF
    $t->start;
    my ($port, $dir) = ($t->port, $t->dir);

    is(get($port, '/pid')->{body}, ($t->worker_pids)[0], '$pid is that of the worker');
    is(get($port, '/hostname')->{body}, lc hostname(), '$hostname in small letters');
    is(get($port, '/link/x')->{body}, "$dir/link $dir/html", '$realpath_root without links');
    is(get($port, '/linkalias/x')->{body}, "$dir/link/data/ $dir/html/data", 'the same of alias');
    $t->allow_log(qr/realpath\(\) "[^"]*nowhere" failed/);
    is(get($port, '/nowhere/x')->{body}, "[$dir/nowhere] []", '$realpath_root that is not there');

    my $before = time;
    my ($msec, $iso, $local) = get($port, '/now')->{body} =~ /^(\S+) (\S+) (.*)$/;
    like($msec, qr/^\d+\.\d{3}$/, '$msec has three decimals');
    ok($msec >= $before - 2 && $msec <= time + 2, '$msec is now') or diag("$msec, $before");
    like($iso, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d$/, '$time_iso8601');
    like($local, qr{^\d\d/[A-Z][a-z][a-z]/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}$}, '$time_local');

    my ($one, $two) = map { get($port, '/id')->{body} } 1 .. 2;
    like($one, qr/^([0-9a-f]{32}) \1$/, '$request_id is the same all over a request');
    isnt($one, $two, '$request_id of another request');
    isnt(get($port, '/conn')->{body}, get($port, '/conn')->{body}, '$connection of another');

    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) or die $!;
    print $socket "GET /port HTTP/1.0\r\n\r\n";
    like(join('', <$socket>), qr/\r\n\r\n${\$socket->sockport}\z/, '$remote_port');

    my %sent;
    my @paths = ('/data/a.txt', '/long', '/data/none');
    $sent{$_} = get($port, $_) for @paths;
    $t->stop;
    my %logged = map { /^(\S+) (.*)/ } split /\n/, $t->access_log;
    is($logged{$_}, length($sent{$_}{body}) . ' ' . length($sent{$_}{raw}), "bytes sent of $_")
        for @paths;
}

run_tests();

__DATA__

=== $arg_name: the first of the name, as it was sent, whatever the letter case
--- config
location / { return 200 "[$arg_a][$arg_bb][$arg_a_b][$arg_1]"; }
--- keepalive_requests
GET /?a=1&bb=2&a_b=3&1=4
~~~
GET /?a=first&a=second
~~~
GET /?A=upper&BB=UPPER
~~~
GET /?a=%20%61+b&bb=x=y
~~~
GET /?xa=1&ax=2&a=3
~~~
GET /?a=&bb=2
~~~
GET /?a&bb=2
~~~
GET /?&&a=1&&bb=2&
~~~
GET /
~~~
GET /?
~~~
GET /?a=1;bb=2
~~~
GET /?a=1?a=2&bb=/../x
--- response_body chomp
[1][2][3][4]
~~~
[first][][][]
~~~
[upper][UPPER][][]
~~~
[%20%61+b][x=y][][]
~~~
[3][][][]
~~~
[][2][][]
~~~
[][2][][]
~~~
[1][2][][]
~~~
[][][][]
~~~
[][][][]
~~~
[1;bb=2][][][]
~~~
[1?a=2][/../x][][]

=== a fragment is no part of the arguments
--- config
location / { return 200 "$uri [$args]"; }
--- request
GET /x?a=b#c
--- response_body: /x [a=b]

=== $args, $query_string and $is_args
--- config
location / { return 200 "$uri$is_args$args|$query_string"; }
--- keepalive_requests
GET /x?a=b&c
~~~
GET /x?
~~~
GET /x
~~~
GET /x??
~~~
GET /x?%3F%20
--- response_body chomp
/x?a=b&c|a=b&c
~~~
/x|
~~~
/x|
~~~
/x??|?
~~~
/x?%3F%20|%3F%20

=== $uri and $document_uri are decoded and normalized, $request_uri is as it was sent
--- config
location / { return 200 "$uri|$document_uri|$request_uri"; }
location = /in { try_files /none /out?new=1; }
location = /out { return 200 "$uri|$document_uri|$request_uri|$args"; }
--- keepalive_requests
GET /
~~~
GET /a%20b/../%63//d?x=%20
~~~
GET /%25%3f
~~~
GET /in?old=1
--- response_body chomp
/|/|/
~~~
/c/d|/c/d|/a%20b/../%63//d?x=%20
~~~
/%?|/%?|/%25%3f
~~~
/out|/out|/in?old=1|new=1

=== $request, $request_method, $server_protocol and $scheme
--- config
location / { return 200 "$request|$request_method|$server_protocol|$scheme|$https|"; }
--- keepalive_requests
GET /a%20?b
~~~
POST /

body
~~~
DELETE /x
~~~
XMETHOD /y
~~~
GET / HTTP/1.0
--- response_body chomp
GET /a%20?b HTTP/1.1|GET|HTTP/1.1|http||
~~~
POST / HTTP/1.1|POST|HTTP/1.1|http||
~~~
DELETE /x HTTP/1.1|DELETE|HTTP/1.1|http||
~~~
XMETHOD /y HTTP/1.1|XMETHOD|HTTP/1.1|http||
~~~
GET / HTTP/1.0|GET|HTTP/1.0|http||

=== HEAD evaluates the same variables as GET
--- config
location / { return 200 "$request_method $uri"; }
--- request
HEAD /abc
--- response_headers
Content-Length: 9
--- response_body:

=== $host is in small letters, without port and dot; $http_host is as it was sent
--- config
server_name named.example other.example;
location / { return 200 "$host|$http_host|$server_name"; }
--- keepalive_requests
GET /
Host: Any.Example
~~~
GET /
Host: other.example:8080
~~~
GET /
Host: other.example.
~~~
GET /
Host: [2001:DB8::1]:80
--- response_body chomp
any.example|Any.Example|named.example
~~~
other.example|other.example:8080|named.example
~~~
other.example|other.example.|named.example
~~~
[2001:db8::1]|[2001:DB8::1]:80|named.example

=== $host of an absolute target, and without any
--- raw_request
GET http://TARGET.example:81/ HTTP/1.1\r\nHost: header.example\r\nConnection: close\r\n\r\n
--- response_body: target.example|header.example|named.example

=== $host without a Host is the name of the server
--- raw_request
GET / HTTP/1.0\r\n\r\n
--- response_body: named.example||named.example

=== $request_port is what the client wrote, $is_request_port a colon if there is one
--- since: 1.29.3
--- config
location / { return 200 "$host$is_request_port$request_port|"; }
--- keepalive_requests
GET /
Host: a.example:8080
~~~
GET /
Host: a.example
~~~
GET /
Host: [::1]:81
--- response_body chomp
a.example:8080|
~~~
a.example|
~~~
[::1]:81|

=== $request_port of an absolute target comes before that of Host
--- since: 1.29.3
--- raw_request
GET http://b.example:82/ HTTP/1.1\r\nHost: a.example:81\r\nConnection: close\r\n\r\n
--- response_body: b.example:82|

=== the addresses and ports of a connection
--- config
location / { return 200 "$remote_addr|$server_addr|$server_port"; }
--- request
GET /
--- response_body eval
'127.0.0.1|127.0.0.1|%%PORT%%'

=== $server_addr where listen names none
--- config
listen %%PORT%%;
location / { return 200 "$remote_addr|$server_addr|$server_port"; }
--- request
GET /
--- response_body eval
'127.0.0.1|127.0.0.1|%%PORT%%'

=== $http_name: dashes become underscores, letter case does not count
--- config
underscores_in_headers on;
location / { return 200 "[$http_x_one][$http_X_ONE][$http_user_agent][$http_referer][$http_x_one_two]"; }
--- keepalive_requests
GET /
X-One: 1
User-Agent: agent
Referer: from
~~~
GET /
x-oNE:   padded   
~~~
GET /
X-One:
~~~
GET /
X-One-Two: 12
~~~
GET /
X_One: under
--- response_body chomp
[1][1][agent][from][]
~~~
[padded][padded][][][]
~~~
[][][][][]
~~~
[][][][][12]
~~~
[under][under][][][]

=== names with underscores are passed over otherwise
--- config
location / { return 200 "[$http_x_one]"; }
--- request
GET /
X_One: under
--- response_body: []

=== fields that come several times: Cookie and X-Forwarded-For are joined
--- config
location / { return 200 "[$http_cookie][$http_x_forwarded_for]"; }
--- request
GET /
Cookie: a=1
X-Forwarded-For: 192.0.2.1
Cookie: b=2; c=3
X-Forwarded-For: 192.0.2.2, 192.0.2.3
--- response_body: [a=1; b=2; c=3][192.0.2.1, 192.0.2.2, 192.0.2.3]

=== fields that come several times: any other is joined with a comma
--- since: 1.23.0
--- config
location / { return 200 "[$http_x_list][$http_accept]"; }
--- request
GET /
X-List: one
Accept: a/b
Accept: c/d
X-List: two, three
--- response_body: [one, two, three][a/b, c/d]

=== $cookie_name: the first of the name
--- config
location / { return 200 "[$cookie_a][$cookie_bb][$cookie_a_b]"; }
--- keepalive_requests
GET /
Cookie: a=1; bb=2; a_b=3
~~~
GET /
Cookie: a=1; a=2
~~~
GET /
Cookie: A=upper; Bb=mixed
~~~
GET /
Cookie: xa=1; ax=2; a=3
~~~
GET /
Cookie: a=; bb
~~~
GET /
Cookie: a=1;bb=2
~~~
GET /
Cookie: a=x=y; bb="quoted;x"
~~~
GET /
Cookie: bb=2
Cookie: a=1
~~~
GET /
Cookie: a=%20+
~~~
GET /
--- response_body chomp
[1][2][3]
~~~
[1][][]
~~~
[upper][mixed][]
~~~
[3][][]
~~~
[][][]
~~~
[1][2][]
~~~
[x=y]["quoted][]
~~~
[1][2][]
~~~
[%20+][][]
~~~
[][][]

=== $content_type and $content_length are those of the request
--- config
location / { return 200 "[$content_type][$content_length][$http_content_type][$http_content_length]"; }
--- keepalive_requests
GET /
~~~
POST /
Content-Type: text/x-sent; charset=utf-8

12345
~~~
POST /
Content-Length: 0
~~~
GET /
Content-Type: text/plain
--- response_body chomp
[][][][]
~~~
[text/x-sent; charset=utf-8][5][text/x-sent; charset=utf-8][5]
~~~
[][0][][0]
~~~
[text/plain][][text/plain][]

=== $request_body and $request_body_file are empty where nothing read the body
--- config
location / { return 200 "[$request_body][$request_body_file]"; }
--- request
POST /

some body
--- response_body: [][]

=== $remote_user is what the client says, whether or not it is asked for
--- config
location / { return 200 "[$remote_user]"; }
--- keepalive_requests
GET /
Authorization: Basic dXNlcjpwYXNz
~~~
GET /
Authorization: basic dXNlcjpwYXNz
~~~
GET /
Authorization: Basic dXNlcjo=
~~~
GET /
Authorization: Basic dXNlcg==
~~~
GET /
Authorization: Basic OnBhc3M=
~~~
GET /
Authorization: Basic %%%
~~~
GET /
Authorization: Bearer dXNlcjpwYXNz
~~~
GET /
Authorization: Basic
~~~
GET /
--- response_body chomp
[user]
~~~
[user]
~~~
[user]
~~~
[]
~~~
[]
~~~
[]
~~~
[]
~~~
[]
~~~
[]

=== $document_root, $request_filename and $realpath_root
--- config
root html;
location / { return 200 "$document_root|$request_filename|$realpath_root"; }
location /own/ { root html/data; return 200 "$document_root|$request_filename|$realpath_root"; }
location /alias/ { alias html/data/; return 200 "$document_root|$request_filename|$realpath_root"; }
location ~ ^/rx/(.*)$ { alias html/data/$1; return 200 "$document_root|$request_filename"; }
location /var/ { root html/$arg_dir; return 200 "$document_root|$request_filename|$realpath_root"; }
--- user_files
>>> data/a.txt
a
--- keepalive_requests
GET /a%20b?x
~~~
GET /own/x
~~~
GET /alias/x/y
~~~
GET /rx/a.txt
~~~
GET /var/x?dir=data
~~~
GET /
--- response_body chomp
%%DIR%%/html|%%DIR%%/html/a b|%%DIR%%/html
~~~
%%DIR%%/html/data|%%DIR%%/html/data/own/x|%%DIR%%/html/data
~~~
%%DIR%%/html/data/|%%DIR%%/html/data/x/y|%%DIR%%/html/data
~~~
%%DIR%%/html/data/a.txt|%%DIR%%/html/data/a.txt
~~~
%%DIR%%/html/data|%%DIR%%/html/data/var/x|%%DIR%%/html/data
~~~
%%DIR%%/html|%%DIR%%/html/|%%DIR%%/html

=== $limit_rate is the rate in bytes once the answer is sent, 0 without one
--- http_config
log_format rate '$uri $limit_rate';
access_log logs/access.log rate;
--- config
location / { return 200 $limit_rate; }
location /slow { limit_rate 20k; return 200 "text"; }
location /mega { limit_rate 1m; return 200 "text"; }
location /off { limit_rate 0; return 200 $limit_rate; }
location /arg { limit_rate $arg_rate; return 200 "text"; }
--- keepalive_requests
GET /
~~~
GET /slow
~~~
GET /mega
~~~
GET /off
~~~
GET /arg?rate=30k
~~~
GET /arg/none
--- response_body_like
\A0\z
~~~
text
~~~
text
~~~
\A0\z
~~~
text
~~~
text
--- access_log_like
^/ 0$
^/slow 20480$
^/mega 1048576$
^/off 0$
^/arg 30720$
^/arg/none 0$

=== $nginx_version is a version
--- config
location / { return 200 $nginx_version; }
--- request
GET /
--- response_body_like
\A\d+\.\d+(\.\d+)?\z

=== $connection stays, $connection_requests counts
--- config
location / { return 200 "$connection_requests $connection_time"; }
location /n { return 200 $connection; }
--- keepalive_requests
GET /
~~~
GET /
~~~
GET /n
~~~
GET /
--- response_body_like
\A1 \d+\.\d{3}\z
~~~
\A2 \d+\.\d{3}\z
~~~
\A\d+\z
~~~
\A4 \d+\.\d{3}\z

=== $request_length is all that came: request line, head and body
--- http_config
log_format len '$uri $request_length';
access_log logs/access.log len;
--- config
location / { return 204; }
--- raw_request
GET /get HTTP/1.0\r\n\r\n
--- error_code: 204
--- access_log_like
^/get 21$

=== $request_length with a body
A body that nobody reads may be left out.
--- raw_request
POST /post HTTP/1.0\r\nContent-Length: 10\r\n\r\n0123456789
--- error_code: 204
--- access_log_like
^/post (43|53)$

=== $pipe tells pipelined requests
--- http_config
log_format pipe '$uri [$pipe]';
access_log logs/access.log pipe;
--- config
location / { return 200 "$uri"; }
--- pipelined_requests
GET /one
~~~
GET /two
~~~
GET /three
--- access_log_like
^/one \[\.\]$
^/two \[p\]$
^/three \[p\]$

=== $pipe of requests that wait for the answer before
--- keepalive_requests
GET /four
~~~
GET /five
--- access_log_like
^/four \[\.\]$
^/five \[\.\]$

=== what the answer was, in the access log
--- http_config
types { text/css css; }
log_format sent '$uri $status [$sent_http_content_type][$sent_http_content_length][$sent_http_location][$sent_http_last_modified][$sent_http_etag][$sent_http_x_none][$sent_trailer_x_none][$sent_http_transfer_encoding]';
access_log logs/access.log sent;
--- config
root html;
location /text { return 200 "text"; }
location /moved { return 301 /there; }
location /empty { return 204; }
--- user_files
>>> a.css @1700000000
text
--- keepalive_requests
GET /a.css
~~~
GET /text
~~~
GET /moved
~~~
GET /empty
~~~
HEAD /none
--- error_code: 200 200 301 204 404
--- access_log_like
^/a\.css 200 \[text/css\]\[5\]\[-\]\[Tue, 14 Nov 2023 22:13:20 GMT\]\[\\x226553f100-5\\x22\]\[-\]\[-\]\[-\]$
^/text 200 \[text/plain\]\[4\]\[-\]\[-\]\[-\]\[-\]\[-\]\[-\]$
^/moved 301 \[text/html\]\[\d+\]\[http://localhost:%%PORT%%/there\]\[-\]\[-\]\[-\]\[-\]\[-\]$
^/empty 204 \[-\]\[-\]\[-\]\[-\]\[-\]\[-\]\[-\]\[-\]$
^/none 404 \[text/html\]\[\d+\]\[-\]\[-\]\[-\]\[-\]\[-\]\[-\]$
--- error_log
/html/none" failed

=== sent and received sizes and times of requests, in the access log
--- http_config
log_format sizes '$request_method $uri $status $body_bytes_sent $bytes_sent $request_completion $request_time';
access_log logs/access.log sizes;
--- config
location / { return 200 "0123456789"; }
location /none { return 404; }
location /444 { return 444; }
--- keepalive_requests
GET /ten
~~~
HEAD /ten
~~~
GET /none
--- error_code: 200 200 404
--- access_log_like
^GET /ten 200 10 [1-9]\d+ OK \d+\.\d{3}$
^HEAD /ten 200 0 [1-9]\d+ OK \d+\.\d{3}$
^GET /none 404 [1-9]\d+ [1-9]\d+ OK \d+\.\d{3}$

=== sizes of a request that was never answered
--- request
GET /444
--- error_code: none
--- access_log_like
^GET /444 444 0 0  \d+\.\d{3}$

=== $status of several codes
--- http_config
log_format status '$uri $status';
access_log logs/access.log status;
--- config
location /a { return 503; }
location /b { error_page 503 =202 /c; return 503; }
location /c { return 200; }
location /d { error_page 503 /c; return 503; }
--- keepalive_requests
GET /a
~~~
GET /b
~~~
GET /d
--- error_code: 503 202 503
--- access_log_like
^/a 503$
^/c 202$
^/c 503$

=== $binary_remote_addr has four bytes
--- http_config
log_format binary '$uri $binary_remote_addr';
access_log logs/access.log binary;
--- config
location / { return 204; }
--- request
GET /x
--- error_code: 204
--- access_log_like
^/x \\x7F\\x00\\x00\\x01$

=== variables of the request in the log after an internal redirect: those of the last place
--- http_config
log_format vars '$request|$request_uri|$uri|$args|$request_method|$document_root';
access_log logs/access.log vars;
--- config
root html;
location /in { root html/in; try_files /none /out?new; }
location /out { return 204; }
--- request
GET /in?old
--- error_code: 204
--- access_log_like
^GET /in\?old HTTP/1\.1\|/in\?old\|/out\|new\|GET\|%%DIR%%/html$

=== the request before it was understood, in the log
--- http_config
log_format early '$status [$request][$request_method][$uri][$host][$http_host][$server_protocol][$remote_addr][$args]';
access_log logs/access.log early;
--- config
return 200;
--- raw_request
BAD\x01 /x HTTP/1.1\r\n\r\n
--- error_code: 400
--- access_log_like
^400 \[BAD\\x01 /x HTTP/1\.1\]\[-\]\[-\]\[localhost\]\[-\]\[-\]\[127\.0\.0\.1\]\[-\]$

=== PROXY protocol, in text: the variables have what it says, the others stay
--- config
listen 127.0.0.1:%%PORT%% proxy_protocol;
location / { return 200 "$proxy_protocol_addr|$proxy_protocol_port|$proxy_protocol_server_addr|$proxy_protocol_server_port|$remote_addr|$server_addr"; }
--- raw_request
PROXY TCP4 192.0.2.1 198.51.100.2 1234 5678\r\nGET / HTTP/1.0\r\n\r\n
--- response_body: 192.0.2.1|1234|198.51.100.2|5678|127.0.0.1|127.0.0.1

=== PROXY protocol, IPv6
--- raw_request
PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\nGET / HTTP/1.0\r\n\r\n
--- response_body: 2001:db8::1|1|2001:db8::2|65535|127.0.0.1|127.0.0.1

=== PROXY protocol, unknown client
--- raw_request
PROXY UNKNOWN\r\nGET / HTTP/1.0\r\n\r\n
--- response_body: ||||127.0.0.1|127.0.0.1

=== PROXY protocol, binary
--- raw_request
\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x01\xc6\x33\x64\x02\x04\xd2\x16\x2eGET / HTTP/1.0\r\n\r\n
--- response_body: 192.0.2.1|1234|198.51.100.2|5678|127.0.0.1|127.0.0.1

=== PROXY protocol, TLVs of the binary head
--- since: 1.23.2
--- config
listen 127.0.0.1:%%PORT%% proxy_protocol;
location / { return 200 "[$proxy_protocol_tlv_alpn][$proxy_protocol_tlv_authority][$proxy_protocol_tlv_0x02][$proxy_protocol_tlv_0xea][$proxy_protocol_tlv_unique_id]"; }
--- raw_request
\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x25\xc0\0\x02\x01\xc6\x33\x64\x02\x04\xd2\x16\x2e
\x01\0\x02h2\x02\0\x09a.example\xea\0\x05value
GET / HTTP/1.0\r\n\r\n
--- response_body: [h2][a.example][a.example][value][]

=== variables of the PROXY protocol without it
--- config
location / { return 200 "[$proxy_protocol_addr][$proxy_protocol_port][$proxy_protocol_server_addr][$proxy_protocol_server_port]"; }
--- request
GET /
--- response_body: [][][][]

=== in the log an empty value is empty, one that is not there is a dash
--- http_config
log_format empty '[$args][$arg_a][$arg_b][$http_x_a][$http_x_b][$cookie_a][$cookie_b][$https][$is_args][$remote_user]';
access_log logs/access.log empty;
--- config
location / { return 204; }
--- request
GET /?a=
X-A:
Cookie: a=
--- error_code: 204
--- access_log_like
^\[a=\]\[\]\[-\]\[\]\[-\]\[\]\[-\]\[\]\[\?\]\[-\]$

=== braces around a name, and variables beside one another
--- config
location / { return 200 "${arg_a}b$arg_a-$arg_a.$arg_a$arg_a"; }
--- request
GET /?a=1
--- response_body: 1b1-1.11

=== an unknown variable is refused
--- config
location / { return 200 "$unknown_thing"; }
--- conf_error
[emerg] unknown "unknown_thing" variable

=== an unknown variable in a log_format is refused
--- http_config
log_format x '$unknown_thing';
--- config
access_log logs/x.log x;
--- conf_error
[emerg] unknown "unknown_thing" variable

=== a brace that is not closed is refused
--- config
location / { return 200 "${arg_a"; }
--- conf_error
[emerg] the closing bracket in "arg_a" variable is missing in %%CONF%%:

=== braces around nothing are refused
--- config
location / { return 200 "${}"; }
--- conf_error
[emerg] invalid variable name in %%CONF%%:
