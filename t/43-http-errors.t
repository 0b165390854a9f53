# Error pages, redirects and the way from a path to a file: error_page, the built-in pages,
# try_files, index, root and alias, internal redirects, types.
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::Weir;

run_tests();

__DATA__

=== error_page with a path keeps the code
--- http_config
types { text/html html; text/plain txt; }
default_type application/octet-stream;
--- config
root html;
error_page 404 410 /missing.html;
error_page 403 /forbidden.txt;
error_page 500 502 503 504 /50x.html;
location = /gone { return 410; }
location = /forbidden { return 403; }
location = /broken { return 500; }
location = /busy { return 503; }
location = /other { return 409; }
--- user_files
>>> missing.html
<p>missing</p>
>>> forbidden.txt
forbidden
>>> 50x.html
<p>sorry</p>
--- keepalive_requests
GET /none
~~~
GET /gone
~~~
GET /forbidden
~~~
GET /busy
~~~
GET /other
~~~
GET /broken
--- error_code: 404 410 403 503 409 500
--- response_headers
Content-Type: text/html
Content-Length: 15
~~~
Content-Type: text/html
~~~
Content-Type: text/plain
~~~
Content-Type: text/html
~~~
Content-Type: text/html
~~~
Content-Type: text/html
--- response_body_like
\A<p>missing</p>$
~~~
\A<p>missing</p>$
~~~
\Aforbidden$
~~~
\A<p>sorry</p>$
~~~
<title>409 Conflict</title>
~~~
\A<p>sorry</p>$
--- error_log
open() "%%DIR%%/html/none" failed (2: No such file or directory)

=== an error page is nothing to ask for again by date or range
--- request
GET /none
--- error_code: 404
--- response_headers
!Last-Modified
!Accept-Ranges
--- error_log
/html/none" failed

=== HEAD on an error page: the length of the page, and no body
--- keepalive_requests
HEAD /none
~~~
HEAD /other
~~~
GET /gone
--- error_code: 404 409 410
--- response_headers_like
Content-Length: 15
~~~
Content-Length: [1-9]\d+
~~~
Content-Length: 15
--- response_body_like
\A\z
~~~
\A\z
~~~
missing
--- error_log
/html/none" failed

=== a POST gets the page as well
--- request
POST /gone

a body
--- error_code: 410
--- response_body
<p>missing</p>

=== =code sets the code, = takes that of the answer
--- config
root html;
location /as200/ { error_page 404 =200 /ok.txt; }
location /as503/ { error_page 404 =503 /ok.txt; }
location /take/ { error_page 404 = /answer; }
location /take-file/ { error_page 404 = /ok.txt; }
location /take-missing/ { error_page 404 = /nowhere; }
location /keep/ { error_page 404 /answer; }
location /as204/ { error_page 404 =204 /ok.txt; }
location = /answer { return 201 "answer\n"; }
--- user_files
>>> ok.txt
ok
--- keepalive_requests
GET /as200/x
~~~
GET /as503/x
~~~
GET /take/x
~~~
GET /take-file/x
~~~
GET /take-missing/x
~~~
GET /keep/x
--- error_code: 200 503 201 200 404 404
--- response_body_like
^ok$
~~~
^ok$
~~~
^answer$
~~~
^ok$
~~~
404 Not Found
~~~
^answer$
--- error_log
/html/as200/x" failed
/html/take-missing/x" failed
/html/nowhere" failed

=== an error page is asked for with GET; a named location sees the method of the request
--- config
location /path { error_page 418 = /shown; return 418; }
location /named { error_page 418 = @shown; return 418; }
location = /shown { return 200 "$request_method $uri $request_uri [$args]"; }
location @shown { return 200 "$request_method $uri $request_uri [$args]"; }
--- keepalive_requests
POST /path?a=b

body
~~~
POST /named?a=b

body
~~~
HEAD /path
--- response_body_like
\AGET /shown /path\?a=b \[\]\z
~~~
\APOST /named /named\?a=b \[a=b\]\z
~~~
\A\z

=== arguments and variables in the path of an error page
--- config
location /args { error_page 418 = /shown?from=$uri&x=$arg_a; return 418; }
location /own { error_page 418 = /shown?; return 418; }
location /var { error_page 418 = /$arg_page?x=$arg_x; return 418; }
location ~ ^/cap/(\w+) { error_page 418 = /shown?cap=$1; return 418; }
location / { return 200 "$uri [$args]"; }
--- keepalive_requests
GET /args?a=b
~~~
GET /own?a=b
~~~
GET /var?page=there&x=1
~~~
GET /cap/word
--- response_body_like
\A/shown \[from=/args&x=b\]\z
~~~
\A/shown \[\]\z
~~~
\A/there \[x=1\]\z
~~~
\A/shown \[cap=word\]\z

