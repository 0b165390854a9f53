#!/usr/bin/perl

# Memory of idle keepalive connections: 10,000 are opened and answered once. What the worker then
# has more than one that is set up for 128 connections is theirs, tables of fixed size included.
# Owns the connections; Bench.pm has the processes.
#
# A program of its own, or `require`d by t/bench/run, which calls idle().

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin, "$FindBin::Bin/../lib";
use Bench qw(directory get memory prepare start_server stop);
use IO::Socket::INET;
use Socket qw(TCP_NODELAY IPPROTO_TCP);
use Test::Weir::Util qw(spew);

# nginx closes idle connections to stay below fifteen sixteenths of its worker_connections.
use constant {IDLE => 10_000, SPARE => 1000, TARGET => 700, FEW => 128};

my $conf = <<'CONF';
%%USER%%
daemon off;
worker_processes 1;
pid logs/pid;
error_log logs/error.log error;
events { worker_connections %%CONNECTIONS%%; }
http {
    access_log off;
    keepalive_timeout 1h;
    keepalive_requests 1000000000;
    server {
        listen 127.0.0.1:%%PORT%%;
        root %%FILES%%;
    }
}
CONF

sub ask
{
    my ($socket) = @_;
    my $request = "GET /1k.txt HTTP/1.1\r\nHost: localhost\r\nUser-Agent: idle\r\n\r\n";

    syswrite($socket, $request) == length $request or die "a request is not taken: $!\n";
    my $answer = '';
    until ($answer =~ /\r\n\r\n.{1024}\z/s) {
        sysread $socket, $answer, 65_536, length $answer or die "a connection ends: $!\n";
    }
    $answer =~ m{^HTTP/1.1 200 } or die "another answer than 200\n";
}

sub open_one
{
    my ($port) = @_;
    my $socket = IO::Socket::INET->new(PeerHost => '127.0.0.1', PeerPort => $port)
        or die "cannot connect: $!\n";

    setsockopt $socket, IPPROTO_TCP, TCP_NODELAY, 1;
    ask($socket);
    return $socket;
}

# What a server has with few possible connections, with many, and with many open: bytes.
sub measure_idle
{
    my ($kind, %values) = @_;
    my $limit = IDLE + SPARE;
    my @opt = ({files => 2 * SPARE + IDLE}, $conf, %values, CONNECTIONS => FEW);

    my $s = start_server($kind, $kind, @opt);
    get($s, '/1k.txt');
    my $few = memory($s, 'RssAnon');
    stop($s);

    $opt[-1] = $limit;
    $s = start_server($kind, $kind, @opt);
    get($s, '/1k.txt');
    my $many = memory($s, 'RssAnon');
    my $shared = memory($s, 'RssShmem');
    my @sockets = map { open_one($s->{port}->number) } 1 .. IDLE;
    my $open = memory($s, 'RssAnon');
    $shared = memory($s, 'RssShmem') - $shared;
    ask($sockets[$_ * 100]) for 0 .. IDLE / 100 - 1;
    close $_ for @sockets;
    stop($s);
    return {few => $few, many => $many, open => $open, shared => $shared};
}

# True unless it failed.
sub idle
{
    my $files = directory('files');
    my $row = "%-6s %12s %14s %12s %12s %14s  %s\n";
    my %values = (USER => $> == 0 ? 'user root;' : '', FILES => $files);
    my $need = IDLE + SPARE;

    spew("$files/1k.txt", 'x' x 1024);
    system('prlimit', "--pid=$$", "--nofile=$need:") == 0
        or die "cannot have $need descriptors\n";
    printf "RssAnon of %d idle keepalive connections, bytes each:\n", IDLE;
    printf $row, 'server', 'together', 'tables before', 'when opened', 'shared', 'base KiB',
        'target';
    for my $kind (qw(weir nginx)) {
        my $m = eval { measure_idle($kind, %values) };
        if (!$m) {
            print "$kind FAILED: $@";
            return 0;
        }
        my $each = ($m->{open} - $m->{few}) / IDLE;
        printf $row, $kind, sprintf('%.0f', $each),
            (map { int $_ / IDLE + 0.5 } $m->{many} - $m->{few}, $m->{open} - $m->{many},
                $m->{shared}), sprintf('%.0f', $m->{few} / 1024),
            $kind eq 'weir' ? TARGET . ($each <= TARGET ? ' met' : ' MISSED') : '';
    }
    return 1;
}

unless (caller) {
    prepare();
    exit(idle() ? 0 : 1);
}

1;
