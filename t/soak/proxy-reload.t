#!/usr/bin/perl

# A thousand reloads under proxied load (WEIR_RELOADS says how many), each with other groups and
# servers than the one before: no client notices one, no WebSocket ends, the workers are the same
# processes, and they and the master need no more memory and descriptors than at first.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use JSON::PP qw(decode_json encode_json);
use POSIX ();
use Test::Weir;
use Test::Weir::Backend;
use Test::Weir::Load;
use Test::Weir::Parts qw(nginx skip_without_part);
use Test::Weir::Util qw(slurp tcp_sockets);
use Test::Weir::WebSocket qw(echo);
use Time::HiRes qw(time);

# LARGEST is the largest of all shapes. It is among the first, since memory that was needed once may
# stay with a process.
use constant {FIRST => 10, LARGEST => 258, ORIGINS => 3, SOCKET => 4, CROWD => 200, UPLOADS => 24,
    SOCKETS => 12, FRESH_EVERY => 5};

skip_without_part('nginx');
skip_file(differs => 'a reload keeps workers and connections') if on_oracle();
my $reloads = $ENV{WEIR_RELOADS} // 1000;

# --- what is configured -------------------------------------------------------------------------

# Some of the origins, never none, with other weights each time.
sub servers
{
    my ($shape) = @_;
    my @some = grep { ($shape + $_) % (ORIGINS + 1) } 1 .. ORIGINS;

    return join ' ', map {
        my $weight = 1 + ($shape + $_) % 5;
        "server 127.0.0.1:%%PORT$_%% weight=$weight;"
    } @some;
}

