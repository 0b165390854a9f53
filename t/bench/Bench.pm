# What the benchmarks share: a directory for everything, servers pinned to a CPU, and what the
# kernel says about their workers.
# Owns the directory and every process started here; both are gone when the program ends, also by
# a signal.
package Bench;

use strict;
use warnings;
use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use POSIX qw(:signal_h);
use lib dirname(abs_path(__FILE__)) . '/../lib';
use Test::Weir::Conn;
use Test::Weir::Port;
use Test::Weir::Process qw(reap spawn);
use Test::Weir::Util qw(poll_until slurp spew tail);

our @EXPORT_OK = qw(binary cpu_ns directory get memory number_from open_port prepare refresh
    refused run_client start start_server stop);

use constant {SERVER_CPU => 0, CLIENT_CPU => 1};

my ($owner, $top, %running);

# --- the directory and the end ------------------------------------------------------------------

sub prepare
{
    $owner = $$;
    # exit, since a `die` would end only the eval that it happens in.
    $SIG{$_} = sub { exit 1 } for qw(INT TERM HUP PIPE);
    $| = 1;
    $top = tempdir('weir-bench-XXXXXX', TMPDIR => 1);
    chmod 0755, $top;
    -r '/proc/self/schedstat' or die "this kernel has no /proc/PID/schedstat\n";
}

sub directory
{
    my ($name) = @_;

    mkdir "$top/$name";
    return "$top/$name";
}

# A group is killed as a whole, since the workers of a killed master would go on.
sub stop
{
    my ($s) = @_;

    kill TERM => $s->{pid};
    my $status = reap($s->{pid}, 2);
    kill KILL => -$s->{pid};
    reap($s->{pid}, 5) unless defined $status;
    delete $running{$s->{pid}};
}

END {
    if (defined $owner && $owner == $$) {
        my $status = $?;
        $SIG{$_} = 'IGNORE' for qw(INT TERM HUP PIPE);
        stop($_) for values %running;
        system 'rm', '-rf', $top if defined $top;
        $? = $status;
    }
}

# --- processes ----------------------------------------------------------------------------------

sub binary
{
    my ($name) = @_;
    my $path = $name eq 'weir'
        ? $ENV{WEIR_BINARY} // dirname(abs_path(__FILE__)) . '/../../objs/weir'
        : $ENV{NGINX} // '/usr/sbin/nginx';

    return abs_path($path) // die "no $path\n";
}

sub number_from
{
    my ($name, $default) = @_;
    my $value = $ENV{$name} // $default;

    $value =~ /^[1-9]\d*$/ or die "$name=$value is not a positive number\n";
    return $value;
}

# A program on a CPU, its words in a file of the directory `name`.
sub start
{
    my ($name, $cpu, @command) = @_;
    my $out = directory($name) . '/output';

    spew($out, '');
    # A signal has to wait until END can find the process.
    my $signals = POSIX::SigSet->new(SIGINT, SIGTERM, SIGHUP);
    sigprocmask(SIG_BLOCK, $signals);
    my $pid = spawn({out => $out, err => $out, wrap => ['/usr/bin/env', 'taskset', '-c', $cpu],
        before_exec => sub { sigprocmask(SIG_UNBLOCK, $signals) }}, @command);
    my $s = $running{$pid} = {name => $name, pid => $pid, out => $out};
    sigprocmask(SIG_UNBLOCK, $signals);
    return $s;
}

# Runs a program to its end: its status and what it said.
sub _run
{
    my ($env, $seconds, @command) = @_;

    local @ENV{keys %$env} = values %$env;
    my $client = start('client', CLIENT_CPU, @command);
    my $status = reap($client->{pid}, $seconds);
    my $said = slurp($client->{out});
    stop($client) unless defined $status;
    delete $running{$client->{pid}};
    die "$command[0] does not end\n" unless defined $status;
    return ($status, $said);
}

