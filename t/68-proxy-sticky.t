# sticky: cookies, routes and learned sessions that bind clients to servers.

use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::MD5 qw(md5_hex);
use Test::Weir;
use Test::Weir::Backend qw(answer);

skip_file(since => '1.29.6');
skip_without('sticky');

my $t = Test::Weir->new(name => 'sticky');
my $servers = 'server 127.0.0.1:%%PORT1%% max_fails=0; server 127.0.0.1:%%PORT2%% max_fails=0;';
$t->write_conf(<<"CONF");
worker_processes 2;
events { }
error_log logs/error.log info;
http {
    proxy_connect_timeout 2s;
    map \$arg_site \$site { default \$arg_site; }
    upstream plain { $servers sticky cookie srv; }
    upstream full { $servers sticky cookie srv expires=1h domain=.example.com path=/x httponly
        secure samesite=lax; }
    upstream max { $servers sticky cookie srv expires=max; }
    upstream site { $servers sticky cookie srv samesite=\$site; }
    upstream named {
        server 127.0.0.1:%%PORT1%% route=one max_fails=0;
        server 127.0.0.1:%%PORT2%% route=two max_fails=0;
        sticky cookie srv;
    }
    upstream drained {
        server 127.0.0.1:%%PORT1%% route=one drain;
        server 127.0.0.1:%%PORT2%% route=two;
        sticky cookie srv;
    }
    upstream route {
        server 127.0.0.1:%%PORT1%% route=one max_fails=0;
        server 127.0.0.1:%%PORT2%% route=two max_fails=0;
        sticky route \$cookie_route \$arg_route;
    }
    upstream learn {
        $servers
        sticky learn create=\$upstream_cookie_none create=\$upstream_cookie_session
            lookup=\$cookie_session lookup=\$arg_session zone=sessions:64k timeout=1h;
    }
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { proxy_pass http://\$arg_group; }
    }
}
CONF
$t->start;

my %backends = map { $_ => Test::Weir::Backend->new($t->port($_), answer(200, "server $_")) } 1, 2;
my %id = map { $_ => md5_hex('127.0.0.1:' . $t->port($_)) } 1, 2;

