#!/usr/bin/perl

# Workers that die: killed one after another under load, and then all of them again and again by
# requests that abort. They are replaced at once, a storm is backed off, and the server recovers.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::Weir;
use Test::Weir::Load;
use Test::Weir::Util qw(slurp);
use Time::HiRes qw(time);

# A worker that dies within so many seconds of its start may have to wait for its replacement.
use constant {SOON => 5.5, WORKERS => 8};

my $kills = $ENV{WEIR_KILLS} // 32;

sub conf
{
    my ($workers, $more) = @_;

    return <<"END";
worker_processes $workers;
error_log logs/error.log notice;
events { }
http {
    access_log off;
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { return 200 "fine"; }
        location /large { root html; }
        $more
    }
}
END
}

# Children of the master, read in one go: what is measured is short.
sub pids
{
    my ($t) = @_;
    my $master = $t->master_pid;

    return split ' ', slurp("/proc/$master/task/$master/children") // die "no list of children\n";
}

# --- killed one by one --------------------------------------------------------------------------

my $t = Test::Weir->new(name => 'killed');
$t->allow_log(qr/exited on signal 9/);
$t->write_file('html/large', join '', map { pack 'N', rand 2**32 } 1 .. 1_000_000);
$t->write_conf(conf(WORKERS, ''));
$t->start(cold => 1);
my $load = Test::Weir::Load->start(port => $t->port, like => qr/^fine$/, keepalive => 12,
    fresh => 6, idle => 8, download => 2, file => $t->dir . '/html/large');

# Those of the start at once, and then always the oldest, when it is old enough.
my @queue = map { {pid => $_, from => 0} } pids($t);
my @took;
while (@took < $kills) {
    my $victim = (shift @queue)->{pid};
    my %before = map { $_ => 1 } pids($t);
    my $from = time;
    kill KILL => $victim;
    my $new;
    until ($new || time > $from + limit()) {
        ($new) = grep { !$before{$_} } pids($t);
        select undef, undef, undef, 0.0005 unless $new;
    }
    last unless $new;
    push @took, 1000 * (time - $from);
    push @queue, {pid => $new, from => time + SOON};
    wait_for { time > $queue[0]{from} } 10, 'a worker that is old enough';
}
my $report = $load->stop;

is(scalar(@took), $kills, "$kills workers were killed and replaced");
wait_for { $t->worker_pids == WORKERS } 10, 'all workers';
is(scalar($t->worker_pids), WORKERS, 'all are there in the end');
is($report->{failed}, $report->{cut}, 'no client was refused, forgotten or given something else')
    or diag("@{$report->{reasons}}");
unlike($t->error_log, qr/in a row/, 'and nobody had to wait');
@took = sort { $a <=> $b } @took;
cmp_ok($took[-1], '<', 1000 * limit(1), 'none was long without a replacement');
diag(sprintf 'a replacement is there after %.1f ms, at most %.1f ms', $took[@took / 2], $took[-1]);
diag("$_: $report->{$_}") for qw(requests cut closed_by_server reused_race);
$t->stop('QUIT');

# --- a storm ------------------------------------------------------------------------------------

$ENV{WEIR_BINARY} = $ENV{WEIR_FAULTS} // "$FindBin::Bin/../../objs/weir-faults";
$t = Test::Weir->new(name => 'storm');
$t->allow_log(qr/exited on signal 6/, qr/died \d+ times in a row soon after its start/);
$t->write_conf(conf(2, 'location /abort { fault abort; }'));
$t->start(cold => 1);
my $begin = time;

sub started { return scalar(() = $t->error_log =~ /start worker process/g) }

# Clients that come again and again, until both workers have died often.
sub backed_off
{
    my ($worker) = @_;

    return $t->error_log =~ /worker $worker died \d+ times .* starts in 1600 ms/;
}
wait_for { get($t->port, '/abort'); backed_off(0) && backed_off(1) } 60, 'two that back off';
for my $worker (0, 1) {
    my @waits = $t->error_log =~ /worker $worker died \d+ times in a row .* starts in (\d+) ms/g;
    is_deeply([@waits[0 .. 4]], [100, 200, 400, 800, 1600], "worker $worker: waits grow");
}
my $starts = started();
cmp_ok($starts, '<=', 18, "few starts while it lasts: $starts");
diag(sprintf '%d starts in a storm of %.1f s', $starts, time - $begin);

sub answered { return scalar grep { (get($t->port, '/')->{body} // '') eq 'fine' } 1 .. 50 }

# While one of them waits, the other accepts for it. On a slow machine the wait may end too early
# to see that, but the next is longer.
wait_for { $t->worker_pids == 2 } 30, 'two workers';
my $alone;
for (1 .. 4) {
    my ($one) = $t->worker_pids;
    $t->allow_log(qr/exited on signal 9/);
    kill KILL => $one;
    wait_for { $t->worker_pids == 1 } 5, 'one worker';
    my $before = started();
    my $answers = answered();
    $alone = $answers == 50 && started() == $before;
    last if $alone || $answers < 50;
    wait_for { $t->worker_pids == 2 } 30, 'two workers';
}
ok($alone, 'requests are answered while a worker waits for its replacement');

wait_for { $t->worker_pids == 2 } 30, 'two workers';
is(answered(), 50, 'after the storm each request is answered');
my $alerts = () = $t->error_log =~ /in a row/g;
my $recovered = time + SOON;
wait_for { time > $recovered } 10, 'workers that are old enough';
my ($victim) = $t->worker_pids;
kill KILL => $victim;
wait_for { my @now = $t->worker_pids; @now == 2 && !grep { $_ == $victim } @now } 5, 'another';
is(scalar(() = $t->error_log =~ /in a row/g), $alerts, 'the storm is forgotten');
$t->stop('QUIT');

done_testing();
