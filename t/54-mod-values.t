# Variables that depend on other values: map, geo, split_clients; and what is asked of a request:
# where it comes from, which browser sent it, whether its link is signed, who its user is.
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::Weir;

run_tests();

__DATA__

=== map: strings in any case, default, an empty string
--- http_config
map $arg_a $x {
    default  none;
    ""       empty;
    one      1;
    Two      2;
    "a b"    blank;
    three    "3 and $arg_b";
    four     $arg_b;
    \default escaped;
    \hostnames hosts;
    \~one    tilde;
    ~        "a regex comes last, default later";
}
map $arg_a $nodefault { one 1; }
map $arg_a$arg_b $both { onetwo 12; default $arg_a/$arg_b; }
--- config
location / { return 200 "[$x][$nodefault][$both]"; }
--- keepalive_requests
GET /
~~~
GET /?a=
~~~
GET /?a=one&b=two
~~~
GET /?a=ONE
~~~
GET /?a=two
~~~
GET /?a=three&b=x
~~~
GET /?a=four&b=y
~~~
GET /?a=four
~~~
GET /?a=default
~~~
GET /?a=hostnames
~~~
GET /?a=~one
~~~
GET /?a=other
--- response_body chomp
[empty][][/]
~~~
[empty][][/]
~~~
[1][1][12]
~~~
[1][1][ONE/]
~~~
[2][][two/]
~~~
[3 and x][][three/x]
~~~
[y][][four/y]
~~~
[][][four/]
~~~
[escaped][][default/]
~~~
[hosts][][hostnames/]
~~~
[tilde][][~one/]
~~~
[a regex comes last, default later][][other/]

=== map: what is logged of an empty value
--- http_config
map $uri $nodefault { /x 1; }
map $uri $unset { default $arg_none; }
map $uri $empty { default ""; }
log_format values '$uri [$nodefault] [$unset] [$empty]';
access_log logs/access.log values;
--- config
location / { return 204; }
--- request
GET /y
--- error_code: 204
--- access_log_like
^/y \[\] \[\] \[\]$

=== map: host names and wildcards
--- http_config
map $http_host $x {
    hostnames;
    default        none;
    a.example      exact;
    *.example      leading;
    *.b.example    longer;
    .c.example     both;
    www.*          trailing;
    www.d.*        longer-trailing;
    "~^r"          regex;
}
map $http_host $late { *.example literal; hostnames; *.e.example wild; }
--- config
location / { return 200 "$x $late"; }
--- keepalive_requests
GET /
Host: a.example
~~~
GET /
Host: A.EXAMPLE.
~~~
GET /
Host: x.example
~~~
GET /
Host: x.y.example
~~~
GET /
Host: b.example
~~~
GET /
Host: x.b.example
~~~
GET /
Host: c.example
~~~
GET /
Host: x.c.example
~~~
GET /
Host: www.org
~~~
GET /
Host: www.d.org
~~~
GET /
Host: www.example
~~~
GET /
Host: rrr.org
~~~
GET /
Host: org
~~~
GET /
Host: x.e.example
--- response_body chomp
exact 
~~~
exact 
~~~
leading 
~~~
leading 
~~~
leading 
~~~
longer 
~~~
both 
~~~
both 
~~~
trailing 
~~~
longer-trailing 
~~~
leading 
~~~
regex 
~~~
none 
~~~
leading wild

=== map: regexes in their order, with groups
--- http_config
map $uri $x {
    ~^/(a)(?<rest>.*)$ "$1-$2-$rest";
    ~*^/B(.)?          "b[$1]";
    /abc               "names come first";
    ~^/c\{2,3\}$       braces;
    "~^/d{2,3}$"       "quoted braces";
    default            "default $1";
}
--- config
location / { return 200 "$x|$rest"; }
location ~ ^/(\d+)/(\d+)$ { return 200 "$1 $x $2|$rest"; }
--- keepalive_requests
GET /aXY
~~~
GET /abc
~~~
GET /bX
~~~
GET /Bq
~~~
GET /b
~~~
GET /c{2,3}
~~~
GET /ddd
~~~
GET /12/34
--- response_body chomp
a-XY-XY|XY
~~~
names come first|
~~~
b[X]|
~~~
b[q]|
~~~
b[]|
~~~
braces|
~~~
quoted braces|
~~~
12 default 12 34|

=== map: a regex replaces the groups, but not within the string that asks
--- differs: a string is made from the groups that were there when it began
--- http_config
map $arg_a $x { ~^(.)(.)$ "$2$1"; default no; }
--- config
location ~ ^/(\w+)/(\w+)$ { return 200 "$1 $x $2"; }
--- keepalive_requests
GET /left/right?a=pq
~~~
GET /left/right?a=pqr
--- response_body chomp
left qp right
~~~
left no right

=== map: the last of one name holds, and a prefix may be taken
--- http_config
map $uri $x { default first; }
map $uri $x { default second; }
map $uri $http_foo { default map; }
map $uri $arg_foo { default map; }
--- config
location / { return 200 "$x $http_foo $arg_foo $arg_bar"; }
--- request
GET /?foo=1&bar=2
Foo: 3
--- response_body: second map map 2

=== map: one that needs itself
--- http_config
map $a $b { default "b$a"; }
map $b $a { default "a$b"; }
map $c $c { default c; }
--- config
location /a { return 200 "[$a]"; }
location /c { return 200 "[$c]"; }
--- keepalive_requests
GET /c
--- response_body chomp
[c]
--- error_log
cycle while evaluating variable "c"

=== map: maps of maps
--- http_config
map $arg_n $one { 1 one; default many; }
map $one $two { one "un $three"; default plusieurs; }
map $arg_n $three { ~(.) "eins$1"; }
--- config
location / { return 200 "$two $one"; }
--- keepalive_requests
GET /?n=1
~~~
GET /?n=2
--- response_body chomp
un eins1 one
~~~
plusieurs many

=== map: kept for a request, unless it is volatile
--- http_config
map $uri $kept { default $uri; }
map $uri $fresh { volatile; default $uri; }
--- config
location = /first { try_files /$kept$fresh /second; }
location = /second { return 200 "$kept $fresh"; }
--- request
GET /first
--- response_body: /first /second

=== map: lines of other files
--- http_config
map $arg_a $x { include ../html/*.map; default none; }
--- config
location / { return 200 $x; }
--- user_files
>>> one.map
a 1;
hostnames;
>>> two.map
*.b "$arg_c";
--- keepalive_requests
GET /?a=a
~~~
GET /?a=x.b&c=d
~~~
GET /?a=c
--- response_body chomp
1
~~~
d
~~~
none

=== map: errors
--- http_config
map $uri $x { a b c; }
--- conf_error
invalid number of the map parameters in %%CONF%%

=== map: a flag that is none
--- http_config
map $uri $x { a; }
--- conf_error
invalid number of the map parameters in %%CONF%%

=== map: a name given twice
--- http_config
map $uri $x { ABC 1; abc 2; }
--- conf_error
conflicting parameter "abc" in %%CONF%%

=== map: a wildcard given twice
--- http_config
map $uri $x { hostnames; .a.b 1; *.a.b 2; }
--- conf_error
conflicting parameter "*.a.b" in %%CONF%%

=== map: default given twice
--- http_config
map $uri $x { default 1; default 2; }
--- conf_error
duplicate default map parameter in %%CONF%%

=== map: a wildcard that is none
--- http_config
map $uri $x { hostnames; *.a.* 1; }
--- conf_error
invalid hostname or wildcard "*.a.*" in %%CONF%%

=== map: a name that is none
--- http_config
map $uri x { default 1; }
--- conf_error
invalid variable name "x" in %%CONF%%

=== map: a name that is taken
--- http_config
map $uri $uri { default 1; }
--- conf_error
the duplicate "uri" variable in %%CONF%%

=== map: a regex that is none
--- http_config
map $uri $x { ~( 1; }
--- conf_error
pcre2_compile() failed: missing closing parenthesis in "(" in %%CONF%%

=== map: a value that is none
--- http_config
map $uri $x { a "${b"; }
--- conf_error
the closing bracket in "b" variable is missing in %%CONF%%

=== map: unknown variables
--- http_config
map $uri $x { a $nope; }
--- conf_error
unknown "nope" variable

=== map: hash directives are read
--- http_config
map_hash_max_size 4096;
map_hash_bucket_size 128;
map $uri $x { }
--- conf_ok

=== map: a hash directive without a number
--- http_config
map_hash_max_size many;
--- conf_error
"map_hash_max_size" directive invalid number in %%CONF%%

=== geo: networks, the longest wins
--- http_config
geo $arg_a $x {
    default           none;
    10.0.0.0/8        ten;
    10.1.0.0/16       "ten one";
    10.1.2.3          host;
    10.3.0.0/16       "";
    10.4.0.0/16       $uri;
    10.5.0.0/16       gone;
    delete            10.5.0.0/16;
    2001:db8::/32     six;
    2001:db8::1       one;
    192.0.2.0/31      even;
    255.255.255.255   bad;
}
geo $arg_a $nodefault { 10.0.0.0/8 ten; }
--- config
location / { return 200 "[$x] [$nodefault]"; }
--- keepalive_requests
GET /?a=10.2.3.4
~~~
GET /?a=10.1.9.9
~~~
GET /?a=10.1.2.3
~~~
GET /?a=10.1.2.4
~~~
GET /?a=10.3.0.1
~~~
GET /?a=10.4.0.1
~~~
GET /?a=10.5.0.1
~~~
GET /?a=11.1.1.1
~~~
GET /?a=192.0.2.1
~~~
GET /?a=192.0.2.2
~~~
GET /?a=2001:db8:1::1
~~~
GET /?a=2001:db8::1
~~~
GET /?a=2001:db9::1
~~~
GET /?a=::ffff:10.1.2.3
~~~
GET /?a=255.255.255.255
~~~
GET /?a=10.1.2
~~~
GET /?a=10.1.2.3:80
~~~
GET /
--- response_body chomp
[ten] [ten]
~~~
[ten one] [ten]
~~~
[host] [ten]
~~~
[ten one] [ten]
~~~
[] [ten]
~~~
[$uri] [ten]
~~~
[ten] [ten]
~~~
[none] []
~~~
[even] []
~~~
[none] []
~~~
[six] []
~~~
[one] []
~~~
[none] []
~~~
[host] [ten]
~~~
[bad] []
~~~
[bad] []
~~~
[bad] []
~~~
[bad] []

=== geo: the address of the client
--- http_config
geo $x { default other; 127.0.0.1 local; 192.0.2.1 far; }
map $x $y { local "mapped $x"; }
--- config
location / { return 200 "$x $y"; }
--- request
GET /
X-Forwarded-For: 192.0.2.1
--- response_body: local mapped local

=== geo: addresses that trusted proxies pass on
--- http_config
geo $last { proxy 127.0.0.0/8; proxy 203.0.113.0/24; default d;
    192.0.2.1 one; 192.0.2.2 two; 203.0.113.9 proxy; 127.0.0.1 local; ::1 six; }
geo $all { proxy 127.0.0.0/8; proxy 203.0.113.0/24; proxy_recursive; default d;
    192.0.2.1 one; 192.0.2.2 two; 203.0.113.9 proxy; 127.0.0.1 local; ::1 six; }
geo $arg_a $given { proxy 198.51.100.1; default d; 192.0.2.1 one; 192.0.2.2 two;
    198.51.100.1 self; }
--- config
location / { return 200 "$last $all $given"; }
--- keepalive_requests
GET /
~~~
GET /
X-Forwarded-For: 192.0.2.1
~~~
GET /
X-Forwarded-For: 192.0.2.1, 192.0.2.2
~~~
GET /
X-Forwarded-For: 192.0.2.1, 203.0.113.9
~~~
GET /
X-Forwarded-For: 192.0.2.1, 203.0.113.9,
~~~
GET /
X-Forwarded-For: 192.0.2.1 203.0.113.9 ,
~~~
GET /
X-Forwarded-For: 192.0.2.1
X-Forwarded-For: 203.0.113.9
~~~
GET /
X-Forwarded-For: 203.0.113.9, 203.0.113.9
~~~
GET /
X-Forwarded-For: 192.0.2.1, what
~~~
GET /
X-Forwarded-For: 192.0.2.1, what, 203.0.113.9
~~~
GET /
X-Forwarded-For: 192.0.2.1:80
~~~
GET /
X-Forwarded-For: ::1
~~~
GET /
X-Forwarded-For: [::1]:80
~~~
GET /
X-Forwarded-For: ::ffff:192.0.2.1
~~~
GET /
X-Forwarded-For:
~~~
GET /
X-Forwarded-For: , ,
~~~
GET /
X-Forwarded-For: unix:
~~~
GET /?a=198.51.100.1
X-Forwarded-For: 192.0.2.1
~~~
GET /?a=192.0.2.2
X-Forwarded-For: 192.0.2.1
--- response_body chomp
local local d
~~~
one one d
~~~
two two d
~~~
proxy one d
~~~
proxy one d
~~~
proxy one d
~~~
proxy one d
~~~
proxy proxy d
~~~
local local d
~~~
proxy proxy d
~~~
one one d
~~~
six six d
~~~
six six d
~~~
one one d
~~~
local local d
~~~
local local d
~~~
local local d
~~~
one one one
~~~
one one two

=== geo: ranges
--- http_config
geo $arg_a $x {
    ranges;
    default                     none;
    10.0.0.0-10.0.255.255       ten;
    10.0.1.0-10.0.1.255         within;
    10.0.3.0-10.0.5.255         gap;
    10.0.0.0-10.0.0.0           first;
    10.0.255.255-10.0.255.255   last;
    10.0.4.0-10.0.4.127         "gap in gap";
    delete                      10.0.1.0-10.0.1.255;
    11.0.0.0-13.255.255.255     wide;
    12.34.0.0-12.36.0.0         middle;
    192.0.2.1-192.0.2.1         one;
    0.0.0.0-0.0.0.0             zero;
}
geo $arg_a $nodefault { ranges; 10.0.0.0-10.0.255.255 ten; }
geo $arg_a $empty { ranges; }
--- config
location / { return 200 "[$x] [$nodefault$empty]"; }
--- keepalive_requests
GET /?a=10.0.0.0
~~~
GET /?a=10.0.0.1
~~~
GET /?a=10.0.1.5
~~~
GET /?a=10.0.2.0
~~~
GET /?a=10.0.3.0
~~~
GET /?a=10.0.4.0
~~~
GET /?a=10.0.4.127
~~~
GET /?a=10.0.4.128
~~~
GET /?a=10.0.5.255
~~~
GET /?a=10.0.6.0
~~~
GET /?a=10.0.255.254
~~~
GET /?a=10.0.255.255
~~~
GET /?a=10.1.0.0
~~~
GET /?a=9.255.255.255
~~~
GET /?a=11.0.0.0
~~~
GET /?a=12.33.255.255
~~~
GET /?a=12.34.0.0
~~~
GET /?a=12.36.0.0
~~~
GET /?a=12.36.0.1
~~~
GET /?a=13.255.255.255
~~~
GET /?a=::ffff:192.0.2.1
~~~
GET /?a=::1
~~~
GET /?a=0.0.0.0
~~~
GET /?a=x
--- response_body chomp
[first] [ten]
~~~
[ten] [ten]
~~~
[none] [ten]
~~~
[ten] [ten]
~~~
[gap] [ten]
~~~
[gap in gap] [ten]
~~~
[gap in gap] [ten]
~~~
[gap] [ten]
~~~
[gap] [ten]
~~~
[ten] [ten]
~~~
[ten] [ten]
~~~
[last] [ten]
~~~
[none] []
~~~
[none] []
~~~
[wide] []
~~~
[wide] []
~~~
[middle] []
~~~
[middle] []
~~~
[wide] []
~~~
[wide] []
~~~
[one] []
~~~
[none] []
~~~
[zero] []
~~~
[none] []

=== geo: lines of other files
--- http_config
geo $x { include ../html/one.geo; default none; }
--- config
location / { return 200 $x; }
--- user_files
>>> one.geo
127.0.0.0/8 local;
--- request
GET /
--- response_body: local

=== geo: warnings
--- http_config
geo $x {
    10.0.0.1/8 1;
    10.0.0.0/8 2;
    delete 11.0.0.0/8;
    default 3;
    ::/0 4;
    proxy 10.0.0.1/8;
}
geo $y {
    ranges;
    default 1;
    default 2;
    10.0.0.0-10.0.0.1 3;
    10.0.0.0-10.0.0.1 4;
    delete 10.0.0.0-10.0.0.2;
}
--- conf_ok
low address bits of 10.0.0.1/8 are meaningless in %%CONF%%
duplicate network "10.0.0.0/8", value: "2", old value: "1" in %%CONF%%
no network "11.0.0.0/8" to delete in %%CONF%%
duplicate network "::/0", value: "4", old value: "3" in %%CONF%%
duplicate default geo range value: "2", old value: "1" in %%CONF%%
duplicate range "10.0.0.0-10.0.0.1", value: "4", old value: "3" in %%CONF%%
no address range "10.0.0.0-10.0.0.2" to delete in %%CONF%%

=== geo: a network that is none
--- http_config
geo $x { 10.0.0.0/33 1; }
--- conf_error
invalid network "10.0.0.0/33" in %%CONF%%

=== geo: a proxy that is none
--- http_config
geo $x { proxy unix:; }
--- conf_error
invalid network "unix:" in %%CONF%%

=== geo: a range that is none
--- http_config
geo $x { ranges; 10.0.0.1-10.0.0.0 1; }
--- conf_error
invalid range "10.0.0.1-10.0.0.0" in %%CONF%%

=== geo: ranges have no IPv6
--- http_config
geo $x { ranges; ::1-::2 1; }
--- conf_error
invalid range "::1-::2" in %%CONF%%

=== geo: ranges that overlap
--- http_config
geo $x { ranges; 10.0.0.4-10.0.0.8 1; 10.0.0.6-10.0.0.9 2; }
--- conf_error
range "10.0.0.6-10.0.0.9" overlaps "10.0.0.4-10.0.0.8" in %%CONF%%

=== geo: a range around another
--- http_config
geo $x { ranges; 10.0.0.4-10.0.0.8 1; 10.0.0.0-10.0.0.9 2; }
--- conf_error
range "10.0.0.0-10.0.0.9" overlaps "10.0.0.4-10.0.0.8" in %%CONF%%

=== geo: ranges too late
--- http_config
geo $x { default 1; ranges; }
--- conf_error
the "ranges" directive must be the first directive inside "geo" block in %%CONF%%

=== geo: too many words
--- http_config
geo $x { 10.0.0.0/8 1 2; }
--- conf_error
invalid number of the geo parameters in %%CONF%%

=== geo: an address that is no variable
--- http_config
geo 10.0.0.1 $x { }
--- conf_error
invalid variable name "10.0.0.1" in %%CONF%%

=== geo: volatile
--- since: 1.29.3
--- http_config
geo $x { volatile; 127.0.0.1 local; }
--- config
location / { return 200 $x; }
--- request
GET /
--- response_body: local

=== split_clients: hashes near and at the ends of the parts
--- http_config
split_clients $arg_a $x { 50% one; * two; }
split_clients $arg_a $y { 33.33% one; 33.33% two; 33.34% three; }
split_clients $arg_a $z { 100% all; }
split_clients "a=$arg_a" $w { .5% one; 5.% "$uri two"; 44.5% ""; 50% four; * none; }
--- config
location / { return 200 "[$x] [$y] [$z] [$w]"; }
--- keepalive_requests
GET /
~~~
GET /?a=a
~~~
GET /?a=ab
~~~
GET /?a=abc
~~~
GET /?a=abcd
~~~
GET /?a=c1B.A0G-
~~~
GET /?a=gOo.ch13
~~~
GET /?a=75vPoouO
~~~
GET /?a=SVzp6VqY
~~~
GET /?a=brNamDUD
~~~
GET /?a=WtYegxbl
~~~
GET /?a=rCIWK8Sn
~~~
GET /?a=3liz9NhJ
~~~
GET /?a=xMSQyPm7
--- response_body chomp
[one] [one] [all] []
~~~
[two] [two] [all] [four]
~~~
[one] [one] [all] []
~~~
[one] [one] [all] [four]
~~~
[one] [one] [all] [four]
~~~
[one] [two] [all] [four]
~~~
[two] [two] [all] [four]
~~~
[one] [one] [all] [four]
~~~
[one] [two] [all] []
~~~
[two] [two] [all] []
~~~
[two] [three] [all] []
~~~
[two] [three] [all] []
~~~
[two] [] [all] [four]
~~~
[two] [] [] [four]

=== split_clients: values are no templates
--- http_config
split_clients $uri $x { * "$uri${"; }
--- config
location / { return 200 "$x"; }
--- request
GET /
--- response_body: $uri${

=== split_clients: more than all
--- http_config
split_clients $uri $x { 50% a; 50.01% b; }
--- conf_error
percent total is greater than 100% in %%CONF%%

=== split_clients: more than the rest
--- http_config
split_clients $uri $x { * a; 1% b; }
--- conf_error
percent total is greater than 100% in %%CONF%%

=== split_clients: a share that is too fine
--- http_config
split_clients $uri $x { 0.001% a; }
--- conf_error
invalid percent value "0.001%" in %%CONF%%

=== split_clients: a share of nothing
--- http_config
split_clients $uri $x { 0.00% a; }
--- conf_error
invalid percent value "0.00%" in %%CONF%%

=== split_clients: a share that is none
--- http_config
split_clients $uri $x { default a; }
--- conf_error
invalid percent value "default" in %%CONF%%

=== split_clients: a share without a value
--- differs: nginx reads on behind the words
--- http_config
split_clients $uri $x { 50%; }
--- conf_error
invalid number of the split_clients parameters in %%CONF%%

=== referer: names, paths, regexes
--- config
server_name named.example ~^named\.r;
valid_referers inherited.example;
location /inherited { return 200 "$uri $http_referer [$invalid_referer]"; }
location /own {
    valid_referers ex.example *.wc.example tc.* .both.example;
    valid_referers p.example/path *.wp.example/x ~^RE\.x "~number=\d$" ~^p;
    return 200 "$uri $http_referer [$invalid_referer]";
}
location /none { valid_referers none x.example; return 200 "$uri $http_referer [$invalid_referer]"; }
location /blocked { valid_referers blocked x.example; return 200 "$uri $http_referer [$invalid_referer]"; }
location /server { valid_referers server_names; return 200 "$uri $http_referer [$invalid_referer]"; }
location ~ ^/g(.)(.) { valid_referers "~(ex)(am)"; return 200 "$uri $http_referer [$invalid_referer$1$2]"; }
--- keepalive_requests
GET /inherited
~~~
GET /inherited
Referer: http://inherited.example
~~~
GET /inherited
Referer: http://ex.example
~~~
GET /own
~~~
GET /own
Referer: 
~~~
GET /own
Referer: text
~~~
GET /own
Referer: http://ex.example
~~~
GET /own
Referer: HTTPS://EX.example:80/x?y
~~~
GET /own
Referer: http://ex.example?x
~~~
GET /own
Referer: http://u@ex.example
~~~
GET /own
Referer: http://a.b.wc.example
~~~
GET /own
Referer: http://wc.example/
~~~
GET /own
Referer: http://tc.a.b/
~~~
GET /own
Referer: http://both.example
~~~
GET /own
Referer: http://x.both.example/
~~~
GET /own
Referer: http://p.example
~~~
GET /own
Referer: http://p.example/path
~~~
GET /own
Referer: http://p.example:81/paths
~~~
GET /own
Referer: http://p.example/PATH
~~~
GET /own
Referer: http://p.other.example
~~~
GET /own
Referer: http://a.wp.example/x
~~~
GET /own
Referer: http://re.XYZ/a?b
~~~
GET /own
Referer: http://q.example/?number=1
~~~
GET /none
~~~
GET /none
Referer: 
~~~
GET /none
Referer: http://x.example
~~~
GET /blocked
~~~
GET /blocked
Referer: 
~~~
GET /blocked
Referer: text
~~~
GET /blocked
Referer: ftp://x.example
~~~
GET /blocked
Referer: http://y.example
~~~
GET /server
Referer: http://named.example
~~~
GET /server
Referer: http://named.regex
~~~
GET /server
Referer: http://inherited.example
~~~
GET /gab
Referer: http://ex.example
~~~
GET /gab
Referer: http://other.org
--- response_body chomp
/inherited  [1]
~~~
/inherited http://inherited.example []
~~~
/inherited http://ex.example [1]
~~~
/own  [1]
~~~
/own  [1]
~~~
/own text [1]
~~~
/own http://ex.example []
~~~
/own HTTPS://EX.example:80/x?y []
~~~
/own http://ex.example?x [1]
~~~
/own http://u@ex.example [1]
~~~
/own http://a.b.wc.example []
~~~
/own http://wc.example/ [1]
~~~
/own http://tc.a.b/ []
~~~
/own http://both.example []
~~~
/own http://x.both.example/ []
~~~
/own http://p.example [1]
~~~
/own http://p.example/path []
~~~
/own http://p.example:81/paths []
~~~
/own http://p.example/PATH [1]
~~~
/own http://p.other.example []
~~~
/own http://a.wp.example/x []
~~~
/own http://re.XYZ/a?b []
~~~
/own http://q.example/?number=1 []
~~~
/none  []
~~~
/none  [1]
~~~
/none http://x.example []
~~~
/blocked  [1]
~~~
/blocked  []
~~~
/blocked text []
~~~
/blocked ftp://x.example []
~~~
/blocked http://y.example [1]
~~~
/server http://named.example []
~~~
/server http://named.regex []
~~~
/server http://inherited.example [1]
~~~
/gab http://ex.example [ab]
~~~
/gab http://other.org [1ab]

=== referer: an inherited list, kept over internal redirects
--- config
valid_referers inherited.example;
location /in { try_files /none$invalid_referer /out; }
location /out { valid_referers other.example; return 200 "[$invalid_referer]"; }
--- keepalive_requests
GET /in
Referer: http://inherited.example
~~~
GET /in
Referer: http://other.example
--- response_body chomp
[]
~~~
[1]

=== referer: without any list
--- config
location / { return 200 "[$invalid_referer]"; }
--- request
GET /
Referer: what
--- response_body: []

=== referer: short names are names
--- differs: nginx takes whatever is shorter than 11 bytes for blocked
--- config
location / { valid_referers x blocked; return 200 "[$invalid_referer]"; }
--- keepalive_requests
GET /
Referer: http://x/
~~~
GET /
Referer: http://y/
--- response_body chomp
[]
~~~
[1]

=== referer: a name given twice
--- config
valid_referers a.example a.example/x;
--- conf_error
conflicting parameter "a.example" in %%CONF%%

=== referer: a name of the server given again
--- config
server_name a.example;
valid_referers server_names a.example;
--- conf_error
conflicting parameter "a.example" in %%CONF%%

=== referer: a wildcard that is none
--- config
valid_referers *.a.*;
--- conf_error
invalid hostname or wildcard "*.a.*" in %%CONF%%

=== referer: a name that is none
--- config
valid_referers "";
--- conf_error
invalid referer "" in %%CONF%%

=== referer: a regex that is none
--- config
valid_referers ~;
--- conf_error
empty regex in "~" in %%CONF%%

=== referer: nothing but none and blocked
--- config
valid_referers none blocked;
--- conf_error
the "none" or "blocked" referers are specified in the "valid_referers" directive without any valid referer

=== referer: hash directives are read
--- config
referer_hash_max_size 4096;
referer_hash_bucket_size 128;
--- conf_ok

=== secure_link: a signature that is given apart
--- config
location /a { secure_link $arg_m,$arg_e; secure_link_md5 "$uri$secure_link_expires s"; return 200 "[$secure_link][$secure_link_expires]"; }
location /b { secure_link $arg_m; secure_link_md5 "$uri$secure_link_expires s"; return 200 "[$secure_link][$secure_link_expires]"; }
location /nomd5 { secure_link $arg_m; return 200 "[$secure_link][$secure_link_expires]"; }
location /nolink { secure_link_md5 $arg_m; return 200 "[$secure_link][$secure_link_expires]"; }
location /none { return 200 "[$secure_link][$secure_link_expires]"; }
--- keepalive_requests
GET /a
~~~
GET /a?m=x&e=4102444800
~~~
GET /a?m=-6XhKYuVlU4jw3diTvcWZw&e=4102444800
~~~
GET /a?m=mJPUKGFchfAvCSu6TZF3sw&e=1000
~~~
GET /a?m=_S1t91DSE4sWuLWDALn9tg&e=
~~~
GET /a?m=c3mJjZWLBYnrk3YxIGee5g&e=0
~~~
GET /a?m=LIq10ctkwSyrmpN-XiuMKg&e=-5
~~~
GET /a?m=q-N97EDetrWKE3bTv_eGMQ&e=x
~~~
GET /a?m=5ixBuZRjyzOlTo6RGHDUQA&e=4102444800x
~~~
GET /a?m=_4e6z00ehxiwfoaWIQflYQ&e=04102444800
~~~
GET /a?m=fcPll0fsfqtFx1PoUMklqA&e=99999999999999999999
~~~
GET /a?m=-6XhKYuVlU4jw3diTvcWZw==&e=4102444800
~~~
GET /a?m=-6XhKYuVlU4jw3diTvcWZw===&e=4102444800
~~~
GET /a?m=-6XhKYuVlU4jw3diTvcWZw,&e=4102444800
~~~
GET /a?m=-6XhKYuVlU4jw3diTvcWZw&e=4102444800,
~~~
GET /a?m=-6XhKYuVlU4jw3diTvcWZ&e=4102444800
~~~
GET /a?m=-6XhKYuVlU4jw3diTvcWZwA&e=4102444800
~~~
GET /a?m=A6XhKYuVlU4jw3diTvcWZw&e=4102444800
~~~
GET /a?m=-6XhKYuVlU4jw3diTvcWZw&e=1000
~~~
GET /b
~~~
GET /b?m=acHFdh2Ga266tpMV2-jNvQ
~~~
GET /b?m=acHFdh2Ga266tpMV2-jNvQ,
~~~
GET /b?m=,
~~~
GET /b?m=,4102444800
~~~
GET /nomd5?m=x
~~~
GET /nolink?m=x
~~~
GET /none
~~~
GET /a/12?m=dJK2gKQgxU9y-XpiO_LiPg&e=4102444800
~~~
GET /a/12?m=dJK2gKQgxU9y+XpiO/LiPg&e=4102444800
--- response_body chomp
[][]
~~~
[][4102444800]
~~~
[1][4102444800]
~~~
[0][1000]
~~~
[][]
~~~
[][]
~~~
[][]
~~~
[][]
~~~
[][]
~~~
[1][04102444800]
~~~
[][]
~~~
[1][4102444800]
~~~
[][4102444800]
~~~
[][]
~~~
[][]
~~~
[][4102444800]
~~~
[][4102444800]
~~~
[][4102444800]
~~~
[][1000]
~~~
[][]
~~~
[1][]
~~~
[][]
~~~
[][]
~~~
[][4102444800]
~~~
[][]
~~~
[][]
~~~
[][]
~~~
[1][4102444800]
~~~
[][4102444800]

=== secure_link: a signature within the path
--- config
secure_link $arg_m;
secure_link_md5 $uri;
location /s {
    secure_link_secret xyz;
    location /s/in { secure_link $arg_m; return 200 "in [$secure_link]"; }
    return 200 "[$secure_link]";
}
--- keepalive_requests
GET /s/8b1a201c081d4c982bc365721cb8dd6e/link
~~~
GET /s/8B1A201C081D4C982BC365721CB8DD6E/link
~~~
GET /s/8b1a201c081d4c982bc365721cb8dd6e/links
~~~
GET /s/b1a201c081d4c982bc365721cb8dd6e/link
~~~
GET /s/8b1a201c081d4c982bc365721cb8dd6e0/link
~~~
GET /s/gb1a201c081d4c982bc365721cb8dd6e/link
~~~
GET /s/f51ce7bfd300d08f2feb657be8aa63ea/a/b
~~~
GET /s/d37eb3dd45a44bbd43f7b5c9b3973fb8/a%20b
~~~
GET /s/eee38ddb72cd4b48566ad99f5f8be091/a%20b
~~~
GET /s/5ab8fb2e1c58596cda309035fa30ed26/link?x=y
~~~
GET /s/d16fb36f0911f878998c136191af705e/
~~~
GET /s/d16fb36f0911f878998c136191af705e
~~~
GET /s
~~~
GET /sx/8b1a201c081d4c982bc365721cb8dd6e/link
~~~
GET /s/x/8b1a201c081d4c982bc365721cb8dd6e/link
~~~
GET /s/in/x?m=s9xbe551ZvzEWpAzxeZY2w
--- response_body chomp
[link]
~~~
[link]
~~~
[]
~~~
[]
~~~
[]
~~~
[]
~~~
[a/b]
~~~
[]
~~~
[a%20b]
~~~
[link?x=y]
~~~
[]
~~~
[]
~~~
[]
~~~
[link]
~~~
[]
~~~
in []

=== secure_link: what is logged of values that are not there
--- http_config
log_format link '$uri [$secure_link] [$secure_link_expires]';
access_log logs/access.log link;
--- config
location /a { secure_link $arg_m,$arg_e; secure_link_md5 $uri; return 204; }
location /s { secure_link_secret xyz; return 204; }
--- keepalive_requests
GET /a
~~~
GET /a?e=1000
~~~
GET /s
--- error_code: 204
--- access_log_like
^/a \[-\] \[-\]$
^/a \[-\] \[1000\]$
^/s \[-\] \[-\]$

=== secure_link: both kinds
--- config
location / { secure_link_secret x; secure_link_md5 y; }
--- conf_error
"secure_link_secret" cannot be mixed with "secure_link" and "secure_link_md5" in %%CONF%%

=== userid: a cookie for who has none
--- config
userid on;
location /on { return 200 "[$uid_got][$uid_set]"; }
location /v1 { userid v1; return 200 "[$uid_got][$uid_set]"; }
location /log { userid log; return 200 "[$uid_got][$uid_set]"; }
location /off { userid off; return 200 "[$uid_got][$uid_set]"; }
location /number { userid_service 16909060; return 200 "[$uid_got][$uid_set]"; }
location /v1number { userid_service 16909060; userid v1; return 200 "[$uid_got][$uid_set]"; }
location /mark { userid_mark z; return 200 "[$uid_got][$uid_set]"; }
location /moved { return 301 /; }
location /not { return 304; }
--- keepalive_requests
GET /on
~~~
GET /v1
~~~
GET /log
~~~
GET /off
~~~
GET /number
~~~
GET /v1number
~~~
GET /mark
~~~
GET /moved
~~~
GET /not
~~~
GET /none
~~~
HEAD /on
--- error_code: 200 200 200 200 200 200 200 301 304 404 200
--- response_headers_like
Set-Cookie: uid=fwAAA[\w+/]{16}[AQgw]==; path=/
~~~
Set-Cookie: uid=AAAAA[\w+/]{17}==; path=/
~~~
~~~
~~~
Set-Cookie: uid=AQIDB[\w+/]{16}g==; path=/
~~~
Set-Cookie: uid=BAMCA[\w+/]{17}==; path=/
~~~
Set-Cookie: uid=fwAAA[\w+/]{16}gz=; path=/
~~~
Set-Cookie: uid=fwAAA[\w+/]{16}[AQgw]==; path=/
~~~
Set-Cookie: uid=fwAAA[\w+/]{16}[AQgw]==; path=/
~~~
Set-Cookie: uid=fwAAA[\w+/]{16}[AQgw]==; path=/
~~~
Set-Cookie: uid=fwAAA[\w+/]{16}[AQgw]==; path=/
--- response_body_like
\A\[\]\[uid=0100007F[0-9A-F]{16}02[0-9A-F]{6}\]\z
~~~
\A\[\]\[uid=00000000[0-9A-F]{22}01\]\z
~~~
\A\[\]\[\]\z
~~~
\A\[\]\[\]\z
~~~
\A\[\]\[uid=04030201[0-9A-F]{16}02[0-9A-F]{6}\]\z
~~~
\A\[\]\[uid=01020304[0-9A-F]{22}01\]\z
~~~
\A\[\]\[uid=0100007F[0-9A-F]{16}02[0-9A-F]{6}\]\z
~~~
.
~~~
\A\z
~~~
.
~~~
\A\z

=== userid: attributes of the cookie
--- config
userid on;
userid_domain .example.com;
location /all {
    userid_name id; userid_path /p; userid_expires 1d; userid_p3p 'policyref="/w3c/p3p.xml"';
    userid_flags secure httponly samesite=lax;
    return 200 $uid_set;
}
location /max { userid_domain none; userid_expires max; userid_flags samesite=strict; return 200 x; }
location /none { userid_expires 0; userid_path ""; userid_flags samesite=none off secure; return 200 x; }
--- keepalive_requests
GET /all
~~~
GET /max
~~~
GET /none
--- response_headers_like
Set-Cookie: id=fwAAA[\w+/]{17}==; expires=[A-Z]\w\w, \d\d-[A-Z]\w\w-\d\d \d\d:\d\d:\d\d GMT; domain=\.example\.com; path=/p; secure; httponly; samesite=lax
P3P: policyref="/w3c/p3p\.xml"
~~~
Set-Cookie: uid=fwAAA[\w+/]{17}==; expires=Thu, 31-Dec-37 23:55:55 GMT; path=/; samesite=strict
~~~
Set-Cookie: uid=fwAAA[\w+/]{17}==; domain=\.example\.com; path=; secure; samesite=none
--- response_body_like
\Aid=0100007F
~~~
x
~~~
x

=== userid: who has a cookie keeps it
--- config
userid on;
location /on { return 200 "[$uid_got][$uid_set]"; }
location /v1 { userid v1; return 200 "[$uid_got][$uid_set]"; }
location /log { userid log; return 200 "[$uid_got][$uid_set]"; }
location /off { userid off; return 200 "[$uid_got][$uid_set]"; }
location /mark { userid_mark z; return 200 "[$uid_got][$uid_set]"; }
--- keepalive_requests
GET /on
Cookie: uid=fwAAAWXvAAECAwQFBgcICQ==
~~~
GET /on
Cookie: a=b; UID=fwAAAWXvAAECAwQFBgcICQ==; c=d
~~~
GET /on
Cookie: uid=fwAAAWXvAAECAwQFBgcICQ
~~~
GET /on
Cookie: uid=fwAAAWXvAAECAwQFBgcICQzz and more
~~~
GET /on
Cookie: a=b
Cookie: uid=fwAAAWXvAAECAwQFBgcICQ==
~~~
GET /v1
Cookie: uid=fwAAAWXvAAECAwQFBgcICQ==
~~~
GET /log
Cookie: uid=fwAAAWXvAAECAwQFBgcICQ==
~~~
GET /off
Cookie: uid=fwAAAWXvAAECAwQFBgcICQ==
~~~
GET /mark
Cookie: uid=fwAAAWXvAAECAwQFBgcICQz=
--- response_headers
!Set-Cookie
--- response_body chomp
[uid=0100007F0100EF650504030209080706][]
~~~
[uid=0100007F0100EF650504030209080706][]
~~~
[uid=0100007F0100EF650504030209080706][]
~~~
[uid=0100007F0100EF650504030209080706][]
~~~
[uid=0100007F0100EF650504030209080706][]
~~~
[uid=0100007F0100EF650504030209080706][]
~~~
[uid=0100007F0100EF650504030209080706][]
~~~
[][]
~~~
[uid=0100007F0100EF650504030209080706][]

=== userid: a cookie without the mark is sent again
--- keepalive_requests
GET /mark
Cookie: uid=fwAAAWXvAAECAwQFBgcICQ==
~~~
GET /mark
Cookie: uid=fwAAAWXvAAECAwQFBgcICQzz
~~~
GET /mark
Cookie: uid=fwAAAWXvAAECAwQFBgcICQ
--- response_headers
Set-Cookie: uid=fwAAAWXvAAECAwQFBgcICQz=; path=/
--- response_body: [uid=0100007F0100EF650504030209080706][uid=0100007F0100EF650504030209080706]

=== userid: cookies that are none
--- keepalive_requests
GET /on
Cookie: uid=short
~~~
GET /on
Cookie: uid=!wAAAWXvAAECAwQFBgcICQ==
~~~
GET /on
Cookie: xuid=fwAAAWXvAAECAwQFBgcICQ==
~~~
GET /on
Cookie: uid=bad
Cookie: uid=fwAAAWXvAAECAwQFBgcICQ==
--- response_headers_like
Set-Cookie: uid=fwAAA[\w+/]{17}==; path=/
--- response_body_like
^\[\]\[uid=0100007F
--- error_log
client sent too short userid cookie "uid=short", client: 127.0.0.1
client sent invalid userid cookie "uid=!wAAAWXvAAECAwQFBgcICQ=="

=== userid: $uid_reset
--- http_config
log_format uid '$request_uri [$uid_got] [$uid_set] [$uid_reset]';
access_log logs/access.log uid;
--- config
userid on;
location /reset { set $uid_reset $arg_r; return 200 "[$uid_got]"; }
location /map { set $uid_reset 1; return 200 "[$uid_set]"; }
--- keepalive_requests
GET /reset
Cookie: uid=fwAAAWXvAAECAwQFBgcICQ==
~~~
GET /reset?r=0
Cookie: uid=fwAAAWXvAAECAwQFBgcICQ==
~~~
GET /reset?r=1
Cookie: uid=fwAAAWXvAAECAwQFBgcICQ==
~~~
GET /reset?r=log
Cookie: uid=fwAAAWXvAAECAwQFBgcICQ==
--- response_body: [uid=0100007F0100EF650504030209080706]
--- access_log_like
^/reset \[uid=0100007F0100EF650504030209080706\] \[-\] \[\]$
^/reset\?r=0 \[uid=0100007F0100EF650504030209080706\] \[-\] \[0\]$
^/reset\?r=1 \[uid=0100007F0100EF650504030209080706\] \[uid=0100007F(?!0100EF65)[0-9A-F]{24}\] \[1\]$
^/reset\?r=log \[uid=0100007F0100EF650504030209080706\] \[uid=0100007F(?!0100EF65)[0-9A-F]{24}\] \[log\]$
--- error_log
userid cookie "uid=0100007F0100EF650504030209080706" was reset

=== userid: what is not set is no id in logs
--- http_config
log_format uid '$uri [$uid_got] [$uid_set] [$uid_reset]';
access_log logs/access.log uid;
--- config
location / { return 204; }
--- request
GET /
--- error_code: 204
--- access_log_like
^/ \[-\] \[-\] \[\]$

=== userid: a mark that is none
--- config
userid_mark ab;
--- conf_error
"userid_mark" directive value must be "off" or a single letter, digit or "=" in %%CONF%%

=== userid: a mode that is none
--- config
userid yes;
--- conf_error
invalid value "yes" in %%CONF%%

=== userid: a time that is none
--- config
userid_expires never;
--- conf_error
"userid_expires" directive invalid value in %%CONF%%

=== userid: a number that is none
--- config
userid_service x;
--- conf_error
"userid_service" directive invalid number in %%CONF%%

=== userid: flags that are none
--- config
userid_flags secure samesite;
--- conf_error
invalid value "samesite" in %%CONF%%

=== userid: too many flags
--- config
userid_flags secure httponly samesite=lax off;
--- conf_error
invalid number of arguments in "userid_flags" directive in %%CONF%%

=== browser: modern, ancient and others
--- config
location /all {
    modern_browser konqueror 3.0; modern_browser Safari 413; modern_browser opera 9.0;
    modern_browser gecko 1.0.0; modern_browser msie 5.5; modern_browser msie 7;
    return 200 "[$modern_browser][$ancient_browser][$msie]";
}
location /some {
    modern_browser msie 5.5; modern_browser unlisted;
    ancient_browser Links Lynx; ancient_browser netscape4;
    modern_browser_value new; ancient_browser_value "old one";
    return 200 "[$modern_browser][$ancient_browser][$msie]";
}
--- keepalive_requests
GET /all
~~~
GET /some
~~~
GET /all
User-Agent: 
~~~
GET /some
User-Agent: 
~~~
GET /all
User-Agent: Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)
~~~
GET /some
User-Agent: Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)
~~~
GET /all
User-Agent: Mozilla/4.0 (compatible; MSIE 5.5; Windows)
~~~
GET /some
User-Agent: Mozilla/4.0 (compatible; MSIE 5.5; Windows)
~~~
GET /all
User-Agent: Mozilla/4.0 (compatible; MSIE 5.4; Windows)
~~~
GET /some
User-Agent: Mozilla/4.0 (compatible; MSIE 5.4; Windows)
~~~
GET /all
User-Agent: Mozilla/4.0 (compatible; MSIE 10.0)
~~~
GET /some
User-Agent: Mozilla/4.0 (compatible; MSIE 10.0)
~~~
GET /all
User-Agent: Mozilla/4.0 (compatible; MSIE 5.5.1)
~~~
GET /some
User-Agent: Mozilla/4.0 (compatible; MSIE 5.5.1)
~~~
GET /all
User-Agent: Mozilla/4.0 (compatible; MSIE 6.0; Windows) Opera 7.0
~~~
GET /some
User-Agent: Mozilla/4.0 (compatible; MSIE 6.0; Windows) Opera 7.0
~~~
GET /all
User-Agent: Mozilla/4.0 (compatible; MSIE 5.0; Windows) Opera 9.10
~~~
GET /some
User-Agent: Mozilla/4.0 (compatible; MSIE 5.0; Windows) Opera 9.10
~~~
GET /all
User-Agent: Opera/9.0 (X)
~~~
GET /some
User-Agent: Opera/9.0 (X)
~~~
GET /all
User-Agent: Opera/8.9 (X)
~~~
GET /some
User-Agent: Opera/8.9 (X)
~~~
GET /all
User-Agent: Mozilla/5.0 (X11; U; rv:1.8.1) Gecko/20070101
~~~
GET /some
User-Agent: Mozilla/5.0 (X11; U; rv:1.8.1) Gecko/20070101
~~~
GET /all
User-Agent: Mozilla/5.0 (X11; rv:0.9.9) Gecko/20070101
~~~
GET /some
User-Agent: Mozilla/5.0 (X11; rv:0.9.9) Gecko/20070101
~~~
GET /all
User-Agent: Mozilla/5.0 (Mac) AppleWebKit/418 (KHTML, like Gecko) Safari/417.9
~~~
GET /some
User-Agent: Mozilla/5.0 (Mac) AppleWebKit/418 (KHTML, like Gecko) Safari/417.9
~~~
GET /all
User-Agent: Mozilla/5.0 (Mac) Safari/412
~~~
GET /some
User-Agent: Mozilla/5.0 (Mac) Safari/412
~~~
GET /all
User-Agent: Mozilla/5.0 (compatible; Konqueror/3.5; Linux)
~~~
GET /some
User-Agent: Mozilla/5.0 (compatible; Konqueror/3.5; Linux)
~~~
GET /all
User-Agent: Mozilla/5.0 (compatible; Konqueror/2.2; Linux)
~~~
GET /some
User-Agent: Mozilla/5.0 (compatible; Konqueror/2.2; Linux)
~~~
GET /all
User-Agent: Lynx/2.8
~~~
GET /some
User-Agent: Lynx/2.8
~~~
GET /all
User-Agent: Mozilla/4.08 [en] (X11; U; Linux)
~~~
GET /some
User-Agent: Mozilla/4.08 [en] (X11; U; Linux)
~~~
GET /all
User-Agent: Mozilla/5.0
~~~
GET /some
User-Agent: Mozilla/5.0
~~~
GET /all
User-Agent: curl/7.88
~~~
GET /some
User-Agent: curl/7.88
~~~
GET /all
User-Agent: MSIE
~~~
GET /some
User-Agent: MSIE
--- response_body chomp
[][1][]
~~~
[new][][]
~~~
[][1][]
~~~
[new][][]
~~~
[1][][1]
~~~
[new][][1]
~~~
[1][][1]
~~~
[new][][1]
~~~
[][1][1]
~~~
[][old one][1]
~~~
[1][][1]
~~~
[new][][1]
~~~
[1][][1]
~~~
[new][][1]
~~~
[][1][]
~~~
[][old one][]
~~~
[1][][]
~~~
[][old one][]
~~~
[1][][]
~~~
[][old one][]
~~~
[][1][]
~~~
[][old one][]
~~~
[1][][]
~~~
[new][][]
~~~
[][1][]
~~~
[new][][]
~~~
[1][][]
~~~
[new][][]
~~~
[][1][]
~~~
[new][][]
~~~
[1][][]
~~~
[new][][]
~~~
[][1][]
~~~
[new][][]
~~~
[][1][]
~~~
[][old one][]
~~~
[][1][]
~~~
[][old one][]
~~~
[][1][]
~~~
[new][][]
~~~
[][1][]
~~~
[new][][]
~~~
[][1][]
~~~
[new][][]

=== browser: nothing is said
--- config
location /none { return 200 "[$modern_browser][$ancient_browser][$msie]"; }
location /unlisted { modern_browser unlisted; return 200 "[$modern_browser][$ancient_browser][$msie]"; }
location /ancient { ancient_browser curl; modern_browser unlisted; return 200 "[$modern_browser][$ancient_browser][$msie]"; }
location /empty { modern_browser_value ""; ancient_browser_value ""; return 200 "[$modern_browser][$ancient_browser][$msie]"; }
--- keepalive_requests
GET /none
User-Agent: curl/7.88
~~~
GET /none
User-Agent: Opera/9.0
~~~
GET /none
User-Agent: Mozilla/4.0 (compatible; MSIE 6.0)
~~~
GET /unlisted
User-Agent: curl/7.88
~~~
GET /unlisted
User-Agent: Opera/9.0
~~~
GET /unlisted
User-Agent: Mozilla/4.0 (compatible; MSIE 6.0)
~~~
GET /ancient
User-Agent: curl/7.88
~~~
GET /ancient
User-Agent: Opera/9.0
~~~
GET /ancient
User-Agent: Mozilla/4.0 (compatible; MSIE 6.0)
~~~
GET /empty
User-Agent: curl/7.88
~~~
GET /empty
User-Agent: Opera/9.0
~~~
GET /empty
User-Agent: Mozilla/4.0 (compatible; MSIE 6.0)
--- response_body chomp
[][1][]
~~~
[][1][]
~~~
[][1][1]
~~~
[1][][]
~~~
[1][][]
~~~
[1][][1]
~~~
[][1][]
~~~
[1][][]
~~~
[1][][1]
~~~
[][][]
~~~
[][][]
~~~
[][][1]

=== browser: versions are compared part by part
--- config
location / { modern_browser msie 1.2.3.4; return 200 "[$modern_browser]"; }
--- keepalive_requests
GET /
User-Agent: Mozilla/4.0 (compatible; MSIE 1
~~~
GET /
User-Agent: Mozilla/4.0 (compatible; MSIE 1.2
~~~
GET /
User-Agent: Mozilla/4.0 (compatible; MSIE 1.2.3
~~~
GET /
User-Agent: Mozilla/4.0 (compatible; MSIE 1.2.3.3
~~~
GET /
User-Agent: Mozilla/4.0 (compatible; MSIE 1.2.3.4
~~~
GET /
User-Agent: Mozilla/4.0 (compatible; MSIE 1.2.3.5
~~~
GET /
User-Agent: Mozilla/4.0 (compatible; MSIE 1.2.2.9
~~~
GET /
User-Agent: Mozilla/4.0 (compatible; MSIE 1.2.4
~~~
GET /
User-Agent: Mozilla/4.0 (compatible; MSIE 1.2.10
~~~
GET /
User-Agent: Mozilla/4.0 (compatible; MSIE 1.3
~~~
GET /
User-Agent: Mozilla/4.0 (compatible; MSIE 2
~~~
GET /
User-Agent: Mozilla/4.0 (compatible; MSIE 01.02.03.04
~~~
GET /
User-Agent: Mozilla/4.0 (compatible; MSIE 1.2.3.4x
~~~
GET /
User-Agent: Mozilla/4.0 (compatible; MSIE 1.2x.9
~~~
GET /
User-Agent: Mozilla/4.0 (compatible; MSIE 1..9
--- response_body chomp
[]
~~~
[]
~~~
[]
~~~
[]
~~~
[1]
~~~
[1]
~~~
[]
~~~
[1]
~~~
[1]
~~~
[1]
~~~
[1]
~~~
[1]
~~~
[1]
~~~
[]
~~~
[]

=== browser: inherited and logged
--- http_config
log_format browser '$uri [$modern_browser] [$ancient_browser] [$msie]';
access_log logs/access.log browser;
--- config
modern_browser msie 5.5;
ancient_browser Lynx;
modern_browser_value server;
location /inherited { return 204; }
location /own { modern_browser opera 5; modern_browser_value own; return 204; }
--- keepalive_requests
GET /inherited
User-Agent: Mozilla/4.0 (compatible; MSIE 6.0)
~~~
GET /own
User-Agent: Mozilla/4.0 (compatible; MSIE 6.0)
~~~
GET /own
User-Agent: Opera/9
--- error_code: 204
--- access_log_like
^/inherited \[server\] \[\] \[1\]$
^/own \[\] \[1\] \[1\]$
^/own \[own\] \[\] \[\]$

=== browser: inherited from http
--- differs: nginx does not find what is inherited from there
--- http_config
modern_browser msie 5.5;
--- config
location / { return 200 "[$modern_browser]"; }
--- request
GET /
User-Agent: Mozilla/4.0 (compatible; MSIE 6.0)
--- response_body: [1]

=== browser: an old Netscape without more
--- differs: nginx wants twelve bytes, the documentation does not
--- config
location / { ancient_browser netscape4; modern_browser unlisted; return 200 "[$ancient_browser]"; }
--- keepalive_requests
GET /
User-Agent: Mozilla/4.5
~~~
GET /
User-Agent: Mozilla/5.0
--- response_body chomp
[1]
~~~
[]

=== browser: a name that is none
--- config
modern_browser mosaic 1;
--- conf_error
unknown browser name "mosaic" in %%CONF%%

=== browser: a version that is none
--- config
modern_browser msie six;
--- conf_error
invalid browser version "six" in %%CONF%%

=== browser: a name alone
--- differs: nginx does not say so
--- config
modern_browser msie;
--- conf_ok
"msie" without a version has no effect in %%CONF%%

=== all of them in the log of a request that was no request
--- http_config
map $arg_a $map { default map; }
geo $geo { default geo; }
split_clients $arg_a $split { * split; }
log_format all '$map $geo $split [$invalid_referer] [$secure_link] [$secure_link_expires] [$uid_got] [$modern_browser] [$ancient_browser] [$msie]';
access_log logs/access.log all;
--- config
valid_referers x.example;
secure_link $arg_a;
secure_link_md5 $uri;
userid on;
location / { return 200 x; }
--- raw_request
GET what HTTP/1.1\r\n\r\n
--- error_code: 400
--- access_log_like
^map geo split \[1\] \[-\] \[-\] \[-\] \[\] \[1\] \[\]$

=== what they are made for: conditions
--- http_config
map $http_user_agent $is_bot { default 0; "~*bot" 1; }
geo $inside { default 0; 127.0.0.0/8 1; }
--- config
valid_referers none blocked *.example.com;
if ($is_bot) { return 429; }
location /files/ {
    if ($invalid_referer) { return 403; }
    return 200 "$inside $is_bot";
}
location /signed/ {
    secure_link $arg_m,$arg_e;
    secure_link_md5 "$secure_link_expires$uri secret";
    if ($secure_link = "") { return 403; }
    if ($secure_link = "0") { return 410; }
    return 200 "good until $secure_link_expires";
}
location /old/ {
    ancient_browser Lynx;
    modern_browser unlisted;
    if ($ancient_browser) { return 302 /ancient.html; }
    return 200 "$modern_browser";
}
location /within/ {
    if ($inside) { set $seen "$invalid_referer$is_bot$secure_link"; }
    return 200 "seen [$seen]";
}
--- keepalive_requests
GET /files/x
~~~
GET /files/x
Referer: http://www.example.com/
~~~
GET /files/x
Referer: http://www.example.org/
~~~
GET /files/x
User-Agent: GoodBot/1.0
~~~
GET /signed/x?m=NorTkh-1OuRJs5qIh6rIlg&e=4102444800
~~~
GET /signed/x?m=4WRzBz8DY2bnygm3qt8UOQ&e=1000
~~~
GET /signed/x
~~~
GET /old/
User-Agent: Lynx/2.8
~~~
GET /old/
User-Agent: Mozilla/5.0
~~~
GET /within/
Referer: http://www.example.org/
--- error_code: 200 200 403 429 200 410 403 302 200 200
--- response_body_like
\A1 0\z
~~~
\A1 0\z
~~~
403
~~~
429
~~~
\Agood until 4102444800\z
~~~
410
~~~
403
~~~
302
~~~
\A1\z
~~~
\Aseen \[10\]\z
