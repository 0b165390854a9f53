#!/usr/bin/perl

# Tunnels: what a client and a server become after 101, to the end and its line in the log.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::IP;
use Socket qw(SOL_SOCKET SO_RCVBUF);
use Test::Weir;
use Test::Weir::Backend qw(answer);
use Test::Weir::WebSocket qw(echo);

skip_without('proxy_pass');

my $switch = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: raw\r\nConnection: Upgrade\r\n\r\n";
my $syslog = IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => 0, Proto => 'udp')
    or die "no UDP socket: $!";
my $asks = "Connection: upgrade\r\nUpgrade: raw\r\n";

sub conf
{
    my ($main, $http) = @_;

    return <<"E" =~ s/SYSLOG/$syslog->sockport/er;
worker_processes 1;
error_log logs/error.log info;
$main
events { }
http {
    log_format line '\$status \$bytes_sent \$body_bytes_sent '
        '[\$upstream_bytes_sent \$upstream_bytes_received] \$upstream_status '
        '\$request_completion \$sent_http_connection \$request_uri';
    log_format times escape=json '{"uri":"\$request_uri","agent":"\$http_user_agent",'
        '"times":"\$request_time \$msec \$upstream_response_time \$connection_time",'
        '"dates":"\$time_local \$time_iso8601"}';
    map \$request_uri \$wanted { default 1; ~unlogged 0; }
    access_log logs/access.log line if=\$wanted;
    access_log logs/times.log times buffer=4k flush=10ms;
    access_log logs/v/\$server_name.log line;
    access_log syslog:server=127.0.0.1:SYSLOG,tag=tunnels,nohostname line;
    proxy_http_version 1.1;
    proxy_set_header Upgrade \$http_upgrade;
    proxy_set_header Connection upgrade;
    limit_conn_zone \$server_name zone=all:64k;
    upstream echo { server 127.0.0.1:%%PORT1%%; }
    upstream two { server 127.0.0.1:%%PORT5%%; server 127.0.0.1:%%PORT2%% backup; }
    upstream one { server 127.0.0.1:%%PORT2%% max_conns=1; }
    $http
    server {
        listen 127.0.0.1:%%PORT%%;
        listen 127.0.0.1:%%PORT4%% sndbuf=4k;
        server_name front;
        add_header X-Always yes always;
        location / { proxy_pass http://echo; }
        location /raw { proxy_pass http://127.0.0.1:%%PORT2%%; }
        location /two { proxy_pass http://two; }
        location /one { proxy_pass http://one; }
        location /limited { limit_conn all 1; proxy_pass http://127.0.0.1:%%PORT2%%; }
        location /idle { proxy_pass http://127.0.0.1:%%PORT2%%; proxy_read_timeout 300ms; }
        location /stall { proxy_pass http://127.0.0.1:%%PORT2%%; proxy_send_timeout 300ms; }
        location /deaf { proxy_pass http://127.0.0.1:%%PORT2%%; send_timeout 300ms; }
        location /mirrored { mirror /copy; proxy_pass http://127.0.0.1:%%PORT2%%; }
        location /copy { internal; access_log off; proxy_pass http://127.0.0.1:%%PORT2%%; }
        location /large { root html; }
        location /status { stub_status; }
    }
    server {
        listen 127.0.0.1:%%PORT3%%;
        location / {
            proxy_set_header Host \$host;
            proxy_pass http://echo;
        }
    }
}
E
}

my $t = Test::Weir->new(name => 'tunnels');
$t->write_file('html/large', 'x' x 100_000);
$t->write_file('logs/v/', '', mode => 0777);
$t->write_conf(conf('', ''));
my $echo = Test::Weir::Backend->new($t->port(1), echo());
my $listener = IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => $t->port(2), Listen => 16,
    ReuseAddr => 1) or die "listen: $!";
$t->start;

# The other end of a request, when its head is there.
sub accept_one
{
    my $server = Test::Weir::Conn->from_handle(scalar $listener->accept);

    $server->read_until(qr/\r\n\r\n/);
    return $server;
}

sub request_to
{
    my ($uri) = @_;

    return "GET $uri HTTP/1.1\r\nHost: front\r\n$asks\r\n";
}

# Both ends of a tunnel, and the head that came through it.
sub tunnel
{
    my ($uri, $early, $first) = @_;
    my $client = Test::Weir::Conn->new($t->port);

    $client->write(request_to($uri) . ($early // ''));
    my $server = accept_one();
    $server->write($switch . ($first // ''));
    return ($client, $server, $client->read_until(qr/\r\n\r\n/) // '');
}

# A child that writes more than all buffers on the way hold.
sub flood
{
    my ($conn) = @_;
    my $pid = fork // die "fork: $!";

    return $pid if $pid;
    $listener->close;
    $conn->write('x' x 40_000_000);
    POSIX::_exit(0);
}

# The line of a log that ends so.
sub logged
{
    my ($pattern, $file) = @_;

    return ($t->access_log($file) =~ /^(.*$pattern)$/m)[0] // '';
}

# With the bytes that the client got behind the head.
sub check_log
{
    my ($uri, $body, $name) = @_;

    wait_for { logged(qr/ \Q$uri\E/) } 5, "$name is logged";
    my $line = logged(qr/ \Q$uri\E/);
    like($line, qr/^101 \d+ $body \[\d+ \d+\] 101 OK upgrade/, "$name: its line");
    return $line;
}

sub end_both
{
    my ($client, $server) = @_;

    $client->close;
    ok($server->eof, 'the end of the client is that of the server');
    return $server->close;
}

# --- WebSocket ----------------------------------------------------------------------------------

my $ws = Test::Weir::WebSocket->new($t->port, '/chat', headers => ['User-Agent' => 'a"b']);
ok($ws->open, 'a handshake');
is($ws->response->{header}{'x-always'}, 'yes', 'its answer has passed the filters');
$ws->send(text => 'hello');
is($ws->receive->{payload}, 'hello', 'a frame comes back');
$ws->send(ping => 'p');
is($ws->receive->{name}, 'pong', 'so does another');
is((get($t->port, '/status')->{body} =~ /Writing: (\d+)/)[0], 2, 'a tunnel counts as writing');
$ws->send(close => pack 'n', 1000);
is($ws->receive->{name}, 'close', 'the last frame');
ok($ws->conn->eof, 'and the end');
$ws->conn->close;
check_log('/chat', 7 + 3 + 4, 'an echo');
wait_for { logged(qr/chat.*/, 'logs/times.log') } 5, 'the other log';
like(logged(qr/chat.*/, 'logs/times.log'),
    qr{"agent":"a\\"b","times":"\d+\.\d{3}[ ]\d+\.\d{3}[ ]\d+\.\d{3}[ ]\d+\.\d{3}",
       "dates":"\d+/\w+/\d+:\S+[ ]\S+[ ]\d{4}-\S+"\}}x, 'has its holes filled, and is escaped');
like(logged(qr/chat/, 'logs/v/front.log'), qr/^101 /, 'a log whose name has variables');
my @datagrams;
for (1, 2) {
    $syslog->recv($datagrams[@datagrams], 4096);
}
like($datagrams[1], qr{tunnels: 101 \d+ 14 \[.* /chat$}, 'a log that is elsewhere');

Test::Weir::WebSocket->new($t->port, '/unlogged')->conn->close;
wait_for { logged(qr/unlogged/, 'logs/v/front.log') } 5, 'a tunnel has ended';
is(logged(qr/unlogged/), '', 'a condition is looked at');

$echo->script(echo(Test::Weir::WebSocket::frame('text', 'first')));
$ws = Test::Weir::WebSocket->new($t->port, '/first');
is($ws->receive->{payload}, 'first', 'the server speaks first, behind its 101');
$ws->send(text => 'x' x 100_000);
is(length $ws->receive->{payload}, 100_000, 'a large frame');
$ws->conn->close;
check_log('/first', 7 + 10 + 100_000, 'a large frame');

$echo->script(answer(426, "no\n"), answer(200, "still\n"));
my $refused = Test::Weir::Conn->new($t->port);
$refused->write("GET /no HTTP/1.1\r\nHost: a\r\n$asks\r\n");
is($refused->read_response->{status}, 426, 'an upgrade that is refused is an answer');
$refused->write("GET /no HTTP/1.1\r\nHost: a\r\n\r\n");
is($refused->read_response->{body}, "still\n", 'on a connection that goes on');
$refused->close;

unless (skipped('without the three lines', differs => 'WebSocket needs no configuration')) {
    $echo->script(echo());
    $ws = Test::Weir::WebSocket->new($t->port(3), '/auto');
    ok($ws->open, 'a handshake without any configuration');
    $ws->send(text => 'hello');
    is($ws->receive->{payload}, 'hello', 'and a frame');
    $ws->conn->close;
}

# --- bytes --------------------------------------------------------------------------------------

my ($client, $server, $head) = tunnel('/raw/early', 'early', 'first');
like($head, qr{^HTTP/1\.1 101 Switching Protocols\r\n}, 'the status line');
like($head, qr/^Connection: upgrade\r$/mi, 'Connection');
like($head, qr/^Upgrade: raw\r$/mi, 'Upgrade');
unlike($head, qr/^(?:Content-Length|Transfer-Encoding|Keep-Alive):/mi, 'no framing');
is($client->read_bytes(5), 'first', 'bytes behind the 101');
is($server->read_bytes(5), 'early', 'bytes behind the request');
$client->write('abc');
is($server->read_bytes(3), 'abc', 'bytes to the server');
$server->write('defg');
is($client->read_bytes(4), 'defg', 'bytes to the client');
$server->close;
ok($client->eof, 'the end of the server is that of the client');
$client->close;
my $line = check_log('/raw/early', 9, 'bytes both ways');
is((split ' ', $line)[1], length($head) + 9, 'with those of the head');
is(($line =~ /\[\d+ (\d+)\]/)[0], length($switch) + 9, 'and those from the server');

($client, $server) = tunnel('/two');
$server->write('abc');
is($client->read_bytes(3), 'abc', 'the second server was asked');
end_both($client, $server);
wait_for { logged(qr{ /two}) } 5, 'a tunnel to it';
my $received = length($switch) + 3;
like(logged(qr{ /two}), qr/^101 \d+ 3 \[0, \d+ 0, $received\] 502, 101 OK/, 'only its part is open');

($client, $server) = tunnel('/raw/reopened');
rename $t->dir . '/logs/access.log', $t->dir . '/logs/old.log';
$t->signal('USR1');
wait_for { -e $t->dir . '/logs/access.log' } 5, 'logs are opened again';
wait_for { get($t->port, '/status') && logged(qr{ /status}) } 5, 'by the worker as well';
end_both($client, $server);
check_log('/raw/reopened', 0, 'a log that was opened again');

($client, $server) = tunnel('/raw/large');
my $most = 3_000_000;
my $pid = fork // die "fork: $!";
if (!$pid) {
    $client->write('x' x $most);
    POSIX::_exit(length($client->read_bytes($most) // '') == $most ? 0 : 1);
}
is(length($server->read_bytes($most) // ''), $most, 'many bytes to the server');
$server->write('y' x $most);
waitpid $pid, 0;
is($?, 0, 'and to the client');
$_->close for $client, $server;
check_log('/raw/large', $most, 'many bytes');

# A copy of the request has not been answered when its server switches.
$client = Test::Weir::Conn->new($t->port);
$client->write(request_to('/mirrored'));
my %servers;
for (1, 2) {
    my $conn = Test::Weir::Conn->from_handle(scalar $listener->accept);
    $servers{$1} = $conn if $conn->read_until(qr/\r\n\r\n/) =~ m{^GET (\S+)};
}
$servers{'/mirrored'}->write($switch . 'first');
$servers{'/copy'}->write(answer(200, 'copied'));
like($client->read_until(qr/first/), qr/^HTTP\S+ 101 .*first$/s, 'a request that was mirrored');
end_both($client, $servers{'/mirrored'});
check_log('/mirrored', 5, 'with a mirror');
$servers{'/copy'}->close;

# The answer before it is still on its way when the connection becomes a tunnel.
sub narrow
{
    my $socket = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $t->port(4),
        Sockopts => [[SOL_SOCKET, SO_RCVBUF, 4096]]) or die "connect: $!";
    my $conn = Test::Weir::Conn->from_handle($socket);

    $conn->write("GET /large HTTP/1.1\r\nHost: front\r\n\r\n" . request_to('/raw/behind'));
    my $other = accept_one();
    $other->write($switch . 'first');
    return ($conn, $other);
}

unless (skipped('pipelined', differs => 'nginx sends one answer after the other')) {
    ($client, $server) = narrow();
    is(length $client->read_response->{body}, 100_000, 'an answer, and behind it');
    like($client->read_until(qr/first/), qr/^HTTP\S+ 101 .*first$/s, 'a tunnel');
    end_both($client, $server);
    check_log('/raw/behind', 5, 'a tunnel behind an answer');
    ($client, $server) = narrow();
    $client->reset;
    ok($server->eof, 'a tunnel that ends in the middle of the answer before it');
    $server->close;
}

unless (skipped('half-close', differs => 'a tunnel may be half open')) {
    ($client, $server) = tunnel('/raw/half1');
    $client->write('question');
    $client->shutdown_write;
    is($server->read_all, 'question', 'the client has ended');
    $server->write('answer');
    is($client->read_bytes(6), 'answer', 'the server has not');
    $server->close;
    ok($client->eof, 'now it has');
    $client->close;
    check_log('/raw/half1', 6, 'half-close by the client');

    ($client, $server) = tunnel('/raw/half2');
    $server->write('answer');
    $server->shutdown_write;
    is($client->read_all, 'answer', 'the server has ended');
    $client->write('question');
    is($server->read_bytes(8), 'question', 'the client has not');
    end_both($client, $server);
    check_log('/raw/half2', 6, 'half-close by the server');
}

# --- failures -----------------------------------------------------------------------------------

($client, $server) = tunnel('/raw/reset1');
$server->reset;
ok($client->eof, 'a reset by the server ends it');
$client->close;
check_log('/raw/reset1', 0, 'a reset by the server');
like($t->error_log, qr{\[error\].*recv\(\)\ failed\ \(104:.*\)\ while\ proxying\ upgraded\ connection,
    \ client:\ 127\.0\.0\.1,\ server:\ front,\ request:\ "GET\ /raw/reset1\ HTTP/1\.1",
    \ upstream:\ "http://127\.0\.0\.1:\d+/raw/reset1",\ host:\ "front"}x, 'and is an error');

($client, $server) = tunnel('/raw/reset2');
$client->reset;
ok($server->eof, 'a reset by the client ends it');
$server->close;
check_log('/raw/reset2', 0, 'a reset by the client');
like($t->error_log, qr/\[info\].*recv\(\) failed \(104:.*while proxying upgraded connection.*reset2/,
    'and is none');

($client, $server) = tunnel('/idle');
$client->write('a');
is($server->read_bytes(1), 'a', 'a tunnel that will be idle');
ok($client->eof, 'ends for the client');
ok($server->eof, 'and for the server');
$_->close for $client, $server;
check_log('/idle', 0, 'an idle tunnel');
like($t->error_log, qr/\[info\].*upstream timed out \(110:.*while proxying upgraded.*idle/, 'said');

($client, $server) = tunnel('/stall');
$pid = flood($client);
wait_for { logged(qr/stall/) } 10, 'a server that takes nothing is given up';
like($t->error_log, qr/upstream timed out \(110:.*while proxying upgraded.*stall/, 'and that said');
$_->close for $client, $server;
waitpid $pid, 0;

($client, $server) = tunnel('/deaf');
$pid = flood($server);
wait_for { logged(qr/deaf/) } 10, 'a client that takes nothing is given up';
like($t->error_log, qr/client timed out \(110:.*while proxying upgraded.*deaf/, 'and that said');
$_->close for $client, $server;
waitpid $pid, 0;

# --- what a tunnel occupies ---------------------------------------------------------------------

($client, $server) = tunnel('/one/a');
is(get($t->port, '/one/b')->{status}, 502, 'a tunnel counts against max_conns');
end_both($client, $server);
check_log('/one/a', 0, 'the tunnel of the only place');
end_both(tunnel('/one/c'));

($client, $server) = tunnel('/limited/a');
is(get($t->port, '/limited/b')->{status}, 503, 'a tunnel counts against limit_conn');
end_both($client, $server);
check_log('/limited/a', 0, 'the limited tunnel');
end_both(tunnel('/limited/c'));

# --- what is no tunnel --------------------------------------------------------------------------

unless (skipped('HTTP/1.0', differs => 'HTTP/1.0 has no 101')) {
    $client = Test::Weir::Conn->new($t->port);
    $client->write("GET /raw/old HTTP/1.0\r\nHost: front\r\n$asks\r\n");
    $server = accept_one();
    $server->write($switch);
    is($client->read_response->{status}, 502, 'HTTP/1.0 becomes no tunnel');
    $_->close for $client, $server;
}
unless (skipped('not asked for', differs => 'nginx waits for another answer')) {
    $client = Test::Weir::Conn->new($t->port);
    $client->write("GET /raw/unasked HTTP/1.1\r\nHost: front\r\n\r\n");
    $server = accept_one();
    $server->write($switch);
    is($client->read_response->{status}, 502, 'nor does what nobody has asked for');
    $_->close for $client, $server;
}

# --- reloads ------------------------------------------------------------------------------------

sub generations
{
    my $run = $t->run_conf('generations');

    return scalar(() = "$run->{out}$run->{err}" =~ /^generation/mg);
}

sub reload_into
{
    my ($conf, $name) = @_;

    $t->write_conf($conf);
    my ($status, $output) = $t->reload;
    is($status, 0, $name) or diag($output);
    wait_for { generations() == 1 } 5, 'the generation before is gone';
    is(generations(), 1, "$name: no other generation is held");
}

unless (skipped('reloads', differs => 'they keep the worker')) {
    my @tunnels;
    my $worker = join ' ', $t->worker_pids;
    for my $n (1 .. 3) {
        push @tunnels, [tunnel("/raw/kept$n")];
        reload_into(conf('', "proxy_connect_timeout ${n}s;"), "reload $n");
    }
    is(join(' ', $t->worker_pids), $worker, 'the worker is the same');
    for my $n (1 .. 3) {
        my ($from, $to) = @{$tunnels[$n - 1]};
        $from->write("question $n");
        is($to->read_bytes(10), "question $n", "tunnel $n goes on");
        $to->write("answer $n");
        is($from->read_bytes(8), "answer $n", 'both ways');
    }
    $tunnels[0][1]->reset;
    ok($tunnels[0][0]->eof, 'one is reset');
    check_log('/raw/kept1', 8, 'a tunnel of an old generation');
    like($t->error_log, qr/recv\(\) failed \(104: .*request: "GET \/raw\/kept1/, 'and it is said');
    $tunnels[0][0]->close;

    ($client, $server) = tunnel('/one/d');
    my ($limited, $place) = tunnel('/limited/d');
    reload_into(conf('', '') =~ s/access_log logs\S+/access_log logs\/other.log/gr, 'other logs');
    is(get($t->port, '/one/e')->{status}, 502, 'the peer is still in use');
    is(get($t->port, '/limited/e')->{status}, 503, 'and so is the place under the limit');
    end_both($client, $server);
    end_both($limited, $place);
    wait_for { $t->error_log =~ /access\.log" is no more/ } 5, 'the log is missed';
    like($t->error_log, qr/access\.log" is no more/, 'a line for a log that is gone is dropped');
    end_both(tunnel('/one/f'));
    end_both(tunnel('/limited/f'));
    reload_into(conf('', ''), 'the logs of before');
    end_both(@{$tunnels[1]});
    check_log('/raw/kept2', 8, 'a log that was away');
    end_both(@{$tunnels[2]});
}

# --- the end of the server ----------------------------------------------------------------------

($client, $server) = tunnel('/raw/quit');
$t->signal('QUIT');
wait_for { $t->error_log =~ /gracefully shutting down/ } 5, 'a graceful end';
$client->write('abc');
is($server->read_bytes(3), 'abc', 'a graceful end waits for tunnels');
end_both($client, $server);
$t->stop(undef, gone => 1);
like(logged(qr/quit/), qr/^101 /, 'which are logged');

my $port = $t->port(2);
my $quick = $t = Test::Weir->new(name => 'a limit');
$t->write_file('logs/v/', '', mode => 0777);
$t->write_file('html/large', '');
$t->write_conf(conf('worker_shutdown_timeout 300ms;', '') =~ s/%%PORT2%%/$port/gr);
$t->start;
($client, $server) = tunnel('/raw/late');
unless (skipped('an old generation', differs => 'a reload keeps the worker')) {
    my $pinned = Test::Weir::Conn->new($t->port);
    $pinned->write("GET /raw/pinned HTTP/1.1\r\nHost: front\r\n\r\n");
    my $hangs = accept_one();
    is(($t->reload)[0], 0, 'a reload');
    ok($pinned->eof, 'what pins an old generation is ended after that time');
    $client->write('abc');
    is($server->read_bytes(3), 'abc', 'but no tunnel');
    $_->close for $pinned, $hangs;
}
$t->signal('QUIT');
ok($client->eof, 'worker_shutdown_timeout ends it for the client');
ok($server->eof, 'and for the server');
$t->stop(undef, gone => 1);
like(logged(qr/late/), qr/^101 /, 'and it is logged');

done_testing();
