# add_header, add_trailer and expires.
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::Weir;
use Time::Local qw(timegm);

# Seconds since 1970 of the one form of a date that answers have.
sub seconds
{
    my ($text) = @_;
    my %months = map { (qw(Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec))[$_] => $_ } 0 .. 11;
    my ($day, $month, $year, $hour, $minute, $second) = ($text // '')
        =~ /^[A-Z][a-z]{2}, (\d\d) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d) GMT$/ or return;

    return timegm($second, $minute, $hour, $day, $months{$month}, $year);
}

# --- expires: what it says against what it computes ---------------------------------------------

{
    my $t = Test::Weir->new(name => 'expires');
    # Name: what is written, seconds from now, Cache-Control.
    my %forms = (
        second => ['1s', 1, 'max-age=1'],
        bare => ['90', 90, 'max-age=90'],
        minute => ['1m', 60, 'max-age=60'],
        hour => ['1h', 3600, 'max-age=3600'],
        day => ['1d', 86_400, 'max-age=86400'],
        week => ['1w', 604_800, 'max-age=604800'],
        month => ['1M', 2_592_000, 'max-age=2592000'],
        year => ['1y', 31_536_000, 'max-age=31536000'],
        plus => ['+24h', 86_400, 'max-age=86400'],
        mixed => ['1h30m', 5400, 'max-age=5400'],
        quoted => ['"1h 30m"', 5400, 'max-age=5400'],
        zero => ['0', 0, 'max-age=0'],
        minus => ['-1', -1, 'no-cache'],
        past => ['-1h', -3600, 'no-cache'],
    );
    my $locations = join '', map { "location = /$_ { expires $forms{$_}[0]; return 200; }\n" }
        sort keys %forms;

    $t->write_file('html/old.txt', "old\n", mtime => 1_700_000_000);
    $t->write_file('html/new.txt', "new\n");
    $t->write_conf("events { } http { server { listen 127.0.0.1:%%PORT%%;\n$locations"
        . "location = /arg { expires \$arg_time; return 200; }\n"
        . "location / { expires modified 1h; }\n"
        . "location /at { expires \@15h30m; return 200; }\n"
        . "location /midnight { expires \@0h; return 200; }\n} }");
    # Half an hour off Greenwich, so that neither hours nor minutes can be confused.
    $t->start(env => {TZ => 'WEIR-05:30'});

    my $check = sub {
        my ($uri, $seconds, $control, $name) = @_;
        my $answer = get($t->port, $uri);
        my ($date, $expires) = map { seconds($answer->{header}{$_}) } qw(date expires);
        is(defined $expires ? $expires - $date : 'none', $seconds, "$name: Expires");
        is($answer->{header}{'cache-control'}, $control, "$name: Cache-Control");
    };
    $check->("/$_", @{$forms{$_}}[1, 2], "expires $forms{$_}[0]") for sort keys %forms;
    $check->('/arg?time=90', 90, 'max-age=90', 'a variable');
    $check->('/arg?time=-90', -90, 'no-cache', 'a variable below zero');
    $check->('/arg?time=1h30m', 5400, 'max-age=5400', 'a variable with units');

    my $answer = get($t->port, '/old.txt');
    is($answer->{header}{expires}, 'Tue, 14 Nov 2023 23:13:20 GMT', 'modified: an old file');
    is($answer->{header}{'cache-control'}, 'no-cache', 'modified: has expired');
    $answer = get($t->port, '/new.txt');
    my ($date, $modified, $expires) = map { seconds($answer->{header}{$_}) }
        qw(date last-modified expires);
    is($expires - $modified, 3600, 'modified: a new file');
    is($answer->{header}{'cache-control'}, 'max-age=' . ($expires - $date), 'modified: its age');

    # 15:30 in the server's time zone is 10:00 in Greenwich, midnight is 18:30.
    for my $case (['/at', '10:00:00', '@15h30m'], ['/midnight', '18:30:00', '@0h'],
        ['/arg?time=@15h30m', '10:00:00', 'a variable: @15h30m']) {
        my ($uri, $time, $name) = @$case;
        $answer = get($t->port, $uri);
        ($date, $expires) = map { seconds($answer->{header}{$_}) } qw(date expires);
        like($answer->{header}{expires}, qr/ $time GMT$/, "$name: the time of day");
        ok($expires > $date && $expires <= $date + 86_400, "$name: within a day");
        is($answer->{header}{'cache-control'}, 'max-age=' . ($expires - $date), "$name: its age");
    }
    $t->stop;
}

run_tests();

__DATA__