=== error_page with a full address is a redirect
--- config
location /found { error_page 404 http://other.example/x; return 404; }
location /own { error_page 404 =301 https://other.example/y?$args; return 404; }
location /kept { error_page 404 =307 http://other.example/z; return 404; }
location /scheme { error_page 404 $scheme://other.example$request_uri; return 404; }
location /not-a-redirect { error_page 404 =200 http://other.example/n; return 404; }
--- keepalive_requests
GET /found
~~~
GET /own?a
~~~
POST /kept

body
~~~
GET /scheme?b
~~~
HEAD /found
--- error_code: 302 301 307 302 302
--- response_headers
Location: http://other.example/x
~~~
Location: https://other.example/y?a
~~~
Location: http://other.example/z
~~~
Location: http://other.example/scheme?b
~~~
Location: http://other.example/x
--- response_body_like
<title>302
~~~
301 Moved Permanently
~~~
307 Temporary Redirect
~~~
<title>302
~~~
\A\z

=== a code that is no redirect, and a full address: a redirect all the same
--- request
GET /not-a-redirect
--- error_code: 302
--- response_headers
Location: http://other.example/n

=== error_page with a named location
--- config
root html;
location / { error_page 404 @missing; error_page 403 = @take; }
location /files/ { error_page 404 = @take; }
location /closed { error_page 403 =402 @missing; return 403; }
location @missing { return 200 "missing $uri"; }
location @take { return 201 "take $uri"; }
location /to-file { error_page 404 @file; return 404; }
location @file { try_files /page.txt =500; }
--- user_files
>>> page.txt
page
>>> bare/
--- keepalive_requests
GET /none
~~~
GET /files/none
~~~
GET /bare/
~~~
GET /closed
~~~
GET /to-file
--- error_code: 404 201 201 402 404
--- response_body_like
\Amissing /none\z
~~~
\Atake /files/none\z
~~~
\Atake /bare/\z
~~~
\Amissing /closed\z
~~~
\Apage$
--- error_log
/html/none" failed

=== a return with a text is the answer; error_page is not asked
--- config
location /text { error_page 404 /page; return 404 "own text"; }
location /bare { error_page 404 /page; return 404; }
location /page { return 200 "page"; }
--- keepalive_requests
GET /text
~~~
GET /bare
--- error_code: 404
--- response_body chomp
own text
~~~
page

=== error_page 405 =200 $uri gives a file to a POST
--- config
root html;
location / { error_page 405 =200 $uri; }
--- user_files
>>> a.txt
a file
--- keepalive_requests
POST /a.txt

a body
~~~
POST /none

a body
--- error_code: 200 404
--- response_body_like
\Aa file$
~~~
404 Not Found
--- error_log
/html/none" failed

=== error_page with a variable alone: a path, an address, and a page for a redirect
--- config
location /var { error_page 404 $arg_to; return 404; }
location /page { return 200 "page"; }
location /moved { error_page 301 /page; return 301 /there; }
location /relative { error_page 404 404.html; return 404; }
--- keepalive_requests
GET /var?to=/page
~~~
GET /var?to=https://other.example/
~~~
GET /moved
~~~
GET /relative
--- error_code: 404 302 301 302
--- response_headers
!Location
~~~
Location: https://other.example/
~~~
Location: http://localhost:%%PORT%%/there
~~~
Location: 404.html
--- response_body_like
\Apage\z
~~~
<title>302
~~~
\Apage\z
~~~
<title>302

=== error_page is inherited only where none is of one's own
--- http_config
error_page 404 /http.txt;
server {
    listen 127.0.0.1:%%PORT%%;
    root html;
    location / { }
    location /own/ {
        error_page 404 /own.txt;
        location /own/none/ { error_page 403 /nothing; }
        location /own/same/ { }
    }
    location /other/ { error_page 403 /nothing; }
}
--- user_files
>>> http.txt
of http
>>> own.txt
of the location
--- keepalive_requests
GET /x
~~~
GET /own/x
~~~
GET /own/none/x
~~~
GET /own/same/x
~~~
GET /other/x
--- error_code: 404
--- response_body_like
\Aof http$
~~~
\Aof the location$
~~~
404 Not Found
~~~
\Aof the location$
~~~
404 Not Found
--- error_log
/html/x" failed

=== the first error_page for a code counts
--- config
root html;
error_page 404 /first.txt;
error_page 404 /second.txt;
--- user_files
>>> first.txt
first
>>> second.txt
second
--- request
GET /x
--- error_code: 404
--- response_body
first
--- error_log
/html/x" failed

=== an error while the page is fetched shows the first error, without its page
--- config
root html;
error_page 404 /none.html;
location /gone { error_page 410 /refused; return 410; }
location /refused { return 403; }
location /server { error_page 410 /twice; return 410; }
location /twice { error_page 403 /never; return 403; }
location /never { return 200 "never"; }
--- keepalive_requests
GET /x
~~~
GET /gone
~~~
GET /server
--- error_code: 404 403 403
--- response_body_like
404 Not Found
~~~
403 Forbidden
~~~
403 Forbidden
--- error_log
/html/x" failed
/html/none.html" failed

=== recursive_error_pages lets error pages have error pages
--- config
recursive_error_pages on;
location /a { error_page 410 /b; return 410; }
location /b { error_page 403 =202 /c; return 403; }
location /c { return 200 "reached"; }
location /off { recursive_error_pages off; error_page 410 /b; return 410; }
location /kept { error_page 410 /kept2; return 410; }
location /kept2 { error_page 403 /c; return 403; }
--- keepalive_requests
GET /a
~~~
GET /kept
--- error_code: 202 403
--- response_body: reached

=== what recursive_error_pages says where the first error was counts
--- request
GET /off
--- error_code: 403
--- response_body_like
403 Forbidden

=== error pages that lead to themselves end with 500
--- config
recursive_error_pages on;
error_page 404 /missing.html;
root html;
--- request
GET /x
--- error_code: 500
--- response_body_like
500 Internal Server Error
--- error_log
rewrite or internal redirection cycle while internally redirecting to "/missing.html"

=== 404, 403 and 405 have pages of their own
--- config
root html;
server_tokens off;
--- user_files
>>> a.txt
a file
>>> closed.txt 0000
secret
>>> bare/
--- keepalive_requests
GET /none
~~~
GET /closed.txt
~~~
GET /bare/
~~~
POST /a.txt

body
~~~
POST /none

body
~~~
DELETE /a.txt
--- error_code: 404 403 403 405 404 405
--- response_body eval
join "~~~\n", map { "<html>\r\n<head><title>$_</title></head>\r\n<body>\r\n<center><h1>$_</h1></center>\r\n"
    . "<hr><center>%%NAME%%</center>\r\n</body>\r\n</html>\r\n" } '404 Not Found', '403 Forbidden',
    '403 Forbidden', '405 Not Allowed', '404 Not Found', '405 Not Allowed'
--- error_log
/html/none" failed

=== a body larger than client_max_body_size is 413, and the connection is closed
--- config
root html;
client_max_body_size 10;
location /big { client_max_body_size 20; return 200 "big"; }
location /any { client_max_body_size 0; return 200 "any"; }
location /page { error_page 413 /413.txt; }
location /returned { return 200 "returned"; }
--- user_files
>>> 413.txt
too large
--- request
POST /returned

12345678901
--- error_code: 413
--- response_headers
Connection: close
--- response_body_like
<title>413 Request Entity Too Large</title>
--- error_log
client intended to send too large body: 11 bytes

=== client_max_body_size is that of the location, 0 is without end
--- keepalive_requests
POST /returned

1234567890
~~~
POST /big

12345678901234567890
~~~
POST /any

123456789012345678901234567890
--- response_body_like
returned
~~~
big
~~~
any

=== 413 can have an error page
--- request
POST /page

12345678901
--- error_code: 413
--- response_body
too large
--- error_log
client intended to send too large body

=== error_page also for what is wrong before a location is chosen
--- config
root html;
error_page 400 /400.txt;
error_page 414 =400 /414.txt;
--- user_files
>>> 400.txt
bad
>>> 414.txt
long
--- raw_request
GET / HTTP/1.1\r\n\r\n
--- error_code: 400
--- response_body
bad
--- connection: closed

=== error_page for a bad request line
--- raw_request
GET /%zz HTTP/1.1\r\nHost: localhost\r\n\r\n
--- error_code: 400
--- response_body
bad
--- connection: closed

=== error_page for a target that is too long
--- raw_request eval
'GET /' . 'a' x 40000 . ' HTTP/1.1\r\nHost: localhost\r\n\r\n'
--- error_code: 400
--- response_body
long
--- connection: closed
--- error_log
client sent too long URI while reading client request line

=== a head that is too long has the code 494 for error_page
--- config
root html;
error_page 494 =431 /494.txt;
--- user_files
>>> 494.txt
too much
--- raw_request eval
'GET / HTTP/1.1\r\nHost: localhost\r\nX: ' . 'a' x 40000 . '\r\n\r\n'
--- error_code: 431
--- response_body
too much
--- error_log
client sent too long header line

=== error_page of codes from 300 to 599 only
--- config
error_page 200 /x;
--- conf_error
[emerg] value "200" must be between 300 and 599 in %%CONF%%:

=== error_page of a code that is none
--- config
error_page 600 /x;
--- conf_error
[emerg] value "600" must be between 300 and 599 in %%CONF%%:

=== error_page of a word that is no code
--- config
error_page abc /x;
--- conf_error
[emerg] invalid value "abc" in %%CONF%%:

=== error_page 499 is refused
--- config
error_page 499 /x;
--- conf_error
[emerg] invalid value "499" in %%CONF%%:

=== error_page with = and a word that is no code
--- config
error_page 404 =ok /x;
--- conf_error
[emerg] invalid value "=ok" in %%CONF%%:

=== error_page without a path
--- config
error_page 404;
--- conf_error
[emerg] invalid number of arguments in "error_page" directive in %%CONF%%:

=== error_page without a code
--- config
error_page =200 /x;
--- conf_error
[emerg] invalid value "=200" in %%CONF%%:

=== recursive_error_pages is on or off
--- config
recursive_error_pages often;
--- conf_error
[emerg] invalid value "often" in "recursive_error_pages" directive, it must be "on" or "off" in %%CONF%%:

=== a file that is not there is an error in the log
--- config
root html;
location /quiet/ { log_not_found off; }
--- user_files
>>> closed/a.txt
a
--- request
GET /none
--- error_code: 404
--- error_log
/\[error\] .* open\(\) "%%DIR%%/html/none" failed \(2: No such file or directory\), client: 127\.0\.0\.1, server: localhost, request: "GET /none HTTP/1\.1", host: "localhost"/

=== with log_not_found off it is not
--- request
GET /quiet/none
--- error_code: 404
--- no_error_log
/quiet/none

=== redirects have the host of the request and the port of the server
--- config
location /go { return 301 /to?x=y; }
location /port { port_in_redirect off; return 301 /to; }
location /relative { absolute_redirect off; return 301 /to; }
location /name { server_name_in_redirect on; return 301 /to; }
location /name-only { server_name_in_redirect on; port_in_redirect off; return 301 /to; }
location /all-off { absolute_redirect off; server_name_in_redirect on; return 301 /to; }
location /full { absolute_redirect off; server_name_in_redirect on; return 301 http://other.example/; }
server_name first.example second.example;
--- keepalive_requests
GET /go
Host: localhost
~~~
GET /go
Host: SECOND.example:1234
~~~
GET /port
Host: second.example
~~~
GET /relative
Host: second.example
~~~
GET /name
Host: second.example
~~~
GET /name-only
Host: second.example
~~~
GET /all-off
Host: second.example
~~~
GET /full
Host: second.example
--- error_code: 301
--- response_headers
Location: http://localhost:%%PORT%%/to?x=y
~~~
Location: http://second.example:%%PORT%%/to?x=y
~~~
Location: http://second.example/to
~~~
Location: /to
~~~
Location: http://first.example:%%PORT%%/to
~~~
Location: http://first.example/to
~~~
Location: /to
~~~
Location: http://other.example/

=== redirects without a host have the address
--- raw_request
GET /go HTTP/1.0\r\n\r\n
--- error_code: 301
--- response_headers
Location: http://127.0.0.1:%%PORT%%/to?x=y

=== server_name_in_redirect needs no host
--- raw_request
GET /name HTTP/1.0\r\n\r\n
--- error_code: 301
--- response_headers
Location: http://first.example:%%PORT%%/to

=== server_name_in_redirect twice is refused
--- config
server_name_in_redirect on;
server_name_in_redirect on;
--- conf_error
[emerg] "server_name_in_redirect" directive is duplicate in %%CONF%%:

=== redirects to folders follow the same rules
--- config
root html;
location /a/ { absolute_redirect off; }
location /b/ { port_in_redirect off; }
location /c/ { server_name_in_redirect on; }
server_name named.example;
--- user_files
>>> a/dir/x
x
>>> b/dir/x
x
>>> c/dir/x
x
--- keepalive_requests
GET /a/dir?x
~~~
GET /b/dir
~~~
GET /c/dir
--- error_code: 301
--- response_headers
Location: /a/dir/?x
~~~
Location: http://localhost/b/dir/
~~~
Location: http://named.example:%%PORT%%/c/dir/

=== try_files takes the first file that is there
--- config
root html;
location / { try_files $uri $uri.html /fallback.txt =404; }
location /code/ { try_files $uri =410; }
location /folder/ { try_files $uri/ $uri =404; }
location /to-named/ { try_files $uri @named; }
location @named { return 200 "named $uri [$args]"; }
location /to-path/ { try_files $uri /target; }
location /to-args/ { try_files $uri /target?from=$uri&$args; }
location /target { return 200 "target $uri [$args] $request_uri"; }
location /only-last { try_files /one.txt /two.txt; }
location ~ ^/cap/(\w+)/(\w+)$ { try_files /$1.$2 /$2.$1 =404; }
location /var/ { try_files /$arg_file =404; }
location /own-root/ { root html/sub; try_files $uri /own-root/x.txt =404; }
location /dir-as-file { try_files /sub =404; }
location /file-as-dir { try_files /one.txt/ =404; }
location /code503 { try_files /none =503; }
location /code444 { try_files /none =444; }
location /index/ { index here.txt; try_files $uri $uri/ =404; }
location /no-index/ { index none.txt; try_files $uri/ =404; }
--- user_files
>>> one.txt
one
>>> two.txt
two
>>> page.html
page
>>> fallback.txt
fallback
>>> sub/own-root/x.txt
own root
>>> folder/index.html
folder
>>> index/dir/here.txt
here
>>> no-index/dir/there.txt
there
--- keepalive_requests
GET /one.txt
~~~
GET /page
~~~
GET /none
~~~
GET /cap/one/txt
~~~
GET /cap/txt/two
~~~
GET /var/?file=two.txt
~~~
GET /own-root/x.txt
~~~
GET /own-root/none
--- response_body
one
~~~
page
~~~
fallback
~~~
one
~~~
two
~~~
two
~~~
own root
~~~
own root

=== try_files: a code at the end
--- keepalive_requests
GET /code/none
~~~
GET /cap/no/no
~~~
GET /code503
~~~
GET /dir-as-file
~~~
GET /file-as-dir
--- error_code: 410 404 503 404 404

=== try_files: 444 at the end closes without a byte
--- request
GET /code444
--- error_code: none

=== try_files: a name, a path, or a path with arguments at the end
--- keepalive_requests
GET /to-named/a?b=c
~~~
GET /to-path/a?b=c
~~~
GET /to-args/a%20b?c=d
--- response_body chomp
named /to-named/a [b=c]
~~~
target /target [] /to-path/a?b=c
~~~
target /target [from=/to-args/a b&c=d] /to-args/a%20b?c=d

=== try_files: the last is always an internal redirect, never a file that is tried
--- keepalive_requests
GET /only-last
--- response_body
one

=== try_files: a folder that is there has its index
--- keepalive_requests
GET /folder/
~~~
GET /index/dir/
--- response_body
folder
~~~
here

=== try_files: a folder asked for without its slash is redirected as ever
--- keepalive_requests
GET /folder/../index/dir
~~~
GET /no-index/dir?x
--- error_code: 301
--- response_headers
Location: http://localhost:%%PORT%%/index/dir/
~~~
Location: http://localhost:%%PORT%%/no-index/dir/?x

=== try_files: a folder without an index file
--- request
GET /no-index/dir/
--- error_code: 403
--- error_log
directory index of "%%DIR%%/html/no-index/dir/" is forbidden

=== try_files does not log what is not there
--- request
GET /code/none
--- error_code: 410
--- no_error_log
No such file

=== try_files looks for the decoded path
--- config
root html;
location / { try_files $uri $uri.txt =404; }
--- user_files
>>> "with space.txt"
space
>>> per%cent.txt
percent
>>> que?stion.txt
question
--- keepalive_requests
GET /with%20space
~~~
GET /with%20space.txt
~~~
GET /per%25cent
~~~
GET /que%3Fstion?x
--- response_body
space
~~~
space
~~~
percent
~~~
question

=== try_files in the server is for requests without a location
--- config
root html;
try_files /all.txt =404;
location /loc { }
--- user_files
>>> all.txt
all
>>> loc/a.txt
loc
--- keepalive_requests
GET /whatever
~~~
GET /loc/a.txt
--- response_body
all
~~~
loc

=== try_files: a path at the end that leads back ends with 500
--- config
root html;
location / { try_files $uri /index.php; }
--- request
GET /x
--- error_code: 500
--- error_log
rewrite or internal redirection cycle while internally redirecting to "/index.php"

=== try_files with alias: a path with variables loses the prefix, a fixed one is below the alias
--- config
location /var/ { alias html/sub/; try_files $uri =404; }
location /slash/ { alias html/sub/; try_files $uri /default.txt =404; }
location /plain/ { alias html/sub/; try_files $uri default.txt =404; }
location /twice/ { alias html/sub/; try_files $uri /twice/default.txt =404; }
location /last/ { alias html/sub/; try_files $uri /last/default.txt; }
location ~ ^/whole/(.*)$ { alias html/sub/$1; try_files "" =404; }
location ~ ^/part/(.*)$ { alias html/sub; try_files /$1 /default.txt =404; }
--- user_files
>>> sub/a.txt
a
>>> sub/default.txt
default
--- keepalive_requests
GET /var/a.txt
~~~
GET /slash/none
~~~
GET /plain/none
~~~
GET /last/none
~~~
GET /whole/a.txt
~~~
GET /part/a.txt
~~~
GET /part/none
--- response_body
a
~~~
default
~~~
default
~~~
default
~~~
a
~~~
a
~~~
default

=== try_files with alias: nothing found
--- keepalive_requests
GET /var/none
~~~
GET /twice/none
~~~
GET /whole/none
--- error_code: 404

=== try_files needs two
--- config
try_files $uri;
--- conf_error
[emerg] invalid number of arguments in "try_files" directive in %%CONF%%:

=== try_files with a bad code
--- config
try_files $uri =abc;
--- conf_error
[emerg] invalid code "=abc" in %%CONF%%:

=== try_files with a code beyond 999
--- config
try_files $uri =1000;
--- conf_error
[emerg] invalid code "=1000" in %%CONF%%:

=== try_files twice
--- config
try_files $uri =404;
try_files $uri =404;
--- conf_error
[emerg] "try_files" directive is duplicate in %%CONF%%:

=== try_files belongs into a server or a location
--- http_config
try_files $uri =404;
--- conf_error
[emerg] "try_files" directive is not allowed here in %%CONF%%:

=== index: the first file that is there
--- config
root html;
index first.html second.html;
location /third/ { index a.txt b.txt /absolute.html; }
location /var/ { index $arg_name.txt index.$host.html last.txt; }
location /folder/ { index sub/deep.txt; }
location = /absolute.html { return 200 "absolute $uri\n"; }
location = /both/second.html { return 200 "redirected $uri [$args]\n"; }
location /none/ { index none.html; error_page 403 = /absolute.html; }
location /slash/ { index sub/; }
--- user_files
>>> one/first.html
first
>>> one/second.html
second
>>> two/second.html
second
>>> both/second.html
a file
>>> third/b.txt
b
>>> third/more/x
x
>>> var/a.txt
a by argument
>>> var/index.localhost.html
by host
>>> folder/sub/deep.txt
deep
>>> none/x
x
--- keepalive_requests
GET /one/
~~~
GET /two/
~~~
GET /both/?a=b
~~~
GET /third/
~~~
GET /third/more/
~~~
GET /var/?name=a
~~~
GET /var/
~~~
GET /folder/
~~~
GET /none/
--- response_body
first
~~~
second
~~~
redirected /both/second.html [a=b]
~~~
b
~~~
absolute /absolute.html
~~~
a by argument
~~~
by host
~~~
deep
~~~
absolute /absolute.html

=== index: HEAD, and the other methods
--- keepalive_requests
HEAD /one/
~~~
POST /one/

body
--- error_code: 200 405
--- response_headers_like
Content-Length: 6
~~~
Content-Length: [1-9]\d+

=== index of a folder that is not there
--- request
GET /nowhere/
--- error_code: 404
--- error_log
"%%DIR%%/html/nowhere/first.html" is not found (2: No such file or directory)

=== index: one setting replaces that of around, several in one place add up
--- http_config
index http.txt;
server {
    listen 127.0.0.1:%%PORT%%;
    root html;
    location / { }
    location /own/ { index one.txt; index two.txt; }
}
--- user_files
>>> http.txt
http
>>> own/http.txt
never
>>> own/two.txt
two
--- keepalive_requests
GET /
~~~
GET /own/
--- response_body
http
~~~
two

=== index: an absolute path must be the last
--- config
index /a.html b.html;
--- conf_ok
[warn] only the last index in "index" directive should be absolute in %%CONF%%:

=== index of an empty name is refused
--- config
index "";
--- conf_error
[emerg] index "" in "index" directive is invalid in %%CONF%%:

=== root adds the path, alias puts its own in place of the location
--- config
root html;
location /r/ { root html/base; }
location /a/ { alias html/base/; }
location /no-slash { alias html/base; }
location /half/ { alias html/base; }
location = /exact.txt { alias html/base/f.txt; }
location ~ ^/x/(.*)\.(\w+)$ { alias html/base/$2/$1.$2; }
location /abs/ { alias %%DIR%%/html/base/; }
location /var/ { alias html/$arg_dir/; }
location /rvar/ { root html/$arg_dir; }
location /outer/ {
    alias html/base/;
    location /outer/inner/ { }
    location /outer/own/ { alias html/base/txt/; }
}
--- user_files
>>> base/f.txt
base f
>>> base/r/f.txt
base r f
>>> base/txt/f.txt
base txt f
>>> base/inner/f.txt
base inner f
>>> base/rvar/f.txt
base rvar f
>>> basef.txt
half
--- keepalive_requests
GET /r/f.txt
~~~
GET /a/f.txt
~~~
GET /no-slash/f.txt
~~~
GET /half/f.txt
~~~
GET /exact.txt
~~~
GET /x/f.txt
~~~
GET /abs/txt/f.txt
~~~
GET /var/f.txt?dir=base
~~~
GET /rvar/f.txt?dir=base
~~~
GET /outer/f.txt
~~~
GET /outer/inner/f.txt
~~~
GET /outer/own/f.txt
--- response_body
base r f
~~~
base f
~~~
base f
~~~
half
~~~
base f
~~~
base txt f
~~~
base txt f
~~~
base f
~~~
base rvar f
~~~
base f
~~~
base inner f
~~~
base txt f

=== alias and index, and a folder without a slash
--- config
location /a/ { alias html/base/; }
location /b { alias html/base; }
location = /c/ { alias html/base/index.html; }
--- user_files
>>> base/index.html
index
>>> base/dir/index.html
dir index
--- keepalive_requests
GET /a/
~~~
GET /b/
~~~
GET /a/dir/
~~~
GET /b/dir/
--- response_body
index
~~~
index
~~~
dir index
~~~
dir index

=== alias: where a folder without a slash is redirected to
--- keepalive_requests
GET /b
~~~
GET /a/dir
~~~
GET /b/dir?x
--- error_code: 301
--- response_headers
Location: http://localhost:%%PORT%%/b/
~~~
Location: http://localhost:%%PORT%%/a/dir/
~~~
Location: http://localhost:%%PORT%%/b/dir/?x

=== alias of a location without a slash at its end gives the folder, nothing beside it
--- config
location /half { alias html/base/; }
location /whole { alias html/base; }
--- user_files
>>> base/a.txt
a
>>> secret.txt
secret
>>> base-too/a.txt
too
--- keepalive_requests
GET /half/a.txt
~~~
GET /whole/a.txt
~~~
GET /whole-too/a.txt
~~~
GET /halfa.txt
--- response_body
a
~~~
a
~~~
too
~~~
a

=== alias: what begins with two dots behind such a location is not there
--- differs: nginx gives the file beside the folder
--- raw_request
GET /half../secret.txt HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n
--- error_code: 404

=== a slash at the end of root makes no difference
--- config
root html/;
location /two/ { root html//; }
--- user_files
>>> two/a.txt
a
>>> b.txt
b
--- keepalive_requests
GET /b.txt
~~~
GET /two/a.txt
--- response_body
b
~~~
a

=== an absolute root
--- config
root %%DIR%%/html;
--- user_files
>>> a.txt
a
--- request
GET /a.txt
--- response_body
a

=== root twice is refused
--- config
root a;
root b;
--- conf_error
[emerg] "root" directive is duplicate in %%CONF%%:

=== alias after root is refused
--- config
location /a/ { root html; alias html/a/; }
--- conf_error
[emerg] "alias" directive is duplicate, "root" directive was specified earlier in %%CONF%%:

=== root after alias is refused
--- config
location /a/ { alias html/a/; root html; }
--- conf_error
[emerg] "root" directive is duplicate, "alias" directive was specified earlier in %%CONF%%:

=== alias in a named location is refused
--- config
location @a { alias html/a/; }
--- conf_error
[emerg] the "alias" directive cannot be used inside the named location in %%CONF%%:

=== alias belongs into a location
--- config
alias html/a/;
--- conf_error
[emerg] "alias" directive is not allowed here in %%CONF%%:

=== $document_root cannot be in root
--- config
root $document_root/a;
--- conf_error
[emerg] the $document_root variable cannot be used in the "root" directive in %%CONF%%:

=== $realpath_root cannot be in alias
--- config
location /a/ { alias $realpath_root/a; }
--- conf_error
[emerg] the $realpath_root variable cannot be used in the "alias" directive in %%CONF%%:

=== internal redirects go on ten times, and end with 500
--- config
root html;
location / { try_files /none /next; }
location /a0 { try_files /none /a1; }
location /a1 { try_files /none /a2; }
location /a2 { try_files /none /a3; }
location /a3 { try_files /none /a4; }
location /a4 { try_files /none /a5; }
location /a5 { try_files /none /a6; }
location /a6 { try_files /none /a7; }
location /a7 { try_files /none /a8; }
location /a8 { try_files /none /a9; }
location /a9 { try_files /none /end; }
location /end { return 200 "arrived"; }
location /more { try_files /none /a0; }
--- keepalive_requests
GET /a0
~~~
GET /a1
--- response_body: arrived

=== the eleventh is one too many
--- keepalive_requests
GET /more
--- error_code: 500
--- response_headers
Connection: close
--- error_log
rewrite or internal redirection cycle while internally redirecting to "/end", client: 127.0.0.1

=== named locations that lead to one another end with 500 too
--- config
root html;
location / { try_files /none @a; }
location @a { try_files /none @b; }
location @b { try_files /none @a; }
--- request
GET /
--- error_code: 500
--- error_log
rewrite or internal redirection cycle while redirect to named location "@

=== old browsers get padded error pages
--- config
location / { return 404; }
location /off { msie_padding off; return 404; }
location /found { return 302 /; }
--- keepalive_requests
GET /
User-Agent: Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)
~~~
GET /
User-Agent: Mozilla/5.0
~~~
GET /off
User-Agent: Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)
~~~
GET /found
User-Agent: Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)
--- error_code: 404 404 404 302
--- response_body_like
(<!-- a padding to disable MSIE and Chrome friendly error page -->\r\n){6}\z
~~~
</html>\r\n\z
~~~
</html>\r\n\z
~~~
</html>\r\n\z

=== msie_refresh turns redirects into pages that refresh
--- config
msie_refresh on;
location / { return 302 http://other.example/x; }
--- keepalive_requests
GET /
User-Agent: Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)
~~~
GET /
User-Agent: Mozilla/5.0
--- error_code: 200 302
--- response_body_like
<html><head><meta http-equiv="Refresh" content="0; URL=http://other\.example/x"></head><body></body></html>
~~~
<title>302

=== types: without any, three are known, and the rest is default_type
A dot at the start of a name begins no suffix.
--- config
root html;
--- user_files
>>> a.html
x
>>> a.gif
x
>>> a.jpg
x
>>> a.css
x
>>> a.HTML
x
>>> a.tar.gif
x
>>> a
x
>>> .html
x
>>> a.gif.
x
>>> dir.gif/plain
x
--- keepalive_requests
GET /a.html
~~~
GET /a.gif
~~~
GET /a.jpg
~~~
GET /a.css
~~~
GET /a.HTML
~~~
GET /a.tar.gif
~~~
GET /a
~~~
GET /.html
~~~
GET /a.gif.
~~~
GET /dir.gif/plain
--- response_headers
Content-Type: text/html
~~~
Content-Type: image/gif
~~~
Content-Type: image/jpeg
~~~
Content-Type: text/plain
~~~
Content-Type: text/html
~~~
Content-Type: image/gif
~~~
Content-Type: text/plain
~~~
Content-Type: text/plain
~~~
Content-Type: text/plain
~~~
Content-Type: text/plain

=== types replace those of around; types in one place add up
--- http_config
types { text/css css; text/html html; }
default_type application/x-http;
--- config
root html;
location /own/ {
    types { text/x-own own; }
    types { text/x-two two own2; }
    location /own/deep/ { default_type text/x-deep; }
}
location /none/ { types { } default_type text/x-none; }
location /ext/ { types { "text/x-quoted; v=1" q; text/plain TXT; } }
location /no-type/ { types { } default_type ""; }
--- user_files
>>> a.css
x
>>> a.zzz
x
>>> own/a.own
x
>>> own/a.own2
x
>>> own/a.css
x
>>> own/deep/a.own
x
>>> own/deep/a.css
x
>>> none/a.css
x
>>> ext/a.q
x
>>> ext/a.txt
x
>>> no-type/a.css
x
--- keepalive_requests
GET /a.css
~~~
GET /a.zzz
~~~
GET /own/a.own
~~~
GET /own/a.own2
~~~
GET /own/a.css
~~~
GET /own/deep/a.own
~~~
GET /own/deep/a.css
~~~
GET /none/a.css
~~~
GET /ext/a.q
~~~
GET /ext/a.txt
--- response_headers
Content-Type: text/css
~~~
Content-Type: application/x-http
~~~
Content-Type: text/x-own
~~~
Content-Type: text/x-two
~~~
Content-Type: application/x-http
~~~
Content-Type: text/x-own
~~~
Content-Type: text/x-deep
~~~
Content-Type: text/x-none
~~~
Content-Type: text/x-quoted; v=1
~~~
Content-Type: text/plain

=== an extension twice is warned about; the last counts
--- config
root html;
types { text/x-one a; text/x-two a; }
--- user_files
>>> f.a
x
--- conf_ok
[warn] duplicate extension "a", content type: "text/x-two", previous content type: "text/x-one" in %%CONF%%:

=== which of the two counts
--- request
GET /f.a
--- response_headers
Content-Type: text/x-two

=== a file has an ETag, etag off takes it away
--- config
root html;
location /off/ { etag off; }
--- user_files
>>> a.txt @1700000000
text
>>> off/a.txt @1700000000
text
--- keepalive_requests
GET /a.txt
~~~
GET /off/a.txt
--- response_headers
ETag: "6553f100-5"
Last-Modified: Tue, 14 Nov 2023 22:13:20 GMT
~~~
!ETag
Last-Modified: Tue, 14 Nov 2023 22:13:20 GMT

=== types is a block of types and extensions
--- config
types { text/plain; }
--- conf_ok

=== types is not a directive with a word
--- config
types on;
--- conf_error
[emerg] directive "types" has no opening "{" in %%CONF%%:
