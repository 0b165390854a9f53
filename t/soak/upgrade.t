#!/usr/bin/perl

# Twenty binary upgrades under load (WEIR_UPGRADES says how many): each new master takes over the
# sockets of the one before, with more workers or fewer, and no request fails. Idle connections live
# for a second only, since an old worker stays as long as its clients do.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use List::Util qw(max);
use Test::Weir;
use Test::Weir::Load;
use Test::Weir::Util qw(alive slurp);
use Time::HiRes qw(time);

my $upgrades = $ENV{WEIR_UPGRADES} // 20;

sub conf
{
    my ($workers) = @_;

    return <<"END";
worker_processes $workers;
error_log logs/error.log notice;
events { }
http {
    access_log off;
    keepalive_timeout 1s;
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { return 200 "fine"; }
        location /large { root html; }
    }
}
END
}

my $t = Test::Weir->new(name => 'upgrades');
# More than the kernel buffers, so that a download needs its worker for long.
$t->write_file('html/large', join '', map { pack 'N', rand 2**32 } 1 .. 2_000_000);
$t->write_conf(conf(2));
$t->start_daemon;
my $load = Test::Weir::Load->start(port => $t->port, like => qr/^fine$/, keepalive => 8, fresh => 4,
    idle => 6, download => 2, file => $t->dir . '/html/large');
my (@waits, $done);
for my $n (1 .. $upgrades) {
    my $old = $t->master_pid;
    my $began = time;
    $t->write_conf(conf($n == $upgrades ? 2 : 1 + $n % 3));
    $t->signal('USR2');
    wait_for { (slurp($t->pid_file) // '') =~ /^(\d+)\n/ && $1 != $old } 10, "master $n" or last;
    push @waits, 1000 * (time - $began);
    kill QUIT => $old;
    wait_for { !alive($old) } 30, "the end of master $old" or last;
    $done++;
}
my $report = $load->stop;

is($done, $upgrades, "$upgrades upgrades");
is($report->{failed}, 0, 'no request failed') or diag("@{$report->{reasons}}");
cmp_ok($report->{answered}{$_}, '>=', $upgrades, "many answers, $_") for qw(keepalive fresh);
cmp_ok($report->{answered}{download}, '>=', 2, 'and downloads');
ok(!-e $t->pid_file . '.oldbin', 'no pid file of an old master');
is(scalar($t->worker_pids), 2, 'two workers, as at first');
diag(sprintf 'a new master is there after %.0f ms at most', max @waits);
diag("$_: $report->{$_}") for qw(requests failed closed_by_server reused_race);
$t->stop('QUIT');

done_testing();
