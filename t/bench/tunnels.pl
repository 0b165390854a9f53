#!/usr/bin/perl

# Memory of idle WebSockets through a proxy: 1,000 are opened, and a word goes there and back on
# each. What the worker then has more than one that is set up for few connections is theirs, tables
# of fixed size and shared memory included. Owns the connections and their other ends; Bench.pm has
# the processes.
#
# A program of its own, or `require`d by t/bench/run, which calls tunnels().

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin, "$FindBin::Bin/../lib";
use Bench qw(get memory open_port prepare start_server stop);
use IO::Socket::INET;
use POSIX ();
use Socket qw(TCP_NODELAY IPPROTO_TCP);

# A tunnel needs two connections of a worker.
use constant {TUNNELS => 1000, SPARE => 1000, TUNNEL_FEW => 128, TUNNEL_TARGET => 0.50};

my $tunnel_conf = <<'CONF';
%%USER%%
daemon off;
worker_processes 1;
pid logs/pid;
error_log logs/error.log error;
events { worker_connections %%CONNECTIONS%%; }
http {
    access_log off;
    proxy_read_timeout 1h;
    map $http_upgrade $connection_upgrade { default upgrade; '' close; }
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { return 200 "fine\n"; }
        location /socket {
            proxy_pass http://127.0.0.1:%%ORIGIN%%;
            proxy_http_version 1.1;
            proxy_set_header Host $host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
        }
    }
}
CONF

sub read_until
{
    my ($socket, $pattern) = @_;
    my $text = '';

    until ($text =~ $pattern) {
        sysread $socket, $text, 4096, length $text or die "a connection ends: $!\n";
    }
    return $text;
}

# The other ends: a process that grants each upgrade, sends one word back, and then is silent.
sub start_sockets
{
    my ($port) = @_;
    my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port,
        Listen => 128, ReuseAddr => 1) or die "cannot listen: $!\n";
    my $pid = fork // die "fork: $!\n";
    my @kept;

    return $pid if $pid;
    $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP PIPE);
    eval {
        while (my $socket = $listener->accept) {
            setsockopt $socket, IPPROTO_TCP, TCP_NODELAY, 1;
            read_until($socket, qr/\r\n\r\n\z/);
            syswrite $socket, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                . "Connection: Upgrade\r\nSec-WebSocket-Accept: none\r\n\r\n";
            syswrite $socket, read_until($socket, qr/word\z/);
            push @kept, $socket;
        }
    };
    print STDERR "sockets: $@" if $@;
    POSIX::_exit(1);
}

sub open_tunnel
{
    my ($port) = @_;
    my $socket = IO::Socket::INET->new(PeerHost => '127.0.0.1', PeerPort => $port)
        or die "cannot connect: $!\n";

    setsockopt $socket, IPPROTO_TCP, TCP_NODELAY, 1;
    syswrite $socket, "GET /socket HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
        . "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        . "Sec-WebSocket-Key: d2VpciBiZW5jaCBrZXk9PQ==\r\nUser-Agent: tunnels\r\n\r\n";
    my $head = read_until($socket, qr/\r\n\r\n\z/);
    $head =~ m{^HTTP/1.1 101 } or die "another answer than 101\n";
    syswrite $socket, 'word';
    read_until($socket, qr/word\z/);
    return $socket;
}

# What a server has with few possible connections, with many, and with many tunnels: bytes.
sub measure_tunnels
{
    my ($kind, $origin, %values) = @_;
    my $limit = 2 * TUNNELS + SPARE;
    my @opt = ({files => $limit + SPARE}, $tunnel_conf, %values, ORIGIN => $origin,
        CONNECTIONS => TUNNEL_FEW);

    my $s = start_server($kind, $kind, @opt);
    open_tunnel($s->{port}->number);
    my $few = memory($s, 'RssAnon');
    stop($s);

    $opt[-1] = $limit;
    $s = start_server($kind, $kind, @opt);
    open_tunnel($s->{port}->number);
    my $many = memory($s, 'RssAnon');
    my $shared = memory($s, 'RssShmem');
    my @sockets = map { open_tunnel($s->{port}->number) } 1 .. TUNNELS;
    my $open = memory($s, 'RssAnon');
    $shared = memory($s, 'RssShmem') - $shared;
    close $_ for @sockets;
    stop($s);
    return {few => $few, many => $many, open => $open, shared => $shared};
}

# True unless it failed.
sub tunnels
{
    my $row = "%-6s %12s %14s %12s %12s %14s  %s\n";
    my %values = (USER => $> == 0 ? 'user root;' : '');
    my $port = open_port();
    my $need = TUNNELS + SPARE;
    my %each;

    system('prlimit', "--pid=$$", "--nofile=$need:") == 0
        or die "cannot have $need descriptors\n";
    printf "RssAnon of %d idle WebSockets through a proxy, bytes each:\n", TUNNELS;
    printf $row, 'server', 'together', 'tables before', 'when opened', 'shared', 'base KiB',
        'target';
    for my $kind (qw(nginx weir)) {
        my $pid = start_sockets($port->number);
        my $m = eval { measure_tunnels($kind, $port->number, %values) };
        my $why = $@;
        kill KILL => $pid;
        waitpid $pid, 0;
        if (!$m) {
            print "$kind FAILED: $why";
            last;
        }
        my $each = $each{$kind} = ($m->{open} - $m->{few} + $m->{shared}) / TUNNELS;
        my $ratio = $each / $each{nginx};
        printf $row, $kind, sprintf('%.0f', $each),
            (map { int $_ / TUNNELS + 0.5 } $m->{many} - $m->{few}, $m->{open} - $m->{many},
                $m->{shared}),
            sprintf('%.0f', $m->{few} / 1024),
            $kind eq 'nginx' ? '' : sprintf '%.2f of nginx, %.2f %s', $ratio, TUNNEL_TARGET,
            $ratio <= TUNNEL_TARGET ? 'met' : 'MISSED';
    }
    return keys %each == 2;
}

unless (caller) {
    prepare();
    exit(tunnels() ? 0 : 1);
}

1;
