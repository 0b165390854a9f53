#!/usr/bin/perl

# The load generator itself, against servers that do wrong on purpose: a soak test that passes says
# something only when its clients notice everything. The servers are processes of this file, one a
# connection; `answer` is what they have for the request with a number, counted per connection.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use POSIX ();
use Socket;
use Test::Weir;
use Test::Weir::Load;
use Test::Weir::Port;
use Test::Weir::Util qw(alive);

my $large = 'abcdefgh' x 50_000;
my @servers;
pipe my $seen, my $see or die "pipe: $!";       # a byte for each request that a server has read

sub text
{
    my ($body, %opt) = @_;
    my $length = $opt{length} // length $body;

    return "HTTP/1.1 $opt{status} x\r\nContent-Length: $length\r\n\r\n$body" if $opt{status};
    my $close = $opt{close} ? "Connection: close\r\n" : '';
    return "HTTP/1.1 200 OK\r\nContent-Length: $length\r\n$close\r\n$body";
}

# Answers requests until `answer` gives nothing or an answer says or has an early end.
sub converse
{
    my ($conn, $answer) = @_;
    my ($in, $number) = ('', 0);

    while (sysread $conn, $in, 4096, length $in) {
        next unless $in =~ m{^GET (\S+) .*\r\n\r\n}s;
        syswrite $see, '.';
        my ($bytes, $end) = $answer->(++$number, $1, $in);
        $bytes = text($bytes, close => 1) if defined $bytes && $bytes eq 'closing';
        last unless defined $bytes;
        while (length $bytes) {
            my $sent = syswrite $conn, $bytes or return;
            substr $bytes, 0, $sent, '';
        }
        last if $end || $in =~ /^Connection: close/m;
        $in = '';
    }
}

sub serve
{
    my ($port, $answer) = @_;

    socket my $listener, AF_INET, SOCK_STREAM, 0 or die "socket: $!";
    setsockopt $listener, SOL_SOCKET, SO_REUSEADDR, 1;
    bind $listener, pack_sockaddr_in($port, INADDR_LOOPBACK) or die "bind: $!";
    listen $listener, 64 or die "listen: $!";
    my $pid = fork // die "fork: $!";
    if ($pid) {
        push @servers, $pid;
        return $pid;
    }
    setpgrp;
    $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP ALRM);
    local $SIG{CHLD} = 'IGNORE';
    while (accept my $conn, $listener) {
        next if fork;
        converse($conn, $answer);
        POSIX::_exit(0);
    }
    POSIX::_exit(0);
}

END {
    local $?;
    kill KILL => map { -$_ } @servers;
}

# What the clients report of a server with this behaviour after so many requests, or after `while`.
sub report
{
    my ($answer, $requests, %opt) = @_;
    my $lease = Test::Weir::Port->lease;
    my $pid = $answer ? serve($lease->number, $answer) : undef;
    my $while = delete $opt{while} // sub { };
    my $load = Test::Weir::Load->start(port => $lease->number, like => qr/^fine$/, pause => 0.005,
        %opt);

    wait_for { sysread $seen, my $byte, 1 } 10, 'a request' for 1 .. $requests;
    $while->($load);
    my $report = $load->stop;
    if ($pid) {
        kill KILL => -$pid;
        waitpid $pid, 0;
    }
    1 while (unread() && sysread $seen, my $rest, 4096);
    return $report;
}

sub unread
{
    vec(my $set, fileno $seen, 1) = 1;
    return select $set, undef, undef, 0;
}

sub fine { return text('fine') }

my $t = Test::Weir->new(name => 'files');
my $file = $t->write_file('html/large', $large, raw => 1);
my %all = (keepalive => 3, fresh => 2, idle => 2, download => 1, file => $file);

sub good
{
    my ($number, $path) = @_;

    return text($path eq '/large' ? $large : 'fine');
}

my $r = report(\&good, 100, %all);
is($r->{failed}, 0, 'a good server: nothing fails') or diag("@{$r->{reasons}}");
is($r->{closed_by_server} + $r->{reused_race} + $r->{cut}, 0, 'nothing is closed');
ok($r->{answered}{$_} >= 3, "many $_ answers") for qw(keepalive fresh);
ok($r->{answered}{download} >= 1, 'a download');
is($r->{answered}{idle}, 4, 'idle clients ask at the beginning and at the end');
my $sum = 0;
$sum += $_ for values %{$r->{answered}};
is($sum, $r->{requests}, 'each request was answered');

