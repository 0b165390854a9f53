# sub, addition and charset: what they do to heads and bodies.
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::Weir;

# --- strings that lie anywhere in a large body --------------------------------------------------

{
    my $t = Test::Weir->new(name => 'anywhere');
    my (%want, %utf8);
    for my $shift (0 .. 11) {
        my $fill = 'x' x (16384 - 2 * 11 + 2 * $shift - 4);
        my $text = join '', map { "$fill<NEEDLE>" } 1 .. 6;
        $t->write_file("html/sub/$shift", $text, raw => 1);
        ($want{$shift} = $text) =~ s/<needle>/[found]/gi;
        my $letters = join '', map { "$fill\xd1\x8e\xe2\x82\xac" } 1 .. 6;
        $t->write_file("html/utf8/$shift", $letters, raw => 1);
        ($utf8{$shift} = $letters) =~ s/\xd1\x8e\xe2\x82\xac/\xc0&#8364;/g;
    }
    my $large = join '', map { "line $_ of many\n" } 1 .. 200_000;
    $t->write_file('html/sub/large', $large, raw => 1);
    $t->write_conf(<<'CONF');
worker_processes 1;
events { }
http {
    default_type text/html;
    charset_map koi8-r utf-8 { C0 D18E; }
    server {
        listen 127.0.0.1:%%PORT%%;
        location /sub/ {
            sub_filter <needle> [found];
            sub_filter ' of ' ' OF THE ';
            sub_filter_once off;
        }
        location /utf8/ { charset koi8-r; source_charset utf-8; }
    }
}
CONF
    $t->start;
    my @wrong = grep { get($t->port, "/sub/$_")->{body} ne $want{$_} } sort keys %want;
    is("@wrong", '', 'sub: a string across pieces');
    @wrong = grep { get($t->port, "/utf8/$_")->{body} ne $utf8{$_} } sort keys %utf8;
    is("@wrong", '', 'charset: a sequence across pieces');
    (my $replaced = $large) =~ s/ of / OF THE /g;
    ok(get($t->port, '/sub/large')->{body} eq $replaced, 'sub: a large body');
    $t->stop('QUIT');
}

run_tests();

__DATA__

=== sub: the first string that fits, each place once
--- http_config
default_type text/html;
--- config
root %%DIR%%/html;
location /two/ { sub_filter ab 1; sub_filter abc 2; sub_filter_once off; }
location /other/ { sub_filter abc 2; sub_filter ab 1; sub_filter_once off; alias html/two/; }
location /inner/ { sub_filter bcd 1; sub_filter abcd 2; sub_filter cd 3; sub_filter_once off; alias html/two/; }
location /part/ { sub_filter abcx 1; sub_filter bc 2; sub_filter_once off; alias html/two/; }
location /once/ { sub_filter ab 1; sub_filter D <$uri>; alias html/two/; }
location /case/ { sub_filter AbC 1; sub_filter_once off; alias html/two/; }
location /var/ { sub_filter $arg_s [$arg_r]; sub_filter ab 1; sub_filter_once off; alias html/two/; }
location /only/ { sub_filter $arg_s x; alias html/two/; }
location /end/ { sub_filter "ab cd" x; alias html/two/; }
location /types/ { types { } default_type text/css; sub_filter ab 1; alias html/two/; }
location /more/ { types { } default_type text/css; sub_filter ab 1; sub_filter_types text/css; alias html/two/; }
location /all/ { types { } default_type a/b; sub_filter ab 1; sub_filter_types *; alias html/two/; }
location /kept/ { sub_filter ab 1; sub_filter_last_modified on; alias html/two/; }
location /text { sub_filter x y; return 200 "axbx"; }
location /inherits/ { sub_filter_once off; alias html/two/; }
location /gone { return 204; sub_filter a b; sub_filter_types *; }
sub_filter ab server;
--- user_files
>>> two/f @1700000000 eval
"abcdabcd ab c"
>>> two/empty @1700000000 eval
""
--- request
GET /two/f
--- response_headers
!Content-Length
!Last-Modified
!ETag
!Accept-Ranges
--- response_body chomp
1cd1cd 1 c

=== sub: a longer one that was given first
--- request
GET /other/f
--- response_body chomp
2d2d 1 c

=== sub: one that begins before another
--- request
GET /inner/f
--- response_body chomp
22 ab c

=== sub: the beginning of one is the other's place
--- request
GET /part/f
--- response_body chomp
a2da2d ab c

=== sub: once each
--- request
GET /once/f
--- response_body chomp
1c</once/f>abcd ab c

=== sub: whatever the case
--- request
GET /case/f
--- response_body chomp
1d1d ab c

=== sub: variables
--- request
GET /var/f?s=CD&r=2
--- response_body chomp
1[2]1[2] 1 c

=== sub: a string that is empty now
--- request
GET /var/f
--- response_body chomp
1cd1cd 1 c

=== sub: none is left
--- request
GET /only/f
--- response_headers
Content-Length: 13
ETag: "6553f100-d"
--- response_body chomp
abcdabcd ab c