# Configuration $n: what the origins are told is its number. What it looks like is that of $shape:
# with or without zones, balanced in one way or another, with more or fewer groups that share them.
sub configure
{
    my ($t, $n, $shape) = @_;
    my @ways = ('', 'least_conn;', 'random two;', 'hash $request_id consistent;', 'ip_hash;');
    my $zone = $shape % 3 ? "zone app${\($shape % 4)} 128k;" : '';
    my $servers = servers($shape);
    my $groups = join "\n", map {
        my $way = $ways[$_ % @ways];
        "upstream g$_ { $way ${\servers($_)} keepalive 2; keepalive_timeout 1s; }"
    } 1 .. $shape % 37;
    my $places = join "\n", map {
        "location /g$_/ { proxy_pass http://g$_/; proxy_set_header X-Group $_; }"
    } 1 .. $shape % 37;

    $t->write_file('conf/groups.conf', $groups);
    $t->write_file('conf/places.conf', $places);
    $t->write_conf(<<"END");
worker_processes 2;
error_log logs/error.log error;
events { }
http {
    access_log off;
    keepalive_timeout 1h;
    map \$http_upgrade \$connection_upgrade { default upgrade; '' ''; }
    upstream app {
        $zone
        $ways[$shape % @ways]
        $servers
        keepalive ${\(1 + $shape % 16)};
        keepalive_timeout 1s;
    }
    upstream sockets { server 127.0.0.1:%%PORT${\SOCKET}%%; }
    include groups.conf;
    server {
        listen 127.0.0.1:%%PORT%%;
        proxy_http_version 1.1;
        proxy_set_header Connection \$connection_upgrade;
        proxy_set_header Upgrade \$http_upgrade;
        proxy_set_header X-Number $n;
        location / { proxy_pass http://app; }
        location /socket { proxy_pass http://sockets; }
        include places.conf;
    }
}
END
}

sub origin
{
    my ($t) = @_;
    my $listen = join ' ', map { "listen 127.0.0.1:%%PORT$_%%;" } 1 .. ORIGINS;

    return nginx($t, <<"END");
worker_processes 1;
events { worker_connections 4096; }
http {
    access_log off;
    keepalive_requests 1000000;
    server {
        $listen
        location / { return 200 \$http_x_number; }
        location /large { root %%DIR%%/html; }
    }
}
END
}

# --- load ---------------------------------------------------------------------------------------

sub load
{
    my ($t) = @_;

    return Test::Weir::Load->start(port => $t->port, like => qr/^\d+$/, pause => 0.02,
        keepalive => 8, fresh => 4, idle => 10, pipelined => 3, upload => 2, range => 3,
        download => 2, file => $t->dir . '/html/large');
}

# One word there and back.
sub say_hello
{
    my ($report, $ws) = @_;
    my $word = 'hello ' . $report->{words}++;

    $ws->send(text => $word);
    my $frame = $ws->receive;
    return 1 if ($frame->{payload} // '') eq $word;
    $report->{failed}++;
    $report->{reason} //= $frame ? 'another word' : 'none: ' . $ws->conn->state;
    return 0;
}

sub converse
{
    my ($port, $told) = @_;
    my $open = sub { Test::Weir::WebSocket->new($port, '/socket') };
    my @old = map { $open->() } 1 .. SOCKETS;
    my %report = (words => 0, failed => scalar(grep { !$_->open } @old), fresh => 0);
    my ($turn, $end) = (0, 0);

    until ($end) {
        # The pipe ends the pause between two turns, too.
        vec(my $set = '', fileno $told, 1) = 1;
        $end = select $set, undef, undef, 0.02;
        POSIX::_exit(1) if getppid == 1;
        @old = grep { say_hello(\%report, $_) } @old;
        next if $turn++ % FRESH_EVERY;
        my $ws = $open->();
        $report{fresh}++;
        $report{failed}++ unless $ws->open && say_hello(\%report, $ws);
        $ws->conn->close;
    }
    $report{alive} = @old;
    return \%report;
}

# Clients of WebSockets in a process of their own: those that live as long as it does, and short
# ones. The function that ends it returns its report.
sub sockets
{
    my ($t) = @_;
    my $port = $t->port;

    pipe my $told, my $tell or die "pipe: $!";
    pipe my $in, my $out or die "pipe: $!";
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP ALRM);
        close $tell;
        my $report = eval { converse($port, $told) } // {failed => 1, reason => $@};
        syswrite $out, encode_json($report);
        POSIX::_exit(0);
    }
    close $out;
    return sub {
        close $tell;
        my $text = do { local $/; readline $in };
        waitpid $pid, 0;
        return decode_json($text || '{"failed":1,"reason":"it broke off"}');
    };
}

# --- what processes need ------------------------------------------------------------------------

# RssAnon in KiB and the number of descriptors, by process.
sub usage
{
    my ($t) = @_;
    my %usage;

    for my $pid ($t->master_pid, $t->worker_pids) {
        my ($anon) = slurp("/proc/$pid/status") =~ /^RssAnon:\s+(\d+)/m;
        $usage{$pid} = {anon => $anon, files => scalar(my @files = glob "/proc/$pid/fd/*")};
    }
    return \%usage;
}

# The usage when the connections of a load that has ended are gone, on both sides.
sub settled
{
    my ($t) = @_;
    my %ports = map { $t->port($_) => 1 } 0 .. SOCKET;

    wait_for {
        !grep { $_->{state} == 1 && ($ports{$_->{remote}} || $ports{$_->{local}}) } tcp_sockets()
    } 15, 'an end of the connections';
    return usage($t);
}

# How many connections a worker gets is chance, and what they needed stays with it: more of them at
# first than later, in every worker.
sub crowd
{
    my ($t) = @_;
    my @conns = map { Test::Weir::Conn->new($t->port) } 1 .. CROWD;

    $_->write("GET / HTTP/1.1\r\nHost: a\r\n\r\n") for @conns;
    $_->read_response for @conns;
    # Bodies that come in large pieces have large buffers.
    my @uploads = @conns[0 .. UPLOADS - 1];
    $_->write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 400000\r\n\r\n" . 'u' x 200_000)
        for @uploads;
    $_->write('u' x 200_000) for @uploads;
    $_->read_response for @uploads;
}

sub check
{
    my ($what, $report, $words) = @_;
    my $answered = $report->{answered};

    is($report->{failed}, 0, "$what: no request failed") or diag("@{$report->{reasons}}");
    is($report->{closed_by_server}, 0, "$what: no connection was closed");
    is($report->{reused_race}, 0, "$what: nor while a request was on its way");
    is($words->{failed}, 0, "$what: no WebSocket failed") or diag($words->{reason});
    is($words->{alive}, SOCKETS, "$what: nor was one closed");
    diag("$what: $report->{requests} requests, " . join ', ', map { "$_ $answered->{$_}" }
        sort keys %$answered);
    diag("$what: $words->{words} words on WebSockets, $words->{fresh} short ones");
}

# --- the soak -----------------------------------------------------------------------------------

my $t = Test::Weir->new(name => 'reloads');
my ($failed, $wrong) = (0, 0);

sub reload_many
{
    my ($from, $to) = @_;

    for my $n ($from .. $to) {
        my $shape = $n == FIRST / 2 ? LARGEST : $n == $reloads ? FIRST : $n;
        configure($t, $n, $shape);
        my $run = $t->run_conf('-s', 'reload');     # the library looks at every socket there is
        $failed++, diag("reload $n: $run->{err}") if $run->{status};
        my $said = get($t->port, '/')->{body};
        $wrong++, diag("reload $n: $said") if $said ne $n;
    }
}

$t->write_file('html/large', join '', map { pack 'N', rand 2**32 } 1 .. 500_000);
my $origin = origin($t);
my $echo = Test::Weir::Backend->new($t->port(SOCKET), echo());
configure($t, 0, 0);
$t->start(cold => 1);
my @workers = $t->worker_pids;
crowd($t);
my ($load, $sockets) = (load($t), sockets($t));
reload_many(1, FIRST);
# Long enough for each worker to have met as many clients at once as it will later.
my $met = time + 5;
wait_for { time > $met } 10, 'enough clients';
check('first reloads', $load->stop, $sockets->());
my $first = settled($t);

my $begin = time;
($load, $sockets) = (load($t), sockets($t));
reload_many(FIRST + 1, $reloads);
my $took = time - $begin;
check("$reloads reloads", $load->stop, $sockets->());
is($failed, 0, 'each succeeded');
is($wrong, 0, 'and was at once what new requests saw');
is_deeply([$t->worker_pids], \@workers, 'the workers are the same');
diag(sprintf '%d reloads in %.1f s', $reloads - FIRST, $took);

my $last = settled($t);
for my $pid (sort { $a <=> $b } keys %$first) {
    my ($was, $is) = ($first->{$pid}, $last->{$pid});
    my $who = $pid == $t->master_pid ? 'master' : "worker $pid";
    is($is->{files}, $was->{files}, "$who: as many descriptors as after " . FIRST);
    cmp_ok($is->{anon}, '<=', $was->{anon} * 1.05, "$who: not 5 % more memory");
    diag("$who: $was->{anon} KiB, then $is->{anon} KiB; $is->{files} descriptors");
}
$t->stop('QUIT');

done_testing();