# The same for one that must succeed: what it said.
sub run_client
{
    my ($status, $said) = _run(@_);

    die "$_[2]: status $status: ", join(' | ', tail($said, 3)), "\n" if $status;
    return $said;
}

sub _children
{
    my ($pid) = @_;

    return split ' ', slurp("/proc/$pid/task/$pid/children") // '';
}

# The workers of a server; one that has none works itself.
sub refresh
{
    my ($s) = @_;
    my @workers = _children($s->{pid});

    $s->{workers} = @workers ? \@workers : [$s->{pid}];
    return "@{$s->{workers}}";
}

# --- servers ------------------------------------------------------------------------------------

sub open_port { return Test::Weir::Port->lease }

sub _write_conf
{
    my ($name, $text, $port, %values) = @_;
    my $prefix = directory($name);

    mkdir "$prefix/logs";
    $text =~ s/%%PORT%%/$port->number/ge;
    $text =~ s/%%(\w+)%%/$values{$1} \/\/ die "no value for $1\n"/ge;
    spew("$prefix/bench.conf", $text);
    return ('-p', "$prefix/", '-c', "$prefix/bench.conf", '-e', 'stderr');
}

# Nothing when the program takes the configuration, else its complaint.
sub refused
{
    my ($name, $kind, $text, %values) = @_;
    my ($status, $said) =
        _run({}, 30, binary($kind), '-t', _write_conf($name, $text, open_port(), %values));

    return unless $status;
    return $said =~ /\[emerg\] (?:\d+#\d+: )?(.*?)(?: in \S+:\d+)?$/m ? $1 : "status $status";
}

# Starts weir or nginx and waits until it answers. Options: cpu, files (descriptors it may have).
sub start_server
{
    my ($name, $kind, $opt, $text, %values) = @_;
    my $port = open_port();
    my @words = (binary($kind), _write_conf($name, $text, $port, %values));

    unshift @words, 'prlimit', "--nofile=$opt->{files}:$opt->{files}" if $opt->{files};
    my $s = start($name, $opt->{cpu} // SERVER_CPU, @words);
    $s->{port} = $port;
    poll_until(10, sub { _children($s->{pid}) && eval { get($s, '/'); 1 } })
        or die "$name does not start: ", join(' | ', tail(slurp($s->{out}), 3)), "\n";
    refresh($s);
    return $s;
}

# One request on a connection of its own: a response as Test::Weir::Conn->read_response gives it.
sub get
{
    my ($s, $path, @headers) = @_;
    my %has = map { (lc((split /:/)[0]) => 1) } @headers;

    unshift @headers, 'Host: localhost' unless $has{host};
    push @headers, 'Connection: close' unless $has{connection};
    my $conn = Test::Weir::Conn->new($s->{port}->number);
    $conn->write(join "\r\n", "GET $path HTTP/1.1", @headers, '', '');
    my $answer = $conn->read_response or die "$s->{name} closes without an answer\n";
    die "$s->{name}: $answer->{error}\n" if $answer->{error};
    return $answer;
}

# --- what they use ------------------------------------------------------------------------------

# Nanoseconds of CPU of all workers so far. The count of a running task lags by a tick, so this
# waits until they sleep.
sub cpu_ns
{
    my ($s) = @_;
    my $last = -1;
    my $read = sub {
        my $sum = 0;
        for my $file (map { glob "/proc/$_/task/*/schedstat" } @{$s->{workers}}) {
            $sum += (split ' ', slurp($file) // '0')[0];
        }
        my $same = $sum == $last;
        $last = $sum;
        return $same;
    };

    poll_until(1, $read);
    return $last;
}

# A field of /proc/PID/status in bytes, summed over the workers.
sub memory
{
    my ($s, $field) = @_;
    my $sum = 0;

    for my $pid (@{$s->{workers}}) {
        my ($kib) = (slurp("/proc/$pid/status") // '') =~ /^$field:\s+(\d+) kB/m
            or die "$s->{name}: no $field of process $pid\n";
        $sum += $kib * 1024;
    }
    return $sum;
}

1;
