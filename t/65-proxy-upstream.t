# Groups of backends: who is asked, in which order, and who is asked next.

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::Weir;
use Test::Weir::Backend qw(answer);
use Test::Weir::Conn;

skip_without('proxy_pass');

my $t = Test::Weir->new(name => 'proxy');
my $conf = <<'CONF';
worker_processes 1;
events { }
http {
    log_format up '$request_uri $status $upstream_status $upstream_addr';
    access_log logs/access.log up;
    upstream plain { server @1; server @2; server @3; }
    upstream weights { server @1 weight=5; server @2; server @3 weight=2; }
    upstream zoned { zone z 64k; server @1 weight=5; server @2; server @3 weight=2; }
    upstream absent { server @1 down; server @2; server @3 down; }
    upstream nobody { server @1 down; server @2 down; }
    upstream spare { server @1; server @2 backup; server @3 backup; }
    upstream dead-spare { server @9; server @2 backup; }
    upstream fails { server @9 max_fails=1 fail_timeout=60s; server @2; }
    upstream fails-never { server @9 max_fails=0; server @2; }
    upstream fails-two { server @9 max_fails=2 fail_timeout=60s; server @2; }
    upstream all-dead { server @9; server @8; }
    upstream ip { ip_hash; server @1; server @2; server @3; }
    upstream ip-weights { ip_hash; server @1 weight=2; server @2 down; server @3; }
    upstream key { hash $arg_k; server @1; server @2; server @3; }
    upstream key-weights { hash $arg_k; server @1 weight=3; server @2; server @3; }
    upstream ring { hash $arg_k consistent; server @1; server @2; server @3; }
    upstream ring-less { hash $arg_k consistent; server @1; server @2; server @3 down; }
    upstream least { least_conn; server @1; server @2; server @3; }
    upstream least-weights { least_conn; server @1 weight=3; server @2; }
    upstream chance { random; server @1; server @2 weight=4; server @3; }
    upstream chance-two { zone r 64k; random two least_conn; server @1; server @2; server @3; }
    upstream full { server @1 max_conns=1; server @2; }
    upstream full-all { zone f 64k; server @1 max_conns=1; }
    server {
        listen 127.0.0.1:%%PORT%%;
        proxy_connect_timeout 5s;
        location / { proxy_pass http://$arg_u; }
CONF
# A place and a group for each rule.
for my $rule (qw(off error timeout invalid_header http_500 http_502 http_503 http_504 http_403
    http_404 http_429), 'http_500 non_idempotent')
{
    my $name = $rule =~ tr/ /-/r;
    $conf .= "        location /$name/ { proxy_pass http://next-$name; proxy_next_upstream $rule;"
        . ($rule eq 'timeout' ? " proxy_read_timeout 300ms; }\n" : " }\n");
    $conf =~ s/(http \{\n)/$1    upstream next-$name { server \@1 max_fails=0; server \@2
        max_fails=0; server \@3 max_fails=0; }\n/;
}
$conf .= <<'CONF';
        location /tries/ { proxy_pass http://tries; proxy_next_upstream http_500;
            proxy_next_upstream_tries 2; }
        location /error-brief/ { proxy_pass http://next-error; proxy_next_upstream error;
            proxy_read_timeout 300ms; }
    }
    upstream tries { server @1 max_fails=0; server @2 max_fails=0; server @3 max_fails=0; }
}
CONF
$conf =~ s/\@(\d)/127.0.0.1:%%PORT$1%%/g;
$t->write_conf($conf);
$t->start;
my @backends = (undef, map { Test::Weir::Backend->new($t->port($_), answer(200, $_)) } 1 .. 3);

# Who answers to so many requests: "1213".
sub who
{
    my ($count, $group, %opt) = @_;
    my @got;

    for my $i (1 .. $count) {
        my $uri = "/?u=$group" . ($opt{key} ? '&k=' . $opt{key}->($i) : '');
        my @local = $opt{local} ? (local => $opt{local}->($i)) : ();
        my $answer = request($t->port, 'GET', $uri, @local) // {status => 0};
        push @got, $answer->{status} == 200 ? $answer->{body} : $answer->{status};
    }
    return join ' ', @got;
}

# The log of a group, when all its requests are in it: that comes behind the answers.
sub logged
{
    my ($count, $group) = @_;
    my @lines;

    wait_for { (@lines = $t->access_log =~ m{^/\?u=$group (.*)$}mg) >= $count } 5, 'the log';
    return @lines;
}

# --- round robin --------------------------------------------------------------------------------

is(who(7, 'plain'), '1 2 3 1 2 3 1', 'in turn');
is(who(16, 'weights'), '1 3 1 1 2 1 3 1 1 3 1 1 2 1 3 1', 'by weight');
is(who(16, 'zoned'), '1 3 1 1 2 1 3 1 1 3 1 1 2 1 3 1', 'by weight in a zone');
is(who(3, 'absent'), '2 2 2', 'some are down');
is(who(2, 'nobody'), '502 502', 'all are down');
like($t->error_log, qr/no live upstreams while connecting to upstream/, 'which is said');
is(who(3, 'spare'), '1 1 1', 'spare ones are not asked');
is(who(3, 'dead-spare'), '2 2 2', 'but where there is no other');
is(who(4, 'fails'), '2 2 2 2', 'one that is dead');
is(scalar(grep { /^200 502, 200 / } logged(4, 'fails')), 1, 'is asked once');
is(who(6, 'fails-two'), '2 2 2 2 2 2', 'two tries for it');
is(scalar(grep { /^200 502, 200 / } logged(6, 'fails-two')), 2, 'are two');
is(who(6, 'fails-never'), '2 2 2 2 2 2', 'tries without end');
is(scalar(grep { /^200 502, 200 / } logged(6, 'fails-never')), 3, 'are a half');
is(who(1, 'all-dead'), '502', 'all are dead');
like((logged(1, 'all-dead'))[0], qr/^502 502, 502 /, 'each was asked');

# --- by a key -----------------------------------------------------------------------------------

is(who(16, 'ip', local => sub { "127.$_[0].7.1" }),
    '3 2 1 3 2 1 3 2 1 3 2 1 3 2 1 3', 'by address');
is(who(4, 'ip', local => sub { "127.3.7.$_[0]" }), '1 1 1 1', 'of three numbers');
is(who(16, 'ip-weights', local => sub { "127.$_[0].7.1" }), '1 1 1 3 1 1 3 3 1 1 1 3 1 1 1 3',
    'by address and weight');
is(who(16, 'key', key => sub { "key$_[0]" }),
    '2 1 2 3 3 2 1 1 2 2 2 2 3 2 1 2', 'by key');
is(who(4, 'key', key => sub { 'same' }), '1 1 1 1', 'the same key');
is(who(16, 'key-weights', key => sub { "key$_[0]" }), '1 2 2 1 1 1 1 2 3 1 3 3 1 1 1 2',
    'by key and weight');

# On a ring only the keys of one that is away go elsewhere.
my @all = split ' ', who(60, 'ring', key => sub { "k$_[0]" });
my @less = split ' ', who(60, 'ring-less', key => sub { "k$_[0]" });
is(join(' ', grep { !/^[12]$/ } @less), '', 'a ring without one');
is(scalar(grep { $all[$_] ne '3' && $all[$_] ne $less[$_] } 0 .. 59), 0, 'keeps its other keys');
my %shares = map { $_ => 1 } @all;
is(join(' ', sort keys %shares), '1 2 3', 'all have a part of the ring');

# --- by load ------------------------------------------------------------------------------------

sub held
{
    my ($group, $count) = @_;
    my @conns;

    $backends[$_]->script([\'body', \'go', "HTTP/1.0 200 OK\r\n\r\n$_", \'close']) for 1 .. 3;
    for my $i (1 .. $count) {
        my $conn = Test::Weir::Conn->new($t->port);
        $conn->write("GET /?u=$group HTTP/1.0\r\n\r\n");
        # One after the other.
        wait_for { $i == map { $_->requests } @backends[1 .. 3] } 5, "request $i";
        push @conns, $conn;
    }
    my $spread = join ' ', map { scalar $backends[$_]->requests } 1 .. 3;
    for my $backend (@backends[1 .. 3]) {
        $backend->go for 1 .. $count;
    }
    is(scalar(grep { ($_->read_response // {status => 0})->{status} == 200 } @conns), $count,
        "$group: all are answered");
    $backends[$_]->script(answer(200, $_)) for 1 .. 3;
    return $spread;
}

is(held('least', 6), '2 2 2', 'least connections');
is(held('least-weights', 8), '6 2 0', 'least connections by weight');
is(held('full', 4), '1 3 0', 'max_conns');
is(who(6, 'least'), '1 2 3 1 2 3', 'least connections, all idle: in turn');

my %count;
$count{$_}++ for split ' ', who(60, 'chance');
is(join(' ', sort keys %count), '1 2 3', 'by chance all are asked');
ok($count{2} > $count{1} && $count{2} > $count{3}, 'the heavy one most');
%count = map { $_ => 1 } split ' ', who(40, 'chance-two');
is(join(' ', sort keys %count), '1 2 3', 'by chance of two all are asked');

{
    $backends[1]->script([\'body', \'go', "HTTP/1.0 200 OK\r\n\r\n1", \'close']);
    my $conn = Test::Weir::Conn->new($t->port);
    $conn->write("GET /?u=full-all HTTP/1.0\r\n\r\n");
    $backends[1]->wait_for_requests(1);
    is(who(1, 'full-all'), '502', 'no other is left');
    $backends[1]->go;
    is($conn->read_response->{status}, 200, 'the first is answered');
    $backends[1]->script(answer(200, 1));
    is(who(1, 'full-all'), '1', 'and then the next');
}

# --- who is asked next --------------------------------------------------------------------------

# [rule, method, what the backends do, status, how many were asked]
my %bad = (
    reset => [\'body', \'reset'], close => [\'body', \'close'], silent => [\'body', \'hang'],
    garbage => [\'body', "HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n", \'close'],
    half => [\'body', "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", \'close'],
    map({ $_ => answer($_, 'bad') } 403, 404, 429, 500, 502, 503, 504),
);
for my $case (
    map({ ["http_$_", 'GET', $_, $_, 3] } 403, 404, 429, 500, 502, 503, 504),
    ['http_500', 'GET', 502, 502, 1], ['http_404', 'GET', 403, 403, 1],
    ['off', 'GET', 'reset', 502, 1], ['off', 'GET', 500, 500, 1],
    ['error', 'GET', 'reset', 502, 3], ['error', 'GET', 'close', 502, 3],
    ['error', 'GET', 'half', 200, 1], ['error', 'GET', 500, 500, 1],
    ['timeout', 'GET', 'silent', 504, 3], ['error-brief', 'GET', 'silent', 504, 1],
    ['http_500', 'POST', 500, 500, 1], ['http_500', 'PUT', 500, 500, 3],
    ['http_500', 'DELETE', 500, 500, 3], ['http_500', 'HEAD', 500, 500, 3],
    ['http_500', 'PATCH', 500, 500, 1], ['http_500', 'LOCK', 500, 500, 1],
    ['http_500-non_idempotent', 'POST', 500, 500, 3],
    ['error', 'POST', 'reset', 502, 1],
    ['invalid_header', 'GET', 'garbage', 502, 3],
    ['tries', 'GET', 500, 500, 2],
    )
{
    my ($rule, $method, $what, $status, $asked) = @$case;
    my $name = "$rule, $method, $what";
    $_->script($bad{$what}) for @backends[1 .. 3];
    my $answer = request($t->port, $method, "/$rule/", body => 'x');
    is($answer->{status}, $status, "$name: status");
    my @requests = map { $_->requests } @backends[1 .. 3];
    is(scalar @requests, $asked, "$name: so many are asked");
    is(scalar(grep { $_->{body} ne 'x' } @requests), 0, "$name: each has the body");
}

# The answer of the one that is fine.
$backends[$_]->script($_ == 2 ? answer(200, 'fine') : $bad{500}) for 1 .. 3;
is(get($t->port, '/http_500/')->{body}, 'fine', 'the one that is fine answers') for 1 .. 3;
$t->stop;

run_tests();

__DATA__

=== no server
--- http_config
upstream a { }
--- conf_error
[emerg] no servers are inside upstream in %%CONF%%:

=== the same twice
--- http_config
upstream a { server 127.0.0.1:1; }
upstream a { server 127.0.0.1:1; }
--- conf_error
[emerg] duplicate upstream "a" in %%CONF%%:

=== a spare one with a hash
--- http_config
upstream a { ip_hash; server 127.0.0.1:1; server 127.0.0.1:2 backup; }
--- conf_error
[emerg] balancing method does not support parameter "backup" in %%CONF%%:

=== no such parameter
--- http_config
upstream a { server 127.0.0.1:1 nonsense; }
--- conf_error
[emerg] invalid parameter "nonsense" in %%CONF%%:

=== no weight
--- http_config
upstream a { server 127.0.0.1:1 weight=0; }
--- conf_error
[emerg] invalid parameter "weight=0" in %%CONF%%:
