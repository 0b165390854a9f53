#!/usr/bin/perl

# Workers that fail in the middle of things, by a server with faults built in (t/faults): what a
# reload does then, and what becomes of shared memory.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::Weir;

skip_file(differs => 'a reload keeps workers') if on_oracle();
# Death by a signal is what it is about: a sanitizer would make an exit of it.
$ENV{ASAN_OPTIONS} .= ':handle_segv=0:handle_abort=0' if $ENV{ASAN_OPTIONS};
$ENV{WEIR_BINARY} = $ENV{WEIR_FAULTS} // "$FindBin::Bin/../objs/weir-faults";

sub conf
{
    my ($text, $main) = @_;

    $main //= '';
    return <<"END";
worker_processes 2;
error_log logs/error.log info;
$main
events { }
http {
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { return 200 "$text\\n"; }
        location /write { fault write; }
        location /count { fault count; }
        location /hold { fault hold; }
    }
}
END
}

my $t = Test::Weir->new(name => 'faults');
# Which worker gets a connection is the kernel's choice: the same one may die twice.
$t->allow_log(qr/died \d+ times in a row/);
$t->write_conf(conf('one', 'fault_zone counter 64k;'));
$t->start(cold => 1);

sub text { return get($t->port, '/')->{body} // '' }
sub count { return get($t->port, '/count')->{body} // '' }

sub replaced
{
    my ($pid, $what) = @_;

    wait_for { my @now = $t->worker_pids; @now == 2 && !grep { $_ == $pid } @now } 10, $what;
}

# A worker that cannot prepare: nothing changes anywhere, and the caller is told.
for my $case (
    ['refuse', qr/worker 1 \(process \d+\) refused: it was told to refuse/],
    ['die', qr/worker 1 \(process \d+\) died while it prepared/],
    ['hang', qr/worker 1 \(process (\d+)\) did not answer within 5 s/],
    )
{
    my ($fault, $expected) = @$case;
    my @before = sort $t->worker_pids;
    $t->allow_log(qr/exited on signal 9/) if $fault ne 'refuse';
    $t->write_conf(conf('two', "fault_zone counter 64k; fault_prepare $fault; fault_worker 1;"));
    my ($status, $output) = $t->reload;
    is($status, 1, "$fault: the reload fails");
    like($output, $expected, "$fault: and says which worker, and why");
    is_deeply([sort $t->worker_pids], \@before, "$fault: in the same processes")
        if $fault eq 'refuse';
    wait_for { $t->worker_pids == 2 } 5, "$fault: a replacement" if $fault eq 'die';
    if ($fault eq 'hang') {
        my ($hanging) = $output =~ $expected;
        ok($hanging && kill(KILL => $hanging), 'the worker that hangs is there still');
        replaced($hanging, 'and is replaced when it ends');
    }
    is_deeply([map { text() } 1 .. 8], [("one\n") x 8], "$fault: the old configuration goes on");
}
$t->write_conf(conf('three', 'fault_zone counter 64k;'));
my ($status, $output) = $t->reload;
is($status, 0, 'the next reload succeeds') or diag($output);
is(text(), "three\n", 'and is what runs');

# Configuration is read-only in a worker.
$t->allow_log(qr/exited on signal (?:11|6)/);
is(get($t->port, '/write'), undef, 'a write to the configuration: no answer');
my ($dead) = (wait_for { $t->error_log =~ /process (\d+) exited on signal (?:11|6)/ ? $1 : 0 } 5,
    'the worker died of it');
replaced($dead, 'and was replaced');
is(text(), "three\n", 'nothing else happened');

# Zones.
is(count(), "101 from 0\n", 'a zone, initialised by its first user');
is(count(), "102 from 0\n", 'and counted in');
$t->write_conf(conf('four', 'fault_zone counter 64k;'));
is(($t->reload)[0], 0, 'a reload with the same zone');
is(count(), "103 from 0\n", 'keeps it');
$t->write_conf(conf('five', 'fault_zone counter 1m;'));
is(($t->reload)[0], 0, 'a reload with a larger zone');
like(count(), qr/^104 from \d{5,}$/, 'takes over what was counted');
is(scalar(grep { count() =~ /^\d+ from \d{5,}$/ } 1 .. 8), 8, 'in both workers');
like(count(), qr/^113 /, 'which count together');

# A worker that dies with the lock: the zone is emptied, nobody waits for ever.
$t->allow_log(qr/died while it changed shared memory: zone:fault:counter:\d+ was emptied/);
get($t->port, '/hold');
wait_for { $t->error_log =~ /was emptied/ } 5, 'the master saw a death inside a zone';
wait_for { $t->worker_pids == 2 } 5, 'two workers again';
is(count(), "101 from 0\n", 'the zone begins anew');
is(($t->reload)[0], 0, 'and a reload keeps it');
is(count(), "102 from 0\n", 'as it is');

$t->write_conf(conf('six', ''));
is(($t->reload)[0], 0, 'a reload without the zone');
is(text(), "six\n", 'goes on without it');
$t->write_conf(conf('seven', 'fault_zone counter 64k;'));
is(($t->reload)[0], 0, 'and with it again');
is(count(), "101 from 0\n", 'it is a new one');
$t->stop('QUIT');

done_testing();