$r = report(sub { $_[0] % 3 ? fine() : 'closing' }, 40, keepalive => 3, like => qr/./);
is($r->{failed} + $r->{closed_by_server}, 0, 'a close that was announced is none');

$r = report(sub { (fine(), $_[0] == 3) }, 40, keepalive => 3);
is($r->{failed}, 0, 'a close between requests is no failure');
cmp_ok($r->{closed_by_server}, '>', 2, 'but counted');
is_deeply([keys %{$r->{lost_after}}], ['fine'], 'with what was said before');

$r = report(sub { (fine(), 1) }, 4, idle => 4);
cmp_ok($r->{closed_by_server} + $r->{reused_race}, '>=', 4, 'also on idle connections');

$r = report(sub { $_[0] < 3 ? fine() : undef }, 40, keepalive => 3);
is($r->{failed}, 0, 'a used connection that ends before an answer is asked again');
cmp_ok($r->{reused_race}, '>', 2, 'and counted as a race');
is($r->{answered}{keepalive} + $r->{reused_race}, $r->{requests}, 'nothing is left out');

# What must be a failure, with its reason. `cut`: the server ended the connection.
my $broken = substr($large, 0, -1) . 'x';
for my $case (
    ['no answer to a first request', sub { return }, 1, {fresh => 2},
        qr/^fresh: (?:closed|Connection reset by peer) before an answer/],
    ['half an answer', sub { (text('fi', length => 4), 1) }, 1, {keepalive => 2},
        qr/^keepalive: closed amid an answer/],
    ['half a head', sub { ('HTTP/1.1 200 OK', 1) }, 1, {keepalive => 2},
        qr/^keepalive: closed amid an answer/],
    ['half a download', sub { (text(substr($large, 9), length => length $large), 1) }, 1,
        {download => 1, file => $file}, qr/^download: closed amid an answer/],
    ['another text', sub { text('else') }, 0, {keepalive => 2}, qr/^keepalive: body else/],
    ['an error', sub { text('fine', status => 502) }, 0, {keepalive => 2},
        qr/^keepalive: status 502/],
    ['no HTTP', sub { "hello\r\n\r\n" }, 0, {keepalive => 2}, qr/^keepalive: /],
    ['bytes after it', sub { fine() . 'x' }, 0, {keepalive => 2},
        qr/^keepalive: bytes (?:after an answer|without a request)/],
    ['no length', sub { "HTTP/1.1 200 OK\r\n\r\nfine" }, 0, {keepalive => 2},
        qr/^keepalive: no Content-Length/],
    ['a short download', sub { text(substr $large, 9) }, 0, {download => 1, file => $file},
        qr/^download: \d+ bytes/],
    ['another download', sub { text($broken) }, 0, {download => 1, file => $file},
        qr/^download: another MD5/],
    ['nobody there', undef, 0, {fresh => 2}, qr/^fresh: Connection refused before an answer/],
    )
{
    my ($what, $answer, $cut, $clients, $reason) = @$case;
    $r = report($answer, $answer ? 3 : 0, %$clients);
    cmp_ok($r->{failed}, '>', 0, "$what: a failure");
    is($r->{cut}, $cut ? $r->{failed} : 0, "$what: " . ($cut ? 'cut' : 'not cut'));
    like($_, $reason, "$what: its reason") for @{$r->{reasons}};
}

# A server that is silent, and a test that forgets its load.
{
    local $ENV{WEIR_TIMEOUT_FACTOR} = 0.05;
    $r = report(sub { sleep 60 }, 0, fresh => 1);
    is($r->{reasons}[0], 'fresh: no answer in time', 'silence is a failure');
    $r = report(\&fine, 0, fresh => 1, most => 4, while => sub {
        my ($load) = @_;
        wait_for { !alive($load->{pid}) } 200, 'the end of the load';
    });
    like("@{$r->{reasons}}", qr/load: not told to end/, 'it ends by itself after a time');
}

done_testing();
