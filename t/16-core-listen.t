#!/usr/bin/perl

# Listening and accepting: addresses and their options, PROXY heads, unix sockets, and what happens
# when descriptors, connections or workers run out.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Fcntl qw(F_SETFD);
use IO::Socket::IP;
use IO::Socket::UNIX;
use POSIX ();
use Socket qw(:DEFAULT :addrinfo inet_pton IPPROTO_TCP IPPROTO_IPV6);
use Test::Weir;
use Test::Weir::Util qw(alive slurp);

use constant LARGE => 20_000_000;

# `servers` is what stands in http { }; `main` replaces the one worker.
sub conf
{
    my ($servers, $main) = @_;

    $main //= 'worker_processes 1;';
    return <<"END";
$main
error_log logs/error.log info;
http {
    $servers
}
END
}

# On the port of the test; all who listen there tell the worker that answers.
sub server
{
    my ($listen) = @_;

    return <<"END";
server {
    listen $listen;
    location / { return 200 "\$pid\\n"; }
    location /large { root html; add_header X-Worker \$pid; }
}
END
}

sub open_to
{
    my ($where, $bytes) = @_;
    my $conn = Test::Weir::Conn->new($where);

    $conn->write($bytes) if defined $bytes;
    return $conn;
}

my $get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

sub ask
{
    my ($conn) = @_;

    $conn->write($get);
    return answer($conn);
}

sub answer
{
    my ($conn) = @_;
    my $r = $conn->read_response;

    return $r && $r->{status} == 200 && !$r->{error} ? $r->{body} : 'nothing';
}

sub body
{
    my $r = get(@_);

    return $r ? $r->{body} : 'nothing';
}

# True when the server closed the connection without a byte.
sub dropped
{
    my ($conn) = @_;

    return $conn->read_all eq '' && $conn->state ne 'open';
}

