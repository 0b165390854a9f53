#!/usr/bin/perl

# A thousand reloads under load (WEIR_RELOADS says how many): no client notices one, the workers are
# the same processes, and they and the master need no more memory and descriptors than at first.
# After that the same with nginx (NGINX names it), to know what the load would have noticed.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::Weir;
use Test::Weir::Load;
use Test::Weir::Util qw(slurp);
use Time::HiRes qw(time);

# LARGEST is the largest of all shapes. It is among the first, since memory that was needed once may
# stay with a process.
use constant {FIRST => 10, LARGEST => 258, BESIDE => 50, PORTS => 4, CROWD => 200, UPLOADS => 24};

my $reloads = $ENV{WEIR_RELOADS} // 1000;
my $nginx = $ENV{NGINX} // '/usr/sbin/nginx';

# Configuration $n: it says its number, and has more or fewer servers, locations and ports than the
# one before. What it looks like is that of $shape.
sub configure
{
    my ($t, $n, $shape) = @_;
    my $locations = join "\n", map { "location /l$_ { return 200 \"$n $_\"; }" } 1 .. $shape % 37;
    my $ports = join "\n", map {
        "server { listen 127.0.0.1:%%PORT$_%%; return 200 \"$n\\n\"; }"
    } grep { ($shape + $_) % 3 } 1 .. PORTS;

    $t->write_file('conf/locations.conf', $locations);
    $t->write_file('conf/servers.conf', join "\n", map {
        "server { listen 127.0.0.1:%%PORT%%; server_name s$_; include locations.conf; }"
    } 1 .. $shape % 7);
    $t->write_conf(<<"END");
worker_processes 2;
error_log logs/error.log warn;
events { }
http {
    access_log off;
    keepalive_timeout 1h;
    server {
        listen 127.0.0.1:%%PORT%% default_server;
        location / { return 200 "$n\\n"; }
        location /large { root html; }
        include locations.conf;
    }
    include servers.conf;
    $ports
}
END
}

sub load
{
    my ($t) = @_;

    return Test::Weir::Load->start(port => $t->port, like => qr/^\d+$/, pause => 0.02,
        keepalive => 8, fresh => 4, idle => 10, pipelined => 3, upload => 2, range => 3,
        download => 2, file => $t->dir . '/html/large');
}

sub server
{
    my ($name) = @_;
    my $t = Test::Weir->new(name => $name);

    $t->write_file('html/large', join '', map { pack 'N', rand 2**32 } 1 .. 2_000_000);
    configure($t, 0, 0);
    $t->start(cold => 1);
    return $t;
}

# RssAnon in KiB and the number of descriptors, by process.
sub usage
{
    my ($t) = @_;
    my %usage;

    for my $pid ($t->master_pid, $t->worker_pids) {
        my ($anon) = slurp("/proc/$pid/status") =~ /^RssAnon:\s+(\d+)/m;
        my @files = map { readlink // '' } glob "/proc/$pid/fd/*";
        $usage{$pid} = {anon => $anon, files => scalar @files,
            cached => scalar grep { m{/html/} } @files};
    }
    return \%usage;
}

# The usage when the connections of a load that has ended are gone.
sub settled
{
    my ($t, $files) = @_;
    my $usage;

    wait_for {
        my $last = $usage;
        $usage = usage($t);
        $last && !grep {
            $usage->{$_}{files} != ($files // $last)->{$_}{files} || $usage->{$_}{cached}
        } keys %$usage;
    } 15, 'an end of the connections';
    return $usage;
}

# What a port that is configured answers, or "refused".
sub ask
{
    my ($t, $port) = @_;

    return eval { get($t->port($port), '/')->{body} } // 'refused';
}

sub wrong
{
    my ($t, $n, $shape) = @_;

    return grep {
        ask($t, $_) ne (!$_ || ($shape + $_) % 3 ? "$n\n" : 'refused')
    } 0 .. PORTS;
}

skip_file(differs => 'a reload keeps workers and connections') if on_oracle();
my $t = server('reloads');
my @workers = $t->worker_pids;
my ($failed, $wrong) = (0, 0);

sub reload_many
{
    my ($from, $to) = @_;

    for my $n ($from .. $to) {
        my $shape = $n == FIRST / 2 ? LARGEST : $n == $reloads ? FIRST : $n;
        configure($t, $n, $shape);
        my $run = $t->run_conf('-s', 'reload');     # the library looks at every socket there is
        $failed++, diag("reload $n: $run->{err}") if $run->{status};
        my @wrong = wrong($t, $n, $shape);
        $wrong++, diag("reload $n: ports @wrong") if @wrong;
    }
}

sub check
{
    my ($what, $report) = @_;
    my $answered = $report->{answered};

    is($report->{failed}, 0, "$what: no request failed") or diag("@{$report->{reasons}}");
    is($report->{closed_by_server}, 0, "$what: no connection was closed");
    is($report->{reused_race}, 0, "$what: nor while a request was on its way");
    diag("$what: $report->{requests} requests, " . join ', ', map { "$_ $answered->{$_}" }
        sort keys %$answered);
    return;
}

# How many connections a worker gets is chance, and what they needed stays with it: more of them at
# first than later, in every worker.
sub crowd
{
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

crowd();
my $load = load($t);
reload_many(1, FIRST);
# Long enough for each worker to have met as many clients at once as it will later.
sleep 5;
check('first reloads', $load->stop);
my $first = settled($t);

my $begin = time;
$load = load($t);
reload_many(FIRST + 1, $reloads);
my $took = time - $begin;
check("$reloads reloads", $load->stop);
is($failed, 0, 'each succeeded');
is($wrong, 0, 'and was at once what new connections saw, on each port');
is_deeply([$t->worker_pids], \@workers, 'the workers are the same');
diag(sprintf '%d reloads in %.1f s', $reloads - FIRST, $took);

my $last = settled($t, $first);
for my $pid (sort { $a <=> $b } keys %$first) {
    my ($was, $is) = ($first->{$pid}, $last->{$pid});
    my $who = $pid == $t->master_pid ? 'master' : "worker $pid";
    is($is->{files}, $was->{files}, "$who: as many descriptors as after " . FIRST);
    cmp_ok($is->{anon}, '<=', $was->{anon} * 1.05, "$who: not 5 % more memory");
    diag("$who: $was->{anon} KiB, then $is->{anon} KiB; $is->{files} descriptors");
}
$t->stop('QUIT');

SKIP: {
    skip "no $nginx here", 1 unless -x $nginx;
    local $ENV{WEIR_ORACLE} = $nginx;
    my $other = server('nginx');
    my $clients = load($other);
    for my $n (1 .. BESIDE) {
        configure($other, $n, $n);
        $other->reload;
    }
    my $report = $clients->stop;
    diag("nginx, $_: $report->{$_}") for qw(requests failed closed_by_server reused_race);
    diag("nginx: @{$report->{reasons}}") if @{$report->{reasons}};
    $other->allow_log(qr/./);
    $other->stop('TERM');
}

done_testing();
