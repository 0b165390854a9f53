#!/usr/bin/perl

# Signals to the master and to workers, graceful and fast ends, the pid file, and what a process is:
# its title, user, limits, CPUs, folder.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::IP;
use POSIX ();
use Test::Weir;
use Test::Weir::Util qw(alive poll_until slurp);

# A sanitizer would make an exit of a death by SIGSEGV.
$ENV{ASAN_OPTIONS} .= ':handle_segv=0' if $ENV{ASAN_OPTIONS};

my $name = Test::Weir::program();

# A configuration: $main for the main context, $text for what the server says.
sub conf
{
    my ($main, $text) = @_;

    $text //= 'text';
    return <<"END";
error_log logs/error.log info;
pid logs/weir.pid;
$main
events { }
http {
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { root html; }
        location /text { return 200 "$text\\n"; }
    }
}
END
}

sub server
{
    my ($what, $main, %opt) = @_;
    my $daemon = delete $opt{daemon};
    my $t = Test::Weir->new(name => $what);

    $t->write_file('html/large', 'x' x 8_000_000);
    $t->write_conf(conf($main));
    $daemon ? $t->start_daemon(%opt) : $t->start(%opt);
    return $t;
}

# One test: the condition comes true in time.
sub comes(&$)
{
    my ($condition, $what) = @_;

    return ok(poll_until(undef, $condition), $what);
}

sub logged
{
    my ($t, $pattern, $what) = @_;

    return comes { $t->error_log =~ $pattern } $what;
}