# A download that is not read, and the worker that has it.
sub occupy
{
    my ($where) = @_;
    my $conn = open_to($where, "GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
    my $head = $conn->read_until(qr/\r\n\r\n/) // '';

    return ($conn, $head =~ /^X-Worker: (\d+)/m ? $1 : 0);
}

# --- the PROXY protocol ---------------------------------------------------------------------------

my $t = Test::Weir->new(name => 'proxy');
my $fields = join ' ', map { "\$proxy_protocol_$_" } qw(addr port server_addr server_port);
$t->write_conf("events { }\n" . conf(<<"END"));
    log_format heads '[\$proxy_protocol_addr] [\$remote_addr] \$uri';
    access_log logs/access.log heads;
    server {
        listen 127.0.0.1:%%PORT%% proxy_protocol;
        location / { return 200 "$fields\\n"; }
    }
END
$t->start;

my $four = pack 'a4 a4 n n', inet_aton('1.2.3.4'), inet_aton('5.6.7.8'), 11, 22;
my $six = pack 'a16 a16 n n', inet_pton(AF_INET6, '2001:db8::1'), inet_pton(AF_INET6, '::2'), 11,
    22;

sub binary
{
    my ($command, $family, $rest) = @_;

    return "\r\n\r\n\0\r\nQUIT\n" . pack('CCn', $command, $family, length $rest) . $rest;
}

my $v1 = "PROXY TCP4 1.2.3.4 5.6.7.8 11 22\r\n";
my $v2 = binary(0x21, 0x11, $four);
my @good = (
    ['version 1, IPv4', $v1, '1.2.3.4 11 5.6.7.8 22'],
    ['version 1, IPv6', "PROXY TCP6 2001:db8::1 ::2 11 22\r\n", '2001:db8::1 11 ::2 22'],
    ['version 1, unknown', "PROXY UNKNOWN\r\n", '   '],
    ['version 1, unknown with words', "PROXY UNKNOWN a b c\r\n", '   '],
    ['version 2, IPv4', $v2, '1.2.3.4 11 5.6.7.8 22'],
    ['version 2, IPv6', binary(0x21, 0x21, $six), '2001:db8::1 11 ::2 22'],
    ['version 2, TLVs', binary(0x21, 0x11, $four . pack 'C n/a', 5, 'ab'),
        '1.2.3.4 11 5.6.7.8 22'],
    ['version 2, of the proxy itself', binary(0x20, 0, ''), '   '],
);
for my $case (@good) {
    my ($name, $head, $body) = @$case;
    is(answer(open_to($t->port, $head . $get)), "$body\n", $name);
}

my $conn = open_to($t->port, $v1);
is(join(',', map { ask($conn) } 1 .. 3), join(',', ("1.2.3.4 11 5.6.7.8 22\n") x 3),
    'a head, and requests that come behind it');
$conn = open_to($t->port, $v2 . $get x 2);
is(answer($conn) . answer($conn), "1.2.3.4 11 5.6.7.8 22\n" x 2, 'requests in the same piece');
like($t->access_log, qr/^\[1\.2\.3\.4\] \[127\.0\.0\.1\] \/$/m, 'the address in the access log');
like($t->access_log, qr/^\[-\] \[127\.0\.0\.1\] \/$/m, 'no address there');

unless (skipped('PROXY heads in pieces', differs => 'a head may come in pieces')) {
    for my $head ($v1, $v2) {
        my @pieces = map { substr $head, $_, 5 } grep { $_ % 5 == 0 } 0 .. length($head) - 1;
        $conn = open_to($t->port);
        $conn->write($_) && $conn->drained(0) for @pieces;
        is(ask($conn), "1.2.3.4 11 5.6.7.8 22\n", 'a head in pieces');
    }
}

my @bad = (
    ['no head', $get],
    ['an unknown family', "PROXY TCP5 1.2.3.4 5.6.7.8 11 22\r\n"],
    ['a port that is none', "PROXY TCP4 1.2.3.4 5.6.7.8 99999 22\r\n"],
    ['a line end without CR', "PROXY TCP4 1.2.3.4 5.6.7.8 11 22\n"],
    ['a line without end', 'PROXY TCP4 ' . '1' x 120],
    ['a third version', binary(0x31, 0x11, $four)],
    ['too short for its addresses', binary(0x21, 0x11, 'abcd')],
);
for my $case (@bad) {
    my ($name, $head) = @$case;
    ok(dropped(open_to($t->port, $head . $get)), "$name: closed");
}
for my $case (['an address that is none', "PROXY TCP4 1.2.3.400 5.6.7.8 11 22\r\n"],
    ['an unknown command', binary(0x25, 0x11, $four)]) {
    my ($name, $head) = @$case;
    next if skipped($name, differs => 'addresses and commands are checked');
    ok(dropped(open_to($t->port, $head . $get)), "$name: closed");
}
my $where = 'while reading PROXY protocol, client: 127\.0\.0\.1, server: 127\.0\.0\.1:' . $t->port;
like($t->error_log, qr/\[error\] .*\*\d+ broken header: "GET \/ .*?$where/s, 'it is logged');
$conn = open_to($t->port, 'PROXY T');
$conn->shutdown_write;
ok(dropped($conn), 'half a head, and the end: closed');
$conn = open_to($t->port);
$conn->shutdown_write;
ok(dropped($conn), 'nothing, and the end: closed');
wait_for { $t->error_log =~ /\[info\] .*\*\d+ client closed connection $where/ } 5,
    'a probe is no error';
$t->stop;

# --- unix sockets ---------------------------------------------------------------------------------

my $two_workers = 'worker_processes 2;';
$t = Test::Weir->new(name => 'unix');
my $path = $t->dir . '/logs/a.sock';
$t->write_conf("events { }\n" . conf(server("unix:$path"), $two_workers));
$t->start;
is((stat $path)[2] & 07777, 0666, 'everybody may connect to a unix socket');
my @workers = $t->worker_pids;
my %seen;
wait_for {
    my @many = map { open_to($path, $get) } 1 .. 20;
    $seen{answer($_)}++ for @many;
    keys %seen == 2;
} 10, 'answers of both workers';
is_deeply([sort keys %seen], [sort map { "$_\n" } @workers], 'both workers accept from it');

$t->allow_log(qr/bind\(\) to unix:\S+ failed|still could not bind/);
my $second = $t->run_conf('-g', 'daemon off; pid logs/second.pid; error_log logs/second.log;');
isnt($second->{status}, 0, 'a second server on it fails');
like($second->{err}, qr/bind\(\) to unix:\Q$path\E failed \(98: Address already in use\)/,
    'and says why');
like(body($path, '/'), qr/^\d+$/, 'the first has it still');
$t->stop;
ok(!-e $path, 'its file goes with the server');

unless (skipped('a file left behind', differs => 'a socket that nobody has is replaced')) {
    { my $dead = IO::Socket::UNIX->new(Local => $path, Listen => 1) or die "socket: $!"; }
    ok(-S $path, 'the file of a server that was killed');
    $t->start;
    like(body($path, '/'), qr/^\d+$/, 'is replaced');
    $t->stop;
}
$t = Test::Weir->new(name => 'no socket');
$path = $t->write_file('logs/a.sock', 'precious');
$t->write_conf("events { }\n" . conf(server("unix:$path")));
$second = $t->run_conf;
isnt($second->{status}, 0, 'a file that is no socket is in the way');
is(slurp($path), 'precious', 'and stays what it is');

# --- several addresses ----------------------------------------------------------------------------

$t = Test::Weir->new(name => 'addresses');
sub named
{
    my ($listen, $name) = @_;

    return "server { $listen location / { return 200 \"$name \$server_addr\\n\"; } }\n";
}
my $servers = named('listen 127.0.0.1:%%PORT%%; listen 127.0.0.2:%%PORT%%;', 'both')
    . named('listen 127.0.0.3:%%PORT%%;', 'three') . named('listen %%PORT1%%;', 'any');
$t->write_conf("events { }\n" . conf($servers, $two_workers));
$t->start;
my ($port, $any) = ($t->port, $t->port(1));
is(body("127.0.0.$_:$port", '/'), "both 127.0.0.$_\n", "127.0.0.$_") for 1, 2;
is(body("127.0.0.3:$port", '/'), "three 127.0.0.3\n", '127.0.0.3');
is(body("127.0.0.$_:$any", '/'), "any 127.0.0.$_\n", "a wildcard by 127.0.0.$_") for 1, 9;

# An address that the wildcard has open already.
$t->write_conf("events { }\n" . conf(
    $servers . named('listen 127.0.0.9:%%PORT1%%;', 'nine'), $two_workers));
my ($status, $output) = $t->reload;
is($status, 0, 'a reload adds an address of a port that is open') or diag($output);
is(body("127.0.0.9:$any", '/'), "nine 127.0.0.9\n", 'which answers there');
is(body("127.0.0.1:$any", '/'), "any 127.0.0.1\n", 'and only there');
$t->write_conf("events { }\n" . conf($servers, $two_workers));
($status, $output) = $t->reload;
is($status, 0, 'and takes it away again') or diag($output);
is(body("127.0.0.9:$any", '/'), "any 127.0.0.9\n", 'for the wildcard');
$t->stop;

my $has_six = (slurp('/proc/net/if_inet6') // '') =~ /^0{31}1 /m;
SKIP: {
    skip 'no IPv6 here' unless $has_six;
    $t = Test::Weir->new(name => 'IPv6');
    $t->write_conf("events { }\n" . conf(
        named('listen %%PORT%%;', 'four') . named('listen [::]:%%PORT%%;', 'six')
        . named('listen [::1]:%%PORT1%%;', 'one')
        . named('listen [::]:%%PORT2%% ipv6only=off;', 'all')));
    $t->start;
    is(body('127.0.0.1:' . $t->port, '/'), "four 127.0.0.1\n", 'IPv4 of a port');
    is(body('[::1]:' . $t->port, '/'), "six ::1\n", 'IPv6 of the same port');
    is(body('[::1]:' . $t->port(1), '/'), "one ::1\n", 'one address');
    is(body('[::1]:' . $t->port(2), '/'), "all ::1\n", 'IPv6 of ipv6only=off');
    is(body('127.0.0.1:' . $t->port(2), '/'), "all ::ffff:127.0.0.1\n", 'IPv4 of it');
    $t->stop;
}

# --- options --------------------------------------------------------------------------------------

# The server inherits the socket, so the test can look at it.
$t = Test::Weir->new(name => 'options');
socket my $socket, AF_INET, SOCK_STREAM, 0 or die "socket: $!";
setsockopt $socket, SOL_SOCKET, SO_REUSEADDR, 1 or die "SO_REUSEADDR: $!";
bind $socket, pack_sockaddr_in($t->port, INADDR_LOOPBACK) or die "bind: $!";
listen $socket, 5 or die "listen: $!";

use constant {TCP_KEEPIDLE => 4, TCP_KEEPINTVL => 5, TCP_KEEPCNT => 6, TCP_DEFER_ACCEPT => 9,
    TCP_INFO => 11, TCP_FASTOPEN => 23};

sub option { return unpack 'i', getsockopt($socket, $_[0], $_[1]) // '' }
# Of a listening socket, the field of unacknowledged SACKs is its backlog.
sub backlog { return unpack 'x28 L', getsockopt($socket, IPPROTO_TCP, TCP_INFO) // '' }

my $options = 'backlog=77 rcvbuf=64k sndbuf=32k so_keepalive=30m:20:9 deferred fastopen=16';
$t->write_conf("events { }\n" . conf(server("127.0.0.1:%%PORT%% $options")));
$t->start(cold => 1, env => {NGINX => '3;'}, before_exec => sub {
    POSIX::dup2(fileno $socket, 3);
    fcntl $socket, F_SETFD, 0;          # it may have been 3 already
});
like(body($t->port, '/'), qr/^\d+$/, 'the socket is used');
is(backlog(), 77, 'backlog');
is(option(SOL_SOCKET, SO_RCVBUF), 2 * 65_536, 'rcvbuf');
is(option(SOL_SOCKET, SO_SNDBUF), 2 * 32_768, 'sndbuf');
is(option(SOL_SOCKET, SO_KEEPALIVE), 1, 'so_keepalive');
is(option(IPPROTO_TCP, TCP_KEEPIDLE), 1800, 'its first time');
is(option(IPPROTO_TCP, TCP_KEEPINTVL), 20, 'its other times');
is(option(IPPROTO_TCP, TCP_KEEPCNT), 9, 'its count');
isnt(option(IPPROTO_TCP, TCP_DEFER_ACCEPT), 0, 'deferred');
is(option(IPPROTO_TCP, TCP_FASTOPEN), 16, 'fastopen');

unless (skipped('options that a reload changes', differs => 'they are all set again')) {
    $t->write_conf("events { }\n" . conf(server('127.0.0.1:%%PORT%% backlog=99 so_keepalive=off')));
    ($status, $output) = $t->reload;
    is($status, 0, 'a reload with other options') or diag($output);
    is(backlog(), 99, 'backlog is another');
    is(option(SOL_SOCKET, SO_KEEPALIVE), 0, 'so_keepalive is off');
    is(option(IPPROTO_TCP, TCP_DEFER_ACCEPT), 0, 'deferred as well');
}
$t->stop;
close $socket;

# --- an address that somebody else has ------------------------------------------------------------

$t = Test::Weir->new(name => 'first');
$t->write_conf("events { }\n" . conf(server('127.0.0.1:%%PORT%%'), $two_workers));
$t->start;
@workers = $t->worker_pids;
my $in_use = qr/bind\(\) to \S+ failed \(98: Address already in use\)/;
for my $listen ('127.0.0.1:' . $t->port, $t->port, '127.0.0.1:' . $t->port . ' reuseport') {
    my $other = Test::Weir->new(name => 'second');
    $other->write_conf("events { }\n" . conf(server($listen)));
    $second = $other->run_conf;
    isnt($second->{status}, 0, "a second server on $listen fails");
    my $name = $listen =~ /^(\d+)$/ ? "0.0.0.0:$1" : '127.0.0.1:' . $t->port;
    my @lines = $second->{err} =~ /^\w+: \[emerg\] (bind.*)$/mg;
    is_deeply(\@lines, [("bind() to $name failed (98: Address already in use)") x 5],
        'after five attempts');
    like($second->{err}, qr/^\w+: \[emerg\] still could not bind\(\)$/m, 'and says so');
}
my $own = join '|', @workers;
is(scalar(grep { body($t->port, '/') =~ /^(?:$own)$/ } 1 .. 20), 20,
    'the first has lost nothing to it');

my $other = Test::Weir->new(name => 'reloaded');
$other->write_conf("events { }\n" . conf(server('127.0.0.1:%%PORT%%')));
$other->start;
$other->write_conf("events { }\n" . conf(
    server('127.0.0.1:%%PORT%%') . server('127.0.0.1:' . $t->port)));
($status, $output) = $other->reload;
isnt($status, 0, 'a reload to an address of another server is refused');
like($output, $in_use, 'and says why');
like(body($other->port, '/'), qr/^\d+$/, 'what it had goes on');
is(scalar(grep { body($t->port, '/') =~ /^(?:$own)$/ } 1 .. 20), 20, 'and so does the first');
$_->stop for $other, $t;

# The same while a new binary starts: it tries again, and has lost nothing meanwhile.
$t = Test::Weir->new(name => 'upgraded');
$t->allow_log($in_use);
$t->write_conf("events { }\n" . conf(server('127.0.0.1:%%PORT%%')));
$t->start_daemon;
my $old = $t->master_pid;
$t->write_conf("events { }\n" . conf(
    server('127.0.0.1:%%PORT%%') . server('127.0.0.1:%%PORT1%%')));
$socket = IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => $t->port(1), Listen => 1,
    ReuseAddr => 1) or die "socket: $@";
$t->signal('USR2');
wait_for { $t->error_log =~ $in_use } 10, 'an attempt that fails';
close $socket;
wait_for { ($t->master_pid // $old) != $old && $t->worker_pids == 1 } 10, 'a later one that does not';
kill QUIT => $old;
wait_for { !alive($old) } 10, 'the end of the old master';
like(body($_, '/'), qr/^\d+$/, 'the new one listens') for $t->port, $t->port(1);
unlike($t->error_log, qr/bind\(\) to 127\.0\.0\.1:${\ $t->port} failed/, 'only that was in use');
$t->stop;

# The rest is about what nginx does otherwise, or not at all.
if (skipped('what runs out', differs => 'it makes room, and workers help each other')) {
    done_testing();
    exit;
}

# --- descriptors ----------------------------------------------------------------------------------

sub cpu
{
    my ($pid) = @_;

    return (slurp("/proc/$pid/stat") // '') =~ /\) \S (?:\S+ ){10}(\d+) (\d+)/ ? $1 + $2 : 0;
}

my $exhausted = qr/accept4\(\) failed \(24: Too many open files\)/;
$t = Test::Weir->new(name => 'descriptors');
$t->allow_log($exhausted, qr/open\(\) .* failed \(24: /);
$t->write_file('html/large', 'x' x LARGE);
$t->write_conf("events { }\n" . conf(server('127.0.0.1:%%PORT%%'),
    'worker_processes 1; worker_rlimit_nofile 40;'));
$t->start;
my ($worker) = $t->worker_pids;

# Connections between two requests make room.
my @idle = map { open_to($t->port) } 1 .. 20;
is(join('', map { ask($_) } @idle), "$worker\n" x 20, 'connections that stay idle');
my @more = map { open_to($t->port) } 1 .. 20;
is(join('', map { ask($_) } @more), "$worker\n" x 20, 'more than there are descriptors');
like($t->error_log, $exhausted, 'they have run out');
ok(dropped($idle[0]), 'the first of the idle ones has made room');
ok($more[-1]->quiet(0), 'the last has not');
$_->close for @idle, @more;

# Downloads do not.
my @busy = map { open_to($t->port, "GET /large HTTP/1.1\r\nHost: a\r\n\r\n") } 1 .. 60;
sub heads { return grep { defined $_->read_until(qr/^HTTP/, 0) } @_ }
wait_for { $t->error_log =~ /$exhausted.*$exhausted/s } 10, 'exhaustion';
my $lines = () = $t->error_log =~ /$exhausted/g;
my $before = cpu($worker);
wait_for { (() = $t->error_log =~ /$exhausted/g) >= $lines + 3 } 20, 'further attempts';
cmp_ok(cpu($worker) - $before, '<', 40, 'which do not keep the processor busy');
my @served = heads(@busy);
cmp_ok(scalar(@served), '<', 40, 'not all are served');
$_->close for @served;
my %served = map { $_ => 1 } @served;
@busy = grep { !$served{$_} } @busy;
while (@busy) {
    my @next;
    wait_for { @next = heads(@busy) } 10, 'some of those who waited' or last;
    $_->close for @next;
    %served = map { $_ => 1 } @next;
    @busy = grep { !$served{$_} } @busy;
}
is(scalar(@busy), 0, 'all are served in the end');
is(body($t->port, '/'), "$worker\n", 'and it goes on');
is_deeply([$t->worker_pids], [$worker], 'with the same worker');
$t->stop;

# --- a full worker --------------------------------------------------------------------------------

$t = Test::Weir->new(name => 'full');
$t->allow_log(qr/20 worker_connections are not enough/);
$t->write_file('html/large', 'x' x LARGE);
$t->write_conf("events { worker_connections 20; }\n" . conf(server('127.0.0.1:%%PORT%%'),
    $two_workers));
$t->start;
my ($full, $free) = $t->worker_pids;
my @held;
while (@held < 19) {
    my ($busy, $who) = occupy($t->port);
    last unless $who;
    push @held, $busy if $who == $full;
    $busy->close if $who != $full;
}
is(scalar(@held), 19, 'downloads fill one of two workers, but for a reserve');
is(join('', map { body($t->port, '/') } 1 .. 20), "$free\n" x 20, 'the other accepts for it');
like($t->error_log, qr/20 worker_connections are not enough/, 'which is said');
$held[0]->close;
wait_for { body($t->port, '/') eq "$full\n" } 10, 'it accepts again when one has ended';
$_->close for @held;
$t->stop;

# --- a stopped worker -----------------------------------------------------------------------------

$t = Test::Weir->new(name => 'stopped');
$t->write_conf("events { }\n" . conf(server('127.0.0.1:%%PORT%%'),
    "$two_workers worker_watchdog off;"));
$t->start;
my ($stopped, $sibling) = $t->worker_pids;
kill STOP => $stopped;
my @waiting = map { open_to($t->port, $get) } 1 .. 20;
is(join('', map { answer($_) } @waiting), "$sibling\n" x 20, 'a sibling accepts for a stopped one');
kill CONT => $stopped;
wait_for { body($t->port, '/') eq "$stopped\n" } 10, 'it accepts again once it goes on';
is_deeply([$t->worker_pids], [$stopped, $sibling], 'nobody was ended');

$t->allow_log(qr/has not turned its loop|exited on signal 6/);
$t->write_conf("events { }\n" . conf(server('127.0.0.1:%%PORT%%'),
    "$two_workers worker_watchdog 2s;"));
is(($t->reload)[0], 0, 'with a watchdog');
kill STOP => $stopped;
wait_for { !alive($stopped) } 10, 'the end of a stopped worker';
wait_for { $t->worker_pids == 2 } 10, 'another in its place';
my ($successor) = grep { $_ != $sibling } $t->worker_pids;
like($t->error_log, qr/worker process $stopped has not turned its loop for \d+ s: .* ABRT/,
    'and why');
wait_for { body($t->port, '/') eq "$successor\n" } 10, 'an answer of the new one';
$t->stop;

# --- fewer workers --------------------------------------------------------------------------------

$t = Test::Weir->new(name => 'fewer');
$t->write_file('html/large', 'x' x LARGE);
my $listens = server('127.0.0.1:%%PORT%%') . server("unix:" . $t->dir . '/logs/a.sock');
$t->write_conf("events { }\n" . conf($listens, 'worker_processes 4;'));
$t->start;
@workers = $t->worker_pids;
my %downloads;
wait_for {
    my ($download, $who) = occupy($t->port);
    push @{$downloads{$who}}, $download;
    keys %downloads == 4;
} 10, 'a download from each of four workers';
my @kept = map { open_to($t->port) } 1 .. 8;
ask($_) for @kept;
my @fresh = map { open_to($t->port) } 1 .. 40;     # their requests come later
$t->write_conf("events { }\n" . conf($listens, 'worker_processes 1;'));
($status, $output) = $t->reload;
is($status, 0, 'one worker instead of four') or diag($output);
wait_for { $t->worker_pids == 1 } 10, 'one that is not shutting down';
my ($survivor) = $t->worker_pids;
is(scalar(grep { ask($_) =~ /^\d+$/ } @kept, @fresh), 48,
    'connections from before are answered, whoever has them');
is(join('', map { body($t->port, '/') } 1 .. 40), "$survivor\n" x 40,
    'the survivor accepts from the sockets of all');
is(body($t->dir . '/logs/a.sock', '/'), "$survivor\n", 'and from the shared one');
my $short = grep { length($_->read_bytes(LARGE)) != LARGE } map { @$_ } values %downloads;
is($short, 0, 'the downloads are whole');
$_->close for @kept, @fresh, map { @$_ } values %downloads;
wait_for { keys %{$t->children} == 1 } 10, 'the end of the others';
$t->stop;

# --- an address that comes and goes ---------------------------------------------------------------

# One that connects again and again, and counts what happens to it, until its parent has seen
# enough and makes the file $end. An address that has just gone refuses, or closes without an answer;
# nobody hangs.
sub visitor
{
    my ($port, $end) = @_;
    my %count = map { $_ => 0 } qw(answered refused unanswered wrong hung);

    while (!-e $end) {
        my $visit = eval { open_to($port, $get) };
        my $what = 'refused';
        if ($visit) {
            my $r = $visit->read_response;
            $what = $r ? $r->{status} == 200 && !$r->{error} ? 'answered' : 'wrong'
                : $visit->state eq 'open' ? 'hung' : 'unanswered';
        }
        $count{$what}++;
        select undef, undef, undef, 0.005;
    }
    return join ' ', map { "$_=$count{$_}" } sort keys %count;
}

sub visit
{
    my ($port, $end) = @_;

    pipe my $read, my $write or die "pipe: $!";
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        print {$write} eval { visitor($port, $end) } // "died: $@";
        close $write;
        POSIX::_exit(0);
    }
    close $write;
    return {pid => $pid, read => $read};
}

sub report
{
    my ($visitor) = @_;
    my $text = readline $visitor->{read};

    waitpid $visitor->{pid}, 0;
    return $text // '';
}

$t = Test::Weir->new(name => 'comes and goes');
my ($stays, $goes) = (server('127.0.0.1:%%PORT%%'), server('127.0.0.1:%%PORT1%%'));
$t->write_conf("events { }\n" . conf($stays . $goes, $two_workers));
$t->start;
my $end = $t->dir . '/logs/end';
my @visitors = map { visit($_, $end) } $t->port, $t->port(1);
my $failed = 0;
for my $n (1 .. 20) {
    $t->write_conf("events { }\n" . conf($n % 2 ? $stays : $stays . $goes, $two_workers));
    ($status, $output) = $t->reload;
    $failed++, diag($output) if $status;
}
is($failed, 0, 'an address goes and comes ten times');
is(scalar(grep { body($t->port(1), '/') =~ /^\d+$/ } 1 .. 20), 20, 'it answers in the end');
$t->write_file('logs/end', '');
my ($steady, $unsteady) = map { report($_) } @visitors;
like($steady, qr/^answered=[1-9]\d* hung=0 refused=0 unanswered=0 wrong=0$/,
    'clients of another address have not noticed');
like($unsteady, qr/^answered=[1-9]\d* hung=0 refused=\d+ unanswered=\d+ wrong=0$/,
    'its clients are answered or sent away');
$t->stop;

# --- slow heads -----------------------------------------------------------------------------------

$t = Test::Weir->new(name => 'slow');
$t->allow_log(qr/512 worker_connections are not enough/);
$t->write_file('html/large', 'x' x LARGE);
$t->write_conf("events { worker_connections 512; }\n" . conf(server('127.0.0.1:%%PORT%%')));
$t->start;
($worker) = $t->worker_pids;
my ($download) = occupy($t->port);
my $idle = open_to($t->port);
is(ask($idle), "$worker\n", 'an idle connection');
my @slow = map { open_to($t->port, "GET / HTTP/1.1\r\nHost: ") } 1 .. 600;
is(body($t->port, '/'), "$worker\n", '600 slow heads, and a request is answered');
like($t->error_log, qr/\*2 idle connection closed to make room/, 'the idle one made room');
like($t->error_log, qr/\*3 slow connection closed to make room/, 'and then the oldest of the slow');
ok(dropped($idle), 'which is gone');
my @left = grep { $_->quiet(0) } @slow;
cmp_ok(scalar(@left), '<=', 486, 'five in a hundred are kept');
cmp_ok(scalar(@left), '>', 400, 'the rest is used');
is($left[-1], $slow[-1], 'the last came is there still');
$slow[-1]->write("a\r\nConnection: close\r\n\r\n");
is(answer($slow[-1]), "$worker\n", 'and is answered when it goes on');
is(length($download->read_bytes(LARGE)), LARGE, 'a download is not touched');
$_->close for @slow, $download;

# Bodies that do not come, and answers that are not taken.
my @bodies = map {
    open_to($t->port, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n1")
} 1 .. 600;
is(body($t->port, '/'), "$worker\n", '600 slow bodies, and a request is answered');
$_->close for @bodies;
my @readers = map { open_to($t->port, "GET /large HTTP/1.1\r\nHost: a\r\n\r\n") } 1 .. 600;
is(body($t->port, '/'), "$worker\n", '600 slow readers, and a request is answered');
$_->close for @readers;
$t->stop;

done_testing();