=== add_header
--- config
root html;
location = /a.txt { add_header X-One 1; add_header X-Two "two words"; }
location /same { add_header Link "<a>"; add_header Link "<b>"; return 200; }
location /empty {
    add_header X-Empty "";
    add_header X-Var $arg_none;
    add_header X-Not n;
    return 200;
}
location /vars { add_header X-Uri "$uri?$args"; add_header X-Status $status; return 201 made; }
location /type { add_header X-Type $sent_http_content_type; default_type text/own; return 200 a; }
--- user_files
>>> a.txt @1700000000
text
--- request
GET /a.txt
--- response_headers
X-One: 1
X-Two: two words
Content-Type: text/plain
Content-Length: 5
--- response_body
text

=== one name more than once
--- request
GET /same
--- response_headers
Link: <a>
Link: <b>

=== an empty value adds nothing
--- request
GET /empty
--- response_headers
!X-Empty
!X-Var
X-Not: n

=== variables are those of the answer
--- request
GET /vars/%61?b=c
--- error_code: 201
--- response_headers
X-Uri: /vars/a?b=c
X-Status: 201

=== headers of the answer as variables
--- request
GET /type
--- response_headers
X-Type: text/own

=== HEAD, a range and a 304 have the header too
--- keepalive_requests
HEAD /a.txt
~~~
GET /a.txt
Range: bytes=0-1
~~~
GET /a.txt
If-Modified-Since: Tue, 14 Nov 2023 22:13:20 GMT
--- error_code: 200 206 304
--- response_headers
X-One: 1

=== the answers that have added headers
--- config
add_header X-Added yes;
expires 1h;
location = /200 { return 200; }
location = /201 { return 201; }
location = /202 { return 202; }
location = /204 { return 204; }
location = /301 { return 301 /a; }
location = /302 { return 302 /a; }
location = /303 { return 303 /a; }
location = /307 { return 307 /a; }
location = /308 { return 308 /a; }
--- keepalive_requests eval
join "~~~\n", map { "GET /$_\n" } qw(200 201 204 301 302 303 307 308)
--- error_code: 200 201 204 301 302 303 307 308
--- response_headers
X-Added: yes
Cache-Control: max-age=3600

=== the answers that do not
--- config
add_header X-Added yes;
expires 1h;
location = /202 { return 202; }
location = /403 { return 403; }
location = /404 { return 404; }
location = /410 { return 410; }
location = /500 { return 500; }
location = /503 { return 503; }
--- keepalive_requests eval
join "~~~\n", map { "GET /$_\n" } qw(202 403 404 410 503 500)
--- error_code: 202 403 404 410 503 500
--- response_headers
!X-Added
!Expires
!Cache-Control

=== always
--- config
add_header X-Ok ok;
add_header X-Always yes always;
error_page 410 /gone.html;
location = /403 { return 403; }
location = /410 { return 410; }
location = /gone.html { add_header X-Page page always; add_header X-Page-Ok ok; }
location = /503 { return 503; }
--- user_files
>>> gone.html
gone
--- keepalive_requests
GET /403
~~~
GET /missing
~~~
GET /410
~~~
GET /503
--- error_code: 403 404 410 503
--- response_headers
X-Always: yes
!X-Ok
~~~
X-Always: yes
!X-Ok
~~~
!X-Always
X-Page: page
!X-Page-Ok
~~~
X-Always: yes
!X-Ok
--- error_log
/html/missing" failed

=== always, when the request could not even be read
--- raw_request
BAD\r\n\r\n
--- error_code: 400
--- response_headers
X-Always: yes
!X-Ok

=== inheritance: one header of a location's own, and none of the server's counts
--- http_config
add_header X-Http http;
--- config
add_header X-Server server;
location / { return 200; }
location /own { add_header X-Own own; return 200; }
location /outer { add_header X-Outer outer;
    location /outer/inner { return 200; }
    location /outer/own { add_header X-Own own; return 200; }
}
location /trailer { add_trailer X-Trailer t; return 200; }
location /expires { expires 1h; return 200; }
location /if { if ($arg_a) { add_header X-If if; } add_header X-Own own; return 200; }
--- keepalive_requests
GET /
~~~
GET /own
~~~
GET /outer/inner
~~~
GET /outer/own
~~~
GET /trailer
~~~
GET /expires
--- response_headers
!X-Http
X-Server: server
~~~
!X-Http
!X-Server
X-Own: own
~~~
!X-Server
X-Outer: outer
~~~
!X-Outer
!X-Server
X-Own: own
~~~
X-Server: server
~~~
X-Server: server
Cache-Control: max-age=3600

=== headers of the http block
--- http_config
add_header X-Http http;
--- config
location / { return 200; }
location /if { add_header X-Own own; if ($arg_a) { add_header X-If if; return 200; } return 201; }
--- keepalive_requests
GET /
~~~
GET /if?a=1
~~~
GET /if
--- error_code: 200 200 201
--- response_headers
X-Http: http
~~~
!X-Http
!X-Own
X-If: if
~~~
X-Own: own
!X-If

