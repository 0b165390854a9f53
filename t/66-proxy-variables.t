# The $upstream_ variables: lists over tries and over upstreams, fields, cookies, trailers.

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::Weir;
use Test::Weir::Backend qw(answer);

skip_without('proxy_pass');

my $t = Test::Weir->new(name => 'variables');
$t->write_conf(<<'CONF');
worker_processes 1;
events { }
error_log logs/error.log info;
http {
    log_format all '$uri a=$upstream_addr s=$upstream_status l=$upstream_response_length '
        'r=$upstream_bytes_received c=$upstream_connect_time h=$upstream_header_time '
        't=$upstream_response_time';
    access_log logs/access.log all;
    upstream two { server unix:%%DIR%%/none.sock; server 127.0.0.1:%%PORT1%%; }
    upstream down { server 127.0.0.1:1 down; server 127.0.0.1:2 down; }
    proxy_http_version 1.1;
    server {
        listen 127.0.0.1:%%PORT%%;
        set $asked '';
        location / { proxy_pass http://127.0.0.1:%%PORT1%%; }
        location /two { proxy_pass http://two; }
        location /down { proxy_pass http://down; }
        location /second { proxy_pass http://127.0.0.1:%%PORT2%%; }
        location /error { proxy_pass http://127.0.0.1:%%PORT1%%; proxy_intercept_errors on;
            error_page 500 = /second; }
        location /none { return 204; }
        location /fields {
            proxy_pass http://127.0.0.1:%%PORT1%%;
            add_header X-Fields "$upstream_http_x_some|$upstream_http_content_length|$upstream_http_x_empty|$upstream_http_x_none";
            add_header X-Cookies "$upstream_cookie_one|$upstream_cookie_two|$upstream_cookie_empty|$upstream_cookie_none";
            add_header X-So-Far "$upstream_status $upstream_response_time";
        }
        location /ask { auth_request /auth; auth_request_set $asked $upstream_http_x_user;
            auth_request_set $answered $upstream_status; proxy_pass http://127.0.0.1:%%PORT2%%;
            add_header X-Asked "$asked $answered $upstream_status"; }
        location = /auth { internal; proxy_pass http://127.0.0.1:%%PORT1%%; }
    }
}
CONF
$t->start;

$t->allow_log(qr{none\.sock});         # nginx finds that grave

my ($one, $two) = map { $t->port($_) } 1, 2;
my $first = Test::Weir::Backend->new($one, answer(200, 'first'));
my $second = Test::Weir::Backend->new($two, answer(200, 'second!'));
my $seconds = qr/\d+\.\d{3}/;

sub logged
{
    my ($uri, $like, $name) = @_;

    get($t->port, $uri);
    wait_for { $t->access_log =~ /^$like$/m } undef, $name;
}

logged('/', qr{/ a=127.0.0.1:$one s=200 l=5 r=\d\d+ c=$seconds h=$seconds t=$seconds}, 'one try');
logged('/two', qr{/two a=unix:\S+/none.sock, 127.0.0.1:$one s=502, 200 l=0, 5 r=0, \d+ c=-, $seconds h=-, $seconds t=$seconds, $seconds},
    'two tries');
logged('/down', qr{/down a=down s=502 l=0 r=0 c=- h=- t=$seconds}, 'no server at all');
logged('/none', qr{/none a=- s=- l=- r=- c=- h=- t=-}, 'nothing was passed on');
$first->script(answer(500, 'error'));
logged('/error', qr{/second a=127.0.0.1:$one : 127.0.0.1:$two s=500 : 200 l=\d+ : 7 r=\d+ : \d+ c=$seconds : $seconds h=$seconds : $seconds t=$seconds : $seconds},
    'an error page from another upstream');
$first->script(answer(200, '', 'X-Accel-Redirect' => '/second?from=accel'));
logged('/accel', qr{/second a=127.0.0.1:$one : 127.0.0.1:$two s=200 : 200 .*}, 'X-Accel-Redirect');

$first->script(answer(200, 'first', 'X-Some' => 'some', 'X-Empty' => '',
    'Set-Cookie' => 'one=1; path=/', 'Set-Cookie' => 'TWO=a b;secure', 'Set-Cookie' => 'one=2',
    'Set-Cookie' => 'empty=', 'Set-Cookie' => 'none'));
my $r = get($t->port, '/fields');
is($r->{header}{'x-fields'}, 'some|5||', 'fields of the answer');
is($r->{header}{'x-cookies'}, '1|a b||', 'cookies: the first of a name, in any case');
is($r->{header}{'x-so-far'}, '200 -', 'the end is not known when the head leaves');

if (!skipped('fields that are there twice', since => '1.23.0')) {
    $first->script(answer(200, 'first', 'X-Some' => 'some', 'x-some' => 'more'));
    is(get($t->port, '/fields')->{header}{'x-fields'}, 'some, more|5||', 'are one value');
}
$first->script(answer(200, '', 'X-User' => 'somebody'));
is(get($t->port, '/ask')->{header}{'x-asked'}, 'somebody 200 200', 'those of a subrequest');
is(get($t->port, '/ask')->{body}, 'second!', 'do not hide those of the request');

$_->stop for $first, $second;
$t->stop('QUIT');
done_testing();
