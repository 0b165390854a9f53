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