=== sub: the body ends within one
--- request
GET /end/f
--- response_body chomp
abcdabcd ab c

=== sub: another type
--- request
GET /types/f
--- response_body chomp
abcdabcd ab c

=== sub: a type more
--- request
GET /more/f
--- response_body chomp
1cdabcd ab c

=== sub: every type
--- request
GET /all/f
--- response_body chomp
1cdabcd ab c

=== sub: Last-Modified stays, and the tag is weak
--- request
GET /kept/f
--- response_headers
Last-Modified: Tue, 14 Nov 2023 22:13:20 GMT
ETag: W/"6553f100-d"
!Content-Length
--- response_body chomp
1cdabcd ab c

=== sub: no ranges
--- request
GET /once/f
--- more_headers
Range: bytes=0-2
--- response_headers
!Content-Range
--- response_body chomp
1c</once/f>abcd ab c

=== sub: HEAD
--- request
HEAD /once/f
--- response_headers
!Content-Length
!Last-Modified

=== sub: an empty body
--- request
GET /two/empty
--- response_headers
Content-Length: 0
ETag: "6553f100-0"
--- response_body chomp

=== sub: a text
--- request
GET /text
--- response_body chomp
aybx

=== sub: no body
--- request
GET /gone
--- error_code: 204

=== sub: strings are inherited
--- request
GET /inherits/f
--- response_body chomp
servercdservercd server c

=== sub: an empty string
--- config
sub_filter "" x;
--- conf_error
empty search pattern

=== sub: a type twice
--- config
sub_filter_types text/plain text/html text/plain;
--- conf_ok
duplicate MIME type "text/html"
duplicate MIME type "text/plain"

=== addition: around a body
--- http_config
default_type text/html;
--- config
add_before_body /before;
add_after_body /after;
location /none/ { add_before_body ""; add_after_body ""; alias html/; }
location /before { return 200 "<$uri $request_uri $args>"; }
location /after { return 200 "<after>"; }
location /args { add_before_body /before?x=1; add_after_body ""; return 200 x; }
location /css { types { } default_type text/css; alias html/page; }
location /more { types { } default_type text/css; addition_types text/css; alias html/page; }
location /missing { add_before_body /nowhere; return 200 x; }
location /moved { return 302 /x; }
location /failed { return 500; }
--- user_files
>>> page @1700000000 eval
"main"
>>> empty @1700000000 eval
""
--- request
GET /page?q=1
--- response_headers
!Content-Length
!Accept-Ranges
Last-Modified: Tue, 14 Nov 2023 22:13:20 GMT
ETag: W/"6553f100-4"
--- response_body chomp
</before /page?q=1 >main<after>

=== addition: switched off inside
--- request
GET /none/page
--- response_headers
Content-Length: 4
ETag: "6553f100-4"
--- response_body chomp
main

=== addition: a "?" is a part of the path
--- request
GET /args
--- response_body chomp
</before?x=1 /args >x

=== addition: another type
--- request
GET /css
--- response_body chomp
main

=== addition: a type more
--- request
GET /more
--- response_body chomp
</before /more >main<after>

=== addition: around nothing
--- request
GET /empty
--- response_body chomp
</before /empty ><after>

=== addition: HEAD
--- request
HEAD /page
--- response_headers
!Content-Length

=== addition: what is not there is an error page
--- request
GET /missing
--- response_body_like: \A<html>.*404 Not Found.*x<after>\z

=== addition: only where all is well
--- pipelined_requests
GET /moved

~~~
GET /failed
--- error_code: 302 500
--- response_body_like
<h1>302 Found.*</html>\s*\z
~~~
<h1>500 Internal Server Error.*</html>\s*\z

=== addition: not modified
--- request
GET /page
--- more_headers
If-Modified-Since: Tue, 14 Nov 2023 22:13:20 GMT
--- error_code: 304

=== charset: is told
--- http_config
default_type text/html;
charset_map koi8-r utf-8 { C0 D18E; C1 D0B0; 80 E282AC; }
charset_map windows-1251 koi8-r { E0 C1; FE C0; }
--- config
charset utf-8;
location /css { types { } default_type text/css; return 200 x; }
location /xml { types { } default_type text/xml; return 200 x; }
location /xml2 { types { } default_type text/xml; charset_types text/css; return 200 x; }
location /off { charset off; return 200 x; }
location /moved { return 302 /x; }
location /other { return 303 /x; }
location /error { return 404; }
location /if { charset off; if ($arg_c) { charset $arg_c; } return 200 x; }
location /to/ { source_charset koi8-r; alias html/; }
location /from/ { charset koi8-r; source_charset utf-8; alias html/; }
location /bytes/ { charset koi8-r; source_charset windows-1251; alias html/; }
location /back/ { charset windows-1251; source_charset koi8-r; alias html/; }
location /same/ { charset koi8-r; source_charset KOI8-R; alias html/; }
location /var/ { charset $arg_c; source_charset koi8-r; alias html/; }
location /around { charset $arg_c; add_before_body /to/koi; add_after_body /from/utf; return 200 x; }
location /subst/ { source_charset koi8-r; sub_filter x "\xC0"; alias html/; }
--- user_files
>>> koi @1700000000 eval
"x\xc0\xc1\x80\xff y"
>>> utf @1700000000 eval
"x\xd1\x8e\xd0\xb0\xe2\x82\xac\xe2\x93\x90 \xf0\x9f\x98\x80"
>>> win @1700000000 eval
"\xe0\xfe\x81z"
>>> bad @1700000000 eval
"a\xff\xc0\x80 \xd1 b\xe2\x82\xd1\x8e\xe2\x82"
--- request
GET /utf
--- response_headers
Content-Type: text/html; charset=utf-8
Content-Length: 16
ETag: "6553f100-10"