sub ask { return get($_[0]->port, '/text')->{body} // '' }

# A connection on which a large answer has begun, of which more is to come.
sub download
{
    my ($t) = @_;
    my $conn = Test::Weir::Conn->new($t->port);

    $conn->write("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
    $conn->read_until(qr/\r\n\r\n/);
    return $conn;
}

# A connection on which one request was answered.
sub idle
{
    my ($t) = @_;
    my $conn = Test::Weir::Conn->new($t->port);

    $conn->write("GET /text HTTP/1.1\r\nHost: a\r\n\r\n");
    is($conn->read_response->{body}, "text\n", 'a connection that is kept');
    $conn->quiet;
    return $conn;
}

# The server closes a connection whose answer, which began before the graceful end, is complete.
sub closed
{
    my ($conn, $what) = @_;

    ok($conn->eof(1), $what);
    $conn->close;
}

sub replaced
{
    my ($t, $pid, $count, $what) = @_;

    comes { my @now = $t->worker_pids; @now == $count && !grep { $_ == $pid } @now } $what;
}

sub status_of
{
    my ($pid, $field) = @_;
    my ($value) = (slurp("/proc/$pid/status") // '') =~ /^$field:\s*(.*)$/m;

    return $value;
}

sub limit_of
{
    my ($pid, $limit) = @_;
    my ($soft, $hard) = (slurp("/proc/$pid/limits") // '') =~ /^\Q$limit\E\s+(\S+)\s+(\S+)/m;

    return defined $hard ? "$soft $hard" : '';
}

# Fields of /proc/PID/stat, counted as proc(5) does.
sub stat_of
{
    my ($pid, $field) = @_;
    my ($rest) = (slurp("/proc/$pid/stat") // return -1) =~ /\) (.*)/s;

    return (split ' ', $rest)[$field - 3];
}

# --- the ends of a server -------------------------------------------------------------------------

for my $case (
    ['TERM', 15, 'exiting'], ['INT', 2, 'exiting'], ['QUIT', 3, 'shutting down'],
    )
{
    my ($signal, $number, $does) = @$case;
    my $t = server("SIG$signal", 'worker_processes 2;');
    my $file = $t->pid_file;
    my $pid = $t->{pid};
    is(slurp($file), "$pid\n", "SIG$signal: the pid file");
    is(sprintf('%o', (stat $file)[2] & 07777), '644', "SIG$signal: its mode");
    is(ask($t), "text\n", "SIG$signal: served before");
    $t->stop($signal);
    like($t->error_log,
        qr/\[notice\] $pid#$pid: signal $number \(SIG$signal\) received from $$, $does$/m,
        "SIG$signal: logged");
    like($t->error_log, qr/\[notice\] $pid#$pid: exit$/m, "SIG$signal: and the end");
    is(() = $t->error_log =~ /worker process \d+ exited with code 0$/mg, 2,
        "SIG$signal: the workers had ended well");
    ok(!glob($t->dir . '/logs/*.control'), "SIG$signal: no socket is left");
}

# Graceful: downloads go on to their end, idle connections are closed, nobody gets in.
{
    my $t = server('graceful', 'worker_processes 2;');
    my @downloads = map { download($t) } 1 .. 3;
    my $kept = idle($t);
    $t->signal('QUIT');
    ok($kept->eof, 'graceful: a connection that was idle is closed');
    my $title = wait_for { (grep { /is shutting down/ } values %{$t->children})[0] } 5, 'a title';
    is($title, "$name: worker process is shutting down", 'graceful: the title of a worker');
    comes { !eval { Test::Weir::Conn->new($t->port) } } 'graceful: no more connections';
    ok(alive($t->{pid}), 'graceful: the master waits');
    is(length($_->read_bytes(8_000_000)), 8_000_000,
        'graceful: a download is whole') for @downloads;
    closed($_, 'graceful: its connection is closed then') for @downloads;
    $t->stop(undef, gone => 1);
    is(() = $t->error_log =~ /gracefully shutting down$/mg, 2, 'graceful: logged by each worker');
}

# A fast end does not wait, neither alone nor after a graceful one has begun.
for my $first ('', 'QUIT') {
    my $t = server("fast after '$first'", 'worker_processes 1;');
    my $download = download($t);
    if ($first) {
        $t->signal($first);
        logged($t, qr/gracefully shutting down/, 'a graceful end has begun');
        $t->allow_log(qr/open socket #\d+ left in connection|\baborting$/) if on_oracle();
    }
    $t->stop('TERM');
    cmp_ok(length $download->read_all, '<', 8_000_000,
        "fast after '$first': a download is cut off");
}

{
    my $t = server('bounded', 'worker_shutdown_timeout 100ms;');
    my $download = download($t);
    $t->stop('QUIT');
    cmp_ok(length $download->read_all, '<', 8_000_000, 'worker_shutdown_timeout ends a download');
}

# --- reload ---------------------------------------------------------------------------------------

{
    my $t = server('HUP', 'worker_processes 2;', cold => 1);
    my $pid = $t->{pid};
    $t->write_conf(conf('worker_processes 4;', 'new'));
    $t->signal('HUP');
    logged($t, qr/\[notice\] $pid#$pid: signal 1 \(SIGHUP\) received from $$, reconfiguring$/m,
        'HUP');
    comes { ask($t) eq "new\n" } 'HUP: the new configuration';
    comes { $t->worker_pids == 4 } 'HUP: four workers';
    $t->write_conf(conf('worker_processes 1;', 'newer'));
    $t->signal('HUP');
    comes { $t->worker_pids == 1 } 'HUP: one worker';
    comes { ask($t) eq "newer\n" } 'HUP: which answers';

    $t->allow_log(qr/unknown directive "nonsense"/);
    $t->write_conf(conf('nonsense on;', 'never'));
    $t->signal('HUP');
    logged($t, qr/\[emerg\] $pid#$pid: unknown directive "nonsense" in /, 'HUP: a broken file');
    is(ask($t), "newer\n", 'HUP: the old one goes on');
    is($t->master_pid, $pid, 'HUP: the same master');

    # The pid file moves with its directive.
    my $old = $t->pid_file;
    $t->write_conf(conf('', 'moved') =~ s/weir\.pid/moved.pid/r);
    kill HUP => $pid;
    comes { (slurp($t->pid_file) // '') eq "$pid\n" } 'HUP: a new pid file';
    comes { !-e $old } 'HUP: the old one is gone';
    comes { ask($t) eq "moved\n" } 'HUP: with its configuration';
    is($t->run_conf('-s', 'reload')->{status}, 0, 'HUP: -s finds it');
    $t->stop;
}

# --- WINCH, and what means nothing to a master ----------------------------------------------------

{
    my $t = server('foreground', 'worker_processes 2;', cold => 1);
    my @before = $t->worker_pids;
    my $kept = idle($t);
    for my $signal ('WINCH', 'ALRM', 'IO', 'CHLD', 'PIPE', 'SYS') {
        $t->signal($signal);
        is(ask($t), "text\n", "foreground, SIG$signal: it goes on");
    }
    logged($t, qr/signal 28 \(SIGWINCH\) received from $$/, 'foreground: WINCH is logged');
    is("@{[$t->worker_pids]}", "@before", 'foreground: in the same workers');
    ok($kept->quiet, 'foreground: no connection is closed');
    $t->stop;
}
{
    my $t = server('background', 'worker_processes 2;', daemon => 1);
    my $pid = $t->master_pid;
    $t->signal('WINCH');
    logged($t, qr/signal 28 \(SIGWINCH\) received from $$, stop accepting connections$/m,
        'background: WINCH is logged');
    comes { !%{$t->children} } 'background: the workers go';
    ok(alive($pid), 'background: the master stays');
    my $waiting = Test::Weir::Conn->new($t->port);
    $waiting->write("GET /text HTTP/1.0\r\n\r\n");
    $t->signal('HUP');
    comes { $t->worker_pids == 2 } 'background: HUP brings workers back';
    is($waiting->read_response->{body}, "text\n", 'background: who came meanwhile is served');
    $waiting->close;
    $t->stop;
}

# --- signals to workers ---------------------------------------------------------------------------

{
    my $t = server('workers', 'worker_processes 2;');
    for my $signal ('HUP', 'USR2', 'PIPE', 'SYS', 'WINCH', 'CHLD') {
        my @before = $t->worker_pids;
        kill $signal => @before;
        is(ask($t), "text\n", "worker, SIG$signal: served");
        is("@{[$t->worker_pids]}", "@before", "worker, SIG$signal: by the same workers");
    }
    for my $case (['TERM', 15], ['INT', 2], ['QUIT', 3]) {
        my ($signal, $number) = @$case;
        my ($pid) = $t->worker_pids;
        kill $signal => $pid;
        replaced($t, $pid, 2, "worker, SIG$signal: replaced");
        logged($t, qr/\[notice\] $pid#$pid: signal $number \(SIG$signal\) received from $$, /,
            "worker, SIG$signal: it logged that");
        logged($t, qr/\[notice\] \d+#\d+: worker process $pid exited with code 0$/m,
            "worker, SIG$signal: it ended well");
        is(ask($t), "text\n", "worker, SIG$signal: served");
    }
    $t->allow_log(qr/exited on signal|died \d+ times in a row/);
    for my $case (['KILL', 9], ['SEGV', 11]) {
        my ($signal, $number) = @$case;
        my ($pid) = $t->worker_pids;
        kill $signal => $pid;
        replaced($t, $pid, 2, "worker, SIG$signal: replaced");
        logged($t, qr/\[alert\] \d+#\d+: worker process $pid exited on signal $number/,
            "worker, SIG$signal: logged");
        is(ask($t), "text\n", "worker, SIG$signal: served");
    }
    $t->stop;
}
{
    my $t = server('a graceful worker', 'worker_processes 1;');
    my ($pid) = $t->worker_pids;
    my $download = download($t);
    kill QUIT => $pid;
    logged($t, qr/\[notice\] $pid#$pid: gracefully shutting down/, 'a graceful worker: it begins');
    is(length($download->read_bytes(8_000_000)), 8_000_000,
        'a graceful worker: its download is whole');
    closed($download, 'a graceful worker: its connection is closed then');
    replaced($t, $pid, 1, 'a graceful worker: replaced');
    is(ask($t), "text\n", 'a graceful worker: served');
    $t->stop;
}

# --- daemon, master_process -----------------------------------------------------------------------

{
    my $t = server('daemon', '', daemon => 1);
    my $pid = $t->master_pid;
    is(stat_of($pid, 6), $pid, 'daemon: a session of its own');
    is(stat_of($pid, 7), 0, 'daemon: no terminal');
    is(slurp($t->pid_file), "$pid\n", 'daemon: the pid file names the process that stays');
    if ($> == 0) {
        is(readlink "/proc/$pid/fd/$_", '/dev/null', "daemon: descriptor $_") for 0, 1;
        is(readlink "/proc/$pid/fd/2", $t->dir . '/logs/error.log',
            'daemon: standard error is the log');
    }
    is($t->run_conf('-s', 'quit')->{status}, 0, 'daemon: -s quit');
    $t->stop(undef, gone => 1);
}
{
    my $t = server('single', 'master_process off;');
    my $pid = $t->{pid};
    is(slurp($t->pid_file), "$pid\n", 'single: the pid file');
    is(ask($t), "text\n", 'single: it serves itself');
    is(scalar(keys %{$t->children}), 0, 'single: there is no other process');
    unlike(slurp("/proc/$pid/cmdline"), qr/: \w+ process/, 'single: no title');
    unless (skipped('single: HUP', differs => 'nginx has no connections left for the new one')) {
        $t->write_conf(conf('master_process off;', 'again'));
        $t->signal('HUP');
        comes { ask($t) eq "again\n" } 'single: HUP';
    }
    rename $t->dir . '/logs/error.log', $t->dir . '/logs/old.log';
    $t->signal('USR1');
    comes { -e $t->dir . '/logs/error.log' } 'single: USR1';
    my $download = download($t);
    $t->signal('QUIT');
    unless (skipped('single: QUIT', differs => 'nginx without a master ends at once')) {
        is(length($download->read_bytes(8_000_000)), 8_000_000,
            'single: QUIT waits for a download');
        closed($download, 'single: and closes its connection then');
    }
    $t->stop(undef, gone => 1);
}
for my $signal ('TERM', 'INT') {
    my $t = server("single, SIG$signal", 'master_process off;');
    $t->stop($signal);
}

# --- titles, users, limits ------------------------------------------------------------------------

{
    my $t = Test::Weir->new(name => 'properties');
    mkdir $t->dir . '/cores';
    my $main = <<"END";
worker_processes 2;
worker_priority 15;
worker_rlimit_nofile 512;
worker_rlimit_core 3m;
worker_cpu_affinity 01 01;
working_directory @{[$t->dir]}/cores;
END
    $main .= "user nobody nogroup;\n" if $> == 0;
    $t->write_conf(conf($main));
    $t->start(cold => 1);
    my $pid = $t->{pid};
    my @workers = $t->worker_pids;
    like(slurp("/proc/$pid/cmdline") =~ tr/\0/ /r,
        qr/^$name: master process \Q@{[Test::Weir::binary()]}\E /,
        'the title of the master has its arguments');
    is(stat_of($pid, 19), stat_of($$, 19), 'worker_priority is not that of the master');
    for my $worker (@workers) {
        # It is there before it has become what it shall be.
        wait_for { $> != 0 || status_of($worker, 'CapEff') =~ /^0+$/ } 10, 'a worker without rights';
        is(stat_of($worker, 19), 15, 'worker_priority');
        is(limit_of($worker, 'Max open files'), '512 512', 'worker_rlimit_nofile');
        is(limit_of($worker, 'Max core file size'), '3145728 3145728', 'worker_rlimit_core');
        is(status_of($worker, 'Cpus_allowed_list'), '0', 'worker_cpu_affinity');
        next if $> != 0;
        is(readlink "/proc/$worker/cwd", $t->dir . '/cores', 'working_directory');
        my ($uid, $gid) = (scalar(getpwnam 'nobody'), scalar(getgrnam 'nogroup'));
        is(status_of($worker, 'Uid'), join("\t", ($uid) x 4), 'user');
        is(status_of($worker, 'Gid'), join("\t", ($gid) x 4), 'its group');
        is(status_of($worker, 'CapEff'), '0' x 16, 'no capabilities');
    }
    $t->write_conf(conf($main =~ s/worker_priority 15/worker_priority 17/r =~ s/512/600/r));
    $t->signal('HUP');
    comes {
        my @now = $t->worker_pids;
        @now == 2 && !grep { stat_of($_, 19) != 17 || limit_of($_,
            'Max open files') ne '600 600' } @now;
    } 'they change with a reload';
    $t->stop;
}
{
    my ($allowed) = status_of($$, 'Cpus_allowed_list');
    my $t = server('auto', "worker_processes 2;\nworker_cpu_affinity auto;", cold => 1);
    my @lists = map { status_of($_, 'Cpus_allowed_list') } $t->worker_pids;
    is(scalar(grep { /^\d+$/ } @lists), 2, 'worker_cpu_affinity auto: one CPU each');
    isnt($lists[0], $lists[1], 'worker_cpu_affinity auto: not the same') if $allowed =~ /[-,]/;
    $t->stop;
}

# --- starts that fail -----------------------------------------------------------------------------

{
    my $t = server('occupied', '');
    my $port = $t->port;
    $t->allow_log(qr/bind\(\) to .* failed|still could not bind/);
    my $other = sub {
        my ($text) = @_;
        $t->write_file('conf/other.conf',
            on_oracle() ? Test::Weir::Conf::oracle_text($text) : $text);
        return $t->run_cli('-p', $t->dir, '-c', 'conf/other.conf', '-e', 'logs/second.log', '-g',
            'daemon off;');
    };
    my $second = $other->(conf('') =~ s/weir\.pid/second.pid/r =~ s/error\.log/second.log/r);
    is($second->{status}, 1, 'a second server on the port');
    my $line = qr/bind\(\) to 127\.0\.0\.1:$port failed \(98: Address already in use\)/;
    is(() = $second->{err} =~ /^$name: \[emerg\] $line$/mg, 5, 'tries five times');
    like($second->{err}, qr/^$name: \[emerg\] still could not bind\(\)\n\z/m, 'and gives up');
    like($t->error_log('logs/second.log'), qr/\[emerg\] \d+#\d+: $line/, 'logged, too');
    ok(!-e $t->dir . '/logs/second.pid', 'without a pid file') unless on_oracle();
    is(ask($t), "text\n", 'the first goes on');

    unless (skipped('the same pid file', differs => 'nginx overwrites that of a living server')) {
        $second = $other->(conf('') =~ s/PORT/PORT1/r);
        is($second->{status}, 1, 'a second server with the pid file of the first');
        like($second->{err},
            qr/^weir: \[emerg\] "[^"]*weir\.pid" belongs to a server that is running$/m,
            'says so');
        is(slurp($t->pid_file), "$t->{pid}\n", 'and the file stays');
    }
    $t->stop;
}
{
    my $t = Test::Weir->new(name => 'patient');
    my $port = $t->port;
    my $holder = IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => $port, Listen => 1,
        ReuseAddr => 1) or die "listen: $!";
    $t->allow_log(qr/bind\(\) to .* failed/);
    $t->write_conf(conf(''));
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        poll_until(undef, sub { ($t->stderr . $t->error_log) =~ /bind\(\) to/ });
        POSIX::_exit(0);
    }
    $holder->close;
    $t->start(cold => 1);
    waitpid $pid, 0;
    is(ask($t), "text\n", 'an address that becomes free while it is tried');
    $t->stop;
}
{
    my $t = Test::Weir->new(name => 'no folder');
    $t->write_conf(conf('') =~ s{logs/weir\.pid}{missing/weir.pid}r);
    my $run = $t->run_conf('-g', 'daemon off;');
    is($run->{status}, 1, 'a pid file that cannot be');
    like($run->{err}, qr{\[emerg\] .*open\(\) "[^"]*/missing/weir\.pid" failed \(2: No such file},
        'says so');
}

# What a killed server leaves does not keep the next one from starting.
unless (skipped('after SIGKILL', differs => 'the workers of nginx live on')) {
    my $t = server('killed', '');
    my ($pid, @workers) = ($t->{pid}, $t->worker_pids);
    $t->stop('KILL', expect => 137, orphans => 1);
    comes { !grep { alive($_) } @workers } 'killed: its workers go';
    is(slurp($t->pid_file), "$pid\n", 'killed: the pid file is left');
    $t->start;
    isnt($t->master_pid, $pid, 'killed: the next one starts');
    is(ask($t), "text\n", 'killed: and serves');
    is($t->run_conf('-s', 'reload')->{status}, 0, 'killed: and can be reached');
    $t->stop;
}

done_testing();
