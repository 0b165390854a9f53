# Health checks: servers that do not answer well get no requests until they do.

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::Weir;
use Test::Weir::Backend qw(answer);
use Test::Weir::Dns;

skip_file(differs => 'health checks are of the commercial nginx') if on_oracle();
skip_without('health_check');

my $t = Test::Weir->new(name => 'health');
my $head = <<'CONF';
worker_processes 2;
events { }
http {
    upstream u { zone u 64k; server 127.0.0.1:%%PORT1%% max_fails=0; server 127.0.0.1:%%PORT2%% max_fails=0; }
    upstream new { server 127.0.0.1:%%PORT2%% max_fails=0; server 127.0.0.1:%%PORT3%% max_fails=0; }
    upstream must { server 127.0.0.1:%%PORT2%%; }
    upstream must-not { server 127.0.0.1:%%PORT3%%; }
    upstream keep { server 127.0.0.1:%%PORT4%%; }
    upstream other-port { server 127.0.0.1:%%PORT2%%; }
    map $upstream_http_x_state $x_good { default 0; up 1; }
    map $upstream_status $s_good { 200 1; }
    match status { status 200 204-206; }
    match not-status { status ! 500 404; }
    match header { header Content-Type = text/plain; header X-State ~ ^u; header ! X-Bad;
        header Content-Length !~ 9; header X-State != down;
        header Content-Length; }
    match body { status 200; body ~ "Welcome"; body !~ "maintenance"; }
    match require { require $x_good $s_good; }
CONF
my @matches = qw(status not-status header body require);
$head .= "    upstream m-$_ { server 127.0.0.1:%%PORT1%%; }\n" for @matches;

# What a configuration has in its locations.
sub conf
{
    my (%checks) = @_;
    my $conf = "$head    server {\n        listen 127.0.0.1:%%PORT%%;\n"
        . "        error_log logs/error.log info;\n        proxy_read_timeout 5s;\n";

    for my $name (sort keys %checks) {
        $conf .= "        location /$name/ { proxy_pass http://$name; $checks{$name} }\n";
    }
    return "$conf    }\n}\n";
}

# Who answers: the names of servers, or a status where that is another than 200.
sub who
{
    my ($name, $count) = @_;
    my @got;

    for (1 .. $count // 4) {
        my $answer = get($t->port, "/$name/") // {status => 0};
        push @got, $answer->{status} == 200 ? $answer->{body} : $answer->{status};
    }
    return join ' ', @got;
}

# The server has its checks apart from what clients ask for.
sub is_probe { return $_[0]{uri} =~ m{^/check} }
sub backend
{
    my ($port, $name, $check) = @_;
    return Test::Weir::Backend->new($t->port($port), sub {
        my ($r) = @_;
        return is_probe($r) ? $check : answer(200, $name);
    });
}
sub set_answers
{
    my ($backend, $name, $check) = @_;
    $backend->script(sub { return is_probe($_[0]) ? $check : answer(200, $name) });
}
sub probes { return grep { is_probe($_) } $_[0]->requests }
sub users { return grep { !is_probe($_) } $_[0]->requests }
sub more_probes
{
    my ($backend, $what) = @_;
    my $before = probes($backend);
    wait_for { probes($backend) >= $before + 3 } 10, $what;
}
sub state_is
{
    my ($name, $want, $what) = @_;
    my $got = '';
    wait_for { ($got = who($name)) =~ $want } 10, $what;
}

my ($good, $bad) = (answer(200, 'ok'), answer(500, 'bad'));
my $check = 'health_check interval=50ms uri=/check';

# --- bad and good again -------------------------------------------------------------------------

my $b1 = backend(1, 'a', $good);
my $b2 = backend(2, 'b', $good);
$t->write_conf(conf(u => "$check jitter=10ms fails=2 passes=2; proxy_set_header Host check.test; "
        . 'proxy_set_header X-Var $host; proxy_set_header X-A b; proxy_set_header Connection x;'));
$t->start;
more_probes($b1, 'checks of the first server');
more_probes($b2, 'and of the second');
is(join(' ', sort split ' ', who('u')), 'a a b b', 'all are well');
my ($probe) = probes($b1);
is($probe->{line}, 'GET /check HTTP/1.1', 'the request of a check');
is($probe->{header}{host}, 'check.test', 'its Host is that of the location');
is($probe->{header}{connection}, 'close', 'its connection carries no other');
is($probe->{header}{'x-a'}, 'b', 'fields of the location');
ok(!defined $probe->{header}{'x-var'}, 'but those with variables');
like($probe->{header}{'user-agent'}, qr/health check/, 'it says who it is');

set_answers($b1, 'a', $bad);
state_is('u', qr/^b b b b$/, 'a server that is ill gets no requests');
like($t->error_log, qr/\[error\] .*unexpected status, the answer's status is 500 while .*, health check "" of peer 127.0.0.1:\d+ in upstream "u"/,
    'why');
like($t->error_log, qr/\[warn\] .*peer is unhealthy while health checking, health check "" of peer 127.0.0.1:\d+ in upstream "u"/,
    'it is said');
my $before = users($b1);
more_probes($b1, 'it is still checked');
who('u', 6);
is(scalar(users($b1)), $before, 'not one');
set_answers($b1, 'a', $good);
state_is('u', qr/a/, 'it is well again');
like($t->error_log, qr/\[info\] .*peer is healthy while health checking, health check "" of peer/,
    'which is said');

$b1->refuse;
state_is('u', qr/^b b b b$/, 'one that is not there');
wait_for {
    $t->error_log =~ /connect\(\) failed \(111: Connection refused\) while connecting to upstream, health check/
} 10, 'why not';
set_answers($b2, 'b', $bad);
state_is('u', qr/^502/, 'none is left');
set_answers($b2, 'b', $good);
state_is('u', qr/^b b b b$/, 'one is back');

# --- the prober dies ----------------------------------------------------------------------------

$t->allow_log(qr/exited on signal 9|died 2 times in a row/);
for my $round (1, 2) {
    for my $pid ($t->worker_pids) {
        kill KILL => $pid;
        wait_for { !grep { $_ == $pid } $t->worker_pids } 5, 'a worker is gone';
        wait_for { $t->worker_pids == 2 } 10, 'there is another';
        more_probes($b2, 'somebody checks');
    }
}
is(who('u'), 'b b b b', 'what was known is known');

# --- reload -------------------------------------------------------------------------------------

# Nobody checks it soon, so what is known is from before.
$t->write_conf(conf(u => "health_check interval=50ms uri=/check fails=2 passes=2;", keep => ''));
my ($status) = $t->reload;
is($status, 0, 'reload');
is(who('u', 6), 'b b b b b b', 'it keeps what is known');
more_probes($b2, 'and checks');

$t->write_conf(conf(u => ''));
$t->reload;
wait_for { who('u', 2) =~ /502|b b/ } 5, 'requests';
$b1 = backend(1, 'a', $bad);
state_is('u', qr/a/, 'nobody is ill when nobody checks');
my $log = () = $t->error_log =~ /health check/g;
wait_for {
    my @count = map { scalar probes($_) } $b1, $b2;
    who('u', 20);
    $count[0] == probes($b1) && $count[1] == probes($b2);
} 10, 'nobody is asked';

# --- mandatory ----------------------------------------------------------------------------------

my $b3 = Test::Weir::Backend->new($t->port(3), sub {
    my ($r) = @_;
    return is_probe($r) ? [\'body', \'go', $good] : answer(200, 'c');
});
$t->write_conf(conf('must-not' => "$check mandatory;", must => "$check mandatory persistent;"));
$t->reload;
state_is('must', qr/^b b b b$/, 'after its first check');
wait_for { probes($b3) } 10, 'the first check is on its way';
is(who('must-not'), '502 502 502 502', 'it is not used before');
set_answers($b3, 'c', $good);
$b3->go;
state_is('must-not', qr/^c c c c$/, 'it has passed');
$t->write_conf(conf(must => "$check mandatory persistent; proxy_read_timeout 4s;"));
$t->reload;
is(who('must', 8), 'b b b b b b b b', 'persistent');

# --- what is a good answer ----------------------------------------------------------------------

my %answers = (
    'status' => [answer(206, ''), answer(207, ''), "HTTP/1.1 204 No\r\n\r\n", $bad],
    'not-status' => [answer(204, ''), answer(404, ''), answer(302, ''), $bad],
    'header' => [
        answer(200, 'x', 'Content-Type' => 'text/plain', 'X-State' => 'up'),
        answer(200, 'x', 'Content-Type' => 'text/plain', 'X-State' => 'down'),
        answer(200, 'x', 'content-type' => 'text/plain', 'x-state' => 'u'),
        answer(200, 'x', 'Content-Type' => 'text/plain', 'X-State' => 'up', 'X-Bad' => 1),
    ],
    'body' => [
        answer(200, 'a' x 200_000 . 'Welcome'),
        answer(200, 'a' x 300_000 . 'Welcome'),
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nWel\r\n4\r\ncome\r\n0\r\n\r\n",
        answer(200, 'Welcome to maintenance'),
        ["HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200 OK\r\n\r\nWel", 'come', \'close'],
        ["HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nWelcome", \'close'],
        answer(200, 'Welcome'),
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\nWelcome\r\nx\r\n\r\n",
        answer(200, 'Welcome'),
        "no HTTP, Welcome\r\n\r\n",
    ],
    'require' => [
        answer(200, '', 'X-State' => 'up'), answer(200, '', 'X-State' => 'down'),
        answer(200, '', 'X-State' => 'up'), answer(201, '', 'X-State' => 'up'),
    ],
);
for my $match (@matches) {
    my @answers = @{$answers{$match}};
    set_answers($b1, 'a', $answers[0]);
    $t->write_conf(conf("m-$match" => "$check match=$match;"));
    $t->reload;
    for my $i (0 .. $#answers) {
        set_answers($b1, 'a', $answers[$i]);
        more_probes($b1, "$match: answer $i is looked at");
        state_is("m-$match", $i % 2 ? qr/^502 502/ : qr/^a a/, "$match: answer $i");
    }
}

# --- other kinds --------------------------------------------------------------------------------

my $b4 = backend(4, 'd', $good);
$t->write_conf(conf(keep => "$check keepalive_time=60s;",
    'other-port' => 'health_check type=tcp interval=50ms port=%%PORT5%%;'));
$t->reload;
state_is('other-port', qr/^502/, 'another port is not there');
my $b5 = Test::Weir::Backend->new($t->port(5), [\'hang']);
state_is('other-port', qr/^b b/, 'now it is');
is(scalar($b5->requests), 0, 'without a question');
more_probes($b4, 'a connection is kept');
more_probes($b4, 'for a long time');
my %used = map { $_->{connection} => 1 } probes($b4);
is(scalar(keys %used), 1, 'for all checks');
is((probes($b4))[0]{header}{connection}, 'keep-alive', 'which says so');
set_answers($b4, 'd', [$good, \'close']);
more_probes($b4, 'one that the server closes');
is(who('keep'), 'd d d d', 'is nothing bad');
unlike($t->error_log, qr/peer is unhealthy .* in upstream "keep"/, 'at any time');
$b5->refuse;
state_is('other-port', qr/^502/, 'it went');

# Two checks of one group: both must pass.
$t->write_conf($head . <<'CONF');
    server {
        listen 127.0.0.1:%%PORT%%;
        location /new/ { proxy_pass http://new; health_check interval=50ms uri=/check; }
        location /tcp { proxy_pass http://new; health_check type=tcp interval=50ms port=%%PORT5%%; }
    }
}
CONF
$t->reload;
state_is('new', qr/^502/, 'one of two checks fails');
$b5 = Test::Weir::Backend->new($t->port(5), [\'hang']);
state_is('new', qr/b|c/, 'both pass');

# --- names --------------------------------------------------------------------------------------

my $dns = Test::Weir::Dns->new($t->port(6));
$dns->set('back.test', [A => '127.0.0.2', 1]);
my $more = "    upstream names { resolver 127.0.0.1:%%PORT6%%; server back.test:%%PORT2%% resolve; }\n";
$t->write_conf(conf(names => "$check mandatory;") =~ s/(?=    server \{)/$more/r);
$t->reload;
wait_for { $t->error_log =~ /unhealthy .* of peer 127.0.0.2:\d+ in upstream "names"/ } 10,
    'an address that is no good';
is(who('names', 1), 502, 'is not used');
$dns->set('back.test', [A => '127.0.0.1', 1]);
state_is('names', qr/^b b b b$/, 'another one is found, and checked');

# --- variables without a request ----------------------------------------------------------------

my @names = map { /^(\S+)/ ? $1 : () } split /\n/, $t->run_cli('variables')->{out};
@names = grep { /^[a-z0-9_]+[a-z0-9]$/ } @names;
cmp_ok(scalar(@names), '>', 90, 'variables');
my $all = $head =~ s/match require \{.*\}/'match require { ' . join('', map { "require \$p_$_;" } @names)
    . ' }' . join('', map { "map \$$_ \$p_$_ { default 1; }\n" } @names)/er;
$all .= "    server { listen 127.0.0.1:%%PORT%%; location /m-require/ { proxy_pass http://m-require;\n"
    . "        $check mandatory match=require; } }\n}\n";
set_answers($b1, 'a', $good);
$t->write_conf($all);
($status, my $output) = $t->reload;
is($status, 0, 'all variables are required') or diag $output;
state_is('m-require', qr/^a a/, 'and there without a client');

# --- errors -------------------------------------------------------------------------------------

my %errors = (
    'location / { health_check; }' => qr/"health_check" needs an upstream/,
    'location / { proxy_pass http://127.0.0.1:1; health_check; }' => qr/"health_check" needs an/,
    'location / { proxy_pass http://$host; health_check; }' => qr/"health_check" needs an/,
    'location / { proxy_pass http://u; health_check match=none; }' => qr/unknown match "none" in/,
    'location / { proxy_pass http://u; health_check interval=0; }'
        => qr/invalid parameter "interval=0" in/,
    'location / { proxy_pass http://u; health_check fails=0; }' => qr/invalid parameter "fails=0"/,
    'location / { proxy_pass http://u; health_check port=65536; }' => qr/invalid parameter "port=/,
    'location / { proxy_pass http://u; health_check uri=check; }' => qr/invalid parameter "uri=/,
    'location / { proxy_pass http://u; health_check "uri=/a b"; }' => qr/invalid parameter "uri=/,
    'location / { proxy_pass http://u; health_check once; }' => qr/invalid parameter "once"/,
    'location / { proxy_pass http://u; health_check type=udp; }' => qr/invalid parameter "type=udp/,
    'location / { proxy_pass http://u; health_check type=grpc; }' => qr/"grpc" are not built into/,
    'location / { proxy_pass http://u; health_check persistent; }' => qr/requires "mandatory"/,
    'location / { proxy_pass http://u; health_check type=tcp uri=/a; }' => qr/"tcp" has no "uri"/,
    'location / { proxy_pass http://u; health_check; health_check; }' => qr/is duplicate/,
    'location / { memcached_pass u; health_check; }' => qr/needs "type=tcp" here/,
);
my %match_errors = (
    'status 99;' => qr/invalid status "99"/, 'status 200-100;' => qr/invalid status "200-100"/,
    'status !;' => qr/invalid parameter "!"/, 'status 200; status 201;' => qr/is duplicate/,
    'header A b;' => qr/invalid parameter "b"/, 'header A < b;' => qr/invalid parameter "<"/,
    'header A ~ (;' => qr/pcre2_compile|regex/, 'body = a;' => qr/invalid parameter "="/,
    'body a;' => qr/invalid number of arguments/, 'require a;' => qr/invalid variable name "a"/,
    'require $nothing;' => qr/unknown "nothing" variable/, 'length 1;' => qr/unknown directive/,
);
my %texts = (%errors, map {; "} match x { $_ }\nserver {" => $match_errors{$_} } keys %match_errors);
for my $text (sort keys %texts) {
    $t->write_conf("events { } http { upstream u { server 127.0.0.1; }\nserver { $text } }");
    my $run = $t->run_conf('-t');
    is($run->{status}, 1, $text =~ s/\n/ /r);
    like($run->{err}, $texts{$text}, 'and why');
}
$t->write_conf("events { } http { upstream u { server 127.0.0.1; } match x { } match x { } server { } }");
like($t->run_conf('-t')->{err}, qr/duplicate match "x"/, 'two of a name');

$t->write_conf(conf(u => ''));
$t->stop('QUIT');
done_testing();