sub ask
{
    my ($group, $cookie, $args) = @_;
    my $r = get($t->port, "/?group=$group" . ($args ? "&$args" : ''),
        defined $cookie ? (Cookie => $cookie) : ());

    return ($r, ($r->{body} // '') =~ /server (\d)/);
}

# Which servers answer so many requests.
sub servers
{
    my ($count, @ask) = @_;
    my %seen = map { (ask(@ask))[1] // 'none' => 1 } 1 .. $count;

    return join ' ', sort keys %seen;
}

# --- cookie ---------------------------------------------------------------------------------------

my ($r, $server) = ask('plain');
is($r->{header}{'set-cookie'}, "srv=$id{$server}", 'a cookie names the server');
is(servers(6, 'plain'), '1 2', 'without it, all servers are asked');
for my $n (1, 2) {
    is(servers(6, 'plain', "srv=$id{$n}"), $n, "with it, server $n");
    is(servers(3, 'plain', "a=b; srv=$id{$n}; c=d"), $n, 'beside other cookies');
}
($r) = ask('plain', "srv=$id{1}");
is($r->{header}{'set-cookie'}, undef, 'it is not given again');
is(servers(6, 'plain', 'srv=nonsense'), '1 2', 'one that names no server is none');
($r, $server) = ask('plain', 'srv=nonsense');
is($r->{header}{'set-cookie'}, "srv=$id{$server}", 'and another one is given');

($r, $server) = ask('full');
like($r->{header}{'set-cookie'}, qr/^srv=$id{$server}; expires=\w+, \d\d \w+ \d{4} [\d:]{8} GMT; max-age=3600; domain=\.example\.com; path=\/x; httponly; secure; samesite=lax$/,
    'everything that may be in one');
($r, $server) = ask('max');
is($r->{header}{'set-cookie'}, "srv=$id{$server}; expires=Thu, 31 Dec 2037 23:55:55 GMT", 'max');
for my $case (['strict', 'strict'], ['Lax', 'lax'], ['NONE', 'none'], ['other', 'strict']) {
    ($r, $server) = ask('site', undef, "site=$case->[0]");
    is($r->{header}{'set-cookie'}, "srv=$id{$server}; samesite=$case->[1]", "site: $case->[0]");
}
($r, $server) = ask('site');
is($r->{header}{'set-cookie'}, "srv=$id{$server}", 'an empty variable adds nothing');

($r, $server) = ask('named');
is($r->{header}{'set-cookie'}, 'srv=' . ($server == 1 ? 'one' : 'two'), 'route= of the server');
is(servers(6, 'named', 'srv=one'), 1, 'is what the cookie says');
is(servers(6, 'named', "srv=$id{1}"), '1 2', 'and then its address does not');

is(servers(6, 'drained'), 2, 'a server with drain gets no new clients');
is(servers(6, 'drained', 'srv=one'), 1, 'but those that are bound to it');
is(servers(6, 'drained', 'srv=other'), 2, 'and no others');

# --- route ----------------------------------------------------------------------------------------

is(servers(6, 'route'), '1 2', 'no route');
is(servers(6, 'route', 'route=two'), 2, 'by the first variable');
is(servers(6, 'route', undef, 'route=one'), 1, 'by the second, when the first is empty');
is(servers(6, 'route', 'route=two', 'route=one'), 2, 'the first counts');
is(servers(6, 'route', 'route=none'), '1 2', 'one that is nobody\'s');
($r) = ask('route', 'route=two');
is($r->{header}{'set-cookie'}, undef, 'no cookie is given');

# --- a server that is gone --------------------------------------------------------------------------

$backends{1}->refuse;
($r, $server) = ask('plain', "srv=$id{1}");
is($server, 2, 'another one answers for it');
is($r->{header}{'set-cookie'}, "srv=$id{2}", 'and binds the client');
is((ask('route', 'route=one'))[1], 2, 'the same with a route');
$backends{1}->script(answer(200, 'server 1'));
is((ask('plain', "srv=$id{1}"))[1], 1, 'when it is back it is asked again');

# --- learn ------------------------------------------------------------------------------------------

for my $n (1, 2) {
    $backends{$n}->script(answer(200, "server $n", 'Set-Cookie' => "session=of-$n; path=/"));
}
is(servers(6, 'learn'), '1 2', 'sessions begin on all servers');
for my $n (1, 2) {
    $backends{$n}->script(answer(200, "server $n"));
}
for my $n (1, 2) {
    is(servers(8, 'learn', "session=of-$n"), $n, "that of server $n stays there, in all workers");
    is(servers(8, 'learn', undef, "session=of-$n"), $n, 'by the second variable as well');
}
is(servers(6, 'learn', 'session=unknown'), '1 2', 'one that is not known');
$backends{1}->script(answer(200, 'server 1', 'Set-Cookie' => 'session=moves'));
$backends{2}->refuse;
is(servers(2, 'learn'), 1, 'a session begins');
$backends{2}->script(answer(200, 'server 2', 'Set-Cookie' => 'session=moves'));
is(servers(4, 'learn', 'session=moves'), 1, 'and stays');
$backends{1}->refuse;
is((ask('learn', 'session=moves'))[1], 2, 'its server is gone: another one begins it anew');
$backends{1}->script(answer(200, 'server 1'));
is(servers(4, 'learn', 'session=moves'), 2, 'and there it stays');
$t->reload;
is(servers(4, 'learn', 'session=moves'), 2, 'after a reload, too');

# Many sessions: the zone is small, and the oldest make room.
$backends{1}->script(map { answer(200, 'server 1', 'Set-Cookie' => "session=$_" . 'x' x 500) }
    1 .. 400);
$backends{2}->refuse;
ask('learn') for 1 .. 400;
$backends{1}->script(answer(200, 'server 1'));
$backends{2}->script(answer(200, 'server 2'));
is(servers(4, 'learn', 'session=400' . 'x' x 500), 1, 'the newest of many is known');
unlike($t->error_log, qr/no memory/, 'nobody complains');

# --- what is wrong ------------------------------------------------------------------------------------

sub try_conf
{
    my ($line) = @_;
    my $other = Test::Weir->new(name => 'conf');

    $other->write_conf("events { } http { upstream a { server 127.0.0.1:1; $line; } }");
    return $other->run_conf('-t');
}

for my $case (
    ['sticky cookie', 'invalid number of arguments in "sticky" directive'],
    ['sticky other a', 'invalid parameter "other"'],
    ['sticky cookie a b', 'invalid parameter "b"'],
    ['sticky cookie a expires=x', 'invalid parameter "expires=x"'],
    ['sticky cookie a samesite=x', 'invalid parameter "samesite=x"'],
    ['sticky route a', 'invalid variable name "a"'],
    ['sticky learn create=$arg_a lookup=$arg_b', 'must have the "zone" parameter'],
    ['sticky learn create=$arg_a zone=a:64k', 'must have the "lookup" parameter'],
    ['sticky learn lookup=$arg_a zone=a:64k', 'must have the "create" parameter'],
    ['sticky learn lookup=a create=$arg_a zone=a:64k', 'invalid variable name "a"'],
    ['sticky learn lookup=$arg_a create=$arg_a zone=a:1k', 'zone "zone=a:1k" is too small'],
) {
    my ($line, $message) = @$case;
    my $tried = try_conf($line);
    ok($tried->{status} == 1 && $tried->{err} =~ /\Q$message\E/, $line) or diag $tried->{err};
}
my $tried = try_conf('sticky learn lookup=$arg_a create=$arg_a zone=a:64k timeout=5m header sync');
is($tried->{status}, 0, '"header" and "sync" are accepted');
like($tried->{err}, qr/\[warn\] .*"sync" has no effect/, 'but "sync" does nothing');

$_->stop for values %backends;
$t->stop('QUIT');
done_testing();
