# Backends by name: looked up for each request, or again and again for a group.

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::Weir;
use Test::Weir::Conn;
use Test::Weir::Dns;
use Test::Weir::Util qw(poll_until);

skip_without('proxy_pass');

my $t = Test::Weir->new(name => 'proxy');
my $six = -s '/proc/net/if_inet6';
# Whoever answers says which of its addresses was asked.
my $origins = join '', map { "listen $_:%%PORT1%%; " } '127.0.0.1', '127.0.0.2', '127.0.0.3',
    $six ? '[::1]' : ();
my $common = <<"CONF";
    log_format tries '\$request_uri \$status \$upstream_status \$upstream_addr';
    access_log logs/access.log tries;
    server { $origins return 200 "\$server_addr \$http_host"; }
CONF
$t->write_conf(<<"CONF");
worker_processes 1;
events { }
http {
$common
    upstream group.test { server 127.0.0.3:%%PORT1%%; }
    server {
        listen 127.0.0.1:%%PORT%%;
        resolver 127.0.0.1:%%PORT2%% valid=30s;
        resolver_timeout 5s;
        proxy_connect_timeout 5s;
        proxy_read_timeout 5s;
        location / { proxy_pass http://\$arg_n:%%PORT1%%; }
        location /group/ { proxy_pass http://\$arg_n; }
        location /ttl/ { resolver 127.0.0.1:%%PORT2%%; proxy_pass http://\$arg_n:%%PORT1%%; }
        location /four/ { resolver 127.0.0.1:%%PORT2%% ipv6=off valid=30s;
            proxy_pass http://\$arg_n:%%PORT1%%; }
        location /brief/ { resolver 127.0.0.1:%%PORT2%%; resolver_timeout 500ms;
            proxy_pass http://\$arg_n:%%PORT1%%; }
        location /second/ { resolver 127.0.0.1:%%PORT3%% 127.0.0.1:%%PORT2%% ipv6=off;
            resolver_timeout 20s; proxy_pass http://\$arg_n:%%PORT1%%; }
    }
    server {
        listen 127.0.0.1:%%PORT4%%;
        location / { proxy_pass http://\$arg_n:%%PORT1%%; }
    }
}
CONF
my $dns = Test::Weir::Dns->new($t->port(2));
$t->start;

sub who
{
    my ($uri) = @_;
    my $answer = get($t->port, $uri) // {status => 'none'};

    return $answer->{status} == 200 ? (split ' ', $answer->{body})[0] : $answer->{status};
}

sub logged
{
    my ($uri) = @_;

    wait_for { $t->access_log =~ m{^\Q$uri\E }m } 5, "the log of $uri";
    return ($t->access_log =~ m{^\Q$uri\E (.*)$}m)[0];
}

# --- names of requests --------------------------------------------------------------------------

$dns->set('a.test', [A => '127.0.0.1']);
is(who('/?n=a.test'), '127.0.0.1', 'A');
is(who('/?n=A.TEST'), '127.0.0.1', 'A, in capitals');
my $asked = () = $dns->queries;
is(who('/?n=a.test'), '127.0.0.1', 'A, again') for 1 .. 3;
is(scalar(() = $dns->queries), $asked, 'what is known is not asked for');
if ($six) {
    $dns->set('aaaa.test', [AAAA => '::1']);
    is(who('/?n=aaaa.test'), on_oracle() ? '::1' : '::1', 'AAAA');
    is(who('/four/?n=aaaa.test'), 502, 'AAAA, where only A is asked for');
}
$dns->set('c.test', [CNAME => 'd.test'])->set('d.test', [CNAME => 'e.test'])
    ->set('e.test', [A => '127.0.0.2']);
is(who('/?n=c.test'), '127.0.0.2', 'CNAME');
$dns->set('loop.test', [CNAME => 'loop2.test'])->set('loop2.test', [CNAME => 'loop.test']);
is(who('/brief/?n=loop.test'), 502, 'CNAMEs in a circle');
is(who('/group/?n=group.test'), '127.0.0.3', 'the name of a group is not looked up');
is(scalar(grep { /group\.test/ } $dns->queries), 0, 'at all');
is(who('/?n=127.0.0.2'), '127.0.0.2', 'an address');
is(who('/?n=none.test'), 502, 'a name that nobody knows');
like($t->error_log, qr/none\.test could not be resolved \(3: Host not found\)/, 'is said');
$dns->set('empty.test');
is(who('/?n=empty.test'), 502, 'a name without addresses');
$dns->faults({rcode => 2, for => 'fail.test'}, {rcode => 5, for => 'refused.test'});
is(who('/brief/?n=fail.test'), 502, 'a server that fails');
is(who('/brief/?n=refused.test'), 502, 'a server that refuses');
$dns->faults;

# Of several addresses those that are dead are passed over.
$dns->set('some.test', map { [A => "127.0.0.$_"] } 1, 2, 9);
my %seen;
$seen{who("/?n=some.test&i=$_")}++ for 1 .. 12;
is(join(' ', sort keys %seen), '127.0.0.1 127.0.0.2', 'several addresses, one is dead');
ok($t->access_log =~ m{^/\S* 200 502, 200 127\.0\.0\.9:\d+, 127}m, 'the dead one was asked');
$dns->set('dead.test', [A => '127.0.0.8'], [A => '127.0.0.9']);
is(who('/?n=dead.test'), 502, 'all are dead');
like(logged('/?n=dead.test'), qr/^502 502, 502 /, 'each was asked');

# --- how long ----------------------------------------------------------------------------------

$dns->set('ttl.test', [A => '127.0.0.1', 1]);
is(who('/ttl/?n=ttl.test'), '127.0.0.1', 'for a second');
$dns->set('ttl.test', [A => '127.0.0.2', 1]);
ok(wait_for(sub { who('/ttl/?n=ttl.test') eq '127.0.0.2' }, 5, 'the new one'), 'then anew');
$dns->set('valid.test', [A => '127.0.0.1', 1]);
is(who('/?n=valid.test'), '127.0.0.1', 'longer than the server says');
my $n = $dns->queries;
ok(!poll_until(1.3, sub { who('/?n=valid.test') ne '127.0.0.1' }), 'when valid= says so');
is(scalar(() = $dns->queries), $n, 'nothing is asked for');

# --- servers that are no use ---------------------------------------------------------------------

$dns->faults({drop => 1, for => 'drop.test'});
$dns->set('drop.test', [A => '127.0.0.1']);
is(who('/brief/?n=drop.test'), on_oracle() ? 502 : 502, 'no answer');
like($t->error_log, qr/drop\.test could not be resolved \(110: Operation timed out\)/, 'is said');
# A client that leaves meanwhile, and one that stays.
my @conns = map { Test::Weir::Conn->new($t->port) } 1 .. 3;
$dns->faults({drop => 1, first => 2, for => 'late.test'});
$dns->set('late.test', [A => '127.0.0.2']);
$_->write("GET /?n=late.test HTTP/1.1\r\nHost: a\r\n\r\n") for @conns;
wait_for { grep { /late\.test/ } $dns->queries } 5, 'the question';
$conns[0]->reset;
$conns[1]->close;
like(($conns[2]->read_response // {body => 'none'})->{body}, qr/^127\.0\.0\.2 /,
    'asked again, for one of three')
    unless skipped('asked again', differs => 'nginx waits 5 s before that');
@conns = ();
$dns->faults;
$dns->set('second.test', [A => '127.0.0.3']);
is(who('/second/?n=second.test'), '127.0.0.3', 'the first server is silent');
# Too much for a datagram.
$dns->faults({tc => 1});
$dns->set('long.test', map { [A => '127.0.0.2'] } 1 .. 30);
is(who('/four/?n=long.test'), '127.0.0.2', 'truncated');
ok(scalar(grep { $_ eq 'tcp A long.test' } $dns->queries), 'asked by TCP');
# What is no answer to this.
$dns->faults({id => 1, first => 1, for => 'id.test'}, {name => 'other.test', first => 1,
    for => 'name.test'}, {garbage => 'x' x 40, first => 1, for => 'garbage.test'});
for my $name (qw(id name garbage)) {
    next if on_oracle();
    $dns->set("$name.test", [A => '127.0.0.2']);
    is(who("/four/?n=$name.test"), '127.0.0.2', "a wrong answer first: $name");
}
$dns->faults;
my $hosts = do { local (@ARGV, $/) = '/etc/hosts'; <> };
is((request($t->port(4), 'GET', '/?n=localhost') // {status => 'none'})->{status}, 200,
    'without servers of its own it is the system that knows')
    unless $hosts !~ /^127\.0\.0\.1\s.*\blocalhost\b/m
        || skipped('the system', differs => 'nginx has no resolver then');
$t->stop;

# --- names of groups ----------------------------------------------------------------------------

unless (skipped('resolve', since => '1.27.3')) {
    my $g = Test::Weir->new(name => 'groups');
    $g->write_conf(<<"CONF");
worker_processes 2;
events { }
http {
$common
    resolver 127.0.0.1:%%PORT2%% valid=1s ipv6=off;
    resolver_timeout 1s;
    upstream moving { zone moving 64k; server moving.test:%%PORT1%% resolve max_fails=0; }
    upstream late { zone late 64k; server late.test:%%PORT1%% resolve max_fails=0; }
    upstream mixed { zone mixed 64k; server 127.0.0.3:%%PORT1%% max_fails=0;
        server moving.test:%%PORT1%% resolve max_fails=0; }
    upstream service { zone service 128k; server srv.test service=http resolve max_fails=0; }
    upstream silent { zone silent 64k; server silent.test:%%PORT1%% resolve max_fails=0; }
    server {
        listen 127.0.0.1:%%PORT%%;
        proxy_connect_timeout 5s;
        location / { proxy_pass http://\$arg_n; proxy_next_upstream off; }
        location /keep/ { proxy_pass http://\$arg_n; proxy_http_version 1.1;
            proxy_set_header Connection ""; }
    }
}
CONF
    my $names = Test::Weir::Dns->new($g->port(2));
    $names->set('moving.test', [A => '127.0.0.1', 1]);
    my $port = $g->port(1);
    $names->set('_http._tcp.srv.test', [SRV => "10 3 $port one.test", 1],
        [SRV => "10 1 $port two.test", 1], [SRV => "20 1 $port three.test", 1]);
    $names->set("$_->[0].test", [A => "127.0.0.$_->[1]", 1])
        for ['one', 1], ['two', 2], ['three', 3];
    $g->start;

    my $ask = sub {
        my ($name, $count) = @_;
        my %who;
        for (1 .. $count // 1) {
            my $answer = get($g->port, "/?n=$name") // {status => 'none'};
            $who{$answer->{status} == 200 ? (split ' ', $answer->{body})[0] : $answer->{status}}++;
        }
        return join ' ', map { $count ? "$_=$who{$_}" : $_ } sort keys %who;
    };
    # Both workers do as asked, for so many in a row.
    my $settles = sub {
        my ($name, $want) = @_;
        my $row = 0;
        return poll_until(8, sub {
            $row = $ask->($name) eq $want ? $row + 1 : 0;
            return $row >= 8;
        });
    };
    ok($settles->('moving', '127.0.0.1'), 'resolve');
    $names->set('moving.test', [A => '127.0.0.2', 1]);
    ok($settles->('moving', '127.0.0.2'), 'resolve: it has moved');
    is($ask->('moving', 20), '127.0.0.2=20', 'resolve: for all workers');
    $names->set('moving.test', [A => '127.0.0.1', 1], [A => '127.0.0.2', 1]);
    ok(poll_until(5, sub { $ask->('moving', 8) =~ / / }), 'resolve: it has two addresses');
    $names->set('moving.test', [A => '127.0.0.2', 1]);
    ok($settles->('moving', '127.0.0.2'), 'resolve: one is gone again');
    ok(poll_until(5, sub { $ask->('mixed', 20) =~ /^127\.0\.0\.2=\d+ 127\.0\.0\.3=\d+$/ }),
        'resolve: beside an address');

    # Without an answer the last addresses stay. A name that nobody knows yet is no error.
    $names->set('silent.test', [A => '127.0.0.1', 1]);
    ok($settles->('silent', '127.0.0.1'), 'resolve: a name that appears');
    $names->faults({rcode => 2, for => 'moving.test'}, {drop => 1, for => 'silent.test'});
    my $before = $names->queries;
    ok(poll_until(8, sub { my $new = join ' ', ($names->queries)[$before .. $names->queries - 1];
        return $new =~ /moving/ && $new =~ /silent/; }), 'resolve: asked for in vain');
    is($ask->('moving', 8), '127.0.0.2=8', 'resolve: the last address stays');
    is($ask->('silent', 8), '127.0.0.1=8', 'resolve: where there is no answer, too');
    is($ask->('late'), 502, 'resolve: a name that is not known yet');
    like($g->error_log, qr/late\.test could not be resolved \(3: Host not/, 'resolve: is said');
    $names->faults;
    $names->set("$_->[0].test", [A => "127.0.0.$_->[1]", 1])
        for ['moving', 3], ['silent', 2], ['late', 1];
    ok($settles->('moving', '127.0.0.3'), 'resolve: there is an answer again');
    ok($settles->('silent', '127.0.0.2'), 'resolve: by both');
    ok($settles->('late', '127.0.0.1'), 'resolve: it has appeared');

    # SRV: by weight; those of a later priority are spare ones.
    ok(poll_until(5, sub { $ask->('service', 4) =~ /^127\.0\.0\.1=\d 127\.0\.0\.2=\d$/ }), 'SRV');
    my $shares = $ask->('service', 40);
    my ($heavy, $light) = $shares =~ /^127\.0\.0\.1=(\d+) 127\.0\.0\.2=(\d+)$/;
    ok($heavy && $heavy > $light, "SRV: by weight: $shares");
    $names->set('_http._tcp.srv.test', [SRV => "20 1 $port three.test", 1]);
    ok($settles->('service', '127.0.0.3'), 'SRV: the spare one is the only one');
    $names->set('_http._tcp.srv.test', [SRV => "10 1 $port two.test", 1],
        [SRV => "20 1 $port three.test", 1]);
    ok($settles->('service', '127.0.0.2'), 'SRV: a better one is back');

    # A new generation knows what the old one knew.
    $names->faults({drop => 1});
    my ($status, $output) = $g->reload;
    is($status, 0, 'a reload while the name server is silent') or diag($output);
    is($ask->('moving', 8), '127.0.0.3=8', 'its names are known');
    $names->faults;
    $g->stop;
}
done_testing();
