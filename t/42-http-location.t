# Which location answers: its forms, their order, nesting, what of a path they see; captures,
# internal, limit_except, and return in all its forms.
#
# The blocks at the end, from "limit_except denies" on, need the access module (allow, deny).
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::Weir;

# limit_except has settings of its own for all methods but those named; HEAD goes with GET. What
# is set around it holds in it, but not what answers: return and try_files.
{
    my $t = Test::Weir->new(name => 'limit_except');
    $t->write_file('html/a.txt', "a file\n");
    $t->write_conf(<<'CONF');
events { }
http {
    log_format short '$request_method $uri';
    access_log logs/open.log short;
    server {
        listen 127.0.0.1:%%PORT%%;
        root html;
        location / { limit_except GET { access_log logs/limited.log short; } }
        location /post { limit_except POST { access_log logs/limited.log short; } return 204; }
        location /try {
            limit_except GET { access_log logs/limited.log short; }
            try_files /a.txt =404;
        }
    }
}
CONF
    $t->start;
    my @cases = ([GET => '/a.txt', 200], [HEAD => '/a.txt', 200], [POST => '/a.txt', 405],
        [POST => '/post', 204], [GET => '/post', 404], [HEAD => '/post', 404],
        [GET => '/try', 200], [PUT => '/try', 405], [XYZ => '/a.txt', 405]);
    is(request($t->port, $_->[0], $_->[1])->{status}, $_->[2], "$_->[0] $_->[1]") for @cases;
    $t->stop;
    is($t->access_log('logs/open.log'), "GET /a.txt\nHEAD /a.txt\nPOST /post\nGET /a.txt\n",
        'logged as usual');
    is($t->access_log('logs/limited.log'),
        "POST /a.txt\nGET /post\nHEAD /post\nPUT /try\nXYZ /a.txt\n", 'logged as limited');
}

run_tests();

__DATA__

=== the exact location wins, whatever else fits
--- config
location / { return 200 "/"; }
location ~ \.txt$ { return 200 "regex"; }
location = / { return 200 "= /"; }
location = /a.txt { return 200 "= /a.txt"; }
location /a.txt { return 200 "/a.txt"; }
location /dir/ { return 200 "/dir/"; }
location = /dir { return 200 "= /dir"; }
--- keepalive_requests
GET /
~~~
GET /?x
~~~
GET /a.txt
~~~
GET /a.txt?x=/b
~~~
GET /b.txt
~~~
GET /dir
~~~
GET /dir/
~~~
GET /dirx
--- response_body chomp
= /
~~~
= /
~~~
= /a.txt
~~~
= /a.txt
~~~
regex
~~~
= /dir
~~~
/dir/
~~~
/

=== a regular expression wins over a prefix, not over ^~
--- config
location / { return 200 "/"; }
location /images/ { return 200 "/images/"; }
location ^~ /static/ { return 200 "^~ /static/"; }
location /static/deep/ { return 200 "/static/deep/"; }
location ^~ /short { return 200 "^~ /short"; }
location /short/longer { return 200 "/short/longer"; }
location ~ \.png$ { return 200 "png"; }
location ~* \.JPE?G$ { return 200 "jpeg"; }
--- keepalive_requests
GET /images/a.gif
~~~
GET /images/a.png
~~~
GET /static/a.png
~~~
GET /static/deep/a.gif
~~~
GET /static/deep/a.png
~~~
GET /short/a.png
~~~
GET /short/longer.png
~~~
GET /a.PNG
~~~
GET /a.jpg
~~~
GET /a.JpEg
--- response_body chomp
/images/
~~~
png
~~~
^~ /static/
~~~
/static/deep/
~~~
png
~~~
^~ /short
~~~
png
~~~
/
~~~
jpeg
~~~
jpeg

=== the first regular expression that fits wins, however long
--- config
location ~ ^/a { return 200 "first"; }
location ~ ^/a/b/c { return 200 "never"; }
location ~* ^/B { return 200 "third"; }
location ~ ^/b/c { return 200 "never"; }
location ~ c { return 200 "last"; }
--- keepalive_requests
GET /a/b/c
~~~
GET /b/c
~~~
GET /xc
--- response_body chomp
first
~~~
third
~~~
last