=== add_header_inherit merge
--- since: 1.29.3
--- http_config
add_header X-Http http;
--- config
add_header_inherit merge;
add_header X-Server server;
location / { return 200; }
location /own { add_header X-Own own; return 200; }
location /off { add_header_inherit off; return 200; }
location /off/own { add_header_inherit off; add_header X-Own own; return 200; }
location /on { add_header_inherit on; add_header X-Own own; return 200; }
location /on/only { add_header_inherit on; return 200; }
location /outer { add_header X-Outer outer;
    location /outer/inner { add_header X-Inner inner; return 200; }
}
--- keepalive_requests
GET /
~~~
GET /own
~~~
GET /off
~~~
GET /off/own
~~~
GET /on
~~~
GET /on/only
~~~
GET /outer/inner
--- response_headers
X-Http: http
X-Server: server
~~~
X-Http: http
X-Server: server
X-Own: own
~~~
!X-Http
!X-Server
~~~
!X-Http
!X-Server
X-Own: own
~~~
!X-Http
!X-Server
X-Own: own
~~~
X-Http: http
X-Server: server
~~~
X-Http: http
X-Server: server
X-Outer: outer
X-Inner: inner

=== add_trailer_inherit merge
--- since: 1.29.3
--- config
add_trailer X-Server server;
location / { add_trailer_inherit merge; add_trailer X-Own own; return 200 body; }
location /off { add_trailer_inherit off; return 200 body; }
location /on { add_trailer X-Own own; return 200 body; }
--- keepalive_requests
GET /off
~~~
GET /on
~~~
GET /
--- error_code: 200
--- response_headers
Content-Length: 4
~~~
Transfer-Encoding: chunked
~~~
Transfer-Encoding: chunked
--- raw_response_like
body\r\n0\r\nX-Own: own\r\n\r\n.*body\r\n0\r\n(?:X-Server: server\r\nX-Own: own|X-Own: own\r\nX-Server: server)\r\n\r\n$

=== a value that add_header_inherit does not know
--- since: 1.29.3
--- config
add_header_inherit maybe;
--- conf_error
[emerg] invalid value "maybe" in %%CONF%%:

=== Last-Modified and ETag can be replaced and removed
--- config
root html;
location /none/ { alias html/; add_header Last-Modified ""; }
location /later/ { alias html/; add_header Last-Modified "Tue, 14 Nov 2023 22:13:21 GMT"; }
location /tag/ { alias html/; add_header ETag '"own"'; }
location /private/ { alias html/; add_header Cache-Control private; expires 1h; }
--- user_files
>>> a.txt @1700000000
text
--- keepalive_requests
GET /none/a.txt
~~~
GET /later/a.txt
~~~
GET /tag/a.txt
--- response_headers
!Last-Modified
ETag: "6553f100-5"
~~~
Last-Modified: Tue, 14 Nov 2023 22:13:21 GMT
~~~
ETag: "own"

=== Cache-Control beside that of expires
--- request
GET /private/a.txt
--- response_headers
Cache-Control: max-age=3600
Cache-Control: private

=== what a client sends cannot end a header
--- differs: nginx lets line ends through
--- config
location / { add_header X-Uri $uri; return 200 a; }
--- keepalive_requests
GET /a%0d%0aX-Injected:%20yes
~~~
GET /a%0aX-Injected:%20yes
--- response_headers
!X-Injected

=== nor can it end a redirect
--- differs: nginx lets line ends through
--- config
location / { return 302 http://localhost$uri; }
--- request
GET /a%0d%0aX-Injected:%20yes
--- error_code: 302
--- response_headers
!X-Injected

=== a trailer
--- config
root html;
location /t/ { alias html/; add_trailer X-Trailer "$status-$uri"; add_trailer X-Empty ""; }
location /two/ { alias html/; add_trailer X-One 1; add_trailer X-Two 2; add_header X-Three 3; }
location /errors/ { alias html/; add_trailer X-Ok 1; add_trailer X-Always 2 always; }
location /never/ { alias html/; add_trailer X-Ok 1; }
--- user_files
>>> a.txt
text
--- request
GET /t/a.txt
--- response_headers
Transfer-Encoding: chunked
!Content-Length
!X-Trailer
--- error_code: 200
--- response_body
text
--- raw_response_like
\r\n0\r\nX-Trailer: 200-/t/a\.txt\r\n\r\n$

=== several trailers
--- keepalive_requests
GET /two/a.txt
~~~
GET /t/a.txt
--- error_code: 200
--- raw_response_like
\r\n0\r\nX-One: 1\r\nX-Two: 2\r\n\r\nHTTP/1\.1 200 .*\r\n0\r\nX-Trailer: 200-/t/a\.txt\r\n\r\n$

=== trailers of errors are those with always
--- request
GET /errors/missing
--- error_code: 404
--- raw_response_like
\r\n0\r\nX-Always: 2\r\n\r\n$
--- error_log
/html/missing" failed

=== without one there are no chunks
--- request
GET /never/missing
--- error_code: 404
--- response_headers
!Transfer-Encoding
--- error_log
/html/missing" failed

=== HTTP/1.0 has no trailers
--- raw_request
GET /t/a.txt HTTP/1.0\r\n\r\n
--- response_headers
!Transfer-Encoding
Content-Length: 5
--- response_body
text

=== HEAD has no trailers
--- keepalive_requests
HEAD /t/a.txt
~~~
GET /a.txt
--- response_body_like
^$
~~~
^text$

=== a range with a trailer
--- request
GET /t/a.txt
Range: bytes=1-2
--- error_code: 206
--- response_headers
Content-Range: bytes 1-2/5
--- response_body chomp
ex
--- raw_response_like
\r\n0\r\nX-Trailer: 206-/t/a\.txt\r\n\r\n$

=== a client that says it takes trailers
--- request
GET /t/a.txt
TE: trailers
--- error_code: 200
--- raw_response_like
\r\n0\r\nX-Trailer: 200-/t/a\.txt\r\n\r\n$

=== expires: the words
--- config
location = /epoch { expires epoch; return 200; }
location = /max { expires max; return 200; }
location = /off { expires off; return 200; }
location = /arg { expires $arg_t; return 200; }
location = /error { expires 1h; return 404; }
--- keepalive_requests
GET /epoch
~~~
GET /max
~~~
GET /off
~~~
GET /arg?t=epoch
~~~
GET /arg?t=max
~~~
GET /arg?t=off
~~~
GET /arg
~~~
GET /arg?t=nonsense
~~~
GET /error
--- error_code: 200 200 200 200 200 200 200 200 404
--- response_headers
Expires: Thu, 01 Jan 1970 00:00:01 GMT
Cache-Control: no-cache
~~~
Expires: Thu, 31 Dec 2037 23:55:55 GMT
Cache-Control: max-age=315360000
~~~
!Expires
!Cache-Control
~~~
Expires: Thu, 01 Jan 1970 00:00:01 GMT
Cache-Control: no-cache
~~~
Expires: Thu, 31 Dec 2037 23:55:55 GMT
Cache-Control: max-age=315360000
~~~
!Expires
!Cache-Control
~~~
!Expires
!Cache-Control
~~~
!Expires
!Cache-Control
~~~
!Expires
!Cache-Control

=== expires is inherited and can be taken back
--- http_config
expires max;
--- config
location / { return 200; }
location /off { expires off; return 200; }
location /own { expires epoch; return 200; }
location /if { if ($arg_a) { expires epoch; return 200; } return 200; }
--- keepalive_requests
GET /
~~~
GET /off
~~~
GET /own
~~~
GET /if?a=1
~~~
GET /if
--- response_headers
Cache-Control: max-age=315360000
~~~
!Cache-Control
~~~
Cache-Control: no-cache
~~~
Cache-Control: no-cache
~~~
Cache-Control: max-age=315360000

=== expires without a value
--- config
expires modified;
--- conf_error
[emerg] "expires" directive invalid value in %%CONF%%:

=== a time of day with modified
--- config
expires modified @15h;
--- conf_error
[emerg] "expires" directive daily time cannot be used with "modified" parameter in %%CONF%%:

=== no time at all
--- config
expires soon;
--- conf_error
[emerg] "expires" directive invalid value in %%CONF%%:

=== add_header with one word too many
--- config
add_header X-Name value sometimes;
--- conf_error
[emerg] invalid parameter "sometimes" in %%CONF%%:

=== add_header without a value
--- config
add_header X-Name;
--- conf_error
[emerg] invalid number of arguments in "add_header" directive in %%CONF%%:

=== a range that is not there is an answer of its own
--- differs: nginx adds headers to it that the file would have had
--- config
root html;
location / { add_header X-Ok ok; add_header X-Always yes always; expires 1h; }
--- user_files
>>> a.txt
text
--- request
GET /a.txt
Range: bytes=10-
--- error_code: 416
--- response_headers
Content-Range: bytes */5
X-Always: yes
!X-Ok
!Expires
!Cache-Control

=== expires of a variable with modified
--- config
root html;
location / { expires modified $arg_t; }
--- user_files
>>> a.txt @1700000000
text
--- keepalive_requests
GET /a.txt?t=1h
~~~
GET /a.txt?t=max
~~~
GET /a.txt?t=@1h
--- error_code: 200
--- response_headers
Expires: Tue, 14 Nov 2023 23:13:20 GMT
Cache-Control: no-cache
~~~
!Expires
~~~
!Expires
