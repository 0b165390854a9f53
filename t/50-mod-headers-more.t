# more_set_headers and its kin.
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::Weir;

run_tests();

__DATA__
--- differs: a module of a third party

=== fields are set, replaced and removed
--- config
root html;
location /a.txt {
    more_set_headers 'X-One: 1' "X-Two:two $arg_a" 'Server: other' 'ETag: "mine"';
    more_set_headers 'x-one: 2';
}
location /gone.txt { more_clear_headers Server ETag Last-Modified Content-Type; }
location /empty.txt { more_set_headers Server 'ETag:' 'Last-Modified: '; }
location /type.txt { more_set_headers 'Content-Type: text/own; charset=utf-8'; }
location /date.txt { more_set_headers 'Last-Modified: Tue, 14 Nov 2023 22:13:21 GMT' 'Date: now'; }
location /length.txt { more_clear_headers Content-Length; }
location /where { more_set_headers 'Location: /there'; return 302 /here; }
--- user_files
>>> a.txt @1700000000
text
>>> gone.txt @1700000000
text
>>> empty.txt @1700000000
text
>>> type.txt @1700000000
text
>>> date.txt @1700000000
text
>>> length.txt @1700000000
text
--- keepalive_requests
GET /a.txt?a=b
~~~
GET /gone.txt
~~~
GET /empty.txt
~~~
GET /type.txt
~~~
GET /date.txt
~~~
GET /length.txt
~~~
GET /where
--- error_code: 200 200 200 200 200 200 302
--- response_headers
X-One: 2
X-Two: two b
Server: other
ETag: "mine"
Last-Modified: Tue, 14 Nov 2023 22:13:20 GMT
~~~
!Server
!ETag
!Last-Modified
!Content-Type
Content-Length: 5
~~~
!Server
!ETag
!Last-Modified
Content-Type: text/plain
~~~
Content-Type: text/own; charset=utf-8
~~~
Last-Modified: Tue, 14 Nov 2023 22:13:21 GMT
Date: now
~~~
!Content-Length
Transfer-Encoding: chunked
~~~
Location: /there

=== a changed date is what conditions look at no more, and parts of a file are as before
--- request
GET /a.txt
Range: bytes=0-1
--- error_code: 206
--- response_headers
X-One: 2
Content-Range: bytes 0-1/5
--- response_body chomp
te

=== statuses and types
--- config
default_type text/own;
more_set_headers -s '404 403' -s 500 'X-Error: yes';
more_set_headers -t 'text/own text/other' -t text/plain 'X-Own: yes';
more_set_headers -s 200 -t text/html 'X-Both: yes';
more_set_headers -s '' -t '' 'X-All: yes';
location = /200 { return 200 text; }
location = /html { default_type text/html; return 200 text; }
location = /404 { return 404; }
location = /410 { return 410; }
--- keepalive_requests
GET /200
~~~
GET /html
~~~
GET /404
~~~
GET /410
--- error_code: 200 200 404 410
--- response_headers
!X-Error
X-Own: yes
!X-Both
X-All: yes
~~~
!X-Error
!X-Own
X-Both: yes
X-All: yes
~~~
X-Error: yes
!X-Own
!X-Both
X-All: yes
~~~
!X-Error
!X-Own
!X-Both
X-All: yes

=== levels add up, the outer ones first
--- http_config
more_set_headers 'X-A: http' 'X-B: http' 'X-C: http';
--- config
more_set_headers 'X-B: server' 'X-C: server';
location / { return 200; }
location /own { more_set_headers 'X-C: location'; more_clear_headers X-A; return 200; }
--- keepalive_requests
GET /
~~~
GET /own
--- response_headers
X-A: http
X-B: server
X-C: server
~~~
!X-A
X-B: server
X-C: location