=== a modifier can touch what follows it
--- config
location =/exact { return 200 "exact"; }
location ^~/fixed/ { return 200 "fixed"; }
location ~\.re$ { return 200 "regex"; }
location ~*\.ci$ { return 200 "any case"; }
--- keepalive_requests
GET /exact
~~~
GET /fixed/a.re
~~~
GET /a.re
~~~
GET /a.CI
--- response_body chomp
exact
~~~
fixed
~~~
regex
~~~
any case

=== a location need not begin with a slash to be accepted, but then it never fits
--- config
location abc { return 200 "never"; }
location / { return 200 "/"; }
--- request
GET /abc
--- response_body: /

=== without a location the settings of the server answer
--- config
root html;
location = /other { return 204; }
--- user_files
>>> a.txt
a file
--- request
GET /a.txt
--- response_body
a file

=== quotes: a space, a brace and a semicolon in a location
A backslash before a blank keeps the word together, and stays in it.
--- config
location "/with space" { return 200 "space"; }
location '/semi;colon' { return 200 "semicolon"; }
location ~ "^/\d{3}$" { return 200 "three digits"; }
location /escaped\ blank { return 200 "escaped"; }
--- keepalive_requests
GET /with%20space/x
~~~
GET /semi;colon
~~~
GET /123
~~~
GET /escaped%5C%20blank
--- response_body chomp
space
~~~
semicolon
~~~
three digits
~~~
escaped

=== escapes are undone before a location is looked for
--- config
location / { return 200 "other $uri"; }
location /a/b { return 200 "a/b $uri"; }
location "/q?x" { return 200 "question mark $uri [$args]"; }
location /%25 { return 200 "literal percent"; }
location /100% { return 200 "percent sign"; }
location /h# { return 200 "hash $uri"; }
location /pl+us { return 200 "plus"; }
location /über { return 200 "eight bits"; }
--- keepalive_requests
GET /a%2Fb
~~~
GET /a%2fb/c
~~~
GET /%61/%62
~~~
GET /q%3Fx?y
~~~
GET /100%25
~~~
GET /%2525
~~~
GET /h%23
~~~
GET /pl+us
~~~
GET /%C3%BCber
~~~
GET /A/b
--- response_body chomp
a/b /a/b
~~~
a/b /a/b/c
~~~
a/b /a/b
~~~
question mark /q?x [y]
~~~
percent sign
~~~
literal percent
~~~
hash /h#
~~~
plus
~~~
eight bits
~~~
other /A/b

=== dots and several slashes are gone before a location is looked for
--- config
location / { return 200 "other $uri"; }
location /a/b { return 200 "a/b $uri"; }
--- keepalive_requests
GET /a/./b
~~~
GET /a/x/../b
~~~
GET /a/x/%2e%2e/b
~~~
GET ///a////b
~~~
GET /a/b/..
~~~
GET /a/b/.
~~~
GET /a/b/...
~~~
GET /.a/b..
~~~
GET /a%2f%2fb
--- response_body chomp
a/b /a/b
~~~
a/b /a/b
~~~
a/b /a/b
~~~
a/b /a/b
~~~
other /a/
~~~
a/b /a/b/
~~~
a/b /a/b/...
~~~
other /.a/b..
~~~
a/b /a/b

=== merge_slashes off keeps them, and dots are resolved all the same
--- config
merge_slashes off;
location / { return 200 "other $uri"; }
location /a/b { return 200 "a/b $uri"; }
location //a { return 200 "two slashes $uri"; }
--- keepalive_requests
GET /a//b
~~~
GET /a/b//c
~~~
GET //a
~~~
GET ///a
~~~
GET /a/x/../b//
~~~
GET /a%2f/b
--- response_body chomp
other /a//b
~~~
a/b /a/b//c
~~~
two slashes //a
~~~
other ///a
~~~
a/b /a/b//
~~~
other /a//b

