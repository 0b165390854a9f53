# Test library: runs a server from scenario files or plain Perl; see t/lib/Test/README.md.
# Owns, per object: a prefix directory, the leases of its ports and the server processes started.
package Test::Weir;

use strict;
use warnings;
use Carp qw(croak);
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Path qw(make_path remove_tree);
use File::Spec;
use File::Temp qw(tempdir);
use Scalar::Util qw(weaken);
use Test::More import => [qw(diag fail ok)];
use Test::Weir::Conf qw(bootstrap globals listen_targets oracle_text value);
use Test::Weir::Http qw(get http request);
use Test::Weir::Oracle;
use Test::Weir::Port;
use Test::Weir::Process qw(reap spawn);
use Test::Weir::Util qw(alive group_pids limit poll_until processes slurp spew tail tcp_sockets);

our @EXPORT = (
    grep({ $_ ne 'done_testing' } @Test::More::EXPORT),
    qw(done_testing get http limit on_oracle request run_tests skip_file skip_without skipped
        wait_for),
);

my $root = abs_path(dirname(__FILE__) . '/../../..');
my $owner = $$;
my @servers;

my $sanitizer = qr/ERROR: \w+Sanitizer|runtime error:/;
my $grave = qr/^\S+ \S+ \[(?:alert|emerg|crit)\]/;

# A hung step has its own limit; this one catches loops of the test itself.
my $file_limit = ($ENV{WEIR_FILE_TIMEOUT} || 600) * ($ENV{WEIR_TIMEOUT_FACTOR} || 1);

# Cleans up and ends as the signal would have ended it. No exit, and nothing of Test::More: the
# signal may have come in the middle of a test's report.
sub _die_by_signal
{
    my ($name) = @_;

    if ($$ == $owner) {
        print STDERR "# the test file took longer than $file_limit s\n" if $name eq 'ALRM';
        $_->_dispose for grep { defined } @servers;
    }
    $SIG{$name} = 'DEFAULT';
    kill $name => $$;
}

sub import
{
    my $class = shift;
    my $package = caller;

    strict->import;
    warnings->import;
    no strict 'refs';
    for my $name (@EXPORT) {
        my ($sigil, $bare) = $name =~ /^([\$\@%]?)(\w+)/;
        my $from = defined &{"Test::Weir::$bare"} ? 'Test::Weir' : 'Test::More';
        *{"${package}::$bare"} = $sigil eq '$' ? \${"${from}::$bare"} : \&{"${from}::$bare"};
    }
    umask 022;
    $SIG{PIPE} = 'IGNORE';
    $SIG{$_} = \&_die_by_signal for qw(INT TERM HUP ALRM);
    alarm $file_limit;
}

# --- files and configuration ------------------------------------------------------------------

# Options: name (for messages of this library).
sub new
{
    my ($class, %opt) = @_;
    my $dir = tempdir('weir-test-XXXXXX', TMPDIR => 1);
    my $self = bless {name => $opt{name} // 'server', dir => $dir, ports => {}, text => '',
        inject => 1, groups => {}, allowed => [], owner => $$}, $class;

    # Workers run as another user when the tests run as root.
    chmod 0755, $dir;
    mkdir "$dir/$_" for qw(conf html logs);
    push @servers, $self;
    weaken $servers[-1];
    return $self;
}

sub binary
{
    my $path = on_oracle() ? $ENV{WEIR_ORACLE} : $ENV{WEIR_BINARY} || "$root/objs/weir";

    croak "$path is no program: build first, or set WEIR_BINARY" unless -x $path;
    return File::Spec->rel2abs($path);
}

# The name before the colon in messages, and in process titles.
sub program { return on_oracle() ? 'nginx' : 'weir' }

sub dir { return $_[0]{dir} }

