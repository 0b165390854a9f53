#!/usr/bin/perl

# Small requests beside large answers that are compressed on the fly: what they wait for is what one
# turn of the worker takes. Owns the connections; Bench.pm has the processes.
#
# A program of its own, or `require`d by t/bench/run, which calls beside().

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin, "$FindBin::Bin/../lib";
use Bench qw(directory prepare start_server stop);
use IO::Socket::INET;
use Socket qw(TCP_NODELAY IPPROTO_TCP);
use Test::Weir::Util qw(spew);
use Time::HiRes qw(time);

use constant {LARGE => 4, SIZE => 64 << 20, SMALL => 1000, SECONDS => 8};

my $conf = <<'CONF';
%%USER%%
daemon off;
worker_processes 1;
worker_cpu_affinity 1;
pid logs/pid;
error_log logs/error.log error;
events { worker_connections 128; }
http {
    access_log off;
    keepalive_requests 1000000000;
    server {
        listen 127.0.0.1:%%PORT%%;
        root %%FILES%%;
        location /large { gzip on; gzip_types *; gzip_comp_level 6; }
    }
}
CONF

sub connected
{
    my ($port) = @_;
    my $socket = IO::Socket::INET->new(PeerHost => '127.0.0.1', PeerPort => $port)
        or die "cannot connect: $!\n";

    setsockopt $socket, IPPROTO_TCP, TCP_NODELAY, 1;
    return $socket;
}

# A process that takes the large file again and again, as fast as it comes.
sub take_large
{
    my ($port) = @_;
    my $pid = fork // die "fork: $!\n";

    return $pid if $pid;
    while (1) {
        my $socket = connected($port);
        print $socket "GET /large.txt HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            . "Accept-Encoding: gzip\r\n\r\n";
        $socket->flush;
        sysread $socket, my $head, 4096;
        die "not compressed\n" if $head !~ /^Content-Encoding: gzip\r$/m;
        1 while sysread $socket, my $bytes, 1 << 20;
    }
}

sub ask
{
    my ($socket) = @_;
    my $began = time;
    my $answer = '';

    syswrite $socket, "GET /small.txt HTTP/1.1\r\nHost: localhost\r\n\r\n";
    until ($answer =~ /\r\n\r\n.{1024}\z/s) {
        sysread $socket, $answer, 65_536, length $answer or die "a connection ends: $!\n";
    }
    return 1000 * (time - $began);
}

sub measure_beside
{
    my ($kind, %values) = @_;
    my $s = start_server($kind, $kind, {}, $conf, %values);
    my $port = $s->{port}->number;
    my @takers = map { take_large($port) } 1 .. LARGE;
    my $socket = connected($port);
    my @took = eval {
        my $end = time + SECONDS;
        ask($socket);
        my @all = ask($socket);
        push @all, ask($socket) while time < $end && @all < SMALL;
        sort { $a <=> $b } @all;
    };
    my $error = $@;

    kill KILL => @takers;
    waitpid $_, 0 for @takers;
    stop($s);
    die $error if $error;
    return map { $took[$_ * $#took] } 0.5, 0.99, 1;
}

# True unless it failed.
sub beside
{
    my $files = directory('beside');
    my %values = (USER => $> == 0 ? 'user root;' : '', FILES => $files);
    my $text = join ' ', map { sprintf '%x', $_ * 2654435761 % 4294967296 } 1 .. 20_000;

    spew("$files/small.txt", 'x' x 1024);
    spew("$files/large.txt", substr $text x (1 + SIZE / length $text), 0, SIZE);
    printf "Small requests beside %d large answers that are compressed, milliseconds:\n", LARGE;
    printf "%-6s %10s %10s %10s\n", qw(server median p99 most);
    for my $kind (qw(weir nginx)) {
        my @took = eval { measure_beside($kind, %values) };
        if (!@took) {
            print "$kind FAILED: $@";
            return 0;
        }
        printf "%-6s %10.2f %10.2f %10.2f\n", $kind, @took;
    }
    return 1;
}

unless (caller) {
    prepare();
    exit(beside() ? 0 : 1);
}

1;