=== charset: types
--- pipelined_requests
GET /css

~~~
GET /xml

~~~
GET /xml2

~~~
GET /off
--- response_headers
Content-Type: text/css
~~~
Content-Type: text/xml; charset=utf-8
~~~
Content-Type: text/xml
~~~
Content-Type: text/html

=== charset: redirects and errors
--- pipelined_requests
GET /moved

~~~
GET /other

~~~
GET /error
--- error_code: 302 303 404
--- response_headers
Content-Type: text/html
~~~
Content-Type: text/html; charset=utf-8
~~~
Content-Type: text/html; charset=utf-8

=== charset: in an if
--- pipelined_requests
GET /if

~~~
GET /if?c=x
--- response_headers
Content-Type: text/html
~~~
Content-Type: text/html; charset=x

=== charset: to UTF-8
--- request
GET /to/koi
--- response_headers
Content-Type: text/html; charset=utf-8
!Content-Length
!Accept-Ranges
Last-Modified: Tue, 14 Nov 2023 22:13:20 GMT
--- response_body eval
"x\xd1\x8e\xd0\xb0\xe2\x82\xac? y"

=== charset: from UTF-8
--- request
GET /from/utf
--- response_headers
Content-Type: text/html; charset=koi8-r
!Content-Length
--- response_body eval
"x\xc0\xc1\x80&#9424; &#128512;"

=== charset: broken UTF-8
--- differs: nginx swallows what stands behind it
--- request
GET /from/bad
--- response_body eval
"a??? ? b?\xc0?"

=== charset: byte for byte, as long as it was
--- request
GET /bytes/win
--- response_headers
Content-Type: text/html; charset=koi8-r
Content-Length: 4
Accept-Ranges: bytes
--- response_body eval
"\xc1\xc0?z"

=== charset: a part of that
--- request
GET /bytes/win
--- more_headers
Range: bytes=1-2
--- error_code: 206
--- response_body eval
"\xc0?"

=== charset: the other way
--- request
GET /back/koi
--- response_body eval
"x\xfe\xe0?? y"

=== charset: the same already
--- request
GET /same/koi
--- response_headers
Content-Length: 7
--- response_body eval
"x\xc0\xc1\x80\xff y"

=== charset: from a variable
--- request
GET /var/koi?c=windows-1251
--- response_headers
Content-Type: text/html; charset=windows-1251
--- response_body eval
"x\xfe\xe0?? y"

=== charset: no map to it
--- request
GET /var/koi?c=foo
--- response_headers
Content-Type: text/html
--- response_body eval
"x\xc0\xc1\x80\xff y"
--- error_log
no "charset_map" between the charsets "koi8-r" and "foo"

=== charset: HEAD
--- request
HEAD /to/koi
--- response_headers
Content-Type: text/html; charset=utf-8
!Content-Length

=== charset: subrequests become what the main one is in
--- request
GET /around?c=utf-8
--- response_body eval
"x\xd1\x8e\xd0\xb0\xe2\x82\xac? yxx\xd1\x8e\xd0\xb0\xe2\x82\xac\xe2\x93\x90 \xf0\x9f\x98\x80"

=== charset: the other one
--- request
GET /around?c=koi8-r
--- response_body eval
"x\xc0\xc1\x80\xff yxx\xc0\xc1\x80&#9424; &#128512;"

=== charset: maps that are none
--- http_config
charset_map a b { 1 2 3; }
--- config
--- conf_error
invalid parameters number in

=== charset: no byte
--- http_config
charset_map a b { 100 1; }
--- config
--- conf_error
invalid value "100" in

=== charset: no character
--- http_config
charset_map a utf-8 { 80 41; }
--- config
--- conf_error
invalid value "41" in

=== charset: more than one character
--- differs: nginx takes the first
--- http_config
charset_map a utf-8 { 80 D0B0D0B1; }
--- config
--- conf_error
invalid value "D0B0D0B1" in

=== charset: between the same
--- http_config
charset_map a A { 80 41; }
--- config
--- conf_error
"charset_map" between the same charsets "a" and "A"

=== charset: twice
--- http_config
charset_map a b { }
charset_map b a { }
--- config
--- conf_error
duplicate "charset_map" between "b" and "a"

=== charset: a conversion without a map
--- http_config
charset_map a utf-8 { }
charset_map b utf-8 { }
--- config
charset a;
source_charset b;
--- conf_error
no "charset_map" between the charsets "b" and "a"
