# Rewriting: rewrite, if, set, break, and return among them; what a path, its arguments and the
# configuration become. The location is chosen again when rules have changed the path.
use FindBin;
use lib "$FindBin::Bin/lib";
use POSIX ();
use Test::Weir;

# What a test of files sees in pipes, links and folders that are closed.
{
    my $t = Test::Weir->new(name => 'files');
    my $html = $t->dir . '/html';
    $t->write_file('html/a.txt', "text
", mode => 0644);
    $t->write_file('html/closed/a.txt', "text
", mode => 0644);
    POSIX::mkfifo("$html/pipe", 0644) or die "mkfifo: $!";
    symlink 'a.txt', "$html/link" or die "symlink: $!";
    symlink 'nowhere', "$html/dangling" or die "symlink: $!";
    symlink 'loop', "$html/loop" or die "symlink: $!";
    for my $name (qw(0644 0611 0100 0010 0001 0000)) {
        $t->write_file("html/$name", '', mode => oct $name);
    }
    $t->write_conf(<<'CONF');
events { }
http {
    server {
        listen 127.0.0.1:%%PORT%%;
        location / {
            set $is "";
            if (-f $request_filename) { set $is "${is}f"; }
            if (-d $request_filename) { set $is "${is}d"; }
            if (-e $request_filename) { set $is "${is}e"; }
            if (-x $request_filename) { set $is "${is}x"; }
            return 200 $is;
        }
        location /strict/ {
            alias html/;
            disable_symlinks on;
            if (-e $request_filename) { return 200 yes; }
            return 200 no;
        }
    }
}
CONF
    $t->start;
    my @cases = (['a.txt', 'fe'], [pipe => ''], [link => 'fe'], [dangling => ''], [loop => ''],
        ['closed/', 'dex'], ['0644', 'fe'], ['0611', 'fe'], ['0100', 'fex'], ['0010', 'fe'],
        ['0001', 'fe'], ['0000', 'fe'], ['strict/a.txt', 'yes'], ['strict/link', 'no']);
    $t->allow_log(qr/\(40: Too many levels of symbolic links\)/);
    is(get($t->port, "/$_->[0]")->{body}, $_->[1], "tests of $_->[0]") for @cases;
    like($t->error_log, qr/\[crit\] .* stat\(\) "\S+\/loop" failed \(40: /, 'a loop is logged');
    like($t->error_log, qr/\[crit\] .* openat\(\) "\S+\/link" failed \(40: /,
        'and a link that is not allowed');
    unlike($t->error_log, qr/dangling/, 'what is not there is not');

    chmod 0, "$html/closed" or die "chmod: $!";
    $t->allow_log(qr/\(13: Permission denied\)/);
    my $inside = get($t->port, '/closed/a.txt')->{body};
    SKIP: {
        skip 'the workers may enter it', 2 if $inside eq 'fe';
        is($inside, '', 'a folder that is closed');
        like($t->error_log, qr/\[crit\] .* stat\(\) "\S+" failed \(13: /, 'that is logged');
    }
    chmod 0755, "$html/closed" or die "chmod: $!";
    $t->stop;
}

# A variable that was not set is empty in a log, and a named group that did not match is not there.
{
    my $t = Test::Weir->new(name => 'log');
    $t->write_conf(<<'CONF');
events { }
http {
    log_format values '[$unset|$group|$set]';
    access_log logs/values.log values;
    server {
        listen 127.0.0.1:%%PORT%%;
        if ($arg_x ~ (?<group>x+)) { set $set 1; }
        if ($arg_y) { set $unset 1; }
        location / { return 204; }
    }
}
CONF
    $t->start;
    get($t->port, $_) for '/', '/?x=xx', '/?y=1';
    $t->stop;
    is($t->access_log('logs/values.log'), "[|-|]
[|xx|1]
[1|-|]
", 'values in a log');
}

# Many rules, each taken once for a request.
{
    my $t = Test::Weir->new(name => 'many');
    my $rules = join '', map { "rewrite ^/$_(/.*)?\$ /" . ($_ + 1) . "\$1;
" } 0 .. 499;
    $t->write_conf(<<"CONF");
events { }
http {
    server {
        listen 127.0.0.1:%%PORT%%;
        $rules
        location / { return 200 \$uri; }
    }
}
CONF
    $t->start;
    is(get($t->port, '/0/x')->{body}, '/500/x', 'all of five hundred rules');
    is(get($t->port, '/499')->{body}, '/500', 'the last of them');
    $t->stop;
}

run_tests();

__DATA__

=== rules of a server follow each other
--- config
rewrite ^/one$ /t/one;
rewrite ^/t/one$ /t/two;
rewrite ^/last$ /t/last last;
rewrite ^/t/last$ /t/no;
rewrite ^/break$ /t/break break;
rewrite ^/t/break$ /t/no;
rewrite ^/redirect$ /t/r redirect;
rewrite ^/permanent$ /t/p permanent;
rewrite ^/http$ http://h/x;
rewrite ^/https$ https://h/x last;
rewrite ^/https-p$ https://h/x permanent;
rewrite ^/scheme$ $scheme://h/x;
rewrite ^/braces$ ${scheme}://h/x;
rewrite ^/upper$ HTTP://h/x;
rewrite ^/relative$ rel redirect;
rewrite ^/quoted$ "/t/a b";
rewrite ^/static$ /t/%41%2f;
rewrite ^/dots$ /t/../u/./v//w;
rewrite /part /t/part;
rewrite ^/(?i)caSE$ /t/case;
rewrite ^/unslashed$ noslash;
rewrite ^/nothing$ "?";
rewrite ^/none$ $arg_none;
rewrite ^/only-args$ ?a=b;
location /t/ { return 200 "$uri|$args|$request_uri"; }
location / { return 200 "root $uri|$args"; }
--- request
GET /one
--- response_body: /t/two||/one

=== arguments stay
--- request
GET /one?a=b
--- response_body: /t/two|a=b|/one?a=b

=== last ends the rules of the server
--- request
GET /last?x
--- response_body: /t/last|x|/last?x

=== break ends them too
--- request
GET /break
--- response_body: /t/break||/break

=== redirect
--- request
GET /redirect?q=1
--- error_code: 302
--- response_headers
Location: http://localhost:%%PORT%%/t/r?q=1

=== permanent
--- request
GET /permanent?q=1
--- error_code: 301
--- response_headers
Location: http://localhost:%%PORT%%/t/p?q=1

=== a replacement that begins with http:// is a redirect
--- request
GET /http?q=1
--- error_code: 302
--- response_headers
Location: http://h/x?q=1

=== also with last
--- request
GET /https?q=1
--- error_code: 302
--- response_headers
Location: https://h/x?q=1

=== and permanent, when it says so
--- request
GET /https-p
--- error_code: 301
--- response_headers
Location: https://h/x

=== one that begins with $scheme is a redirect
--- request
GET /scheme?q=1
--- error_code: 302
--- response_headers
Location: http://h/x?q=1

=== one that begins with ${scheme} is not
--- request
GET /braces
--- error_code: 404
--- error_log
htmlhttp://h/x" failed

=== nor is one in capitals
--- request
GET /upper
--- error_code: 404
--- error_log
htmlHTTP://h/x" failed

=== a redirect to a relative path stays one
--- request
GET /relative?x
--- error_code: 302
--- response_headers
Location: rel?x

=== a replacement with a space
--- request
GET /quoted
--- response_body: /t/a b||/quoted

=== escapes of a replacement are text
--- request
GET /static
--- response_body: /t/%41%2f||/static

=== nothing is normalised
--- request
GET /dots
--- response_body: /t/../u/./v//w||/dots

=== a regex without an anchor
--- request
GET /a/part/b
--- response_body: /t/part||/a/part/b

=== a regex says itself that case does not matter
--- request
GET /Case
--- response_body: /t/case||/Case

=== a path without a slash is outside the locations
--- request
GET /unslashed
--- error_code: 404
--- error_log
htmlnoslash" failed

=== a path that becomes empty
--- request
GET /nothing?a
--- error_code: 500
--- error_log
the rewritten URI has a zero length

=== a variable that is empty
--- request
GET /none
--- error_code: 500
--- error_log
the rewritten URI has a zero length

=== arguments alone
--- request
GET /only-args
--- error_code: 500
--- error_log
the rewritten URI has a zero length

=== after break in a server the rules of the location run
--- config
rewrite ^/x$ /x2 break;
location /x2 { rewrite ^ /z last; return 200 x2; }
location /z { return 200 z; }
--- request
GET /x
--- response_body: z

=== the statement break in a server
--- config
rewrite ^/x /z;
break;
rewrite ^ /no;
location /x { return 200 x; }
location /z { rewrite ^ /y last; }
location /y { return 200 y; }
--- request
GET /x
--- response_body: y

=== last in a location
--- config
location /last/ { rewrite ^/last/(.*) /n/$1 last; return 200 no; }
location /none/ { rewrite ^/none/(.*) /n/$1; }
location /return/ { rewrite ^/return/(.*) /n/$1; return 200 "r $uri"; }
location /break/ { rewrite ^/break/(.*) /$1 break; return 200 no; }
location /late/ { rewrite ^/late/(.*) /n/$1; break; return 200 no; }
location /back/ { rewrite ^/back/(.*) /n/$1; rewrite ^/n/(.*) /$1 break; }
location /first/ { break; rewrite ^ /n/x; return 200 no; }
location /miss/ { rewrite ^/nomatch /n/x last; return 200 "miss $uri"; }
location /index/ { rewrite ^ /sub/ break; }
location @named { rewrite ^ /n/named last; }
location /named { error_page 418 = @named; return 418; }
location @stay { rewrite ^ /a.txt break; }
location /stay { error_page 418 = @stay; return 418; }
location /n/ { return 200 "n $uri"; }
location /outer/ {
    rewrite ^ /n/outer last;
    location /outer/inner/ { return 200 "inner $uri"; }
}
location = /exact { rewrite ^ /n/exact; }
location ~ ^/regex/(.*) { rewrite ^/regex/(.).*$ /n/$1; }
--- user_files
>>> a.txt
a file
>>> sub/index.html
index of sub
--- request
GET /last/x
--- response_body: n /n/x

=== without a flag the rules go on, and a location is chosen at their end
--- request
GET /none/x
--- response_body: n /n/x

=== return comes before that
--- request
GET /return/x
--- response_body: r /n/x

=== break stays in the location
--- request
GET /break/a.txt
--- response_body
a file

=== the statement break takes back the choice
--- request
GET /late/x
--- error_code: 404
--- error_log
html/n/x" failed

=== break after a rewrite without a flag
--- request
GET /back/a.txt
--- response_body
a file

=== the statement break first
--- request
GET /first/x
--- error_code: 404
--- error_log
html/first/x" failed

=== a regex that does not match
--- request
GET /miss/x
--- response_body: miss /miss/x

=== a folder's index after break
--- request
GET /index/
--- response_body
index of sub

=== last in a named location
--- request
GET /named
--- response_body: n /n/named

=== break in a named location
--- request
GET /stay
--- response_body
a file

=== rules are not inherited by a location inside
--- request
GET /outer/inner/x
--- response_body: inner /outer/inner/x

=== an exact location
--- request
GET /exact
--- response_body: n /n/exact

=== a regex location
--- request
GET /regex/xyz
--- response_body: n /n/x

=== a rewrite to itself
--- config
location /loop { rewrite ^ /loop last; }
location /flagless { rewrite ^ /flagless; }
location /still { rewrite ^ /still break; }
location /chain/ {
    rewrite ^/chain/1$ /chain/2 last;
    rewrite ^/chain/2$ /chain/3 last;
    rewrite ^/chain/3$ /chain/4 last;
    rewrite ^/chain/4$ /chain/5 last;
    rewrite ^/chain/5$ /chain/6 last;
    rewrite ^/chain/6$ /chain/7 last;
    rewrite ^/chain/7$ /chain/8 last;
    rewrite ^/chain/8$ /chain/9 last;
    rewrite ^/chain/9$ /chain/10 last;
    rewrite ^/chain/10$ /chain/11 last;
    rewrite ^/chain/11$ /end last;
    return 404;
}
location /end { return 200 "end"; }
location /try/ { try_files /none /chain/$arg_n; }
location /page/ { error_page 404 @named; rewrite ^/page(.*)$ /chain$1; }
location /mixed { error_page 404 /chain/3; return 404; }
location @named { return 200 named; }
error_page 500 /end;
--- request
GET /loop
--- error_code: 500
--- error_log
rewrite or internal redirection cycle while processing "/loop"
--- no_error_log
internally redirecting

=== the same without a flag
--- request
GET /flagless
--- error_code: 500
--- error_log
rewrite or internal redirection cycle while processing "/flagless"

=== the same with break is none
--- request
GET /still
--- error_code: 404

=== ten changes of the path
--- request
GET /chain/2
--- response_body: end

=== eleven
--- request
GET /chain/1
--- error_code: 500
--- error_log
rewrite or internal redirection cycle while processing "/end"

=== internal redirects are counted with them
--- request
GET /try/?n=3
--- response_body: end

=== one too many of both
--- request
GET /try/?n=2
--- error_code: 500
--- error_log
rewrite or internal redirection cycle while processing "/end"

=== an error page counts as well
--- request
GET /mixed
--- error_code: 404
--- response_body: end

=== arguments of a replacement
--- config
rewrite ^/add$ /t?a=1;
rewrite ^/drop$ /t?;
rewrite ^/replace$ /t?a=1?;
rewrite ^/own$ /t?a=$args?;
rewrite ^/arg$ /t?a=$arg_x;
rewrite ^/var$ /t$is_args$args;
rewrite ^/var2$ /t$is_args$args?;
rewrite ^/twice$ /t??;
rewrite ^/three$ /t?a?b?c;
rewrite ^/three2$ /t?a?b?c?;
rewrite ^/empty(.*)$ /t?$1;
rewrite ^/frag$ /t#frag?x;
rewrite ^/r-add$ /t?a=1 redirect;
rewrite ^/r-drop$ /t? redirect;
rewrite ^/r-replace$ /t?a=1? redirect;
rewrite ^/r-own$ /t?$args? redirect;
rewrite ^/r-twice$ /t?? redirect;
rewrite ^/r-empty(.*)$ /t?$1 redirect;
rewrite ^/r-frag$ /t#frag?x redirect;
set $mark "?";
rewrite ^/mark$ /t${mark}y=1;
rewrite ^/r-mark$ /t${mark}y=1 redirect;
location / { return 200 "$uri|$args|$is_args"; }
--- request
GET /add
--- response_body: /t|a=1|?

=== those of the request come behind them
--- request
GET /add?b=2
--- response_body: /t|a=1&b=2|?

=== a request with an empty argument list
--- request
GET /add?
--- response_body: /t|a=1|?

=== a question mark at the end drops them
--- request
GET /drop?b=2
--- response_body: /t||

=== also behind others
--- request
GET /replace?b=2
--- response_body: /t|a=1|?

=== the arguments of the request in the replacement
--- request
GET /own?b=2
--- response_body: /t|a=b=2|?

=== one of them, as it was sent
--- request
GET /arg?x=%20y&b
--- response_body: /t|a=%20y&x=%20y&b|?

=== a question mark from a variable belongs to the path
--- request
GET /var?b
--- response_body: /t?b|b|?

=== the same, and the arguments dropped
--- request
GET /var2?b
--- response_body: /t?b||

=== a question mark from set too
--- request
GET /mark?z
--- response_body: /t?y=1|z|?

=== two question marks
--- request
GET /twice?b
--- response_body: /t||

=== many question marks
--- request
GET /three?z
--- response_body: /t|a?b?c&z|?

=== many question marks, one of them at the end
--- request
GET /three2?z
--- response_body: /t|a?b?c|?

=== empty arguments before those of the request
--- request
GET /empty?b
--- response_body: /t|&b|?

=== a fragment is text of the path
--- request
GET /frag?y
--- response_body: /t#frag|x&y|?

=== redirect: arguments are added
--- request
GET /r-add?b=2
--- error_code: 302
--- response_headers
Location: http://localhost:%%PORT%%/t?a=1&b=2

=== redirect: arguments are dropped
--- request
GET /r-drop?b=2
--- error_code: 302
--- response_headers
Location: http://localhost:%%PORT%%/t

=== redirect: arguments are replaced
--- request
GET /r-replace?b=2
--- error_code: 302
--- response_headers
Location: http://localhost:%%PORT%%/t?a=1

=== redirect: the request's own
--- request
GET /r-own?b=2
--- error_code: 302
--- response_headers
Location: http://localhost:%%PORT%%/t?b=2

=== redirect: two question marks
--- request
GET /r-twice?b
--- error_code: 302
--- response_headers
Location: http://localhost:%%PORT%%/t?

=== redirect: empty arguments before those of the request
--- request
GET /r-empty?b
--- error_code: 302
--- response_headers
Location: http://localhost:%%PORT%%/t?&b

=== redirect: a fragment stays where it is
--- request
GET /r-frag?y
--- error_code: 302
--- response_headers
Location: http://localhost:%%PORT%%/t#frag?x&y

=== redirect: a question mark from a variable is followed by another
--- request
GET /r-mark?z
--- error_code: 302
--- response_headers
Location: http://localhost:%%PORT%%/t?y=1?z

=== a group in the path is not escaped
--- config
rewrite ^/path(.*)$ /t$1;
rewrite ^/args(.*)$ /t?x=$1;
rewrite ^/both(.*)$ /t/$1?y=$1;
rewrite ^/r-path(.*)$ /t$1 redirect;
rewrite ^/r-args(.*)$ /t?x=$1 redirect;
rewrite ^/r-url(.*)$ http://h$1?y=$1;
rewrite ^/r-uri http://h$uri;
rewrite ^/named(?<part>.*)$ /t/$part?y=$part;
rewrite ^/r-named(?<part>.*)$ /t/$part?y=$part redirect;
rewrite ^/s1$ "/t/%20.%21.%22.%23.%24.%25.%26.%27.%2a.%2f" redirect;
rewrite ^/s2$ "/t/%30.%3b.%3c.%3d.%3e.%41.%5c.%7e.%7f.%80.%c3%a9.%0d%0a" redirect;
rewrite ^/s3$ /t/%41%3fa%41 redirect;
rewrite ^/s4$ /t/%41?a%41 redirect;
rewrite ^/b1$ /t/%zz redirect;
rewrite ^/b2$ /t/%4 redirect;
rewrite ^/b3$ /t/% redirect;
rewrite ^/b4$ /t/%%41 redirect;
rewrite ^/b5$ /t/%4z%41 redirect;
set $mark "?%41";
set $odd "%?%41";
rewrite ^/v1$ /t$mark redirect;
rewrite ^/v2$ /t$odd redirect;
location /twice { rewrite ^/twice(.*)$ /final$1 last; }
location /final { rewrite ^/final(.*)$ /t?x=$1 redirect; }
location /page { error_page 404 /final&page; return 404; }
location / { return 200 "$uri|$args"; }
--- request
GET /path%20%3f%2f%25x?b
--- response_body: /t ?/%x|b

=== a group in the arguments is escaped
--- request
GET /args%20x%3F&y+%25%26%2B%3B%23
--- response_body: /t|x=%20x%3F%26y%2B%25%26%2B%3B%23

=== all that is escaped there
--- request
GET /args%22<>`{}|^\[]'!@$*(),:=~
--- response_body: /t|x=%22%3C%3E%60%7B%7D%7C%5E%5C[]'!@$*(),:=~

=== bytes above 127
--- request
GET /args%c3%a9%7f
--- response_body: /t|x=%C3%A9%7F

=== both in one replacement
--- request
GET /both/%20x%25%26
--- response_body: /t// x%&|y=/%20x%25%26

=== a path that was sent without escapes is not escaped
--- request
GET /args&;x<>"{}'!@^
--- response_body: /t|x=&;x<>"{}'!@^

=== but when there is one escape
--- request
GET /args&;x<>%41
--- response_body: /t|x=%26%3Bx%3C%3EA

=== or a plus
--- request
GET /args&;+
--- response_body: /t|x=%26%3B%2B

=== in the path, not in the arguments
--- request
GET /args&;?%41+
--- response_body: /t|x=&;&%41+

=== a named group is a variable, and not escaped
--- request
GET /named/%20x%25%26%3f
--- response_body: /t// x%&?|y=/ x%&?

=== the path of a redirect: escapes that are needed stay
--- request
GET /r-path%20x%25&y
--- error_code: 302
--- response_headers
Location: http://localhost:%%PORT%%/t%20x%25&y

=== and bytes above 127
--- request
GET /r-path%c3%a9%7f
--- error_code: 302
--- response_headers
Location: http://localhost:%%PORT%%/t%C3%A9%7F

=== and quotes and hashes
--- request
GET /r-path%22%23%24%26%27
--- error_code: 302
--- response_headers
Location: http://localhost:%%PORT%%/t%22%23$&'

=== unescaping ends at a question mark
--- request
GET /r-path%20x%3F&y%26
--- error_code: 302
--- response_headers
Location: http://localhost:%%PORT%%/t%20x?%26y%26

=== arguments of a redirect
--- request
GET /r-args%20x%3F&y+%25
--- error_code: 302
--- response_headers
Location: http://localhost:%%PORT%%/t?x=%20x%3F%26y%2B%25

=== a redirect of a path that was sent without escapes
--- request
GET /r-path&;x<>{}'!@^
--- error_code: 302
--- response_headers
Location: http://localhost:%%PORT%%/t&;x<>{}'!@^

=== a redirect to a URL
--- request
GET /r-url/%20x%25%26%3f
--- error_code: 302
--- response_headers
Location: http://h/%20x%25&??y=/%20x%25%26%3F

=== a variable in a redirect is not escaped
--- request
GET /r-uri/%20x%25%26%3f
--- error_code: 302
--- response_headers
Location: http://h/r-uri/ x&?

=== a named group in a redirect
--- request
GET /r-named/%20x%25%26%3f
--- error_code: 302
--- response_headers
Location: http://localhost:%%PORT%%/t// x&??y=/ x%&?

=== escapes of the replacement of a redirect, those that stay
--- request
GET /s1
--- error_code: 302
--- response_headers
Location: http://localhost:%%PORT%%/t/%20.%21.%22.%23.%24.%25.&.'.*./

=== escapes of the replacement of a redirect, others
--- request
GET /s2
--- error_code: 302
--- response_headers
Location: http://localhost:%%PORT%%/t/0.;.<.=.>.A.\.~.%7f.%80.%c3%a9.%0d%0a

=== an escaped question mark ends unescaping
--- request
GET /s3
--- error_code: 302
--- response_headers
Location: http://localhost:%%PORT%%/t/A?a%41

=== and so does a plain one
--- request
GET /s4
--- error_code: 302
--- response_headers
Location: http://localhost:%%PORT%%/t/A?a%41

=== a percent sign before other letters goes
--- request
GET /b1
--- error_code: 302
--- response_headers
Location: http://localhost:%%PORT%%/t/zz

=== a half escape at the end goes
--- request
GET /b2
--- error_code: 302
--- response_headers
Location: http://localhost:%%PORT%%/t/

=== a percent sign at the end goes
--- request
GET /b3
--- error_code: 302
--- response_headers
Location: http://localhost:%%PORT%%/t/

=== a percent sign before an escape
--- request
GET /b4
--- error_code: 302
--- response_headers
Location: http://localhost:%%PORT%%/t/%41

=== a broken escape before a good one
--- request
GET /b5
--- error_code: 302
--- response_headers
Location: http://localhost:%%PORT%%/t/A

=== a question mark from a variable ends unescaping
--- request
GET /v1
--- error_code: 302
--- response_headers
Location: http://localhost:%%PORT%%/t?%41

=== but not behind a percent sign
--- request
GET /v2
--- error_code: 302
--- response_headers
Location: http://localhost:%%PORT%%/t?A

=== how the path was sent is not forgotten on the way
--- request
GET /twice&a%41
--- error_code: 302
--- response_headers
Location: http://localhost:%%PORT%%/t?x=%26aA

=== how the path was sent is not forgotten on the way, without
--- request
GET /twice&a
--- error_code: 302
--- response_headers
Location: http://localhost:%%PORT%%/t?x=&a

=== an error page, of a path without escapes
--- request
GET /page
--- error_code: 302
--- response_headers
Location: http://localhost:%%PORT%%/t?x=&page

=== an error page, of a path with one
--- request
GET /page%41
--- error_code: 302
--- response_headers
Location: http://localhost:%%PORT%%/t?x=%26page

=== a condition that is not true
--- config
location /one { set $a 1; if ($arg_x) { set $a 2; } set $a "${a}3"; return 200 $a; }
location /two {
    set $a "";
    if ($arg_x) { set $a "${a}x"; }
    set $a "${a}1";
    if ($arg_y) { set $a "${a}y"; }
    set $a "${a}2";
    return 200 $a;
}
location /three { if ($arg_x) { return 200 x; } if ($arg_y) { return 201 y; } return 202 o; }
location /rewrite { if ($arg_x) { rewrite ^ /six; } set $z "$uri"; return 200 "$z"; }
location /choose { if ($arg_x) { rewrite ^ /six; } set $z "$uri"; }
location /six { return 200 "six $uri"; }
location /break { if ($arg_x) { break; } return 200 out; }
location /rbreak { if ($arg_x) { rewrite ^ /a.txt break; } return 200 out; }
location /rlast { if ($arg_x) { rewrite ^ /six last; } return 200 out; }
location /after { if ($arg_x) { set $v x; rewrite ^ /l; set $v "${v}w"; } set $v "${v}o"; return 200 "$uri $v"; }
location /unless { if ($arg_x) { set $t "${t}X"; } if ($arg_y) { set $t "${t}Y"; } if ($t = XY) { return 403; } return 200 ok; }
location /redirect { if ($arg_x) { rewrite ^(.*)$ http://h$1 permanent; } return 200 out; }
location /deep {
    location /deep/er { if ($arg_x) { return 200 "x $uri"; } return 200 "no $uri"; }
    if ($arg_x) { return 200 outer; }
}
--- user_files
>>> a.txt
a file
--- request
GET /one
--- response_body: 13

=== the rules after a condition that is true run too
--- request
GET /one?x=1
--- response_body: 23

=== two conditions, neither true
--- request
GET /two
--- response_body: 12

=== two conditions, the first true
--- request
GET /two?x=1
--- response_body: x12

=== two conditions, the second true
--- request
GET /two?y=1
--- response_body: 1y2

=== two conditions, both true
--- request
GET /two?x=1&y=1
--- response_body: x1y2

=== return in a condition
--- request
GET /three?x=1&y=1
--- response_body: x

=== return in a condition, the second
--- request
GET /three?y=1
--- error_code: 201
--- response_body: y

=== return behind conditions
--- request
GET /three
--- error_code: 202
--- response_body: o

=== a rewrite in a condition, then other rules
--- request
GET /rewrite?x=1
--- response_body: /six

=== a rewrite in a condition, then a choice
--- request
GET /choose?x=1
--- response_body: six /six

=== break in a condition ends all rules
--- request
GET /break?x=1
--- error_code: 404
--- error_log
html/break" failed

=== break in a condition that is not true
--- request
GET /break
--- response_body: out

=== a rewrite with break in a condition
--- request
GET /rbreak?x=1
--- response_body
a file

=== a rewrite with last in a condition
--- request
GET /rlast?x=1
--- response_body: six /six

=== rules behind a rewrite in a condition
--- request
GET /after?x=1
--- response_body: /l xwo

=== two conditions that are asked together
--- request
GET /unless?x=1&y=1
--- error_code: 403

=== two conditions that are asked together, one true
--- request
GET /unless?x=1
--- response_body: ok

=== a redirect in a condition
--- request
GET /redirect?x=1
--- error_code: 301
--- response_headers
Location: http://h/redirect?x=1

=== a location inside has conditions of its own
--- request
GET /deep/er?x=1
--- response_body: x /deep/er

=== the configuration outside of conditions
--- config
location /header {
    add_header X-H outer;
    if ($arg_x) { add_header X-H x; }
    if ($arg_y) { add_header X-H y; }
    return 200 ok;
}
location /empty { add_header X-H outer; if ($arg_x) { } return 200 ok; }
location /reset { if ($arg_x) { add_header X-H x; } if ($arg_x) { } return 200 ok; }
location /root { root nowhere; if ($arg_x) { root html; rewrite ^ /a.txt break; } }
location /later { rewrite ^ /a.txt break; if ($arg_x) { return 200 no; } }
location /try { try_files /a.txt =404; if ($arg_x) { set $q 1; } }
location /alias/ { alias html/; if ($arg_x) { add_header X-H x; } }
location /page { if ($arg_x) { error_page 404 /err-x; return 404; } error_page 404 /err; return 404; }
location /inherit { if ($arg_x) { return 404; } error_page 404 /err; return 200 ok; }
location /err { return 200 "err $uri"; }
location = /internal { internal; if ($arg_x) { return 200 in; } return 200 no; }
location /limited { limit_except POST { access_log off; } if ($arg_x) { add_header X-H x; } return 200 "rules"; }
location /again { if ($arg_x) { add_header X-H x; rewrite ^ /fresh; } }
location /fresh { return 200 fresh; }
location /sub/ { if ($arg_x) { add_header X-H x; } }
location /except/ { limit_except POST { access_log off; } alias html/sub/; }
location / { if ($arg_x) { add_header X-H x; } }
--- user_files
>>> a.txt
a file
>>> sub/index.html
index of sub
--- request
GET /header
--- response_headers
X-H: outer

=== that of the condition
--- request
GET /header?x=1
--- response_headers
X-H: x

=== that of the last condition that is true
--- request
GET /header?x=1&y=1
--- response_headers
X-H: y

=== an empty condition inherits all of it
--- request
GET /empty?x=1
--- response_headers
X-H: outer

=== an empty condition behind another
--- request
GET /reset?x=1
--- response_headers
!X-H

=== the root of a condition
--- request
GET /root?x=1
--- response_body
a file

=== the root outside of it
--- request
GET /root
--- error_code: 404
--- error_log
nowhere/root" failed

=== rewriting with break before a condition
--- request
GET /later?x=1
--- response_body
a file

=== try_files is not inherited by a condition
--- request
GET /try?x=1
--- error_code: 404
--- error_log
html/try" failed

=== try_files without it
--- request
GET /try
--- response_body
a file

=== alias is inherited by a condition
--- request
GET /alias/a.txt?x=1
--- response_headers
X-H: x
--- response_body
a file

=== error_page in a condition
--- request
GET /page?x=1
--- error_code: 404
--- response_body: err /err-x

=== error_page behind a condition
--- request
GET /page
--- error_code: 404
--- response_body: err /err

=== error_page is inherited by a condition before it
--- request
GET /inherit?x=1
--- error_code: 404
--- response_body: err /err

=== internal is inherited by a condition
--- request
GET /internal?x=1
--- error_code: 404

=== limit_except has no rules
--- request
GET /limited?x=1
--- error_code: 404
--- error_log
html/limited" failed

=== a method that it does not limit
--- request
POST /limited?x=1
--- response_headers
X-H: x
--- response_body: rules

=== another location has its own configuration again
--- request
GET /again?x=1
--- response_headers
!X-H
--- response_body: fresh

=== the index of a folder in a condition
--- request
GET /sub/?x=1
--- response_body
index of sub

=== the index of a folder in limit_except
--- request
GET /except/
--- response_body
index of sub

=== a folder without its slash in a condition
--- request
GET /sub?x=1
--- error_code: 301
--- response_headers
Location: http://localhost:%%PORT%%/sub/?x=1

=== conditions of a server: none is true
--- config
set $log "";
if ($arg_x) { set $log "${log}x"; rewrite ^/go /t/x; set $log "${log}2"; }
set $log "${log}s";
if ($arg_y) { return 201 "y $log"; }
if ($arg_z) { rewrite ^/go /t/z last; set $log no; }
if ($arg_b) { break; set $log no; }
if ($host = other.example) { return 301 http://localhost$request_uri; }
if ($request_method = PUT) { return 444; }
if (-f $request_filename) { set $log "${log}f"; }
set $log "${log}e";
location /t { return 200 "$uri $log"; }
location / { return 200 "root $uri $log"; }
--- user_files
>>> a.txt
a file
--- request
GET /
--- response_body: root / se

=== conditions of a server: rules inside and behind
--- request
GET /go?x=1
--- response_body: /t/x x2se

=== conditions of a server: return
--- request
GET /go?x=1&y=1
--- error_code: 201
--- response_body: y x2s

=== conditions of a server: last
--- request
GET /go?z=1
--- response_body: /t/z s

=== conditions of a server: rules behind one that did not match
--- request
GET /go?x=1&z=1
--- response_body: /t/x noe

=== conditions of a server: break
--- request
GET /?b=1
--- response_body: root / s

=== conditions of a server: a redirect to its name
--- request
GET /a%20b?c
Host: other.example
--- error_code: 301
--- response_headers
Location: http://localhost/a%20b?c

=== conditions of a server: no answer
--- request
PUT /
--- error_code: none

=== conditions of a server: its root
--- request
GET /a.txt
--- response_body: root /a.txt sfe

=== a variable that is not there is false
--- config
location /true { if ($arg_v) { return 200 true; } return 200 false; }
location /equal {
    set $r "";
    if ($arg_v = "a b") { set $r "${r}E"; }
    if ($arg_v != "a") { set $r "${r}N"; }
    if ($arg_v = "") { set $r "${r}0"; }
    if ($arg_v = $arg_w) { set $r "${r}W"; }
    if ( $arg_v = ${arg_w}x ) { set $r "${r}X"; }
    if ( $arg_v = (q) ) { set $r "${r}B"; }
    return 200 "[$r]";
}
location /regex {
    set $r "";
    if ($arg_v ~ ^a(.)) { set $r "${r}1:$1"; }
    if ($arg_v ~* ^A) { set $r "${r}2"; }
    if ($arg_v !~ ^a) { set $r "${r}3"; }
    if ($arg_v !~* "^A( |.)") { set $r "${r}4"; }
    if ($arg_v ~ (x|z) ) { set $r "${r}5"; }
    return 200 "[$r]";
}
location /file {
    set $r "";
    set $p $document_root/$arg_v;
    if (-f $p) { set $r "${r}f"; }
    if (-d $p) { set $r "${r}d"; }
    if (-e $p) { set $r "${r}e"; }
    if (-x $p) { set $r "${r}x"; }
    if (!-f $p) { set $r "${r}F"; }
    if ( !-d $p ) { set $r "${r}D"; }
    if (!-e "$p") { set $r "${r}E"; }
    if (!-x $p) { set $r "${r}X"; }
    return 200 "[$r]";
}
location /nofile { if (-e $arg_v) { return 200 yes; } return 200 no; }
location /agent { if ($http_user_agent ~* "(bot|crawl)") { return 403; } return 200 ok; }
location /cookie { if ($http_cookie ~* "id=([^;]+)(?:;|$)") { set $id $1; } return 200 "[$id]"; }
--- user_files
>>> a.txt
a file
>>> run 0755
#!/bin/sh
>>> dir/
--- request
GET /true
--- response_body: false

=== an empty one is false
--- request
GET /true?v=
--- response_body: false

=== zero is false
--- request
GET /true?v=0
--- response_body: false

=== two zeros are true
--- request
GET /true?v=00
--- response_body: true

=== what begins with a zero is true
--- request
GET /true?v=0x
--- response_body: true

=== an escaped zero is true
--- request
GET /true?v=%30
--- response_body: true

=== texts that differ
--- request
GET /equal?v=a%20b
--- response_body: [N]

=== the text itself
--- request
GET /equal?v=a
--- response_body: []

=== an empty text
--- request
GET /equal?v=
--- response_body: [N0W]

=== nothing is an empty text
--- request
GET /equal
--- response_body: [N0W]

=== two variables
--- request
GET /equal?v=q&w=q
--- response_body: [NW]

=== a text with a variable
--- request
GET /equal?v=qx&w=q
--- response_body: [NX]

=== brackets in a text
--- request
GET /equal?v=(q)
--- response_body: [NB]

=== regexes with a group
--- request
GET /regex?v=abc
--- response_body: [1:b2]

=== regexes without case
--- request
GET /regex?v=ABC
--- response_body: [23]

=== regexes that do not match
--- request
GET /regex?v=x
--- response_body: [345]

=== regexes on nothing
--- request
GET /regex
--- response_body: [34]

=== a file
--- request
GET /file?v=a.txt
--- response_body: [feDX]

=== a file that can be executed
--- request
GET /file?v=run
--- response_body: [fexD]

=== a folder
--- request
GET /file?v=dir
--- response_body: [dexF]

=== a folder with a slash
--- request
GET /file?v=dir/
--- response_body: [dexF]

=== no file
--- request
GET /file?v=none
--- response_body: [FDEX]

=== a file that is no folder
--- request
GET /file?v=a.txt/x
--- response_body: [FDEX]

=== no name
--- request
GET /nofile
--- response_body: no

=== another name that is empty
--- request
GET /nofile?v=
--- response_body: no

=== a name below nothing
--- request
GET /nofile?v=a.txt
--- response_body: no

=== one of several words
--- request
GET /agent
User-Agent: GoogleBot/2
--- error_code: 403

=== none of them
--- request
GET /agent
User-Agent: Mozilla
--- response_body: ok

=== a group of a cookie
--- request
GET /cookie
Cookie: a=b; id=77; c=d
--- response_body: [77]

=== groups of a server's rule in a location
--- config
rewrite ^/server(.)$ /b$1 last;
rewrite ^/(cleared)y$ /b;
rewrite ^/never(.)$ /b$1 last;
location /b { return 200 "[$1]"; }
location /if/ {
    if ($uri ~ ^/if/(.*)$) { set $a $1; }
    if ($arg_x ~ (b+)) { set $a "$a-$1"; }
    set $a "$a.$1";
    return 200 $a;
}
location /swap/ { rewrite ^/swap/(.*)/(.*)$ /swap/$2/$1; set $z "$1+$2"; rewrite nomatch /x; return 200 "$uri $z [$1$2$3]"; }
location ~ ^/regex/(.*)$ { return 200 "$1"; }
location ~ ^/kept/(.*)$ { set $q $1; rewrite ^/(.)(.)(.*) /new/$1$2$3$q; }
location ~ ^/new/(.*)$ { return 200 "$1|$uri"; }
location ~ ^/lost(.)$ { if ($arg_x ~ n) { } return 200 "[$1]"; }
location ~ ^/lost-too(.)$ { if ($arg_x !~ n) { } return 200 "[$1]"; }
location ~ ^/group(.)$ { if ($arg_x ~ (?<abc>n)(.)) { } return 200 "[$1]$2"; }
location ~ ^/over(.)$ { error_page 404 /b; return 404; }
location ~ ^/try(.)$ { try_files /none @try; }
location @try { return 200 "[$1]"; }
location /none { return 200 "[$1]"; }
location /chosen { rewrite ^/chosen(.) /prefix$1 last; }
location ^~ /prefix { return 200 "[$1]"; }
location /part { rewrite ^/part(4)(5)?(6)?$ /b; set $r "$1|$2|$3|$4|$9"; return 200 "$r"; }
location /nine { rewrite ^/nine(.)(.)(.)(.)(.)(.)(.)(.)(.)(.)$ /b; return 200 "$9$8$7$6$5$4$3$2$1$10"; }
location ~ ^/named/(?<one>[^/]*)(/(?<two>.*))?$ { return 200 "$one|$two|$1|$2|$3"; }
location /keep { rewrite ^/keep/(?<one>.*)$ /show/$one-$two last; }
location /cond { if ($arg_x ~ ^(?<one>.)) { rewrite ^ /show/$one last; } return 200 "[$one]"; }
location /show { return 200 "$uri|$one|$two"; }
location /set { set $one set; if ($arg_x ~ ^(?<one>.)) { } return 200 "[$one]"; }
location /alt { if ($arg_x ~ (?<three>a)|(?<four>b)) { } return 200 "[$three|$four]"; }
location /self/ { if ($arg_x ~ (?<nm>.*)) { } if ($nm ~ .(?<nm>.*)) { } if ($nm ~ .(?<nm>.*)) { } return 200 "$nm"; }
location /again { set $x $1; rewrite ^/again(.*)$ /again/$1 break; set $x no; }
location ~ no-such-path { return 200 no; }
--- request
GET /server1
--- response_body: [1]

=== a rule that does not match leaves no groups
--- request
GET /clearedy
--- response_body: []

=== the groups of a condition
--- request
GET /if/foo?x=abb
--- response_body: foo-bb.bb

=== the groups of a condition that is not true are gone
--- request
GET /if/foo?x=c
--- response_body: foo.

=== groups that change places
--- request
GET /swap/a/b
--- response_body: /swap/b/a a+b []

=== groups of a location
--- request
GET /regex/abc
--- response_body: abc

=== groups that overlap what is made of them
--- request
GET /kept/abc
--- response_body: kept/abcabc|/new/kept/abcabc

=== a condition takes the groups of a location
--- request
GET /losta
--- response_body: []

=== also when it matches without groups
--- request
GET /losta?x=n
--- response_body: []

=== and when it is negative and true
--- request
GET /lost-tooa?x=m
--- response_body: []

=== and when it is negative and not true
--- request
GET /lost-tooa?x=n
--- response_body: []

=== groups of a condition in the answer
--- request
GET /groupa?x=no
--- response_body: [n]o

=== groups and an error page
--- request
GET /over1
--- error_code: 404
--- response_body: []

=== groups and a named location
--- request
GET /try1
--- response_body: [1]

=== groups without any match
--- request
GET /none
--- response_body: []

=== regex locations that do not match leave the groups alone
--- request
GET /chosen1
--- response_body: [1]

=== a group that took no part is empty
--- request
GET /part46
--- response_body: 4||6||

=== nine groups have names
--- request
GET /nineabcdefghij
--- response_body: ihgfedcbaa0

=== named groups of a location
--- request
GET /named/x/y/z
--- response_body: x|y/z|x|/y/z|y/z

=== a named group that took no part
--- request
GET /named/x
--- response_body: x||x||

=== a named group in another location
--- request
GET /keep/q
--- response_body: /show/q-|q|

=== a named group of a condition
--- request
GET /cond?x=zz
--- response_body: /show/z|z|

=== a named group that has not matched
--- request
GET /cond
--- response_body: []
--- no_error_log
uninitialized

=== a named group and set
--- request
GET /set?x=zz
--- response_body: [z]

=== a named group and set, not matched
--- request
GET /set
--- response_body: [set]

=== named groups of alternatives
--- request
GET /alt?x=b
--- response_body: [|b]

=== a named group matched against itself
--- request
GET /self/?x=abcdef
--- response_body: cdef

=== groups of a server's name
--- config
listen 127.0.0.1:%%PORT%%;
server_name ~^(?<sub>.)\.(.)$;
location / { return 200 "[$1$2$sub]"; }
location /if { if ($arg_x ~ z) { } return 200 "[$1$2$sub]"; }
location /rewrite { rewrite ^/rewrite(.)(.) /r?$sub$2$1 break; return 200 no; }
location /url { rewrite ^/url(.)(.) http://$sub/$2$1; }
--- request
GET /
Host: a.b
--- response_body: [aba]

=== only named ones outlive a condition
--- request
GET /if
Host: a.b
--- response_body: [a]

=== they are replaced by those of a rule
--- request
GET /urlxy
Host: a.b
--- error_code: 302
--- response_headers
Location: http://a/yx

=== a variable without a value is empty, and logged
--- config
location /unset { if ($arg_x) { set $u 1; } return 200 "[$u]"; }
location /quiet { uninitialized_variable_warn off; return 200 "[$u]"; }
location /truth { if ($u) { return 200 y; } return 200 n; }
location /copy { set $v $u; return 200 "[$v][$u]"; }
location /loud { uninitialized_variable_warn off; if ($arg_x) { uninitialized_variable_warn on; set $q 1; } return 200 "[$u]"; }
location /hush { if ($arg_x) { uninitialized_variable_warn off; set $q 1; } return 200 "[$u]"; }
location /path { rewrite ^ /shown$u; }
location /shown { return 200 "$uri"; }
location /file { if (-e $u) { return 200 yes; } return 200 no; }
location /root { root html/$u; }
location /case { set $MiXed 1; return 200 "$mixed$MIXED"; }
location /odd { set $x-y z; set ${b} 1; set $1 no; return 200 "ok$1"; }
location /twice { set $s ab; set $s "$s$s"; set $s "<$s$s>"; return 200 $s; }
location /page { set $p 1; error_page 404 /got; return 404; }
location /try { set $p 2; try_files /none /got; }
location /got { return 200 "[$p]"; }
location /empty { set $e ""; return 200 "[$e]"; }
--- request
GET /unset
--- response_body: []
--- error_log
[warn]
using uninitialized "u" variable

=== one with a value is not
--- request
GET /unset?x=1
--- response_body: [1]

=== uninitialized_variable_warn off
--- request
GET /quiet
--- response_body: []

=== the warning comes from conditions too
--- request
GET /truth
--- response_body: n
--- error_log
using uninitialized "u" variable

=== a copy of a variable without a value has one
--- request
GET /copy
--- response_body: [][]
--- error_log
using uninitialized "u" variable
--- no_error_log
uninitialized "v"

=== a condition switches the warning on
--- request
GET /loud?x=1
--- response_body: []
--- error_log
using uninitialized "u" variable

=== and off
--- request
GET /hush?x=1
--- response_body: []

=== the warning of a replacement
--- request
GET /path
--- response_body: /shown
--- error_log
using uninitialized "u" variable

=== the warning of a file's name
--- request
GET /file
--- response_body: no
--- error_log
using uninitialized "u" variable

=== the warning of a root
--- request
GET /root/a.txt
--- error_code: 404
--- error_log
using uninitialized "u" variable

=== names in any case
--- request
GET /case
--- response_body: 11

=== odd names can be set
--- request
GET /odd
--- response_body: ok

=== a value made of itself
--- request
GET /twice
--- response_body: <abababab>

=== a value stays for an error page
--- request
GET /page
--- error_code: 404
--- response_body: [1]

=== a value stays for another path
--- request
GET /try
--- response_body: [2]

=== an empty value is one
--- request
GET /empty
--- response_body: []
--- no_error_log
uninitialized

=== nothing is logged with uninitialized_variable_warn off
--- config
location /quiet { uninitialized_variable_warn off; return 200 "[$u]"; }
location /hush { if ($arg_x) { uninitialized_variable_warn off; set $q 1; } return 200 "[$u]"; }
location / { set $u 1; return 200 $u; }
--- request
GET /quiet
--- response_body: []
--- no_error_log
uninitialized

=== nor in a condition with it
--- request
GET /hush?x=1
--- response_body: []
--- no_error_log
uninitialized

=== set of $args
--- config
location /args { set $args "n=1&m=2"; return 200 "$args|$arg_n|$query_string|$is_args|$request_uri"; }
location /clear { set $args ""; rewrite ^ /s; }
location /made { set $args "q=$arg_a"; rewrite ^ /s last; }
location /drop { set $args "q"; rewrite ^ /s? last; }
location /both { rewrite ^ /s?k=$args last; }
location /old { set $x $args; set $args q; return 200 "$x|$args|$arg_q"; }
location /grow { set $args "$args&z=1"; set $args "$args&y=$arg_z"; return 200 "$args"; }
location /redirect { set $args "a?b"; rewrite ^ /s redirect; }
location /rate { set $limit_rate 100k; return 200 "$limit_rate"; }
location /rate-on { set $limit_rate 1k; rewrite ^ /rate-off last; }
location /rate-off { return 200 "$limit_rate"; }
location /own-arg { set $arg_x set; return 200 "$arg_x|$args"; }
location /asked { return 200 "$arg_x|$args"; }
location /later { set $arg_x own; try_files /none /asked?x=2; }
location /cookie { set $cookie_c set; return 200 "$cookie_c"; }
location /field { set $sent_http_x set; return 200 "$sent_http_x"; }
location /s { return 200 "s $uri|$args"; }
--- request
GET /args?z=1
--- response_body: n=1&m=2|1|n=1&m=2|?|/args?z=1

=== set of $args to nothing
--- request
GET /clear?z=1
--- response_body: s /s|

=== set of $args with an argument
--- request
GET /made?a=7
--- response_body: s /s|q=7

=== set of $args that a rewrite drops
--- request
GET /drop?a=7
--- response_body: s /s|

=== $args in a replacement
--- request
GET /both?a=7
--- response_body: s /s|k=a=7&a=7

=== the arguments before and after set
--- request
GET /old?zz
--- response_body: zz|q|

=== the arguments made of themselves
--- request
GET /grow?q=1
--- response_body: q=1&z=1&y=1

=== set arguments in a redirect
--- request
GET /redirect
--- error_code: 302
--- response_headers
Location: http://localhost:%%PORT%%/s?a?b

=== set of $limit_rate
--- request
GET /rate
--- response_body: 102400

=== $limit_rate stays in another location
--- request
GET /rate-on
--- response_body: 1024

=== set of an argument
--- request
GET /own-arg?x=1
--- response_body: set|x=1

=== which is as it was sent elsewhere
--- request
GET /asked?x=1
--- response_body: 1|x=1

=== a set argument stays
--- request
GET /later?x=1
--- response_body: own|x=2

=== set of a cookie's variable
--- request
GET /cookie
--- response_body: set

=== set of a variable of the answer
--- request
GET /field
--- response_body: set

=== an internal location is not for clients
--- config
rewrite ^/server$ /int last;
rewrite ^/broken$ /int break;
location /int { internal; return 200 int; }
location /a { rewrite ^ /int last; }
location /b { rewrite ^ /c; }
location /c { rewrite ^ /int; }
location /if { if ($arg_x) { rewrite ^ /int; } return 200 out; }
--- request
GET /int
--- error_code: 404

=== but for rules of a server
--- request
GET /server
--- response_body: int

=== but for rules of a server with break
--- request
GET /broken
--- response_body: int

=== and of a location
--- request
GET /a
--- response_body: int

=== after two changes
--- request
GET /b
--- response_body: int

=== and of a condition, which return comes before
--- request
GET /if?x=1
--- response_body: out

=== a test of files with open_file_cache
--- config
location /file {
    set $p $document_root/$arg_v;
    if (-f $p) { return 200 file; }
    if (-e $p) { return 200 there; }
    return 200 no;
}
location /strict {
    disable_symlinks on;
    set $p $document_root/$arg_v;
    if (-f $p) { return 200 file; }
    return 200 no;
}
location /cache {
    open_file_cache max=10;
    if (-f $document_root/$arg_v) { return 200 file; }
    return 200 no;
}
--- user_files
>>> a.txt
a file
--- request
GET /cache?v=a.txt
--- response_body: file

=== a test of files with disable_symlinks
--- request
GET /strict?v=a.txt
--- response_body: file

=== a long name that is not there
--- request
GET /file?v=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
--- response_body: no

=== rewrite_log tells of matches and of what became of the path
--- config
rewrite_log on;
error_log logs/error.log notice;
location /one { rewrite ^/one(.*)$ /two$1?x=$1 last; }
location /two { rewrite nomatch /x; rewrite ^/two(.*)$ /t$1 redirect; }
location /url { rewrite ^ http://h/x permanent; }
location /if {
    if ($arg_x ~ ^b) { set $q 1; }
    if ($arg_x ~* "^C") { }
    if ($arg_x !~ d) { }
    if ($arg_x = a) { }
    if (-f /x) { }
    return 200 ok;
}
location /off { rewrite_log off; if ($arg_x) { rewrite_log on; rewrite ^/off /6; } rewrite ^/6 /7; return 200 ok; }
location /inside { if ($arg_x) { rewrite_log off; rewrite ^/inside /7; } rewrite ^/7 /8; return 200 ok; }
location /none { rewrite ^/none $arg_n; }
location /drop { rewrite ^/drop /8?; return 200 ok; }
--- request
GET /one/a%20b
--- error_code: 302
--- response_headers
Location: http://localhost:%%PORT%%/t/a%20b?x=/a%20b
--- error_log
[notice]
"^/one(.*)$" matches "/one/a b"
rewritten data: "/two/a b", args: "x=/a%20b"
"nomatch" does not match "/two/a b"
rewritten redirect: "/t/a%20b?x=/a%20b"

=== rewrite_log tells of redirects
--- request
GET /url?x
--- error_code: 301
--- response_headers
Location: http://h/x?x
--- error_log
"^" matches "/url"
rewritten redirect: "http://h/x?x"

=== rewrite_log tells of conditions with regexes
--- request
GET /if?x=cde
--- response_body: ok
--- error_log
"^b" does not match "cde"
"^C" matches "cde"
"d" matches "cde"

=== rewrite_log where the rules begin counts: it is off
--- request
GET /off?x=1
--- response_body: ok

=== rewrite_log where the rules begin counts: it is on
--- request
GET /inside?x=1
--- response_body: ok
--- error_log
rewritten data: "/7", args: "x=1"
rewritten data: "/8", args: "x=1"

=== rewrite_log of an empty path
--- request
GET /none?x
--- error_code: 500
--- error_log
rewritten data: "", args: "x"
zero length

=== rewrite_log of dropped arguments
--- request
GET /drop?x
--- response_body: ok
--- error_log
rewritten data: "/8", args: ""

=== rewrite_log in a condition alone tells nothing
--- config
error_log logs/error.log notice;
if ($arg_x) { rewrite_log on; rewrite ^/off /6; }
rewrite ^/6 /7;
location /7 { rewrite_log off; if ($arg_x) { rewrite_log on; } rewrite ^/7 /8 break; return 200 ok; }
location / { return 200 ok; }
--- request
GET /off?x=1
--- error_code: 404
--- no_error_log
matches
rewritten

=== a map that matches nothing leaves the groups alone
--- http_config
map $arg_m $mapped { ~^(q+)(.*) "M$1"; ~zz n; default d; }
--- config
location ~ ^/plain(.)(.*) { return 200 "[$1$mapped$1$2]"; }
location ~ ^/set(.)(.*) { set $a "$1$mapped$1"; return 200 "[$a$1]"; }
location /rewrite { rewrite ^/rewrite(.) /t/$1-$mapped-$1?$1-$mapped; return 200 "$uri?$args"; }
location /redirect { rewrite ^/redirect(.) /t/$1-$mapped-$1?$1 redirect; }
location ~ ^/is(.)(.*) { if ($mapped = d) { return 200 "d[$1]"; } return 200 "[$1]"; }
location ~ ^/matches(.)(.*) { if ($mapped ~ ^M(.*)) { return 200 "m[$1]"; } return 200 "[$1]"; }
location ~ ^/known(.) { set $x $mapped; rewrite ^/known(.) /t/$1-$mapped-$1; return 200 "$uri"; }
location ~ ^/uri(.) { set $x "$uri"; rewrite ^(.*)$ $1$uri$1$uri; set $x "$x|$uri"; return 200 $x; }
location ~ ^/args(.*) { set $args "$args$args$1$args"; set $args "$args&$arg_a"; return 200 "$args"; }
--- request
GET /plainabc
--- response_body: [adabc]

=== a map in the middle of a text has groups of its own
--- differs:the groups of a text are those that it began with; nginx 1.22 fails with 500
--- request
GET /plainabc?m=qqq
--- response_body: [aMqqqabc]

=== a map in the middle of a value
--- differs:the groups of a text are those that it began with; nginx 1.22 fails with 500
--- request
GET /setabc?m=qqq
--- response_body: [aMqqqaqqq]

=== a map in the middle of a replacement
--- differs:nginx mixes the groups of the map with those of the rule
--- request
GET /rewritea?m=qqq
--- response_body: /t/a-Mqqq-a?a-Mqqq&m=qqq

=== a map in the middle of a redirect
--- differs:nginx mixes the groups of the map with those of the rule
--- request
GET /redirecta%2f?m=qqq
--- error_code: 302
--- response_headers
Location: http://localhost:%%PORT%%/t/a-Mqqq-a?a&m=qqq

=== the groups of a map in a condition stay
--- request
GET /isabc?m=qqq
--- response_body: [qqq]

=== a map without a match in a condition
--- request
GET /isabc
--- response_body: d[a]

=== a condition on a map
--- request
GET /matchesabc?m=qqq
--- response_body: m[qqq]

=== a map whose value is known already changes nothing
--- request
GET /knowna?m=qqq
--- response_body: /t/a-Mqqq-a

=== a path made of itself
--- request
GET /uria
--- response_body: /uria|/uria/uria/uria/uria

=== arguments made of themselves
--- request
GET /argsx?a=1
--- response_body: a=1a=1xa=1&1a=1xa=1

=== a path that grows
--- config
location /double/ {
    rewrite ^/double/(.*)$ /$1$1$1$1$1$1$1$1;
    rewrite ^/(.*)$ /$1$1$1$1$1$1$1$1;
    rewrite ^/(.*)$ /$1$1$1$1$1$1$1$1;
    rewrite ^/(.*)$ /$1$1$1$1$1$1$1$1;
    return 200 $uri;
}
location /value {
    set $a xxxxxxxxxxxxxxxx;
    set $a $a$a$a$a$a$a$a$a$a$a$a$a$a$a$a$a;
    set $a $a$a$a$a$a$a$a$a$a$a$a$a$a$a$a$a;
    if ($arg_x) { set $a $a$a$a$a$a$a$a$a$a$a$a$a$a$a$a$a; }
    if ($arg_y) { set $a $a$a; }
    return 200 $a;
}
location /escaped/ {
    rewrite ^/escaped/(.*)$ /$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1?$1$1$1$1$1$1$1$1;
    rewrite ^/(.*)$ /$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1;
    rewrite ^/(.*)$ /t?$1? redirect;
}
location /overlap { rewrite ^/over((l)(a(p))) /$1$2$3$4$4$3$2$1 break; return 200 no; }
location /lap { rewrite ^/lap((.)((.)(.))) /$5$4$3$2$1; return 200 $uri; }
location /look { rewrite ^/look(?=(.*))(.) /$1$2$1; return 200 $uri; }
location /behind { rewrite (?<=^/)(behind)(?=(.*)) /$2$1$2; return 200 $uri; }
location /outside { rewrite ^/out\Kside(.*) /[$1]; return 200 $uri; }
location /empty { rewrite ^/empty()()(.*)() /$1$2$3$4$3; return 200 "$uri|$1|$4"; }
--- request
GET /double/ab
--- response_body_like: \A/(ab){4096}\z

=== a value that grows
--- request
GET /value
--- response_body_like: \Ax{4096}\z

=== a value of 64 KiB
--- request
GET /value?x=1
--- response_body_like: \A(x{16384}){4}\z

=== a value of 128 KiB
--- request
GET /value?x=1&y=1
--- response_body_like: \A(x{16384}){8}\z

=== escapes that grow
--- request
GET /escaped/%25%25%3f%3f
--- error_code: 302
--- response_headers_like
Location: http://localhost:\d+/t\?(%25%25%3F%3F){256}

=== groups in groups
--- request
GET /lapabc
--- response_body: /cbbcaabc

=== a group ahead of the match
--- request
GET /lookab
--- response_body: /abaab

=== a group behind the match
--- request
GET /behindx
--- response_body: /xbehindx

=== a match that begins behind its groups
--- request
GET /outsidex
--- response_body: /[x]

=== empty groups
--- request
GET /emptyx
--- response_body: /xx||

=== a value without an end
--- config
location /value {
    set $a xxxxxxxxxxxxxxxx;
    set $a $a$a$a$a$a$a$a$a$a$a$a$a$a$a$a$a;
    set $a $a$a$a$a$a$a$a$a$a$a$a$a$a$a$a$a;
    set $a $a$a$a$a$a$a$a$a$a$a$a$a$a$a$a$a;
    set $a $a$a$a$a$a$a$a$a$a$a$a$a$a$a$a$a;
    set $a $a$a$a$a$a$a$a$a$a$a$a$a$a$a$a$a;
    return 200 done;
}
location /path {
    set $a xxxxxxxxxxxxxxxx;
    set $a $a$a$a$a$a$a$a$a$a$a$a$a$a$a$a$a;
    set $a $a$a$a$a$a$a$a$a$a$a$a$a$a$a$a$a;
    set $a $a$a$a$a$a$a$a$a$a$a$a$a$a$a$a$a;
    rewrite ^ /$a$a$a$a$a$a$a$a$a$a$a$a$a$a$a$a$a$a$a$a;
    return 200 done;
}
--- differs:a value has a limit of 1 MiB
--- request
GET /value
--- error_code: 500

=== a path without an end
--- differs:a value has a limit of 1 MiB
--- request
GET /path
--- error_code: 500

=== a subrequest shares the variables that are set, not the arguments
--- config
location /shared { set $x main; auth_request /auth; add_header X-X $x always; add_header X-A "[$args]" always; }
location /auth { set $y "$x"; set $x "sub:$y"; set $args q; return 204; }
location /taken { set $x main; auth_request /chosen; auth_request_set $z $x; add_header X-Z $z always; }
location /chosen { rewrite ^ /auth last; }
location /cycle { auth_request /loop; }
location /loop { rewrite ^ /loop; }
location /body { rewrite ^ /a.txt break; add_after_body /behind; addition_types *; }
location /behind { rewrite ^ /b.txt break; }
location ~ ^/groups(.) { auth_request /match; add_header X-Group "[$1]" always; }
location = /match { if ($uri ~ (.)$) { return 204; } }
location /value { set $u 1; auth_request /copy; add_header X-U "$u|$v" always; }
location = /copy { set $v "$u$u"; return 204; }
--- user_files
>>> a.txt
a
>>> b.txt
b
--- request
GET /shared?k
--- error_code: 404
--- response_headers
X-X: sub:main
X-A: [k]

=== a subrequest whose path changes
--- request
GET /taken
--- error_code: 404
--- response_headers
X-Z: sub:main

=== a subrequest that goes round in a circle
--- request
GET /cycle
--- error_code: 500
--- error_log
rewrite or internal redirection cycle while processing "/loop"

=== two paths in one body
--- request
GET /body
--- response_body_like: \Aa\nb\n\z

=== a subrequest has groups of its own
--- request
GET /groups1
--- error_code: 404
--- response_headers
X-Group: [1]

=== what a subrequest has set stays
--- request
GET /value
--- error_code: 404
--- response_headers
X-U: 1|11

=== a condition without brackets
--- config
if $arg_x { }
--- conf_error: invalid condition "$arg_x"

=== a condition without its closing bracket
--- config
if ($arg_x { }
--- conf_error: invalid condition "$arg_x"

=== a condition without its opening bracket
--- config
if $arg_x) { }
--- conf_error: invalid condition "$arg_x)"

=== an empty condition
--- config
if () { }
--- conf_error: invalid condition ")"

=== an empty condition with a space
--- config
if ( ) { }
--- conf_error: invalid condition ")"

=== a condition on a text
--- config
if (x = y) { }
--- conf_error: invalid condition "x"

=== a condition on a quoted variable
--- config
if ("$arg_x") { }
--- conf_error: invalid condition ""$arg_x""

=== an operator without its spaces
--- config
if ($arg_x =y) { }
--- conf_error: invalid condition "$arg_x"

=== an operator that is none
--- config
if ($arg_x == y) { }
--- conf_error: unexpected "==" in condition

=== another that is none
--- config
if ($arg_x && $arg_y) { }
--- conf_error: unexpected "&&" in condition

=== a negation alone
--- config
if ($arg_x ! y) { }
--- conf_error: unexpected "!" in condition

=== an operator without its text
--- config
if ($arg_x = ) { }
--- conf_error: invalid condition "$arg_x"

=== a text of two words
--- config
if ($arg_x = y z) { }
--- conf_error: invalid condition "$arg_x"

=== a negated variable
--- config
if (!$arg_x) { }
--- conf_error: invalid condition "!$arg_x"

=== a test of nothing
--- config
if (-f) { }
--- conf_error: invalid condition "-f"

=== a test that is none
--- config
if (-q $arg_x) { }
--- conf_error: invalid condition "-q"

=== a negation before a space
--- config
if (! -f $arg_x) { }
--- conf_error: invalid condition "!"

=== a dollar sign alone
--- config
if ($) { }
--- conf_error: invalid condition "$"

=== a group as a variable
--- config
if ($1) { }
--- conf_error: unknown "1" variable

=== a variable in braces
--- config
if (${arg_x} = a) { }
--- conf_error: unknown "{arg_x}" variable

=== a variable that is not there
--- config
if ($nosuch) { }
--- conf_error: unknown "nosuch" variable

=== a regex that is none
--- config
if ($arg_x ~ "[") { }
--- conf_error: pcre2_compile() failed: missing terminating ] for character class

=== no block
--- config
if ($arg_x);
--- conf_error: directive "if" has no opening "{"

=== if in if
--- config
if ($arg_x) { if ($arg_y) { } }
--- conf_error: "if" directive is not allowed here

=== a location in if
--- config
if ($arg_x) { location /z { } }
--- conf_error: "location" directive is not allowed here

=== settings of a location in if of a server
--- config
if ($arg_x) { root html; }
--- conf_error: "root" directive is not allowed here

=== rules in limit_except
--- config
location / { limit_except GET { rewrite ^ /x; } }
--- conf_error: "rewrite" directive is not allowed here

=== a rewrite without a replacement
--- config
rewrite ^/a;
--- conf_error: invalid number of arguments in "rewrite" directive

=== an empty replacement
--- config
rewrite ^/a "";
--- conf_error: empty replacement

=== a flag that is none
--- config
rewrite ^/a /b LAST;
--- conf_error: invalid parameter "LAST"

=== an empty flag
--- config
rewrite ^/a /b "";
--- conf_error: invalid parameter ""

=== a rule whose regex is none
--- config
rewrite ( /b;
--- conf_error: pcre2_compile() failed: missing closing parenthesis

=== a group with the name of a variable
--- config
rewrite ^/(?<uri>.*) /b;
--- conf_error: the duplicate "uri" variable

=== the whole match has no name
--- config
rewrite ^/a $0;
--- conf_error: unknown "0" variable

=== a replacement with a dollar sign
--- config
rewrite ^/a /b$;
--- conf_error: invalid variable name

=== set of no variable
--- config
set x y;
--- conf_error: invalid variable name "x"

=== set of nothing
--- config
set $ y;
--- conf_error: invalid variable name "$"

=== set of a variable that has its value
--- config
set $uri z;
--- conf_error: the duplicate "uri" variable

=== set of a value that is not there
--- config
set $x $nosuch;
--- conf_error: unknown "nosuch" variable

=== set without a value
--- config
set $x;
--- conf_error: invalid number of arguments in "set" directive

=== break with a word
--- config
break last;
--- conf_error: invalid number of arguments in "break" directive

=== rewrite_log twice
--- config
rewrite_log on; rewrite_log on;
--- conf_error: "rewrite_log" directive is duplicate

=== a block of quantifiers
--- config
rewrite ^/a{1} /b;
--- conf_error: directive "rewrite" is not terminated by ";"

=== rules in http
--- http_config
rewrite ^ /x;
--- conf_error: "rewrite" directive is not allowed here

=== conditions in http
--- http_config
if ($x) { }
--- conf_error: "if" directive is not allowed here

=== switches in http
--- http_config
rewrite_log on;
uninitialized_variable_warn off;
--- conf_ok

=== spaces in conditions
--- config
if (  $arg_x  ) { }
if ( $arg_x = y ) { }
if ($arg_x = "y" ) { }
if ($arg_x ~ (y|z)) { }
if ( $arg_x !~* "(y|z)" ) { }
if ( !-f "a b" ) { }
if ($arg_x = y)) { }
if ($arg_x$arg_y) { }
--- conf_ok

=== conditions as they may be
--- config
if ($arg_x) { return 200; return 201; break; break; set $q 1; set $q 2; }
if ($arg_x) { rewrite_log on; uninitialized_variable_warn off; }
location @n { rewrite ^ /x; if ($arg_x) { } break; }
set $s 1;
set $s "$s$s";
rewrite "^/a{1}" /b;
rewrite ^/(?<my>.*) /b$my;
rewrite ^/(?<my>.*) /c$my;
rewrite "" /b$9;
--- conf_ok