=== with add_header and expires, which come after
--- config
location / {
    more_set_headers 'X-A: 1' 'Cache-Control: mine' 'Expires: never';
    add_header X-A 2;
    expires epoch;
    return 200;
}
location /append { more_set_headers -a 'X-A: 1' 'X-A: 2'; return 200; }
--- keepalive_requests
GET /
~~~
GET /append
--- response_headers
X-A: 1
X-A: 2
Cache-Control: no-cache
Expires: Thu, 01 Jan 1970 00:00:01 GMT
~~~
X-A: 1
X-A: 2

=== all that begin alike
--- config
location / {
    more_set_headers 'X-Hidden-A: 1' 'x-hidden-b: 2' 'X-Hide: 3';
    more_clear_headers 'X-Hidden-*';
    return 200;
}
location /types { more_clear_headers 'con*' 'S*'; return 200 text; }
location /set { more_set_headers 'X-A: 1' 'X-B: 2' 'x-*'; return 200 text; }
--- keepalive_requests
GET /
~~~
GET /types
~~~
GET /set
--- response_headers
!X-Hidden-A
!X-Hidden-B
X-Hide: 3
~~~
!Content-Type
!Content-Length
!Server
Connection: keep-alive
~~~
!X-A
!X-B
Content-Type: text/plain

=== fields of the request
--- config
location / {
    more_set_input_headers 'X-In: $http_x_in,new' 'Host: Other.Example:81' 'User-Agent: faked';
    more_set_input_headers -r 'X-There: replaced' 'X-None: made';
    more_clear_input_headers X-Gone 'X-Hidden-*';
    add_header X-In $http_x_in;
    add_header X-Host $host;
    add_header X-Field "$http_host";
    add_header X-Agent $http_user_agent;
    add_header X-There $http_x_there;
    add_header X-None "-$http_x_none";
    add_header X-Gone "-$http_x_gone$http_x_hidden_a$http_x_hidden_b";
}
location /type {
    more_set_input_headers -t 'text/a text/b' 'X-In: typed';
    add_header X-In $http_x_in;
}
--- user_files
>>> index.html
index
>>> type
type
--- keepalive_requests
GET /index.html
X-In: old
X-There: old
X-Gone: gone
X-Hidden-A: a
X-Hidden-B: b
~~~
GET /type
Content-Type: text/b; charset=utf-8
X-In: old
~~~
GET /type
X-In: old
--- response_headers
X-In: old,new
X-Host: other.example
X-Field: Other.Example:81
X-Agent: faked
X-There: replaced
X-None: -
X-Gone: -
~~~
X-In: typed
~~~
X-In: old

=== what frames a message stays
--- config
location / {
    more_set_headers 'Connection: x' 'Transfer-Encoding: y' 'Content-Length: 7';
    more_clear_headers Connection;
    more_set_input_headers 'Content-Length: 3';
    return 200 text;
}
--- request
POST /

body
--- response_headers
Content-Length: 4
Connection: close
!Transfer-Encoding
--- response_body chomp
text

=== a value cannot end its line
--- config
location / { more_set_headers "X-A: $uri" "X-B: a
X-Injected: b"; return 200; }
--- request
GET /a%0d%0aX-Injected:%20yes
--- response_headers
!X-Injected
X-A: /a
X-B: a

=== no option of it
--- config
more_set_headers -x 'X-A: 1';
--- conf_error
[emerg] invalid option name "-x" in %%CONF%%:

=== an option without its argument
--- config
more_clear_headers X-A -t;
--- conf_error
[emerg] option "-t" takes an argument in %%CONF%%:

=== statuses are for answers
--- config
more_set_input_headers -s 200 'X-A: 1';
--- conf_error
[emerg] invalid option name "-s" in %%CONF%%:

=== a status that is none
--- config
more_set_headers -s '200 4xx' 'X-A: 1';
--- conf_error
[emerg] invalid status code "4xx" in %%CONF%%:

=== a value without a name
--- config
more_set_headers ': 1';
--- conf_error
[emerg] invalid header name in ": 1" in %%CONF%%:

=== not in an if of a server
--- config
if ($arg_a) { more_set_headers 'X-A: 1'; }
--- conf_error
[emerg] "more_set_headers" directive is not allowed here in %%CONF%%:
