#!/usr/bin/perl

# The gateway of an API: a table says which group of servers has a path, another service says who a
# key belongs to, limits are by key, and every error is JSON, whoever made it.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP qw(decode_json encode_json);
use Test::Weir;
use Test::Weir::Backend qw(answer);
use Test::Weir::Conn;

skip_without('proxy_pass');
skip_without('auth_request');
skip_without('mirror');

my $t = Test::Weir->new(name => 'gateway');
$t->write_conf(<<'CONF');
worker_processes 1;
error_log logs/error.log info;
events { }
http {
    default_type application/json;
    log_format api escape=json '{"method":"$request_method","uri":"$request_uri",'
        '"status":"$status","user":"$user","agent":"$http_user_agent","service":"$service",'
        '"upstream":"$upstream_addr","answers":"$upstream_status",'
        '"bytes":"$upstream_response_length","took":"$upstream_response_time",'
        '"connect":"$upstream_connect_time","head":"$upstream_header_time",'
        '"body":"$request_length"}';
    access_log logs/access.log api;

    # Unknown keys share what there is for nobody.
    map $http_x_api_key $limit_key {
        default nobody;
        key-limited $http_x_api_key;
        ~^key-(?:ann|bob|root|slow|broken)$ "";
    }
    map $http_x_api_key $conn_key { default ""; key-slow $http_x_api_key; }
    limit_req_zone $limit_key zone=rates:1m rate=1r/m;
    limit_conn_zone $conn_key zone=conns:1m;
    limit_req_status 429;
    limit_conn_status 429;

    map $uri $service {
        default "";
        ~^/v\d/users(?:/|$) users;
        ~^/v\d/orders(?:/|$) orders$canary;
        ~^/v\d/reports(?:/|$) reports;
        ~^/v\d/down(?:/|$) down;
    }
    map $http_x_canary $canary { default ""; yes -next; }
    map $request_uri $version { default none; ~^/v(?<number>\d)/ $number; }

    upstream auth { server 127.0.0.1:%%PORT1%%; keepalive 4; }
    upstream users {
        server 127.0.0.1:%%PORT2%% max_fails=0;
        server 127.0.0.1:%%PORT3%% max_fails=0;
        keepalive 4;
    }
    upstream orders { server 127.0.0.1:%%PORT4%%; }
    upstream orders-next { server 127.0.0.1:%%PORT5%%; }
    upstream reports { server 127.0.0.1:%%PORT4%%; }
    upstream shadow { server 127.0.0.1:%%PORT6%%; }
    upstream down { server 127.0.0.1:%%PORT9%%; server 127.0.0.1:%%PORT8%%; }

    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $service.internal;
    proxy_set_header X-User $user;
    proxy_set_header X-Role $role;
    proxy_set_header X-Api-Key "";
    proxy_set_header X-Api-Version $version;

    server {
        listen 127.0.0.1:%%PORT%%;
        server_name api.example;
        client_max_body_size 4k;

        error_page 400 @400;
        error_page 401 @401;
        error_page 403 @403;
        error_page 404 @404;
        error_page 405 @405;
        error_page 413 @413;
        error_page 429 @429;
        error_page 500 @500;
        error_page 502 503 504 @502;
        location @400 { return 400 '{"status":400,"message":"bad request"}\n'; }
        location @401 { return 401 '{"status":401,"message":"no key"}\n'; }
        location @403 { return 403 '{"status":403,"message":"not yours"}\n'; }
        location @404 { return 404 '{"status":404,"message":"no such thing"}\n'; }
        location @405 { add_header Allow GET always; return 405 '{"status":405}\n'; }
        location @413 { return 413 '{"status":413,"message":"too large"}\n'; }
        location @429 {
            add_header Retry-After 60 always;
            return 429 '{"status":429,"message":"slow down"}\n';
        }
        location @500 { return 500 '{"status":500,"message":"our fault"}\n'; }
        location @502 { return 502 '{"status":502,"message":"not there: $service"}\n'; }

        location = /_auth {
            internal;
            proxy_pass http://auth/check?version=$version;
            proxy_pass_request_body off;
            proxy_set_header Content-Length "";
            proxy_set_header Connection "";
            proxy_set_header X-Api-Key $http_x_api_key;
            proxy_set_header X-Original-URI $request_uri;
            proxy_set_header X-Original-Method $request_method;
        }
        location = /_shadow {
            internal;
            proxy_pass http://shadow$request_uri;
            proxy_set_header X-Shadow-Of $user;
        }

        location / { return 404; }
        location = /health { access_log off; return 200 '{"status":"fine"}\n'; }

        location ~ ^/v[12]/ {
            limit_req zone=rates burst=1 nodelay;
            limit_conn conns 1;
            auth_request /_auth;
            auth_request_set $user $upstream_http_x_user;
            auth_request_set $role $upstream_http_x_role;
            proxy_intercept_errors on;
            proxy_next_upstream error timeout http_503;
            proxy_next_upstream_tries 2;
            add_header X-Request-User $user always;
            proxy_pass http://$service;

            location ~ ^/v[12]/(?:users|orders|down)(?:/|$) { proxy_pass http://$service; }
            location ~ ^/v[12]/admin/ {
                if ($request_method !~ ^(?:GET|HEAD)$) { return 405; }
                proxy_pass http://users;
                proxy_intercept_errors off;
            }
            location ~ ^/v[12]/quotes {
                # The place that has old ones is asked when those for new ones are not there.
                error_page 502 503 504 = @old_quotes;
                proxy_pass http://down;
            }
            location ~ ^/v[12]/reports {
                mirror /_shadow;
                proxy_pass http://$service;
            }
            location ~ ^/v[12]/ { return 404; }
        }
        location @old_quotes {
            proxy_set_header X-Role old;
            proxy_set_header Host quotes.internal;
            proxy_pass http://orders;
            add_header X-Old yes;
        }
    }
}
CONF

# --- the services -------------------------------------------------------------------------------

my %people = ('key-ann' => ['ann', 'user'], 'key-bob' => ['bob', 'user'],
    'key-root' => ['root', 'admin'], 'key-limited' => ['lim', 'user'],
    'key-slow' => ['slow', 'user']);

# Says what it was asked, as JSON; the way it behaves is part of the path.
sub service
{
    my ($name) = @_;
    my $count = 0;

    return sub {
        my ($r) = @_;
        my $h = $r->{header};
        return answer($1, '{"from":"service"}', 'Content-Type' => 'application/problem+json')
            if $r->{uri} =~ m{/status/(\d+)};
        return answer(503, 'busy') if $r->{uri} =~ m{/busy/$name};
        return [\'close'] if $r->{uri} =~ m{/dies/$name};
        my $text = encode_json({from => $name, line => $r->{line}, body => $r->{body},
            count => ++$count, map { $_ => $h->{$_} } keys %$h});
        my $answer = answer(200, $text, 'Content-Type' => 'application/json');
        return $r->{uri} =~ m{/hold} ? [\'go', $answer] : $answer;
    };
}

my $auth = Test::Weir::Backend->new($t->port(1), sub {
    my ($r) = @_;
    my $key = $r->{header}{'x-api-key'} // '';
    my $person = $people{$key};

    return answer(500, 'broken') if $key eq 'key-broken';
    return answer(401, 'who?', 'WWW-Authenticate' => 'Key realm="api"') unless $person;
    return answer(403, 'not you')
        if $r->{header}{'x-original-uri'} =~ m{/admin/} && $person->[1] ne 'admin';
    return answer(200, '', 'X-User' => $person->[0], 'X-Role' => $person->[1]);
});
my %services = map { $_->[0] => Test::Weir::Backend->new($t->port($_->[1]), service($_->[0])) }
    ['users-a', 2], ['users-b', 3], ['orders', 4], ['orders-next', 5], ['shadow', 6];
$t->start;

# A request with a key: the answer, and what its JSON says.
sub ask
{
    my ($method, $path, $key, %opt) = @_;
    my @headers = (@{$opt{headers} // []}, defined $key ? ('X-Api-Key' => $key) : ());
    my $r = request($t->port, $method, $path, %opt, headers => \@headers)
        // {status => 0, body => '', header => {}};

    return ($r, eval { decode_json($r->{body}) } // {});
}

# The line of a request in the log, which comes behind the answer.
sub logged
{
    my ($uri) = @_;
    my $line;

    wait_for { ($line) = $t->access_log =~ m{^(.*"uri":"\Q$uri\E".*)$}m } 5, "$uri in the log";
    return decode_json($line // '{}');
}

# An error that the gateway tells in its own words.
sub is_error
{
    my ($name, $status, $r, $v) = @_;

    is("$r->{status} " . ($v->{status} // 'no JSON'), "$status $status", "$name: $status");
    is($r->{header}{'content-type'}, 'application/json', "$name: as JSON");
}

# --- who is asked -------------------------------------------------------------------------------

my ($r, $v) = ask('GET', '/health');
is($v->{status}, 'fine', 'without a key');

($r, $v) = ask('GET', '/v1/users/7?full=1', 'key-ann',
    headers => ['X-User' => 'root', 'X-Role' => 'admin', 'User-Agent' => "a\"b\tc"]);
is($r->{status}, 200, 'users');
is($v->{line}, 'GET /v1/users/7?full=1 HTTP/1.1', 'the line');
is($v->{host}, 'users.internal', 'the host');
is("$v->{'x-user'} $v->{'x-role'}", 'ann user', 'who it is says the other service, not the client');
is($v->{'x-api-key'}, undef, 'the key stays here');
is($v->{'x-api-version'}, 1, 'a group of a map');
is($r->{header}{'x-request-user'}, 'ann', 'and in the answer');
is($r->{header}{'x-user'}, undef, 'what the other service said is not in it');
my $line = logged('/v1/users/7?full=1');
is("$line->{status} $line->{user} $line->{service} $line->{answers}", '200 ann users 200',
    'the log');
is($line->{agent}, "a\"b\tc", 'which is JSON');
like($line->{upstream}, qr/^127\.0\.0\.1:\d+$/, 'with who answered');
like("$line->{$_}", qr/^\d+\.\d{3}$/, "and $_") for qw(took connect head);
is($line->{bytes}, length $r->{body}, 'and how much');

my @checks = $auth->requests;
is(scalar @checks, 1, 'one check');
is($checks[0]{uri}, '/check?version=1', 'its line');
is($checks[0]{header}{'x-original-uri'}, '/v1/users/7?full=1', 'what for');
is($checks[0]{header}{'user-agent'}, "a\"b\tc", 'and by whom');

($r, $v) = ask('POST', '/v2/orders', 'key-bob', body => '{"item":1}');
is("$v->{from} $v->{body} $v->{'x-user'}", 'orders {"item":1} bob', 'orders, with a body');
is(($auth->requests)[-1]{body}, '', 'which the check does not get');
is(($auth->requests)[-1]{header}{'content-length'}, undef, 'nor its length');
is(($auth->requests)[-1]{header}{'x-original-method'}, 'POST', 'but the method');
($r, $v) = ask('POST', '/v2/orders', 'key-bob', body => "7\r\nchunked\r\n0\r\n\r\n",
    headers => ['Transfer-Encoding' => 'chunked']);
is("$v->{from} $v->{body}", 'orders chunked', 'the same without a length');
($r, $v) = ask('GET', '/v2/orders/1', 'key-bob', headers => ['X-Canary' => 'yes']);
is($v->{from}, 'orders-next', 'those who want what comes next');
is($v->{host}, 'orders-next.internal', 'under its own name');

my %from;
$from{(ask('GET', "/v1/users/$_", 'key-ann'))[1]{from}}++ for 1 .. 6;
is_deeply(\%from, {'users-a' => 3, 'users-b' => 3}, 'both servers of a group');

# --- who may not --------------------------------------------------------------------------------

($r, $v) = ask('GET', '/v1/users/1', 'key-none');
is_error('a key that nobody has', 401, $r, $v);
is($r->{header}{'www-authenticate'}, 'Key realm="api"', 'with what is asked for');
($r, $v) = ask('GET', '/v1/users/2');
is_error('no key', 401, $r, $v);
($r, $v) = ask('GET', '/v1/admin/x', 'key-ann');
is_error('no admin', 403, $r, $v);
($r, $v) = ask('GET', '/v1/admin/x', 'key-root');
is("$r->{status} $v->{'x-role'}", '200 admin', 'an admin');
($r, $v) = ask('DELETE', '/v1/admin/x', 'key-root');
is_error('a method', 405, $r, $v);
is($r->{header}{allow}, 'GET', 'with those that there are');
($r, $v) = ask('GET', '/v1/none', 'key-ann');
is_error('a service', 404, $r, $v);
($r, $v) = ask('GET', '/v3/users', 'key-ann');
is_error('a version', 404, $r, $v);
($r, $v) = ask('GET', '/_auth', 'key-ann');
is_error('the check itself', 404, $r, $v);
($r, $v) = ask('POST', '/v1/orders', 'key-ann', body => 'x' x 5000);
is_error('a large body', 413, $r, $v);

# --- limits -------------------------------------------------------------------------------------

is(join(' ', map { (ask('GET', '/v1/users', 'key-limited'))[0]{status} } 1 .. 4),
    '200 200 429 429', 'a key and its rate');
($r, $v) = ask('GET', '/v1/users/limited', 'key-limited');
is_error('too many', 429, $r, $v);
is($r->{header}{'retry-after'}, 60, 'with the time to wait');
is(logged('/v1/users/limited')->{upstream}, '', 'nobody was asked');
is((ask('GET', '/v1/users', 'key-ann'))[0]{status}, 200, 'others are not limited');
is((ask('GET', '/v1/users', 'key-other'))[0]{status}, 429, 'but those that nobody knows together');
like($t->error_log, qr/limiting requests, excess: \d\.\d+ by zone "rates"/, 'it is logged');

my $held = Test::Weir::Conn->new($t->port);
$held->write("GET /v1/orders/hold HTTP/1.1\r\nHost: a\r\nX-Api-Key: key-slow\r\n\r\n");
wait_for { grep { $_->{uri} =~ /hold/ } $services{orders}->requests } 10, 'a request that is held';
($r, $v) = ask('GET', '/v1/orders', 'key-slow');
is_error('a second one', 429, $r, $v);
is((ask('GET', '/v1/orders', 'key-ann'))[0]{status}, 200, 'of another key');
$services{orders}->go;
is($held->read_response->{status}, 200, 'the first one is answered');
$held->close;
wait_for { (ask('GET', '/v1/orders', 'key-slow'))[0]{status} == 200 } 5, 'the next one of that key';

# --- errors of services -------------------------------------------------------------------------

for my $status (400, 403, 404, 500) {
    ($r, $v) = ask('GET', "/v1/orders/status/$status", 'key-ann');
    is_error("$status of a service", $status, $r, $v);
    is($v->{from}, undef, "$status of a service: not its text");
}
($r, $v) = ask('GET', '/v1/orders/status/422', 'key-ann');
is("$r->{status} $v->{from}", '422 service', 'one without a page of ours');
is($r->{header}{'content-type'}, 'application/problem+json', 'as it came');
($r, $v) = ask('GET', '/v1/admin/status/404', 'key-root');
is("$r->{status} $v->{from}", '404 service', 'where they are not intercepted');

($r, $v) = ask('GET', '/v1/users', 'key-broken');
is_error('a check that fails', 500, $r, $v);
($r, $v) = ask('GET', '/v1/down/x', 'key-ann');
is_error('nobody there', 502, $r, $v);
is($v->{message}, 'not there: down', 'a text with a variable');
is(logged('/v1/down/x')->{answers}, '502, 502', 'both were asked');
is(logged('/v1/down/x')->{upstream}, join(', ', map { '127.0.0.1:' . $t->port($_) } 9, 8),
    'in turn');

# --- again, elsewhere ---------------------------------------------------------------------------

my $tries = 0;
for my $n (1 .. 4) {
    my $how = $n % 2 ? 'busy' : 'dies';
    my $uri = "/v1/users/$how/users-a/$n";
    ($r, $v) = ask('GET', $uri, 'key-ann');
    is("$r->{status} $v->{from}", '200 users-b', "one that $how is not the only one");
    my $log = logged($uri);
    $tries++ if $log->{answers} =~ /^50[23], 200$/;
    is(scalar(split /, /, $log->{took}), scalar(split /, /, $log->{answers}), 'times of each');
}
cmp_ok($tries, '>=', 1, 'some were asked twice');
# A POST that somebody got is not sent to another; which of both it gets is his turn.
my @posts = map { (ask('POST', '/v1/users/dies/users-a', 'key-ann', body => 'x'))[0]{status} } 1, 2;
is(join(' ', sort @posts), '200 502', 'a POST is not asked again');

($r, $v) = ask('GET', '/v1/quotes/today?x=1', 'key-ann');
is("$r->{status} $v->{from}", '200 orders', 'a fallback');
is($v->{line}, 'GET /v1/quotes/today?x=1 HTTP/1.1', 'with the same line');
is("$v->{'x-role'} $v->{host}", 'old quotes.internal', 'and fields of its own');
is($r->{header}{'x-old'}, 'yes', 'which is said');
like(logged('/v1/quotes/today?x=1')->{answers}, qr/^502(?:, 502)? : 200$/, 'and in the log');
is((ask('POST', '/v1/quotes', 'key-ann', body => 'ask'))[1]{body}, 'ask', 'with the body');

# --- what a shadow gets -------------------------------------------------------------------------

($r, $v) = ask('POST', '/v1/reports?n=1', 'key-bob', body => 'report');
is("$v->{from} $v->{body}", 'orders report', 'one answer');
my ($copy) = $services{shadow}->wait_for_requests(1);
is("$copy->{line} $copy->{body}", 'POST /v1/reports?n=1 HTTP/1.1 report', 'and a copy');
is($copy->{header}{'x-shadow-of'}, 'bob', 'with what is known');
$services{shadow}->refuse;
($r, $v) = ask('POST', '/v1/reports?n=2', 'key-bob', body => 'again');
is("$r->{status} $v->{body}", '200 again', 'nobody misses it');

# --- without the service that knows the keys ----------------------------------------------------

$auth->refuse;
($r, $v) = ask('GET', '/v1/users', 'key-ann');
is_error('nobody says who it is', 500, $r, $v);
like($t->error_log, qr/auth request unexpected status: 502/, 'which is logged');
$t->stop('QUIT');

done_testing();