=== merge_slashes belongs to http and server
--- config
location / { merge_slashes off; }
--- conf_error
[emerg] "merge_slashes" directive is not allowed here in %%CONF%%:

=== nested locations in all allowed combinations
--- config
location / {
    return 200 "/";
    location = /exact { return 200 "/ > =";  }
    location /p/ {
        return 200 "/p/";
        location /p/q/ {
            return 200 "/p/q/";
            location ~ \.deep$ { return 200 "/p/q/ > ~"; }
            location = /p/q/e { return 200 "/p/q/ > ="; }
        }
        location ^~ /p/fixed/ {
            return 200 "/p/ > ^~";
            location ~ \.in$ { return 200 "^~ > ~"; }
        }
        location ~* \.A$ {
            return 200 "/p/ > ~*";
            location ~ ^/p/1 { return 200 "~* > ~ "; }
        }
    }
}
location ~ \.outer$ {
    return 200 "~ outer";
    location ~ ^/in { return 200 "~ > ~"; }
}
--- keepalive_requests
GET /x
~~~
GET /exact
~~~
GET /p/x
~~~
GET /p/q/x
~~~
GET /p/q/x.deep
~~~
GET /p/q/e
~~~
GET /p/q/x.a
~~~
GET /p/fixed/x
~~~
GET /p/fixed/x.in
~~~
GET /p/1.a
~~~
GET /p/2.a
~~~
GET /x.outer
~~~
GET /in.outer
~~~
GET /p/q/x.outer
--- response_body chomp
/
~~~
/ > =
~~~
/p/
~~~
/p/q/
~~~
/p/q/ > ~
~~~
/p/q/ > =
~~~
/p/ > ~*
~~~
/p/ > ^~
~~~
^~ > ~
~~~
~* > ~ 
~~~
/p/ > ~*
~~~
~ outer
~~~
~ > ~
~~~
~ outer

=== regular expressions inside the prefix are tried before those outside
--- config
location ~ \.php$ { return 200 "outside"; }
location /app/ {
    location ~ \.php$ { return 200 "inside"; }
    location ~ \.inc$ { return 200 "include"; }
    return 200 "app";
}
--- keepalive_requests
GET /a.php
~~~
GET /app/a.php
~~~
GET /app/a.inc
~~~
GET /app/a
--- response_body chomp
outside
~~~
inside
~~~
include
~~~
app

=== ^~ of a nested location spares the regular expressions beside it, not those around
--- config
location ~ \.(txt|css)$ { return 200 "around"; }
location /a/ {
    location ~ \.(txt|png)$ { return 200 "beside"; }
    location ^~ /a/b/ { return 200 "^~ /a/b/"; }
}
--- keepalive_requests
GET /a/b/x.png
~~~
GET /a/b/x.css
~~~
GET /a/x.txt
~~~
GET /a/b/x
--- response_body chomp
^~ /a/b/
~~~
around
~~~
beside
~~~
^~ /a/b/

=== a location in an exact one is refused
--- config
location = /a {
    location /a/b { }
}
--- conf_error
[emerg] location "/a/b" cannot be inside the exact location "/a" in %%CONF%%:

=== a location in a named one is refused
--- config
location @a {
    location /a { }
}
--- conf_error
[emerg] location "/a" cannot be inside the named location "@a" in %%CONF%%:

=== a named location in another is refused
--- config
location / {
    location @a { }
}
--- conf_error
[emerg] named location "@a" can be on the server level only in %%CONF%%:

=== a prefix that does not begin with that of the location around it is refused
--- config
location /a/ {
    location /b/ { }
}
--- conf_error
[emerg] location "/b/" is outside location "/a/" in %%CONF%%:

=== an exact one that is outside is refused
--- config
location /a/ {
    location = /b { }
}
--- conf_error
[emerg] location "/b" is outside location "/a/" in %%CONF%%:

=== a prefix in a regular expression is refused
--- config
location ~ ^/a {
    location /a/b { }
}
--- conf_error
[emerg] location "/a/b" is outside location "^/a" in %%CONF%%:

=== one prefix twice is refused
--- config
location /a { }
location /a { }
--- conf_error
[emerg] duplicate location "/a" in %%CONF%%:

=== a prefix with and without ^~ is one location
--- config
location /a { }
location ^~ /a { }
--- conf_error
[emerg] duplicate location "/a" in %%CONF%%:

=== an exact one twice is refused
--- config
location = /a { }
location = /a { }
--- conf_error
[emerg] duplicate location "/a" in %%CONF%%:

=== exact, prefix and regular expression of one text are three locations
--- config
location = /a { return 200 "exact"; }
location /a { return 200 "prefix"; }
location ~ /a { return 200 "regex"; }
location ~ /a { return 200 "again"; }
--- keepalive_requests
GET /a
~~~
GET /ab
--- response_body chomp
exact
~~~
regex

=== an unknown modifier is refused
--- config
location == /a { }
--- conf_error
[emerg] invalid location modifier "==" in %%CONF%%:

=== a broken regular expression is refused
--- config
location ~ ^/(a { }
--- conf_error
/\[emerg\] pcre2?_compile\(\) failed: missing .* in "\^/\(a".* in %%CONF%%:/

=== a named location answers for another, with the path of the request
--- config
location / { root html/nothing; try_files $uri @tried; }
location @tried { return 200 "tried $uri $request_uri"; }
location /gone { error_page 410 = @gone; return 410; }
location @gone { return 200 "gone $uri [$args]"; }
location /none { try_files /nothing @none; }
location @Case { return 200 "case"; }
location /case { error_page 410 = @case; return 410; }
location = /@tried { return 200 "a file called @tried"; }
--- keepalive_requests
GET /a%20b?c=d
~~~
GET /gone/%61?x
~~~
GET /@tried
--- response_body chomp
tried /a b /a%20b?c=d
~~~
gone /gone/a [x]
~~~
a file called @tried

=== a named location that is not there
--- request
GET /none
--- error_code: 500
--- error_log
could not find named location "@none"

=== names of locations differ by letter case
--- request
GET /case
--- error_code: 500
--- error_log
could not find named location "@case"

=== a client cannot ask for a named location
--- raw_request
GET @tried HTTP/1.1\r\nHost: localhost\r\n\r\n
--- error_code: 400
--- error_log
client sent invalid request while reading client request line

=== three words are refused
--- config
location = /a b { }
--- conf_error
[emerg] invalid number of arguments in "location" directive in %%CONF%%:

=== a location belongs into a server or a location
--- http_config
location / { }
--- conf_error
[emerg] "location" directive is not allowed here in %%CONF%%:

=== captures of a location: numbered, named, unset, and in any case
--- config
location ~ ^/n/(\d+)(?:-(\d+))?/(?<name>\w*)$ { return 200 "[$1][$2][$3][$name][$4]"; }
location ~* ^/(CI)/(.*)$ { return 200 "[$1][$2]"; }
location / { return 200 "[$1][$name]"; }
--- keepalive_requests
GET /n/12-34/word
~~~
GET /n/12/
~~~
GET /ci/a%20b%2fc
~~~
GET /other
--- response_body chomp
[12][34][word][word][]
~~~
[12][][][][]
~~~
[ci][a b/c]
~~~
[][]

=== a nested regular expression has its own captures
--- config
location ~ ^/(?<first>\w+)/(\w+) {
    location ~ \.(\w+)$ { return 200 "[$1][$2][$first]"; }
    return 200 "[$1][$2][$first]";
}
--- keepalive_requests
GET /a/b
~~~
GET /a/b.c
--- response_body chomp
[a][b][a]
~~~
[c][][a]

=== captures in root, alias and try_files
--- config
location ~ ^/root/(\w+)/ { root html/$1; }
location ~ ^/alias/(\w+)/(.*)$ { alias html/$1/files/$2; }
location ~ ^/named/(?<who>\w+)/(?<what>.*)$ { alias html/${who}/files/$what; }
location ~ ^/try/(\w+)$ { root html; try_files /$1/files/none /$1/files/a.txt =404; }
location ~ ^/go/(?<page>\w+)$ { return 302 /pages/$page.html?from=$uri; }
--- user_files
>>> one/root/one/a.txt
root one
>>> one/files/a.txt
file of one
>>> two/files/a.txt
file of two
--- keepalive_requests
GET /root/one/a.txt
~~~
GET /alias/one/a.txt
~~~
GET /named/two/a.txt
~~~
GET /try/two
--- response_body_like
^root one$
~~~
^file of one$
~~~
^file of two$
~~~
^file of two$

=== captures in a redirect, and in a path that is not there
--- keepalive_requests
GET /go/home
~~~
GET /try/three
~~~
GET /alias/three/a.txt
--- error_code: 302 404 404
--- response_headers
Location: http://localhost:%%PORT%%/pages/home.html?from=/go/home
~~~
Content-Type: text/html
~~~
Content-Type: text/html
--- error_log
open() "%%DIR%%/html/three/files/a.txt" failed (2: No such file or directory)

=== a folder asked for without its slash: the arguments stay, odd characters are escaped
--- config
root html;
location /pre/ { alias html/under/; }
location /deep/ { location /deep/er/ { root html/under; } }
--- user_files
>>> "with space/a.txt"
a
>>> per%cent/a.txt
a
>>> que?stion/a.txt
a
>>> under/sub/index.html
sub
>>> under/deep/er/dir/index.html
deep
>>> plain/index.html
plain
--- keepalive_requests
GET /plain
~~~
HEAD /plain?a=b&c=%20
~~~
GET /with%20space
~~~
GET /per%25cent?x
~~~
GET /que%3fstion
~~~
GET /pre/sub
~~~
GET /deep/er/dir
~~~
GET //plain
~~~
GET /pl%61in
--- error_code: 301
--- response_headers
Location: http://localhost:%%PORT%%/plain/
~~~
Location: http://localhost:%%PORT%%/plain/?a=b&c=%20
~~~
Location: http://localhost:%%PORT%%/with%20space/
~~~
Location: http://localhost:%%PORT%%/per%25cent/?x
~~~
Location: http://localhost:%%PORT%%/que%3Fstion/
~~~
Location: http://localhost:%%PORT%%/pre/sub/
~~~
Location: http://localhost:%%PORT%%/deep/er/dir/
~~~
Location: http://localhost:%%PORT%%/plain/
~~~
Location: http://localhost:%%PORT%%/plain/

=== a prefix with a slash at its end does not take the path without it
--- keepalive_requests
GET /pre
~~~
GET /pre/sub/
--- error_code: 404 200
--- response_body_like
404 Not Found
~~~
^sub$

=== an internal location is not there for clients
--- config
root html;
location /hidden/ { internal; }
location = /try { try_files /none /hidden/page.html; }
location = /page { error_page 404 /hidden/page.html; root html/nothing; }
location = /direct { error_page 418 =200 /hidden/page.html; return 418; }
location /list/ { index none.html /hidden/page.html; }
location @named { internal; return 200 "named"; }
location = /to-named { error_page 418 =200 @named; return 418; }
error_page 403 /hidden/page.html;
--- user_files
>>> hidden/page.html
hidden page
>>> list/a.txt
a
--- keepalive_requests
GET /hidden/page.html
~~~
GET /hidden/none.html
~~~
GET /try
~~~
GET /page
~~~
GET /direct
~~~
GET /list/
~~~
GET /to-named
--- error_code: 404 404 200 404 200 200 200
--- response_body_like
404 Not Found
~~~
404 Not Found
~~~
^hidden page$
~~~
^hidden page$
~~~
^hidden page$
~~~
^hidden page$
~~~
^named$
--- error_log
/nothing/page" failed (2: No such file or directory)

=== internal has no parameter
--- config
location / { internal on; }
--- conf_error
[emerg] invalid number of arguments in "internal" directive in %%CONF%%:

=== internal belongs into a location
--- config
internal;
--- conf_error
[emerg] "internal" directive is not allowed here in %%CONF%%:

=== return of every kind of code without a text
--- config
location /200 { return 200; }
location /201 { return 201; }
location /301 { return 301; }
location /400 { return 400; }
location /401 { return 401; }
location /402 { return 402; }
location /404 { return 404; }
location /409 { return 409; }
location /413 { return 413; }
location /418 { return 418; }
location /500 { return 500; }
location /503 { return 503; }
location /599 { return 599; }
location /999 { return 999; }
--- keepalive_requests
GET /200
~~~
GET /201
~~~
GET /401
~~~
GET /402
~~~
GET /404
~~~
GET /409
~~~
GET /418
~~~
GET /503
~~~
GET /599
~~~
GET /999
--- error_code: 200 201 401 402 404 409 418 503 599 999
--- response_headers
Content-Length: 0
~~~
Content-Length: 0
~~~
Content-Type: text/html
~~~
Content-Type: text/html
~~~
Content-Type: text/html
~~~
Content-Type: text/html
~~~
Content-Length: 0
~~~
Content-Type: text/html
~~~
Content-Length: 0
~~~
Content-Length: 0

=== return 400, 413 and 500 close the connection
--- keepalive_requests
GET /400
Connection: keep-alive
--- error_code: 400
--- response_headers
Connection: close
--- connection: closed

=== return 413 closes the connection
--- keepalive_requests
GET /413
Connection: keep-alive
--- error_code: 413
--- response_headers
Connection: close
--- connection: closed

=== return 500 closes the connection
--- keepalive_requests
GET /500
Connection: keep-alive
--- error_code: 500
--- response_headers
Connection: close
--- connection: closed

=== return 404 leaves the connection open
--- keepalive_requests
GET /404
Connection: keep-alive
--- error_code: 404
--- response_headers
Connection: keep-alive
--- connection: open

=== the reasons that go with the codes
--- config
location = /201 { return 201; }
location = /204 { return 204; }
location = /302 { return 302 /; }
location = /303 { return 303 /; }
location = /307 { return 307 /; }
location = /308 { return 308 /; }
location = /402 { return 402; }
location = /406 { return 406; }
location = /429 { return 429; }
location = /502 { return 502; }
location = /504 { return 504; }
location = /507 { return 507; }
location = /555 { return 555; }
--- pipelined_requests
GET /201
~~~
GET /204
~~~
GET /302
~~~
GET /303
~~~
GET /307
~~~
GET /308
~~~
GET /402
~~~
GET /406
~~~
GET /429
~~~
GET /502
~~~
GET /504
~~~
GET /507
~~~
GET /555
--- error_code: 201 204 302 303 307 308 402 406 429 502 504 507 555
--- raw_response_like
^HTTP/1\.1 201 Created\r.*HTTP/1\.1 204 No Content\r.*HTTP/1\.1 302 Moved Temporarily\r.*HTTP/1\.1 303 See Other\r.*HTTP/1\.1 307 Temporary Redirect\r.*HTTP/1\.1 308 Permanent Redirect\r.*HTTP/1\.1 402 Payment Required\r.*HTTP/1\.1 406 Not Acceptable\r.*HTTP/1\.1 429 Too Many Requests\r.*HTTP/1\.1 502 Bad Gateway\r.*HTTP/1\.1 504 Gateway Time-out\r.*HTTP/1\.1 507 Insufficient Storage\r.*HTTP/1\.1 555 ?\r

=== return of a text with any code
--- config
default_type text/x-mine;
location /200 { return 200 "ok\n"; }
location /404 { return 404 "not here\n"; }
location /500 { return 500 "broken\n"; }
location /418 { return 418 "teapot\n"; }
location /vars { return 200 "$request_method $uri?$args $arg_x ${arg_y}z done"; }
location /empty { return 200 ""; }
location /words { return 403 'two words'; }
location /unknown { return 200 "[$http_none][$arg_none][$cookie_none]"; }
location /204 { return 204 "nothing"; }
location /304 { return 304 "nothing"; }
--- keepalive_requests
GET /200
~~~
GET /404
~~~
GET /418
~~~
GET /vars?x=1&y=2
~~~
GET /empty
~~~
GET /words
~~~
GET /unknown
~~~
GET /500
--- error_code: 200 404 418 200 200 403 200 500
--- response_headers
Content-Type: text/x-mine
Content-Length: 3
~~~
Content-Type: text/x-mine
Content-Length: 9
~~~
Content-Type: text/x-mine
~~~
Content-Type: text/x-mine
~~~
Content-Length: 0
~~~
Content-Type: text/x-mine
~~~
Content-Type: text/x-mine
~~~
Content-Type: text/x-mine
--- response_body_like
\Aok\n\z
~~~
\Anot here\n\z
~~~
\Ateapot\n\z
~~~
\AGET /vars\?x=1&y=2 1 2z done\z
~~~
\A\z
~~~
\Atwo words\z
~~~
\A\[\]\[\]\[\]\z
~~~
\Abroken\n\z

=== 204 and 304 have no body, whatever the text
--- keepalive_requests
GET /204
~~~
GET /304
~~~
GET /200
--- error_code: 204 304 200
--- response_body_like
\A\z
~~~
\A\z
~~~
\Aok\n\z

=== the answer to HEAD has the length of the text
--- keepalive_requests
HEAD /200
~~~
HEAD /404
--- error_code: 200 404
--- response_headers
Content-Length: 3
~~~
Content-Length: 9
--- response_body:

=== return answers any method, and reads the body away
--- keepalive_requests
POST /200

0123456789
~~~
PUT /200

abc
~~~
DELETE /200
~~~
OPTIONS /200
~~~
MKCOL /200
--- response_body
ok

=== the type of a return is that of the name, as for files
--- http_config
types { text/css css; image/gif gif; }
default_type application/x-default;
--- config
location / { return 200 "text"; }
location /t/ { types { } default_type text/plain; return 200 "text"; }
--- keepalive_requests
GET /a.css
~~~
GET /a.unknown
~~~
GET /a
~~~
GET /t/a.css
--- response_headers
Content-Type: text/css
~~~
Content-Type: application/x-default
~~~
Content-Type: application/x-default
~~~
Content-Type: text/plain

=== return of an address: which codes redirect, and what becomes of the address
--- config
location /path { return 301 /new/path; }
location /full { return 302 https://other.example/x?y; }
location /vars { return 307 $scheme://$host$request_uri; }
location /http { return http://other.example/; }
location /https { return https://other.example/$arg_a; }
location /scheme { return $scheme://other.example/; }
location /double { return 301 //other.example/x; }
location /relative { return 301 next; }
location /blank { return 301 "/a b?c d"; }
location /fragment { return 302 /x#y; }
location /text { return 200 /not/a/redirect; }
location /three-oh-five { return 305 /text; }
--- keepalive_requests
GET /path
~~~
GET /full
~~~
GET /vars/%61?q=r
~~~
GET /http
~~~
GET /https?a=b
~~~
GET /scheme
~~~
GET /double
~~~
GET /relative
~~~
GET /blank
~~~
GET /fragment
--- error_code: 301 302 307 302 302 302 301 301 301 302
--- response_headers
Location: http://localhost:%%PORT%%/new/path
~~~
Location: https://other.example/x?y
~~~
Location: http://localhost/vars/%61?q=r
~~~
Location: http://other.example/
~~~
Location: https://other.example/b
~~~
Location: http://other.example/
~~~
Location: http://localhost:%%PORT%%//other.example/x
~~~
Location: next
~~~
Location: http://localhost:%%PORT%%/a b?c d
~~~
Location: http://localhost:%%PORT%%/x#y

=== other codes have no Location
--- keepalive_requests
GET /text
~~~
GET /three-oh-five
--- error_code: 200 305
--- response_headers
!Location
--- response_body_like
^/not/a/redirect$
~~~
^/text$

=== a redirect has a page, for HEAD its length only
--- keepalive_requests
GET /path
~~~
HEAD /path
--- error_code: 301 301
--- response_headers_like
Content-Length: [1-9]\d+
Content-Type: text/html
--- response_body_like
\A<html>.*<title>301 Moved Permanently</title>
~~~
\A\z

=== a redirect answers a POST too
--- request
POST /path

body
--- error_code: 301
--- response_headers
Location: http://localhost:%%PORT%%/new/path

=== return 444 closes without a byte
--- config
location / { return 444; }
location /text { return 444 "text"; }
access_log logs/access.log;
--- request
GET /
--- error_code: none
--- access_log_like
"GET / HTTP/1\.1" 444 0

=== return in the server comes before every location
--- config
location = / { return 200 "location"; }
return 403 "server\n";
location / { return 200 "location"; }
--- keepalive_requests
GET /
~~~
GET /a
--- error_code: 403 403
--- response_body
server

=== the first return counts
--- config
location / {
    return 200 "first";
    return 404;
}
--- request
GET /
--- response_body: first

=== return of a word that is no code is refused
--- config
return abc;
--- conf_error
[emerg] invalid return code "abc" in %%CONF%%:

=== return of a path alone is refused
--- config
return /path;
--- conf_error
[emerg] invalid return code "/path" in %%CONF%%:

=== return of a code beyond 999 is refused
--- config
return 1000;
--- conf_error
[emerg] invalid return code "1000" in %%CONF%%:

=== return of a bad code with a text is refused
--- config
return ok "text";
--- conf_error
[emerg] invalid return code "ok" in %%CONF%%:

=== return of three words is refused
--- config
return 200 two words;
--- conf_error
[emerg] invalid number of arguments in "return" directive in %%CONF%%:

=== return without a word is refused
--- config
return;
--- conf_error
[emerg] invalid number of arguments in "return" directive in %%CONF%%:

=== a dollar sign that begins no variable is refused
--- config
return 200 "5 $ only";
--- conf_error
[emerg] invalid variable name in %%CONF%%:

=== return of an unknown variable is refused
--- config
return 200 $no_such_variable;
--- conf_error
[emerg] unknown "no_such_variable" variable

=== return belongs into a server or a location
--- http_config
return 200;
--- conf_error
[emerg] "return" directive is not allowed here in %%CONF%%:

=== limit_except of an unknown method is refused
--- config
location / { limit_except GETT { } }
--- conf_error
[emerg] invalid method "GETT" in %%CONF%%:

=== limit_except takes the methods in small letters
--- config
location / { limit_except get { } }
--- conf_ok

=== limit_except takes all methods of DAV
--- config
location / {
    limit_except GET HEAD POST PUT DELETE MKCOL COPY MOVE OPTIONS PROPFIND PROPPATCH LOCK UNLOCK
        PATCH { }
}
--- conf_ok

=== limit_except belongs into a location
--- config
limit_except GET { }
--- conf_error
[emerg] "limit_except" directive is not allowed here in %%CONF%%:

=== what may not stand in limit_except
--- config
location / { limit_except GET { return 403; } }
--- conf_error
[emerg] "return" directive is not allowed here in %%CONF%%:

=== limit_except denies all other methods
--- config
root html;
location / { limit_except GET { deny all; } }
location /two/ { limit_except POST PUT { deny all; } }
location /returned { limit_except GET { deny all; } return 200 "returned"; }
location /outer/ {
    limit_except GET { deny all; }
    location /outer/inner/ { }
}
--- user_files
>>> a.txt
a file
>>> two/a.txt
a file
>>> outer/inner/a.txt
a file
--- keepalive_requests
GET /a.txt
~~~
HEAD /a.txt
~~~
POST /a.txt
~~~
DELETE /a.txt
~~~
GET /two/a.txt
~~~
POST /two/a.txt
~~~
XOTHER /a.txt
--- error_code: 200 200 403 403 403 405 403
--- error_log
access forbidden by rule, client: 127.0.0.1

=== the return of the location is not that of limit_except
--- keepalive_requests
GET /returned
~~~
POST /returned
--- error_code: 200 403
--- error_log
access forbidden by rule

=== limit_except is not inherited by a nested location
--- request
POST /outer/inner/a.txt
--- error_code: 405