sub port
{
    my ($self, $number) = @_;

    return ($self->{ports}{$number // 0} //= Test::Weir::Port->lease)->number;
}

# Replaces %%PORT%%, %%PORT1%%..., %%DIR%%, %%CONF%%, %%NAME%% and %%SRC%%.
sub expand
{
    my ($self, $text) = @_;
    my %fixed = (DIR => $self->{dir}, CONF => "$self->{dir}/conf/weir.conf", SRC => $root,
        NAME => program());

    $text =~ s{%%([A-Z]+)(\d*)%%}{
        $1 eq 'PORT' ? $self->port($2 || 0) : $fixed{"$1$2"} // croak "unknown placeholder %%$1$2%%"
    }ge;
    return $text;
}

# Writes a file below the prefix, with placeholders replaced. Options: mode, mtime, raw (no
# placeholders). A name that ends in / makes a directory. Returns the full path.
sub write_file
{
    my ($self, $name, $content, %opt) = @_;
    my $path = "$self->{dir}/$name";

    croak "bad file name $name" if $name =~ m{(?:^|/)\.\.(?:/|$)|^/};
    if ($name =~ m{/$}) {
        make_path($path);
    } else {
        make_path(dirname($path));
        spew($path, $opt{raw} ? $content : $self->expand($content));
    }
    chmod $opt{mode}, $path if defined $opt{mode};
    utime $opt{mtime}, $opt{mtime}, $path if defined $opt{mtime};
    return $path;
}

sub _install_conf
{
    my ($self, $text) = @_;

    $self->{text} = $text;
    $text = oracle_text($text) if $self->{inject} && on_oracle();
    spew("$self->{dir}/conf/weir.conf", $text);
}

# Writes the configuration, conf/weir.conf. Option: inject => 0 leaves everything to the text;
# otherwise -g gives `daemon off`, `pid` and `error_log ... info` where the text does not.
sub write_conf
{
    my ($self, $text, %opt) = @_;

    $self->{inject} = $opt{inject} // 1;
    $self->_install_conf($self->expand($text));
    return "$self->{dir}/conf/weir.conf";
}

# The switches that every call of the binary for this server has.
sub switches
{
    my ($self, $foreground) = @_;
    my $globals = $self->{inject} ? globals($self->{text}, $foreground // 1) : '';
    my @switches = ('-p', "$self->{dir}/", '-c', "$self->{dir}/conf/weir.conf");

    push @switches, '-e', 'logs/error.log';
    push @switches, '-g', $globals if $globals ne '';
    return @switches;
}

sub error_log { return slurp("$_[0]{dir}/" . ($_[1] // 'logs/error.log')) // '' }

sub access_log { return slurp("$_[0]{dir}/" . ($_[1] // 'logs/access.log')) // '' }

sub stderr { return slurp("$_[0]{dir}/stderr") // '' }

# Lines of the error log that would fail the check at the end of the server's life.
sub allow_log
{
    my ($self, @patterns) = @_;

    push @{$self->{allowed}}, @patterns;
    return $self;
}

# --- processes ----------------------------------------------------------------------------------

# Runs the binary with exactly these arguments to its end; options may stand first as a hash:
# those of Test::Weir::Process::spawn, and timeout. {status, out, err}; status is "timeout" when it
# had to be killed.
sub run_cli
{
    my ($self, @args) = @_;
    my %opt = ref $args[0] ? %{shift @args} : ();
    my $number = ++$self->{runs};

    $opt{$_} = "$self->{dir}/run.$number.$_" for qw(out err);
    my $pid = spawn(\%opt, binary(), @args);
    $self->{groups}{$pid} = 1;
    my $status = reap($pid, $opt{timeout});
    if (!defined $status) {
        kill KILL => -$pid;
        reap($pid);
        $status = 'timeout';
    }
    delete $self->{groups}{$pid} unless group_pids($pid);
    # What a short run logs is its caller's affair; it does not tell about the server.
    $self->allow_log(qr/^\S+ \S+ \[\w+\] $pid#/);
    my $result = {status => $status, out => slurp($opt{out}) // '', err => slurp($opt{err}) // ''};
    unlink $opt{out}, $opt{err};
    fail("$self->{name} @args: $result->{err}") if $result->{err} =~ $sanitizer;
    return $result;
}

# run_cli with the switches that name this server.
sub run_conf
{
    my ($self, @args) = @_;
    my @opt = ref $args[0] ? shift @args : ();

    return $self->run_cli(@opt, $self->switches, @args);
}

sub pid_file
{
    my ($self) = @_;

    return File::Spec->rel2abs(value($self->{text}, 'pid') // 'logs/weir.pid', $self->{dir});
}

# The process that the pid file names; after an upgrade that is the new one.
sub master_pid
{
    my ($self) = @_;
    my ($pid) = (slurp($self->pid_file) // '') =~ /^(\d+)\n?\z/;

    return $pid // $self->{pid};
}

# Children of the master: pid => title.
sub children
{
    my ($self) = @_;
    my ($all, $master) = (processes(), $self->master_pid // return {});

    return {map { $_ => $all->{$_}{title} } grep { $all->{$_}{ppid} == $master } keys %$all};
}

# Pids of the workers, without those that are shutting down.
sub worker_pids
{
    my ($self) = @_;
    my $children = $self->children;

    return grep { $children->{$_} =~ /: worker process$/ } sort { $a <=> $b } keys %$children;
}

sub signal
{
    my ($self, $name) = @_;

    return kill $name => $self->master_pid;
}

sub _listening
{
    my @targets = @_;
    my %ports = map { $_->{local} => 1 } grep { $_->{state} == 0x0A } tcp_sockets();

    return !grep { m{^/} ? !-S : !$ports{$_} } @targets;
}

sub _targets
{
    my ($self) = @_;

    return map { /^\d+$/ || m{^/} ? $_ : "$self->{dir}/$_" } listen_targets($self->{text});
}

sub _ready
{
    my ($self) = @_;
    my $text = $self->{text};
    my ($workers) = (value($text, 'worker_processes') // '1') =~ /^(\d+)$/;

    $workers //= 1;
    $workers = 0 if (value($text, 'master_process') // '') eq 'off';
    my ($pid) = (slurp($self->pid_file) // '') =~ /^(\d+)\n/ or return 0;
    return alive($pid) && $self->worker_pids >= $workers && _listening($self->_targets);
}

sub _fail_start
{
    my ($self, $why) = @_;

    $self->_kill_all;
    croak "$self->{name} $why\n" . join "\n", tail($self->stderr, 20), tail($self->error_log, 10);
}

sub _start_cold
{
    my ($self, $opt) = @_;
    my $pid = spawn({%$opt, out => "$self->{dir}/stdout", err => "$self->{dir}/stderr"},
        binary(), $self->switches(!$opt->{daemon}));
    my $status;

    $self->{groups}{$pid} = 1;
    $self->{pid} = $pid unless $opt->{daemon};
    if ($opt->{daemon}) {
        $status = reap($pid);
        $self->_fail_start('did not go into the background') unless defined $status;
        $self->_fail_start("exited with status $status at start") if $status;
    }
    my $ready = poll_until(undef, sub {
        return 'ended' if !$opt->{daemon} && defined($status = reap($pid, 0));
        return $self->_ready;
    });
    delete $self->{pid} if defined $status;
    $self->_fail_start("exited with status $status at start") if ($ready // '') eq 'ended';
    $self->_fail_start('does not listen in time') unless $ready;
    $self->_remember_groups;
}

# Starts in the foreground and returns when every address that the configuration listens on does
# so and the workers are there; dies when that fails. Options: those of spawn; cold (start with
# the configuration even in a reload run).
sub start
{
    my ($self, %opt) = @_;
    my $text = $self->{text};
    my $single = (value($text, 'master_process') // '') eq 'off';

    binary();
    croak "$self->{name} runs already" if $self->{running};
    @$self{qw(running passing)} = (1, Test::More->builder->is_passing);
    return $self->_start_cold(\%opt) if !$ENV{WEIR_RELOAD} || $opt{cold} || $single;
    $self->start_empty(\%opt);
    $self->_install_conf($text);
    my ($status, $output) = $self->reload;
    $self->_fail_start("refused the configuration at reload, status $status:\n$output") if $status;
}

# The server of a reload run before its configuration comes; @keep names the directives to take
# over, where the usual set is not wanted.
sub start_empty
{
    my ($self, $opt, @keep) = @_;
    my $text = $self->{text};

    $self->_install_conf(bootstrap($text, @keep));
    @$self{qw(running passing)} = (1, Test::More->builder->is_passing);
    return $self->_start_cold($opt);
}

# Starts without `daemon off`: the parent goes and the server lives on in the background.
sub start_daemon
{
    my ($self, %opt) = @_;

    return $self->start(%opt, daemon => 1, cold => 1);
}

# Loads the configuration as it is on disk now: (status, output); the status is 0 when it is in
# use and its addresses listen. What a refused reload logs is not held against the server.
sub reload
{
    my ($self) = @_;
    my $before = length $self->error_log;
    my %old = map { $_ => 1 } $self->worker_pids;
    my $run = $self->run_conf('-s', 'reload');
    my ($status, $output) = ($run->{status}, $run->{out} . $run->{err});

    if (on_oracle() && $status eq '0') {
        # It does not tell the outcome: a new set of workers or an [emerg] line does.
        my $done = poll_until(undef, sub {
            return 'refused' if substr($self->error_log, $before) =~ /$grave/m;
            my @now = $self->worker_pids;
            return @now && !grep({ $old{$_} } @now) && _listening($self->_targets);
        });
        $status = 1 if !$done || $done eq 'refused';
    } elsif ($status eq '0' && !poll_until(undef, sub { _listening($self->_targets) })) {
        ($status, $output) = (1, "${output}reload reported success, but an address is silent\n");
    }
    if ($status ne '0') {
        my $new = substr $self->error_log, $before;
        $output .= $new if on_oracle();
        push @{$self->{allowed}}, map { qr/^\Q$_\E$/ } grep { /$grave/ } split /\n/, $new;
    }
    return ($status, $output);
}

# --- end of a server's life -----------------------------------------------------------------------

# Process groups of everything that was started here, so that nothing can be left behind.
sub _remember_groups
{
    my ($self) = @_;
    my $all = processes();
    my $file = $self->pid_file;

    for my $path ($file, "$file.oldbin") {
        my ($pid) = (slurp($path) // '') =~ /^(\d+)/ or next;
        my $p = $all->{$pid} // next;
        # Only what is ours: the pid may have been given to somebody else.
        next unless $p->{title} =~ /\Q$self->{dir}\E/ || $pid == ($self->{pid} // 0);
        $self->{groups}{$p->{pgrp}} = 1 unless $p->{pgrp} == getpgrp;
    }
}

sub _left
{
    my ($self) = @_;

    return map { group_pids($_) } keys %{$self->{groups}};
}

sub _kill_all
{
    my ($self) = @_;

    $self->_remember_groups;
    if ($self->_left) {
        kill TERM => map { -$_ } keys %{$self->{groups}};
        poll_until(2, sub {
            delete $self->{pid} if $self->{pid} && defined reap($self->{pid}, 0);
            return !$self->_left;
        });
        if ($self->_left) {
            kill KILL => map { -$_ } keys %{$self->{groups}};
            poll_until(2, sub { !$self->_left });
        }
    }
    reap($self->{pid}, 1) if $self->{pid};
    delete @$self{qw(pid running)};
    $self->{groups} = {};
}

sub _bad_lines
{
    my ($self) = @_;
    my @files = (glob("$self->{dir}/logs/*err*"), "$self->{dir}/stderr");
    my $logs = join "\n", map { slurp($_) // '' } @files;
    my @bad;

    for my $line (split /\n/, $logs) {
        next unless $line =~ $sanitizer || $line =~ $grave;
        next if $line !~ $sanitizer && grep { $line =~ $_ } @{$self->{allowed}};
        push @bad, "logged: $line";
    }
    return @bad;
}

# Shows the ends of the logs after a failure: what was not shown before, and of the error log
# what stands after the offset $from.
sub show_logs
{
    my ($self, $from) = @_;
    my %start = (stderr => 0, error => $from // 0);

    $self->{passing} = 0;
    for my $log (['stderr', $self->stderr], ['error', $self->error_log]) {
        my ($what, $text) = @$log;
        my $shown = $self->{shown}{$what} // 0;
        my $offset = $shown > $start{$what} ? $shown : $start{$what};
        my @lines = $offset < length $text ? tail(substr($text, $offset), 20) : ();
        diag("$self->{name}, end of $what log:") if @lines;
        diag("    $_") for @lines;
        $self->{shown}{$what} = length $text;
    }
}

# Stops with a signal (QUIT when none is named), waits for the end and checks it, as one test:
# exit status, log lines of level crit and above, sanitizer reports, processes or a pid file left.
# Returns the exit status (undef for a daemon, which is not our child). Options: expect (status,
# default 0), orphans (surviving workers are killed and not held against it), timeout, gone (the
# server is expected to have ended by itself; no signal is sent).
sub stop
{
    my ($self, $signal, %opt) = @_;
    my ($master, $child, @bad, $status) = ($self->master_pid, $self->{pid});

    croak "$self->{name} does not run" unless $self->{running};
    $self->_remember_groups;
    if (!$opt{gone} && !($master && alive($master) && kill $signal // 'QUIT' => $master)) {
        push @bad, 'had ended before it was stopped';
    }
    my $ended = poll_until($opt{timeout}, sub {
        $status //= reap($child, 0) if $child;
        return (!$child || defined $status) && !($master && alive($master));
    });
    if (!$ended) {
        push @bad, 'does not stop in time';
    } elsif ($child) {
        delete $self->{pid};
        push @bad, "exit status $status" if $status != ($opt{expect} // 0);
    }
    if ($ended && !$opt{orphans}) {
        my @left = $self->_left;
        push @bad, "processes left: @left" if @left;
        push @bad, 'pid file left' if !$opt{expect} && -e $self->pid_file;
    }
    $self->_kill_all;
    push @bad, $self->_bad_lines;
    ok(!@bad, "$self->{name} ended cleanly");
    diag("$self->{name}: $_") for @bad;
    $self->show_logs if @bad || $self->{passing} && !Test::More->builder->is_passing;
    return $status;
}

sub _dispose
{
    my ($self) = @_;

    return if $self->{owner} != $$ || $self->{disposed}++;
    $self->_kill_all;
    kill KILL => map { -$_ } keys %{$self->{parts} // {}};
    if ($ENV{WEIR_KEEP}) {
        print STDERR "# $self->{name} kept in $self->{dir}\n";
    } else {
        remove_tree($self->{dir}, {error => \my $ignored});
    }
}

sub DESTROY
{
    my ($self) = @_;
    local ($@, $?, $!);

    fail("$self->{name} went out of scope while it was running")
        if $self->{running} && $self->{owner} == $$ && ${^GLOBAL_PHASE} eq 'RUN';
    $self->_dispose;
}

END {
    if ($$ == $owner) {
        my $status = $?;
        alarm 0;
        for my $server (grep { defined } @servers) {
            if ($server->{running}) {
                diag("$server->{name} was still running at the end of the file");
                $status ||= 1;
            }
            $server->_dispose;
        }
        $? = $status;
    }
}

# --- functions ------------------------------------------------------------------------------------

# wait_for { condition } $seconds, 'what': the condition's value; fails the test when it does not
# come true in time.
sub wait_for (&;$$)
{
    my ($condition, $seconds, $what) = @_;
    my $value = poll_until($seconds, $condition);

    fail('waited in vain for ' . ($what // 'a condition')) unless $value;
    return $value;
}

# Leaves the whole file out while weir has no such directive; before the first test.
sub skip_without
{
    my ($directive) = @_;
    return if on_oracle();
    my $binary = binary();

    Test::More::plan(skip_all => "there is no $directive yet")
        unless `'$binary' directives` =~ /^\Q$directive\E\t/m;
}

sub run_tests
{
    require Test::Weir::Blocks;
    Test::Weir::Blocks::run_file((caller)[1]);
    done_testing();
}

# Stops what still runs, with its checks, and ends the file.
sub done_testing
{
    $_->stop for grep { defined && $_->{running} } @servers;
    Test::Weir::Oracle::report();
    return Test::More::done_testing();
}

1;
